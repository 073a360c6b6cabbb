"""Exercises of notebook 03: widths, both blocks, the tower, pools, fused 1x1s, a budget."""

import operator
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import nn

from googlenet_lib.course.kit.branches import BRANCHES
from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.modules import Build, convs, same_layers
from googlenet_lib.course.nb03.design import Design, paper_design
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import INCEPTION_ROWS, ROWS, Widths, output_size

IN_3A = ROWS["maxpool2"].channels

# ---- 03.1 ----------------------------------------------------------------------------------------

WIDTHS_3A, WIDTHS_4E = ROWS["inception3a"].widths, ROWS["inception4e"].widths


def branch_channels(w: Widths, middle: str = "out") -> dict[str, tuple[int, int]]:
    """The first channel of each branch in a module's output, and the one after its last."""
    three, five = (getattr(w, f"{middle}_{kernel}") for kernel in ("3x3", "5x5"))
    ends = [0, *accumulate((w.out_1x1, three, five, w.pool_proj))]
    return dict(zip(BRANCHES, pairwise(ends), strict=True))


CHANNELS = Exercise(
    "03.1",
    "Where each branch stands",
    solution=branch_channels,
    cases=[Case((WIDTHS_3A,), "widths of 3a"), Case((WIDTHS_4E,), "widths of 4e")],
    slips=slips(
        "Those are the reductions. What does each branch end with?",
        lambda w: branch_channels(w, "reduce"),
        "Give the channel after the last one, as a slice wants it.",
        lambda w: {name: (a, b - 1) for name, (a, b) in branch_channels(w).items()},
        "Every branch begins at 0. The second stands after the first.",
        lambda w: {name: (0, b - a) for name, (a, b) in branch_channels(w).items()},
        "The second number is how many; asked for is where the branch ends.",
        lambda w: {name: (a, b - a) for name, (a, b) in branch_channels(w).items()},
        "The ends are right; each branch needs its beginning too.",
        lambda w: {name: b for name, (_, b) in branch_channels(w).items()},
    ),
    look="Where one branch ends, the next begins.",
    hints=(
        "Which four of the six columns of Table 1 name the last layer of a branch?",
        "Keep a number `first` that begins at 0 and grows by each branch's width.",
        'In a loop over ("1x1", w.out_1x1) and so on: `branches[name] = (first, first + width)`.',
    ),
    why="with it you can take any branch out of a module's output: `out[:, first:end]`.",
)

# ---- 03.2 and 03.4 -------------------------------------------------------------------------------

# All widths differ, so that a weight is known by its shape.
TOYS = (
    (8, Widths(out_1x1=4, reduce_3x3=3, out_3x3=6, reduce_5x5=2, out_5x5=5, pool_proj=7)),
    (5, Widths(out_1x1=9, reduce_3x3=7, out_3x3=4, reduce_5x5=3, out_5x5=8, pool_proj=6)),
)


def _build(in_channels: int, w: Widths, *, reduced: bool) -> Build:
    three = ((w.reduce_3x3, 1), (w.out_3x3, 3))[not reduced :]
    five = ((w.reduce_5x5, 1), (w.out_5x5, 5))[not reduced :]
    projection = ((w.pool_proj, 1),) * reduced
    branches = {
        "1x1": convs(in_channels, (w.out_1x1, 1)),
        "3x3": convs(in_channels, *three),
        "5x5": convs(in_channels, *five),
        "pool": [nn.MaxPool2d(3, 1, 1), *convs(in_channels, *projection)],
    }
    shapes = ((2, in_channels, 9, 7), (1, in_channels, 6, 11))
    return Build((in_channels, w), f"{in_channels}, {describe(w)}", branches, shapes)


NAIVE = Exercise(
    "03.2",
    "The naive block",
    kind="class",
    test=same_layers(*(_build(*toy, reduced=False) for toy in TOYS)),
    hints=(
        "Make the three convolutions and the pool in `__init__`, use them in `forward`.",
        "A padding of half the kernel keeps the size; the pool needs `stride=1, padding=1`.",
        "`torch.cat([...], dim=1)`, with `torch.relu` around each convolution, not the pool.",
    ),
    why="four layers over one input, concatenated: that is the naive block.",
)

INCEPTION = Exercise(
    "03.4",
    "The Inception block",
    kind="class",
    test=same_layers(*(_build(*toy, reduced=True) for toy in TOYS)),
    hints=(
        "Four branches: one, two, two layers of convolution; a pool and a convolution.",
        "A function that gives `nn.Sequential(nn.Conv2d(...), nn.ReLU())` saves writing.",
        "The 3x3 reads `reduce_3x3` channels, the 5x5 `reduce_5x5`; the pool comes before its 1x1.",
    ),
    why="this is the block that GoogLeNet stacks nine times.",
)

# ---- 03.3 ----------------------------------------------------------------------------------------

MODULES = [row.widths for row in INCEPTION_ROWS]


def tower_channels(in_channels: int, modules: list[Widths]) -> int:
    """Channels after naive modules, one on top of the other."""
    return in_channels + sum(w.out_1x1 + w.out_3x3 + w.out_5x5 for w in modules)


def _doubled(channels: int, modules: list[Widths]) -> int:
    for w in modules:
        channels += tower_channels(channels, [w])
    return channels


TOWER = Exercise(
    "03.3",
    "Channels of the naive tower",
    solution=tower_channels,
    cases=[
        Case((IN_3A, MODULES[:1]), f"{IN_3A}, [widths of 3a]"),
        Case((IN_3A, MODULES[:3]), f"{IN_3A}, [widths of 3a, 3b, 4a]"),
        Case((7, []), "7, []"),
        Case((7, MODULES[3:5]), "7, [widths of 4b, 4c]"),
        Case((IN_3A, MODULES), f"{IN_3A}, [widths of all nine]"),
    ],
    slips=slips(
        "The pool of the first module passes something on as well.",
        lambda c, modules: tower_channels(0, modules),
        "That counts pool_proj: a naive module has no projection after its pool.",
        lambda c, modules: c + sum(w.out_channels for w in modules),
        "That is the last module with its reductions; here there are none.",
        lambda c, modules: modules[-1].out_channels,
        "The input goes through the pool once in each module, not more often.",
        _doubled,
    ),
    look="What does one naive module give, if c channels come in? Then the next reads that.",
    hints=(
        "With c channels in, what does one naive module give? Its pool passes on all c.",
        "Go through `modules` with a loop that adds to the channels so far.",
    ),
    why="the tower never forgets a channel: each module adds its three convolutions to the rest.",
)

POOLED = Exercise(
    "03.5",
    "Size after a pool, with ceil_mode",
    solution=lambda n, k, s, ceil_mode: output_size(n, k, s, ceil_mode=ceil_mode),
    cases=[
        (21, 5, 2, False),
        (14, 3, 2, False),
        (14, 3, 2, True),
        (55, 3, 2, True),
        (3, 3, 2, True),
        (10, 2, 2, True),
        (11, 4, 3, True),
        (11, 4, 3, False),
    ],
    slips=slips(
        "That is the size without ceil_mode, and ceil_mode is True.",
        lambda n, k, s, c: (n - k) // s + 1,
        "That rounds up, and ceil_mode is False.",
        lambda n, k, s, c: -(-(n - k) // s) + 1,
        "One more is right only where something is left over.",
        lambda n, k, s, c: (n - k) // s + 1 + c,
        "The steps are right; the first window, before any step, counts too.",
        lambda n, k, s, c: -(-(n - k) // s) if c else (n - k) // s,
        "That forgets the kernel: how far can the first window slide?",
        lambda n, k, s, c: -(-n // s) if c else n // s,
    ),
    look="The first window can slide by size - kernel. How many steps, rounded which way?",
    hints=(
        "The first window can slide by `size - kernel`; divide by `stride`, then count it too.",
        "`a // b` rounds down, and `-(-a // b)` rounds up.",
    ),
    why="ceil_mode adds the one window that hangs over the end, and only where cells are left.",
)

# ---- 03.6 ----------------------------------------------------------------------------------------


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
    "03.6",
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

# ---- 03.7 ----------------------------------------------------------------------------------------

PAPER_3A = paper_design("inception3a")
CHANNELS_ASKED = 320  # a quarter more than the paper's


def _whole(number: Any) -> Any:
    """NumPy's and torch's as an int; a design says what is wrong with anything else."""
    try:
        return operator.index(number)
    except TypeError:
        return number


def _under_budget(answer: Any) -> None:
    missing = [name for name in vars(WIDTHS_3A) if not hasattr(answer, name)]
    if missing:
        raise Wrong(
            f"{describe(answer)} came, which has no {missing[0]}. Give `Widths(...)` with its six "
            "numbers by name"
        )
    try:
        widths = Widths(**{name: _whole(getattr(answer, name)) for name in vars(WIDTHS_3A)})
        design = Design("inception3a", widths)
    except UsageError as error:
        raise Wrong(str(error)) from None
    for name, branch in design.branches.items():
        least = PAPER_3A.branches[name].channels
        if branch.channels < least:
            nothing = ". A branch with a reduction to 0 channels gives nothing"
            raise Wrong(
                f"The {name} branch gives {branch.channels} channels, the paper's gives {least}, "
                f"and no branch may be narrower{'' if branch.channels else nothing}"
            )
    if design.out_channels < CHANNELS_ASKED:
        raise Wrong(
            f"The four branches give {design.out_channels} channels, and {CHANNELS_ASKED} are "
            "asked for. Reductions don't count: what they give stays inside"
        )
    if design.over > 0:
        raise Wrong(
            f"That spends {design.macs:,} multiply-adds, {design.over:,} too many. Where can "
            "something be saved that takes no channel from any branch?"
        )


BUDGET = Exercise(
    "03.7",
    "More channels under the paper's budget",
    kind="value",
    test=_under_budget,
    hints=(
        f"New channels are cheapest in the 1x1 branch and after the pool: {IN_3A} weights each.",
        "Every channel of `reduce_3x3` costs as many to make, and nine for each channel of the 3x3 "
        "that reads it.",
        f"{CHANNELS_ASKED - PAPER_3A.out_channels} more channels in the 1x1 branch; then make "
        "`reduce_3x3` smaller in steps of 8 until it fits.",
    ),
    why="a reduction sets the price of its branch, and nobody sees its width from outside.",
)

EXERCISES = (CHANNELS, NAIVE, TOWER, INCEPTION, POOLED, FUSED, BUDGET)

PREDICTIONS = (
    Prediction(
        "03.a",
        "How many times the multiply-adds of the reduced block does the naive one take in 3a?",
        tolerance=0.5,
        least=0,
        most=999,
    ),
    Prediction(
        "03.b",
        "192 channels go into a tower of nine naive modules. How many come out?",
        tolerance=500,
        least=0,
        most=99_999,
    ),
    Prediction(
        "03.c",
        "In how many of the nine modules do two 3x3s take fewer weights than the 5x5?",
        tolerance=0,
        least=0,
        most=9,
    ),
)
