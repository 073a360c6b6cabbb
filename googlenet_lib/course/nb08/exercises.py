"""Exercises and predictions of lesson 08: loss scaling, fused 1x1s, loading ahead."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, slips

# ---- 08.1 ----------------------------------------------------------------------------------------

LARGEST = 65_504.0  # of float16


def largest_scale(gradients: Tensor) -> float:
    """Return the largest power of two by which no gradient overflows in float16."""
    return 2.0 ** _exponent(gradients)


def _exponent(gradients: Tensor) -> int:
    return math.floor(math.log2(LARGEST / gradients.abs().max().item()))


def _gradients(*values: float) -> Case:
    return Case((torch.tensor(values),), f"gradients {[*values]}")


SCALE = Exercise(
    "08.1",
    "The largest loss scale",
    solution=largest_scale,
    cases=[
        _gradients(1e-4, -2e-3, 5e-8),
        _gradients(1e-7, -3e-5, 0.0),
        _gradients(-7.0, 1e-9),
        _gradients(100_000.0, 1.0),
        _gradients(1.0, -0.5),
        _gradients(1e6, 1.0),
        _gradients(2047.0),  # whose scale brings it to 65,504
    ],
    slips=slips(
        "That is no power of two. Round down to one: then the scaling changes no digit.",
        lambda g: LARGEST / g.abs().max().item(),
        "That is the exponent; the scale itself is asked for.",
        lambda g: float(_exponent(g)),
        "Rounded up it is too large: the largest gradient would overflow.",
        lambda g: 2.0 ** (_exponent(g) + 1),
        "Gradients may be negative: take their size.",
        lambda g: 2.0 ** math.floor(math.log2(LARGEST / g.max().item())),
        "The smallest gradient does not limit the scale; the largest overflows first.",
        lambda g: 2.0 ** math.floor(math.log2(LARGEST / g[g != 0].abs().min().item())),
        "float16 ends at 65,504, a little below 2 ** 16.",
        lambda g: 2.0 ** math.floor(math.log2(65_536 / g.abs().max().item())),
        "A scale may be below 1, where a gradient is larger than float16 can hold.",
        lambda g: max(1.0, largest_scale(g)),
        "`int` cuts towards 0, which rounds up below 0. `math.floor` rounds down everywhere.",
        lambda g: 2.0 ** int(math.log2(LARGEST / g.abs().max().item())),
        "65,504 itself can be held. None may pass it.",
        lambda g: 2.0 ** (math.ceil(math.log2(LARGEST / g.abs().max().item())) - 1),
    ),
    look="The largest gradient, times the scale, is to stay at or below 65,504.",
    hints=(
        "`gradients.abs().max().item()` is what overflows first.",
        "65,504 divided by it is the largest factor; which power of two lies at or below that?",
        "`math.log2` gives the exponent, `math.floor` rounds it down.",
    ),
    why="a scaler finds this number by trial, and looks again whenever a gradient overflows.",
)

# ---- 08.2 ----------------------------------------------------------------------------------------


def _weights_and_biases(inputs: int, *widths: int, advice: str) -> Case:
    draw = torch.Generator().manual_seed(len(widths))
    weights = [torch.randn(width, inputs, 1, 1, generator=draw) for width in widths]
    biases = [torch.randn(width, generator=draw) for width in widths]
    outputs = ", ".join(map(str, widths))
    told = f"{len(widths)} weights of {outputs} channels out and {inputs} in, their biases"
    return Case((weights, biases), told, advice)


STACKED = "Along which dimension of a weight (out, in, 1, 1) are the convolutions stacked?"
SEVERAL = "Any number of convolutions may come."

FUSED = Exercise(
    "08.2",
    "Several 1x1s made one",
    solution=lambda weights, biases: (torch.cat(weights), torch.cat(biases)),
    cases=[
        _weights_and_biases(6, 4, 4, 4, advice=STACKED),  # so that a sum has a shape as well
        _weights_and_biases(6, 5, 3, 2, advice=STACKED),
        _weights_and_biases(5, 3, 7, advice=SEVERAL),
        _weights_and_biases(9, 2, 4, 1, 6, advice=SEVERAL),
    ],
    slips=slips(
        "A sum mixes them for good: after it, nobody can take them apart.",
        lambda w, b: (sum(w), sum(b)),
        "stack makes a new dimension; a convolution's weight has four.",
        lambda w, b: (torch.stack(w), torch.stack(b)),
        "Dimension 1 of a weight is what it reads: all of them read the same input.",
        lambda w, b: (torch.cat(w, dim=1), torch.cat(b)),
        "The biases belong to it too: return both.",
        lambda w, b: torch.cat(w),
        "The biases were added up; each belongs to its own output channels.",
        lambda w, b: (torch.cat(w), sum(b)),
    ),
    look="Each row of a weight makes one output channel. The fused one makes all of them.",
    hints=(
        "The fused convolution reads the same input and gives all the outputs.",
        "A weight is (out, in, 1, 1): put them on top of one another along `out`.",
    ),
    why="one large multiplication of matrices instead of several: equal outputs.",
)

# ---- 08.3 ----------------------------------------------------------------------------------------


def epoch_seconds(batches: int, load: float, compute: float) -> float:
    """Return the time of an epoch in which the next batch is loaded while one is computed."""
    return load + (batches - 1) * max(load, compute) + compute


def _told(change: Callable[[int, float, float], float]) -> Callable[..., float]:
    return lambda batches, load, compute: float(change(batches, load, compute))


EPOCH = Exercise(
    "08.3",
    "An epoch that loads ahead",
    solution=epoch_seconds,
    cases=[(4, 2.0, 3.0), (4, 3.0, 2.0), (1, 0.5, 0.25), (100, 0.125, 0.5), (391, 0.5, 0.25)],
    slips=slips(
        "That is loading and computing in turns, with nothing ahead.",
        _told(lambda n, load, compute: n * (load + compute)),
        "The first batch has to be loaded before anything can be computed.",
        _told(lambda n, load, compute: (n - 1) * max(load, compute) + compute),
        "The last batch has to be computed, too.",
        _told(lambda n, load, compute: load + (n - 1) * max(load, compute)),
        "That leaves out both ends: the first loading and the last computing.",
        _told(lambda n, load, compute: n * max(load, compute)),
        "Where loading takes longer, the network waits for it.",
        _told(lambda n, load, compute: load + n * compute),
        "Where computing takes longer, loading waits for it.",
        _told(lambda n, load, compute: n * load + compute),
        "One too many: between the first loading and the last computing lie one batch less.",
        _told(lambda n, load, compute: load + n * max(load, compute) + compute),
    ),
    look="Draw the lower half of the timeline for three batches, and read off its end.",
    hints=(
        "The first loading and the last computing have nothing beside them.",
        "In between, one batch is computed while the next is loaded: the longer of the two counts.",
        "How many such pairs are there? For four batches, three.",
    ),
    why="the longer of the two sets the pace, so making the shorter one faster gains nothing.",
)

EXERCISES = (SCALE, FUSED, EPOCH)

PREDICTIONS = (
    Prediction(
        "08.a",
        "0.0001 times 0.0001 in float16: what comes out?",
        choices=("1e-8", "zero", "an error"),
    ),
    Prediction(
        "08.b",
        "A convolution and its BatchNorm become one convolution: how do the outputs change?",
        choices=("not at all", "a little", "completely"),
    ),
    Prediction(
        "08.c",
        "A batch goes through a network in four parts. Are the gradients those of the whole batch?",
        choices=("the same", "different"),
    ),
    Prediction(
        "08.d",
        "One GPU takes 1,000,900 steps for 100 epochs. How many do 64 GPUs take?",
        tolerance=1_000,
        least=0,
        most=1_000_900,
    ),
)
