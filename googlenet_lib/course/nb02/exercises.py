"""Exercises and predictions of notebook 02, one by one."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_pre_hook

from googlenet_lib.course.kit.checking import call, told_call
from googlenet_lib.course.kit.comparing import describe, difference
from googlenet_lib.course.kit.exercise import Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.modules import Build, convs, same_layers
from googlenet_lib.network.table1 import output_size

# ---- 02.1 ----------------------------------------------------------------------------------------


def _negative(answer: Any) -> None:
    row, bias = _row_and_bias(answer)
    draw = torch.Generator().manual_seed(2)
    picture = torch.rand(3, 5, 7, generator=draw)
    made = sum(weight * channel for weight, channel in zip(row, picture, strict=True)) + bias
    if torch.allclose(made, 1 - picture[1], atol=1e-5):
        return
    if not all(map(math.isfinite, (*row, bias))):
        raise Wrong("there is nan or inf among the numbers; expected are four plain ones")
    if row[0] or row[2]:
        raise Wrong(
            "red or blue still has a weight, so that they show too; only green is asked for"
        )
    if row[1] > 0:
        raise Wrong("where green is bright, your picture is bright too; what turns that round?")
    if row[1] == 0:
        raise Wrong("green has no weight, so that your picture is the same everywhere")
    if made.max() <= 0:
        raise Wrong(
            f"your picture runs from {made.min():.2f} to {made.max():.2f}, never above zero; the "
            "direction is right. What lifts every place by the same amount?"
        )
    raise Wrong(
        f"a place with green 0 gives {bias:.2f} and one with green 1 gives {row[1] + bias:.2f}; "
        "which two numbers should they be in a negative?"
    )


def _row_and_bias(answer: Any) -> tuple[list[float], float]:
    try:
        row, bias = answer
        row, bias = [float(weight) for weight in row], float(bias)
    except (TypeError, ValueError):
        raise Wrong(
            f"{describe(answer)} came; expected (row, bias): three numbers in a list, and a number"
        ) from None
    if len(row) != 3:
        raise Wrong(f"the row has {len(row)} weights; a picture has three channels")
    return row, bias


NEGATIVE = Exercise(
    "02.1",
    "A row that makes a negative",
    kind="value",
    test=_negative,
    hints=(
        "Only one of the three channels counts. What are the weights of the other two?",
        "Bright must become dark: which sign has green's weight?",
        "With that alone 0 stays 0 and 1 becomes -1. The bias lifts both by the same amount.",
    ),
    why="three weights and a bias are all that one output channel of a 1x1 has to choose.",
)

# ---- 02.2 ----------------------------------------------------------------------------------------


def _pictures_weights_biases() -> list[tuple[Tensor, ...]]:
    draw, cases = torch.Generator().manual_seed(2), []
    for n, inputs, outputs, height, width in ((2, 3, 5, 4, 6), (1, 4, 4, 4, 4), (3, 2, 1, 1, 1)):
        sizes = ((n, inputs, height, width), (outputs, inputs), (outputs,))
        cases.append(tuple(torch.randn(size, generator=draw) for size in sizes))
    return cases


def _without_conv2d(answer: Callable[..., Any]) -> None:
    used: list[nn.Module] = []
    watch = register_module_forward_pre_hook(
        lambda module, _: used.append(module) if isinstance(module, nn.Conv2d) else None
    )
    try:
        for args in ONE_BY_ONE.cases:
            call(answer, *args)
    finally:
        watch.remove()
    if used:
        raise Wrong("its values are right, but `nn.Conv2d` makes them. Do without it, by hand")


def _rows_of_no_pixel(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    y = x.reshape(-1, channels) @ weight.T + bias
    return y.reshape(n, height, width, len(weight)).permute(0, 3, 1, 2)


ONE_BY_ONE = Exercise(
    "02.2",
    "A 1x1 without nn.Conv2d",
    solution=lambda x, weight, bias: F.conv2d(x, weight[:, :, None, None], bias),
    cases=_pictures_weights_biases(),
    test=_without_conv2d,
    slips=slips(
        "The bias is missing.",
        lambda x, w, b: torch.einsum("nchw,oc->nohw", x, w),
        "The channels stand last; PyTorch's pictures are (N, C, H, W): move them back.",
        lambda x, w, b: x.permute(0, 2, 3, 1) @ w.T + b,
        "`reshape` has cut the numbers anew, without moving them: a pixel's channels are no longer "
        "together. `permute` moves an axis.",
        lambda x, w, b: (x.permute(0, 2, 3, 1) @ w.T + b).reshape(len(x), len(w), *x.shape[2:]),
        "The rows that you multiply are not the channels of one pixel: `reshape` alone does not "
        "bring the channels to the end. `permute` first.",
        _rows_of_no_pixel,
    ),
    look="Every place has the vector of its C channels; each output is one weighted sum of it.",
    hints=(
        "Every pixel is a vector of C numbers; `weight` (out, C) turns it into `out` others.",
        "`x.permute(0, 2, 3, 1)` puts the channels last, where `@ weight.T` can reach them.",
        'Or say it in one line: `torch.einsum("nchw,oc->nohw", x, weight)`. The bias needs '
        "`bias[:, None, None]` to reach its channel.",
    ),
    why="a 1x1 convolution is one matrix, applied at every place.",
)

# ---- 02.3 ----------------------------------------------------------------------------------------


def _build(*args: int, **named: int) -> Build:
    """What is given by place, and by name; a stride and a padding by place come last."""
    inputs, outputs, kernel = args[:3]
    stride, padding = args[3:] or (named.get("stride", 1), named.get("padding", 0))
    large = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    told = ", ".join([*map(str, args), *(f"{name}={value}" for name, value in named.items())])
    return Build(
        args,
        told,
        {"": [large, nn.ReLU(), *convs(outputs, (outputs, 1), (outputs, 1))]},
        [(2, inputs, 11, 9)],
        named,
        advice="stride and padding belong to the large kernel alone; without a word they are 1 "
        "and 0",
    )


NETWORK_IN_NETWORK = Exercise(
    "02.3",
    "A block of Network in Network",
    kind="class",
    test=same_layers(
        _build(3, 8, 5, 1, 2),
        _build(4, 6, 3, stride=2, padding=1),
        _build(3, 5, 5),
        _build(5, 5, 4, stride=3),
        _build(2, 4, 3, padding=2),
    ),
    hints=(
        "Three layers: one `nn.Conv2d` with the kernel, two with `kernel_size=1`.",
        "`stride` and `padding` go to the first one alone. All three give `out_channels`.",
        "`nn.Sequential` of six: convolution, ReLU, 1x1, ReLU, 1x1, ReLU; `forward` calls it.",
    ),
    why="that is Network in Network: a small network of its own at every place.",
)

SIZE = Exercise(
    "02.4",
    "How many places",
    solution=lambda size, kernel, stride=1, padding=0: output_size(size, kernel, stride, padding),
    cases=[
        (28, 1, 1, 0),
        (28, 5, 1, 2),
        (28, 5, 1, 0),
        (224, 7, 2, 3),
        (8, 3, 2, 0),
        (9, 3, 3, 1),
        (5, 5, 4, 0),
        (28, 5, 2, 1),
        (10, 2, 3, 3),
        (28, 5),
        (28, 5, 2),
    ],
    slips=slips(
        "Those are the steps between the windows; how many windows stand at the ends of three "
        "steps?",
        lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) // stride,
        "Padding is added on both sides.",
        lambda size, kernel, stride=1, padding=0: (size + padding - kernel) // stride + 1,
        "The last window would hang over the edge: a convolution drops it.",
        lambda size, kernel, stride=1, padding=0: -(-(size + 2 * padding - kernel) // stride) + 1,
        "There is no half position: `//` rounds down.",
        lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) / stride + 1,
        "The first window stands before any step: add it after dividing.",
        lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel + 1) // stride,
        "Padding is not in it.",
        lambda size, kernel, stride=1, padding=0: (size - kernel) // stride + 1,
        "The stride is not in it.",
        lambda size, kernel, stride=1, padding=0: size + 2 * padding - kernel + 1,
        "That is so if half a kernel of padding stands on both sides. Here it may be any.",
        lambda size, kernel, stride=1, padding=0: -(-size // stride),
    ),
    look="How far can the window slide, how long is a step, and where does it stand at first? "
    "Without a word, stride is 1 and padding 0.",
    hints=(
        "Padding widens the input on both sides.",
        "The window can slide by the widened size less the kernel; count whole strides in it.",
        "`//` rounds down; the place where it stands at first is one more.",
    ),
    why="one formula for convolutions and pools, and a 1x1 with stride 1 changes no size.",
)

COST = Exercise(
    "02.5",
    "What a convolution costs",
    solution=lambda inputs, outputs, kernel, size: size**2 * outputs * kernel**2 * inputs,
    cases=[(192, 32, 5, 28), (192, 16, 1, 28), (3, 64, 7, 112)],
    slips=slips(
        "You add the number of values to what one of them costs: every value costs it.",
        lambda inputs, outputs, kernel, size: size**2 * outputs + kernel**2 * inputs,
        "That is the cost if a filter saw a single channel; it sees all that come in.",
        lambda inputs, outputs, kernel, size: size**2 * outputs * kernel**2,
        "The map has a height and a width.",
        lambda inputs, outputs, kernel, size: size * outputs * kernel**2 * inputs,
        "The kernel has a height and a width.",
        lambda inputs, outputs, kernel, size: size**2 * outputs * kernel * inputs,
        "Those are the weights; each of them works at every place.",
        lambda inputs, outputs, kernel, size: outputs * kernel**2 * inputs,
        "Those are operations: a multiply-add counts as one here.",
        lambda inputs, outputs, kernel, size: 2 * size**2 * outputs * kernel**2 * inputs,
    ),
    look="How many values come out, and what does one of them cost?",
    hints=(
        "How many values come out? `out_size` places each way, `out_channels` at each.",
        "One value is a sum over the window: how many taps, on how many channels?",
        "Everything is multiplied, nothing is added.",
    ),
    why="every weight works once at every place.",
)

# ---- 02.6 ----------------------------------------------------------------------------------------


class _Unused(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return self[0](x)


def _networks() -> dict[str, tuple[nn.Module, str]]:
    """By what each is called: a network, and what to say if it was miscounted."""
    conv, twice = nn.Conv2d, nn.Conv2d(3, 3, 3, padding=1)
    inner = nn.Sequential(nn.ReLU(), nn.Sequential(conv(4, 5, 3)))
    return {
        "two convolutions": (
            nn.Sequential(conv(3, 4, 3, padding=1), nn.ReLU(), conv(4, 2, 1)),
            "Output values times weights of one filter.",
        ),
        "a stride of 2": (
            nn.Sequential(conv(3, 8, 3, stride=2), nn.MaxPool2d(2)),
            "Fewer places remain: take the size of what comes out.",
        ),
        "groups of channels": (
            nn.Sequential(conv(3, 6, 3, groups=3, padding=1), conv(6, 8, 1)),
            "A filter of a grouped convolution sees some channels only: `weight[0].numel()` knows.",
        ),
        "a linear layer": (
            nn.Sequential(conv(3, 2, 1), nn.Flatten(), nn.Linear(72, 10)),
            "A linear layer multiplies too.",
        ),
        "kernels of 1x5 and 3x1": (
            nn.Sequential(conv(3, 4, (1, 5)), conv(4, 2, (3, 1))),
            "A kernel need not be square.",
        ),
        "layers within layers": (
            nn.Sequential(conv(3, 4, 1), inner),
            "Layers may stand inside of others: `modules()` finds them at any depth.",
        ),
        "no layer but one convolution": (conv(3, 4, 3), "`modules()` begins with itself."),
        "one layer used twice": (
            nn.Sequential(twice, twice),
            "A hook runs each time its layer does.",
        ),
        "a layer that never runs": (
            _Unused(conv(3, 4, 1), conv(3, 4, 3)),
            "Only what runs is counted.",
        ),
    }


def _count_macs(answer: Callable[..., Any]) -> None:
    for number, (name, (network, advice)) in enumerate(_networks().items()):
        picture = torch.randn(1, 3, 6, 6)
        expected = _macs(network, picture)
        told = f"a network with {name}, a picture of {tuple(picture.shape)}"
        said = told_call(answer, (), told)
        network.train(number % 2 == 0)
        for layer in network.modules():
            layer.register_forward_hook(_somebody_else_s)
        before = _state_of(network)
        results = [call(answer, network, picture, told=told) for _ in range(2)]
        found = difference(results[0], expected)
        if found is not None:
            raise Wrong(f"{said} returned {describe(results[0])}. {found or advice}")
        if results[1] != results[0]:
            raise Wrong(
                f"{said} returned {results[0]:,}, and {describe(results[1])} when called "
                "again: begin from zero, and remove your hooks"
            )
        left = {what for what, value in _state_of(network).items() if value != before[what]}
        if left:
            raise Wrong(
                f"{said} is right, but it leaves {' and '.join(sorted(left))} of the network "
                "changed, for whoever uses it next. Each hook has a handle with a method `remove`, "
                "which takes away that one alone; what else you set, put back"
            )


def _somebody_else_s(*_seen: Any) -> None:
    """A hook that was there before."""


def _state_of(network: nn.Module) -> dict[str, Any]:
    """What nobody should find changed, by what it is called; of hooks, which they are."""
    layers = [*network.modules()]
    return {
        "the hooks": [[*layer._forward_hooks, *layer._forward_pre_hooks] for layer in layers],
        "the mode (training or evaluation)": [layer.training for layer in layers],
        "the attributes": [*network.state_dict(), *(sorted(vars(layer)) for layer in layers)],
        "the parameters": [(p.requires_grad, p._version) for p in network.parameters()],
    }


@torch.no_grad()
def _macs(network: nn.Module, picture: Tensor) -> int:
    """It hooks a copy, so that the hooks of the network itself are those that it was given."""
    costs: list[int] = []
    copied = copy.deepcopy(network)
    for layer in copied.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(
                lambda layer, _, output: costs.append(output.numel() * layer.weight[0].numel())
            )
    copied(picture)
    return sum(costs)


HOOKS = Exercise(
    "02.6",
    "Count with hooks",
    test=_count_macs,
    hints=(
        "`layer.register_forward_hook(f)` calls `f(layer, inputs, output)` each time the layer "
        "runs, and returns a handle with a method `remove()`.",
        "Hook every `nn.Conv2d` and `nn.Linear` among `network.modules()`; append to a list.",
        "One call costs `output.numel() * layer.weight[0].numel()`. Run the network once, remove "
        "all handles, return the sum.",
    ),
    why="it counts what really ran, in any network.",
)


def break_even_width(inputs: int, outputs: int, kernel: int) -> float:
    """The width of a 1x1 at which the way through it costs what the direct one does."""
    return kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs)


BREAK_EVEN = Exercise(
    "02.7",
    "Where the detour stops to pay",
    solution=break_even_width,
    cases=[(192, 32, 5), (192, 128, 3), (832, 128, 5), (16, 24, 4), (64, 64, 1)],
    slips=slips(
        "Do not round: where both ways cost the same, r need not be a whole number.",
        lambda i, o, k: k**2 * i * o // (i + k**2 * o),
        "Do not round: where both ways cost the same, r is seldom a whole number.",
        lambda i, o, k: round(break_even_width(i, o, k)),
        "It is rounded. `round` is for what is shown.",
        lambda i, o, k: round(break_even_width(i, o, k), 1),
        "The kernel is not in it.",
        lambda i, o, k: i * o / (i + o),
        "That leaves out what the 1x1 itself costs.",
        lambda i, o, k: k**2 * i * o / (k**2 * o),
        "After the 1x1 comes the large kernel, with all its taps.",
        lambda i, o, k: k**2 * i * o / (i + o),
        "A kernel has k times k taps.",
        lambda i, o, k: k * i * o / (i + k * o),
    ),
    look="Write both costs at one place, set them equal, and solve for r.",
    hints=(
        "Direct, one place costs kernel² · in · out. How much through r channels?",
        "in · r for the 1x1, and kernel² · r · out after it. Take r out of the sum.",
        "r · (in + kernel² · out) = kernel² · in · out.",
    ),
    why="the map's size cancels: break-even is the same on every map, for work and weights.",
)

EXERCISES = (NEGATIVE, ONE_BY_ONE, NETWORK_IN_NETWORK, SIZE, COST, HOOKS, BREAK_EVEN)

PREDICTIONS = (
    Prediction(
        "02.a",
        "A 1x1 convolution with one output channel on a colour picture only makes it brighter or "
        "darker: true or false?",
        choices=("true", "false"),
    ),
    Prediction(
        "02.b",
        "How many times fewer multiply-adds does the 5x5 take after a 1x1 of width 16, the 1x1 "
        "included?",
        tolerance=1,
        least=0,
        most=1000,
    ),
    Prediction(
        "02.c",
        "From which width r on does the way through the 1x1 cost more than the direct one?",
        tolerance=10,
        least=1,
        most=192,
    ),
    Prediction(
        "02.d",
        "How many percent of the variance of the 96 channels lie in the best 8 directions?",
        tolerance=5,
        least=0,
        most=100,
    ),
)
