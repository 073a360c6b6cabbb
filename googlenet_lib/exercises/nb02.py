"""Exercises and predictions of notebook 02, one by one."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_pre_hook

from googlenet_lib.exercises.comparing import counted, describe, difference
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.tools import (
    Case,
    Slip,
    build,
    call,
    refuse_hidden_layers,
    same_as,
    told_call,
)

# ---- 02.1 a row that makes a negative ------------------------------------------------------------


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
        row = [float(weight) for weight in row]
        bias = float(bias)
    except (TypeError, ValueError):
        raise Wrong(
            f"{describe(answer)} came; expected (row, bias): three numbers in a list, and a number"
        ) from None
    if len(row) != 3:
        raise Wrong(f"the row has {len(row)} weights; a picture has three channels")
    return row, bias


# ---- 02.2 a 1x1 without nn.Conv2d ----------------------------------------------------------------


def _one_by_one(answer: Callable) -> None:
    draw = torch.Generator().manual_seed(2)
    cases = []
    for n, inputs, outputs, height, width in ((2, 3, 5, 4, 6), (1, 4, 4, 4, 4), (3, 2, 1, 1, 1)):
        sizes = ((n, inputs, height, width), (outputs, inputs), (outputs,))
        cases.append(Case(tuple(torch.randn(size, generator=draw) for size in sizes)))
    used: list[nn.Module] = []
    watch = register_module_forward_pre_hook(
        lambda module, _: used.append(module) if isinstance(module, nn.Conv2d) else None
    )
    try:
        _compare_one_by_one(answer, cases)
    finally:
        watch.remove()
    if used:
        raise Wrong("its values are right, but `nn.Conv2d` makes them. Do without it, by hand")


def _compare_one_by_one(answer: Callable, cases: list[Case]) -> None:
    same_as(
        answer,
        lambda x, w, b: F.conv2d(x, w[:, :, None, None], b),
        cases,
        slips=(
            Slip(lambda x, w, b: torch.einsum("nchw,oc->nohw", x, w), "The bias is missing."),
            Slip(
                lambda x, w, b: x.permute(0, 2, 3, 1) @ w.T + b,
                "The channels stand last; PyTorch's pictures are (N, C, H, W): move them back.",
            ),
            Slip(
                lambda x, w, b: (x.permute(0, 2, 3, 1) @ w.T + b).reshape(
                    len(x), len(w), *x.shape[2:]
                ),
                "`reshape` has cut the numbers anew, without moving them: a pixel's channels are "
                "no longer together. `permute` moves an axis.",
            ),
            Slip(
                lambda x, w, b: (
                    (x.reshape(-1, x.shape[1]) @ w.T + b)
                    .reshape(len(x), *x.shape[2:], len(w))
                    .permute(0, 3, 1, 2)
                ),
                "The rows that you multiply are not the channels of one pixel: `reshape` alone "
                "does not bring the channels to the end. `permute` first.",
            ),
        ),
        look="Every place has the vector of its C channels; each output is one weighted sum of it.",
    )


# ---- 02.3 a block of Network in Network ----------------------------------------------------------


MADE = (  # what is given by place, and by name
    ((3, 8, 5, 1, 2), {}),
    ((4, 6, 3), {"stride": 2, "padding": 1}),
    ((3, 5, 5), {}),
    ((5, 5, 4), {"stride": 3}),
    ((2, 4, 3), {"padding": 2}),
)


def _mlpconv(answer: type) -> None:
    for args, named in MADE:
        inputs, _, kernel = args[:3]
        stride, padding = args[3:] or (named.get("stride", 1), named.get("padding", 0))
        block = build(answer, *args, **named)
        refuse_hidden_layers(block)
        x = torch.randn(2, inputs, 11, 9)
        result = call(block, x)
        made = told_call(answer, args, **named)
        large, mixes = _three_layers(block, made, inputs, kernel)
        with torch.no_grad():
            y = F.conv2d(x, large.weight, large.bias, stride, padding).relu()
            expected = [_mixed(y, order) for order in (mixes, mixes[::-1])]
        if not isinstance(result, Tensor):
            raise Wrong(f"forward returned {describe(result)}; expected is one tensor")
        if tuple(result.shape) != tuple(expected[0].shape):
            raise Wrong(
                f"{made}: pictures of {tuple(x.shape)} came out as {tuple(result.shape)}. stride "
                "and padding belong to the large kernel alone; without a word they are 1 and 0"
            )
        for mode in (True, False):
            seen = call(block.train(mode), x)
            if any(torch.allclose(seen, one, atol=1e-5) for one in expected):
                continue
            if seen.min() < 0:
                raise Wrong(
                    "there are values below zero at the end: the last 1x1 has no ReLU behind it"
                )
            raise Wrong(
                f"{made}: with the weights of its own three layers, convolution (zeros around the "
                "picture), ReLU, 1x1, ReLU, 1x1, ReLU gives something else. Is every ReLU there, "
                "every layer used once, and nothing else?"
            )


def _three_layers(
    block: nn.Module, made: str, inputs: int, kernel: int
) -> tuple[nn.Conv2d, list[nn.Module]]:
    """The large convolution and the two 1x1s; nn.Linear at every place is one as well."""
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    sizes = [getattr(layer, "kernel_size", (1, 1)) for layer in layers]
    if sorted(sizes) != [(1, 1), (1, 1), (kernel, kernel)]:
        told = ", ".join(f"{high}x{wide}" for high, wide in sizes) or "no size at all"
        raise Wrong(
            f"{made} holds convolutions of {told}; the block has a large kernel, here {kernel}x"
            f"{kernel}, and two 1x1s"
        )
    large = layers[sizes.index((kernel, kernel))]
    if large.in_channels != inputs:
        raise Wrong(
            f"{made}: the large kernel reads {counted(large.in_channels, 'channel')}, where "
            f"{inputs} come in. It is the first of the three"
        )
    mixes = [layer for layer in layers if layer is not large]
    wide = large.out_channels
    if any(layer.weight.shape[:2] != (wide, wide) for layer in mixes) or large.groups > 1:
        raise Wrong(f"{made}: all three layers give out_channels, and read all channels")
    return large, mixes


def _mixed(y: Tensor, mixes: list[nn.Module]) -> Tensor:
    """The two 1x1s in this order: their names do not say which one is first."""
    for layer in mixes:
        y = F.conv2d(y, layer.weight.flatten(1)[..., None, None], layer.bias).relu()
    return y


# ---- 02.4 and 02.5 sizes and costs ---------------------------------------------------------------


def _output_size(answer: Callable) -> None:
    cases = [
        Case(args)
        for args in ((28, 1, 1, 0), (28, 5, 1, 2), (28, 5, 1, 0), (224, 7, 2, 3), (8, 3, 2, 0),
                     (9, 3, 3, 1), (5, 5, 4, 0), (28, 5, 2, 1), (10, 2, 3, 3), (28, 5), (28, 5, 2))
    ]  # fmt: skip
    same_as(
        answer,
        lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) // stride + 1,
        cases,
        slips=(
            Slip(
                lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) // stride,
                "Those are the steps between the windows; how many windows stand at the ends of "
                "three steps?",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: (size + padding - kernel) // stride + 1,
                "Padding is added on both sides.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: (
                    -(-(size + 2 * padding - kernel) // stride) + 1
                ),
                "The last window would hang over the edge: a convolution drops it.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: (
                    (size + 2 * padding - kernel) / stride + 1
                ),
                "There is no half position: `//` rounds down.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: (
                    (size + 2 * padding - kernel + 1) // stride
                ),
                "The first window stands before any step: add it after dividing.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: (size - kernel) // stride + 1,
                "Padding is not in it.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: size + 2 * padding - kernel + 1,
                "The stride is not in it.",
            ),
            Slip(
                lambda size, kernel, stride=1, padding=0: -(-size // stride),
                "That is so if half a kernel of padding stands on both sides. Here it may be any.",
            ),
        ),
        look="How far can the window slide, how long is a step, and where does it stand at first? "
        "Without a word, stride is 1 and padding 0.",
    )


def _conv_macs(answer: Callable) -> None:
    cases = [Case(args) for args in ((192, 32, 5, 28), (192, 16, 1, 28), (3, 64, 7, 112))]
    same_as(
        answer,
        lambda inputs, outputs, kernel, size: size * size * outputs * kernel * kernel * inputs,
        cases,
        slips=(
            Slip(
                lambda inputs, outputs, kernel, size: size**2 * outputs + kernel**2 * inputs,
                "You add the number of values to what one of them costs: every value costs it.",
            ),
            Slip(
                lambda inputs, outputs, kernel, size: size**2 * outputs * kernel**2,
                "That is the cost if a filter saw a single channel; it sees all that come in.",
            ),
            Slip(
                lambda inputs, outputs, kernel, size: size * outputs * kernel**2 * inputs,
                "The map has a height and a width.",
            ),
            Slip(
                lambda inputs, outputs, kernel, size: size**2 * outputs * kernel * inputs,
                "The kernel has a height and a width.",
            ),
            Slip(
                lambda inputs, outputs, kernel, size: outputs * kernel**2 * inputs,
                "Those are the weights; each of them works at every place.",
            ),
            Slip(
                lambda inputs, outputs, kernel, size: 2 * size**2 * outputs * kernel**2 * inputs,
                "Those are operations: a multiply-add counts as one here.",
            ),
        ),
        look="How many values come out, and what does one of them cost?",
    )


# ---- 02.6 counting by hooks ----------------------------------------------------------------------


def _networks() -> tuple[tuple[str, nn.Module, int, str], ...]:
    """What each is called, the channels that it reads, and what to say if it was miscounted."""
    plain = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    strided = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.MaxPool2d(2))
    grouped = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.Conv2d(4, 8, 1))
    dense = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(72, 10))
    twice = nn.Conv2d(3, 3, 3, padding=1)
    flat = nn.Sequential(nn.Conv2d(3, 4, (1, 5)), nn.Conv2d(4, 2, (3, 1)))
    inner = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(4, 5, 3)))
    nested = nn.Sequential(nn.Conv2d(3, 4, 1), inner)
    return (
        ("two convolutions", plain, 3, "Output values times weights of one filter."),
        ("a stride of 2", strided, 3, "Fewer places remain: take the size of what comes out."),
        ("groups of channels", grouped, 4,
         "A filter of a grouped convolution sees some channels only: `weight[0].numel()` knows."),
        ("a linear layer", dense, 3, "A linear layer multiplies too."),
        ("kernels of 1x5 and 3x1", flat, 3, "A kernel need not be square."),
        ("layers within layers", nested, 3,
         "Layers may stand inside of others: `modules()` finds them at any depth."),
        ("no layer but one convolution", nn.Conv2d(3, 4, 3), 3, "`modules()` begins with itself."),
        ("one layer used twice", nn.Sequential(twice, twice), 3,
         "A hook runs each time its layer does."),
        ("a layer that never runs", _Unused(), 3, "Only what runs is counted."),
    )  # fmt: skip


class _Unused(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x)


def _count_macs(answer: Callable) -> None:
    for number, (name, network, channels, advice) in enumerate(_networks()):
        picture = torch.randn(1, channels, 6, 6)
        expected = _macs(network, picture)
        told = f"a network with {name}, a picture of {tuple(picture.shape)}"
        said = told_call(answer, (), told)
        network.train(number % 2 == 0)
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
                "changed, for whoever uses it next: keep the handles of your hooks and call "
                "`remove()` on each, and put back what you set"
            )


def _state_of(network: nn.Module) -> dict[str, Any]:
    """What nobody should find changed, by what it is called."""
    layers = [*network.modules()]
    return {
        "the hooks": [[*layer._forward_hooks, *layer._forward_pre_hooks] for layer in layers],
        "the mode (training or evaluation)": [layer.training for layer in layers],
        "the attributes": [*network.state_dict(), *(sorted(vars(layer)) for layer in layers)],
        "the parameters": [(p.requires_grad, p._version) for p in network.parameters()],
    }


def _macs(network: nn.Module, picture: Tensor) -> int:
    """It hooks a copy, so that the hooks of the network itself are those that it was given."""
    total, network = 0, copy.deepcopy(network)

    def count(layer: nn.Module, _inputs: tuple, output: Tensor) -> None:
        nonlocal total
        total += output.numel() * layer.weight[0].numel()

    kinds = (nn.Conv2d, nn.Linear)
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    for layer in layers:
        layer.register_forward_hook(count)
    with torch.no_grad():
        network(picture)
    return total


# ---- 02.7 break-even -----------------------------------------------------------------------------


def _break_even(answer: Callable) -> None:
    same_as(
        answer,
        lambda inputs, outputs, kernel: (
            kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs)
        ),
        [
            Case(args)
            for args in ((192, 32, 5), (192, 128, 3), (832, 128, 5), (16, 24, 4), (64, 64, 1))
        ],
        slips=(
            Slip(
                lambda i, o, k: k**2 * i * o // (i + k**2 * o),
                "Do not round: where both ways cost the same, r need not be a whole number.",
            ),
            Slip(
                lambda i, o, k: round(k**2 * i * o / (i + k**2 * o)),
                "Do not round: where both ways cost the same, r is seldom a whole number.",
            ),
            Slip(
                lambda i, o, k: k**2 * i * o / (k**2 * o),
                "That leaves out what the 1x1 itself costs.",
            ),
            Slip(
                lambda i, o, k: k**2 * i * o / (i + o),
                "Behind the 1x1 comes the large kernel, with all its taps.",
            ),
            Slip(
                lambda i, o, k: k * i * o / (i + k * o),
                "A kernel has k times k taps.",
            ),
        ),
        look="Write both costs at one place, set them equal, and solve for r.",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "02.1",
        "A row that makes a negative",
        _negative,
        hints=(
            "Only one of the three channels counts. What are the weights of the other two?",
            "Bright must become dark: which sign has green's weight?",
            "With that alone 0 stays 0 and 1 becomes -1. The bias lifts both by the same amount.",
        ),
        why="three weights and a bias are all that one output channel of a 1x1 has to choose.",
        kind="value",
    ),
    Exercise(
        "02.2",
        "A 1x1 without nn.Conv2d",
        _one_by_one,
        hints=(
            "Every pixel is a vector of C numbers; `weight` (out, C) turns it into `out` others.",
            "`x.permute(0, 2, 3, 1)` puts the channels last, where `@ weight.T` can reach them.",
            'Or say it in one line: `torch.einsum("nchw,oc->nohw", x, weight)`. The bias needs '
            "`bias[:, None, None]` to reach its channel.",
        ),
        why="a 1x1 convolution is one matrix, applied at every place.",
    ),
    Exercise(
        "02.3",
        "A block of Network in Network",
        _mlpconv,
        hints=(
            "Three layers: one `nn.Conv2d` with the kernel, two with `kernel_size=1`.",
            "`stride` and `padding` go to the first one alone. All three give `out_channels`.",
            "`nn.Sequential` of six: convolution, ReLU, 1x1, ReLU, 1x1, ReLU; `forward` calls it.",
        ),
        why="that is Network in Network: a small network of its own at every place.",
        kind="class",
    ),
    Exercise(
        "02.4",
        "How many places",
        _output_size,
        hints=(
            "Padding widens the input on both sides.",
            "The window can slide by the widened size less the kernel; count whole strides in it.",
            "`//` rounds down; the place where it stands at first is one more.",
        ),
        why="one formula for convolutions and pools, and a 1x1 with stride 1 changes no size.",
    ),
    Exercise(
        "02.5",
        "What a convolution costs",
        _conv_macs,
        hints=(
            "How many values come out? `out_size` places each way, `out_channels` at each.",
            "One value is a sum over the window: how many taps, on how many channels?",
            "Everything is multiplied, nothing is added.",
        ),
        why="every weight works once at every place.",
    ),
    Exercise(
        "02.6",
        "Count with hooks",
        _count_macs,
        hints=(
            "`layer.register_forward_hook(f)` calls `f(layer, inputs, output)` each time the layer "
            "runs, and returns a handle with a method `remove()`.",
            "Hook every `nn.Conv2d` and `nn.Linear` among `network.modules()`; append to a list.",
            "One call costs `output.numel() * layer.weight[0].numel()`. Run the network once, "
            "remove all handles, return the sum.",
        ),
        why="it counts what really ran, in any network.",
    ),
    Exercise(
        "02.7",
        "Where the detour stops to pay",
        _break_even,
        hints=(
            "Direct, one place costs kernel² · in · out. How much through r channels?",
            "in · r for the 1x1, and kernel² · r · out behind it. Take r out of the sum.",
            "r · (in + kernel² · out) = kernel² · in · out.",
        ),
        why="the map's size cancels: break-even is the same on every map, for work and weights.",
    ),
)

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "02.a",
        "A 1x1 convolution with one output channel on a colour picture only makes it brighter or "
        "darker: true or false?",
        choices=("true", "false"),
    ),
    Prediction(
        "02.b",
        "How many times fewer multiply-adds does the 5x5 take behind a 1x1 of width 16, the 1x1 "
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
