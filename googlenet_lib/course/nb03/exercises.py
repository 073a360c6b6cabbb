"""Exercises of notebook 03: branches, a module with bugs, a budget."""

import operator
from itertools import accumulate, pairwise
from typing import Any

from torch import nn

from googlenet_lib.course.kit.branches import BRANCHES
from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.course.kit.modules import Build, convs, same_layers
from googlenet_lib.course.nb03.design import Design, paper_design
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import ROWS, Widths

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

# ---- 03.2 ----------------------------------------------------------------------------------------

# All widths differ, so that a weight is known by its shape.
TOYS = (
    (8, Widths(out_1x1=4, reduce_3x3=3, out_3x3=6, reduce_5x5=2, out_5x5=5, pool_proj=7)),
    (5, Widths(out_1x1=9, reduce_3x3=7, out_3x3=4, reduce_5x5=3, out_5x5=8, pool_proj=6)),
)


def _build(in_channels: int, w: Widths) -> Build:
    branches = {
        "1x1": convs(in_channels, (w.out_1x1, 1)),
        "3x3": convs(in_channels, (w.reduce_3x3, 1), (w.out_3x3, 3)),
        "5x5": convs(in_channels, (w.reduce_5x5, 1), (w.out_5x5, 3), (w.out_5x5, 3)),
        "pool": [nn.MaxPool2d(3, 1, 1), *convs(in_channels, (w.pool_proj, 1))],
    }
    shapes = ((2, in_channels, 9, 7), (1, in_channels, 6, 11))
    return Build((in_channels, w), f"{in_channels}, {describe(w)}", branches, shapes)


REPAIRED = Exercise(
    "03.2",
    "Three bugs in a module",
    kind="class",
    test=same_layers(*(_build(*toy) for toy in TOYS)),
    hints=(
        "Run it: the error names two sizes. Which layer has a stride of its own that nobody set?",
        "Print the shape of every weight, and compare with `w`: two of them are too large.",
        "This module has seven convolutions, and a ReLU after each of them. Count the ReLUs.",
    ),
    why="one of the bugs was loud and hid two silent ones: shapes alone prove little.",
)

# ---- 03.3 ----------------------------------------------------------------------------------------

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
    "03.3",
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

EXERCISES = (CHANNELS, REPAIRED, BUDGET)

PREDICTIONS = (
    Prediction(
        "03.a",
        "Of the eight steps from 3a to 5b, in how many does the ratio of 3x3 and 5x5 to 1x1 rise?",
        least=0,
        most=8,
    ),
    Prediction(
        "03.b",
        "How many times more multiply-adds does the naive module 3a need?",
        tolerance=0.5,
        least=0,
        most=999,
    ),
    Prediction(
        "03.c",
        "Which kind of 1x1 convolution, kept alone, saves more multiply-adds?",
        choices=("reductions", "projection"),
    ),
    Prediction(
        "03.d",
        "In 3a, the 5x5 branch sees 8 pixels more than the 1x1 branch. How many more in 4a?",
        least=0,
        most=99,
    ),
)
