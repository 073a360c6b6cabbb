"""Exercises and predictions of lesson 02 and of the dive into bottlenecks."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.modules import Build, convs, same_layers

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
        raise Wrong("red or blue still has a weight, so it shows too; only green is asked for")
    if row[1] > 0:
        raise Wrong("where green is bright, your output is bright too; what turns that round?")
    if row[1] == 0:
        raise Wrong("green has no weight, so your output is the same everywhere")
    if made.max() <= 0:
        raise Wrong(
            f"your output runs from {made.min():.2f} to {made.max():.2f}, never above zero; the "
            "direction is right. What lifts every position by the same amount?"
        )
    raise Wrong(
        f"a pixel with green 0 gives {bias:.2f} and one with green 1 gives {row[1] + bias:.2f}; "
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
        raise Wrong(f"the row has {len(row)} weights; an image has three channels")
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


def _build(*args: int, **named: int) -> Build:
    """What is given by position, and by name; a stride and a padding by position come last."""
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
    "02.2",
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
    why="that is Network in Network: a small network at every position.",
)

# ---- 02.3 ----------------------------------------------------------------------------------------


def break_even_width(inputs: int, outputs: int, kernel: int) -> float:
    """The width of a 1x1 at which the way through it costs what the direct one does."""
    return kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs)


BREAK_EVEN = Exercise(
    "02.3",
    "Where a bottleneck stops paying",
    solution=break_even_width,
    cases=[(192, 32, 5), (192, 128, 3), (832, 128, 5), (16, 24, 4), (64, 64, 1), (3, 2, 3)],
    slips=slips(
        "Do not round: where both ways cost the same, r need not be a whole number.",
        lambda i, o, k: k**2 * i * o // (i + k**2 * o),
        "Do not round: where both ways cost the same, r is seldom a whole number.",
        lambda i, o, k: round(break_even_width(i, o, k)),
        "It is rounded. `round` is for what is shown.",
        lambda i, o, k: round(break_even_width(i, o, k), 1),
        lambda i, o, k: round(break_even_width(i, o, k), 2),
        lambda i, o, k: round(break_even_width(i, o, k), 3),
        "The kernel is not in it.",
        lambda i, o, k: i * o / (i + o),
        "That leaves out what the 1x1 itself costs.",
        lambda i, o, k: k**2 * i * o / (k**2 * o),
        "After the 1x1 comes the large kernel, with all its taps.",
        lambda i, o, k: k**2 * i * o / (i + o),
        "A kernel has k times k taps.",
        lambda i, o, k: k * i * o / (i + k * o),
    ),
    look="Write both costs at one position, set them equal, and solve for r.",
    hints=(
        "Direct, one position costs kernel² · in · out. How much is it through r channels?",
        "in · r for the 1x1, and kernel² · r · out after it. Take r out of the sum.",
        "r · (in + kernel² · out) = kernel² · in · out.",
    ),
    why="the map's size cancels: break-even is the same on every map, for work and weights.",
)

# ---- 02.4 ----------------------------------------------------------------------------------------


def _two_layers() -> list[tuple[Tensor, Tensor]]:
    """Return weights of a 1x1, (r, C), and of the kernel after it, (out, r, k, k)."""
    draw = torch.Generator().manual_seed(5)
    return [
        (torch.randn(r, inputs, generator=draw), torch.randn(out, r, k, k, generator=draw))
        for r, inputs, out, k in ((2, 5, 3, 3), (4, 6, 4, 5), (3, 3, 3, 3), (1, 4, 2, 1))
    ]


def _merge(reduce: Tensor, large: Tensor) -> Tensor:
    return torch.tensordot(large, reduce, dims=([1], [0])).permute(0, 3, 1, 2)


MERGE = Exercise(
    "02.4",
    "Two layers in one kernel",
    solution=_merge,
    cases=_two_layers(),
    any_float=True,
    slips=slips(
        "The input channels are the last dimension; a kernel has them second: (out, C, k, k).",
        lambda reduce, large: torch.tensordot(large, reduce, dims=([1], [0])),
        "The first two dimensions are swapped: a kernel is (out, C, k, k).",
        lambda reduce, large: _merge(reduce, large).transpose(0, 1),
        "The middle channels are summed before they are multiplied. Multiply first: each middle "
        "channel has its own weights on both sides.",
        lambda reduce, large: large.sum(1)[:, None] * reduce.sum(0)[None, :, None, None],
        "That is a mean over the middle channels; the second layer adds them up.",
        lambda reduce, large: _merge(reduce, large) / len(reduce),
    ),
    look="For each tap of the large kernel, (out, r) times (r, C) is a product of two matrices.",
    hints=(
        "Take one tap first: `large[:, :, i, j]` is a matrix of (out, r).",
        "That matrix times `reduce` is the (out, C) matrix of the same tap in the merged kernel.",
        "Two loops over the taps fill a tensor of `torch.zeros(out, C, k, k)`.",
    ),
    why="without a ReLU, two layers are one kernel whose taps all have rank r or less.",
)

# ---- 02.5 ----------------------------------------------------------------------------------------

MIDDLE = Exercise(
    "02.5",
    "The widest middle that still saves",
    solution=lambda r, c: 25 * r * c // (9 * (r + c)),
    cases=[(16, 32), (32, 96), (24, 64), (48, 128), (9, 18), (64, 64), (18, 18)],
    slips=slips(
        "Half a channel cannot be had: what is the largest whole number that still fits?",
        lambda r, c: 25 * r * c / (9 * (r + c)),
        "With one channel fewer it would not cost more than the 5x5. Rounding up is too wide.",
        lambda r, c: -(-25 * r * c // (9 * (r + c))),
        "Rounding to the nearest is too wide where it rounds up: round down.",
        lambda r, c: round(25 * r * c / (9 * (r + c))),
        "With r = c = 18, one m makes both cost the same. Equal is allowed.",
        lambda r, c: (25 * r * c - 1) // (9 * (r + c)),
        "That leaves out the first of the two 3x3s, from r channels to m.",
        lambda r, c: 25 * r // 9,
        "That leaves out the second of the two 3x3s, from m channels to c.",
        lambda r, c: 25 * c // 9,
        "A 3x3 kernel has nine taps, not three.",
        lambda r, c: 25 * r * c // (3 * (r + c)),
    ),
    look="Count the weights of both 3x3s with m in the middle, and compare with 25 · r · c.",
    hints=(
        "The first 3x3 goes from r to m channels, the second from m to c.",
        "Both together take 9 · m · (r + c) weights.",
        "Solve 9 · m · (r + c) = 25 · r · c for m; `//` rounds down.",
    ),
    why="the middle decides: as wide as c it costs more than the 5x5, as narrow as r about half.",
)

EXERCISES = (NEGATIVE, NETWORK_IN_NETWORK, BREAK_EVEN, MERGE, MIDDLE)

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
        "How many percent of ConvNeXt's multiply-adds are in kernels that see one pixel?",
        tolerance=10,
        least=0,
        most=100,
    ),
    Prediction(
        "02.e",
        "How many percent of the variance of the 96 channels lie in the best 8 directions?",
        tolerance=5,
        least=0,
        most=100,
    ),
    Prediction(
        "02.f",
        "By how many points does the accuracy change each time the 1x1s become twice as wide?",
        tolerance=0.5,
        least=-20,
        most=20,
    ),
    Prediction(
        "02.g",
        "In how many of the nine modules do two 3x3s take fewer weights than the 5x5?",
        tolerance=0,
        least=0,
        most=9,
    ),
)
