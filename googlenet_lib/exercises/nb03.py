"""Exercises of notebook 03: widths, both blocks, the tower, pools, fused 1x1s, a budget."""

import operator
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.costs import output_size
from googlenet_lib.designs import Design, paper_design
from googlenet_lib.errors import UsageError
from googlenet_lib.exercises.comparing import describe
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.probes import Build, convs, same_layers
from googlenet_lib.exercises.tools import Case, Slip, same_as
from googlenet_lib.paper import INCEPTION_ROWS, ROWS, Widths

IN_3A = ROWS["maxpool2"].channels
LANES = ("1x1", "3x3", "5x5", "pool")
OUT = ("out_1x1", "out_3x3", "out_5x5", "pool_proj")

# ---- 03.1, where each lane stands ----------------------------------------------------------------

WIDTHS_3A, WIDTHS_4E = ROWS["inception3a"].widths, ROWS["inception4e"].widths


def lane_channels(w: Widths, names: tuple[str, ...] = OUT) -> dict[str, tuple[int, int]]:
    """The first channel of each lane in a module's output, and the one behind its last."""
    ends = [0, *accumulate(getattr(w, name) for name in names)]
    return dict(zip(LANES, pairwise(ends), strict=True))


def _lane_channels(answer: Any) -> None:
    slips = (
        Slip(
            lambda w: lane_channels(w, ("out_1x1", "reduce_3x3", "reduce_5x5", "pool_proj")),
            "Those are the reductions. What does each lane end with?",
        ),
        Slip(
            lambda w: {lane: (a, b - 1) for lane, (a, b) in lane_channels(w).items()},
            "Give the channel behind the last one, as a slice wants it.",
        ),
        Slip(
            lambda w: {lane: (0, b - a) for lane, (a, b) in lane_channels(w).items()},
            "Every lane begins at 0. The second stands behind the first.",
        ),
        Slip(
            lambda w: {lane: (a, b - a) for lane, (a, b) in lane_channels(w).items()},
            "The second number is how many; asked for is where the lane ends.",
        ),
        Slip(
            lambda w: {lane: b for lane, (_, b) in lane_channels(w).items()},
            "The ends are right; each lane needs its beginning too.",
        ),
    )
    cases = [Case((WIDTHS_3A,), "widths of 3a"), Case((WIDTHS_4E,), "widths of 4e")]
    same_as(answer, lane_channels, cases, slips, "Where one lane ends, the next begins.")


# ---- 03.2 and 03.4, the blocks -------------------------------------------------------------------

# All widths differ, so that a weight is known by its shape.
TOYS = (
    (8, Widths(out_1x1=4, reduce_3x3=3, out_3x3=6, reduce_5x5=2, out_5x5=5, pool_proj=7)),
    (5, Widths(out_1x1=9, reduce_3x3=7, out_3x3=4, reduce_5x5=3, out_5x5=8, pool_proj=6)),
)


def _block(in_channels: int, w: Widths, *, reduced: bool) -> Build:
    three = ((w.reduce_3x3, 1), (w.out_3x3, 3))[not reduced :]
    five = ((w.reduce_5x5, 1), (w.out_5x5, 5))[not reduced :]
    projection = ((w.pool_proj, 1),) * reduced
    lanes = {
        "1x1": convs(in_channels, (w.out_1x1, 1)),
        "3x3": convs(in_channels, *three),
        "5x5": convs(in_channels, *five),
        "pool": [nn.MaxPool2d(3, 1, 1), *convs(in_channels, *projection)],
    }
    shapes = ((2, in_channels, 9, 7), (1, in_channels, 6, 11))
    return Build((in_channels, w), f"{in_channels}, {describe(w)}", lanes, shapes)


def _naive_block(answer: Any) -> None:
    same_layers(answer, [_block(*toy, reduced=False) for toy in TOYS])


def _reduced_block(answer: Any) -> None:
    same_layers(answer, [_block(*toy, reduced=True) for toy in TOYS])


# ---- 03.3, the naive tower -----------------------------------------------------------------------


def tower_channels(in_channels: int, modules: list[Widths]) -> int:
    """Channels behind naive modules, one on top of the other."""
    return in_channels + sum(w.out_1x1 + w.out_3x3 + w.out_5x5 for w in modules)


def _tower(answer: Any) -> None:
    modules = [row.widths for row in INCEPTION_ROWS]
    same_as(
        answer,
        tower_channels,
        [
            Case((IN_3A, modules[:1]), f"{IN_3A}, [widths of 3a]"),
            Case((IN_3A, modules[:3]), f"{IN_3A}, [widths of 3a, 3b, 4a]"),
            Case((7, []), "7, []"),
            Case((7, modules[3:5]), "7, [widths of 4b, 4c]"),
            Case((IN_3A, modules), f"{IN_3A}, [widths of all nine]"),
        ],
        slips=[
            Slip(lambda c, modules: sum(w.out_1x1 + w.out_3x3 + w.out_5x5 for w in modules),
                 "The pool of the first module passes something on as well."),
            Slip(lambda c, modules: c + sum(w.out_channels for w in modules),
                 "That counts pool_proj: a naive module has no projection behind its pool."),
            Slip(lambda c, modules: modules[-1].out_channels,
                 "That is the last module with its reductions; here there are none."),
            Slip(lambda c, modules: _doubled(c, modules),
                 "The input goes through the pool once in each module, not more often."),
        ],
        look="What does one naive module give, if c channels come in? Then the next reads that.",
    )  # fmt: skip


def _doubled(channels: int, modules: list[Widths]) -> int:
    for w in modules:
        channels += channels + w.out_1x1 + w.out_3x3 + w.out_5x5
    return channels


# ---- 03.5, sizes behind a pool -------------------------------------------------------------------


def pooled_size(size: int, kernel: int, stride: int, ceil_mode: bool) -> int:
    """How many windows a pool without padding has."""
    return output_size(size, kernel, stride, ceil_mode=ceil_mode)


def _pooled(answer: Any) -> None:
    cases = (
        *((21, 5, 2, False), (14, 3, 2, False), (14, 3, 2, True), (55, 3, 2, True)),
        *((3, 3, 2, True), (10, 2, 2, True), (11, 4, 3, True), (11, 4, 3, False)),
    )
    same_as(
        answer,
        pooled_size,
        [Case(case) for case in cases],
        slips=[
            Slip(lambda n, k, s, c: (n - k) // s + 1,
                 "That is the size without ceil_mode, and ceil_mode is True."),
            Slip(lambda n, k, s, c: -(-(n - k) // s) + 1,
                 "That rounds up, and ceil_mode is False."),
            Slip(lambda n, k, s, c: (n - k) // s + 1 + c,
                 "One more is right only where something is left over."),
            Slip(lambda n, k, s, c: -(-(n - k) // s) if c else (n - k) // s,
                 "The steps are right; the first window, before any step, counts too."),
            Slip(lambda n, k, s, c: -(-n // s) if c else n // s,
                 "That forgets the kernel: how far can the first window slide?"),
        ],
        look="The first window can slide by size - kernel. How many steps, rounded which way?",
    )  # fmt: skip


# ---- 03.6, several 1x1s made one -----------------------------------------------------------------


def fuse_1x1(weights: list[Tensor], biases: list[Tensor]) -> tuple[Tensor, Tensor]:
    """One 1x1 convolution that does the work of several that share their input."""
    return torch.cat(weights), torch.cat(biases)


def _fused(answer: Any) -> None:
    stacked = "Along which dimension of a weight (out, in, 1, 1) are the convolutions stacked?"
    several = "Any number of convolutions may come."
    cases = []
    for inputs, widths, advice in (
        (6, (4, 4, 4), stacked),  # of equal widths, so that a sum has a shape as well
        (6, (5, 3, 2), stacked),
        (5, (3, 7), several),
        (9, (2, 4, 1, 6), several),
    ):
        weights = [torch.randn(width, inputs, 1, 1) for width in widths]
        biases = [torch.randn(width) for width in widths]
        outputs = ", ".join(map(str, widths))
        told = f"{len(widths)} weights of {outputs} channels out and {inputs} in, their biases"
        cases.append(Case((weights, biases), told, advice))
    same_as(
        answer,
        fuse_1x1,
        cases,
        slips=[
            Slip(lambda w, b: (sum(w), sum(b)),
                 "A sum mixes them for good: behind it, nobody can take them apart."),
            Slip(lambda w, b: (torch.stack(w), torch.stack(b)),
                 "stack makes a new dimension; a convolution's weight has four."),
            Slip(lambda w, b: (torch.cat(w, dim=1), torch.cat(b)),
                 "Dimension 1 of a weight is what it reads: all of them read the same input."),
            Slip(lambda w, b: torch.cat(w), "The biases belong to it too: return both."),
            Slip(lambda w, b: (torch.cat(w), sum(b)),
                 "The biases were added up; each belongs to its own output channels."),
        ],
        look="Each row of a weight makes one output channel. The fused one makes all of them.",
    )  # fmt: skip


# ---- 03.7, widths under a budget -----------------------------------------------------------------

PAPER_3A = paper_design("inception3a")
CHANNELS = 320  # a quarter more than the paper's


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
    for name, lane in design.lanes.items():
        if lane.channels < PAPER_3A.lanes[name].channels:
            nothing = (
                "" if lane.channels else ". A lane with a reduction to 0 channels gives nothing"
            )
            raise Wrong(
                f"The {name} lane gives {lane.channels} channels, the paper's gives "
                f"{PAPER_3A.lanes[name].channels}, and no lane may be narrower{nothing}"
            )
    if design.out_channels < CHANNELS:
        raise Wrong(
            f"The four lanes give {design.out_channels} channels, and {CHANNELS} are asked for. "
            "Reductions don't count: what they give stays inside"
        )
    if design.over > 0:
        raise Wrong(
            f"That spends {design.macs:,} multiply-adds, {design.over:,} too many. Where can "
            "something be saved that takes no channel from any lane?"
        )


EXERCISES = (
    Exercise(
        "03.1",
        "Where each lane stands",
        _lane_channels,
        (
            "Which four of the six columns of Table 1 name the last layer of a lane?",
            "Keep a number `first` that begins at 0 and grows by each lane's width.",
            'In a loop over ("1x1", w.out_1x1) and so on: `lanes[name] = (first, first + width)`.',
        ),
        "with it you can take any lane out of a module's output: `out[:, first:end]`.",
    ),
    Exercise(
        "03.2",
        "The naive block",
        _naive_block,
        (
            "Make the three convolutions and the pool in `__init__`, use them in `forward`.",
            "A padding of half the kernel keeps the size; the pool needs `stride=1, padding=1`.",
            "`torch.cat([...], dim=1)`, with `torch.relu` around each convolution, not the pool.",
        ),
        "four layers over one input, concatenated: that is the naive block.",
        kind="class",
    ),
    Exercise(
        "03.3",
        "Channels of the naive tower",
        _tower,
        (
            "With c channels in, what does one naive module give? Its pool passes on all c.",
            "Go through `modules` with a loop that adds to the channels so far.",
        ),
        "the tower never forgets a channel: each module adds its three convolutions to the rest.",
    ),
    Exercise(
        "03.4",
        "The Inception block",
        _reduced_block,
        (
            "Four lanes: one, two, two layers of convolution; a pool and a convolution.",
            "A function that gives `nn.Sequential(nn.Conv2d(...), nn.ReLU())` saves writing.",
            "The 3x3 reads `reduce_3x3` channels, the 5x5 `reduce_5x5`; the pool comes before its "
            "1x1.",
        ),
        "this is the block that GoogLeNet stacks nine times.",
        kind="class",
    ),
    Exercise(
        "03.5",
        "Size behind a pool, with ceil_mode",
        _pooled,
        (
            "The first window can slide by `size - kernel`; divide by `stride`, then count it too.",
            "`a // b` rounds down, and `-(-a // b)` rounds up.",
        ),
        "ceil_mode adds the one window that hangs over the end, and only where cells are left.",
    ),
    Exercise(
        "03.6",
        "Several 1x1s made one",
        _fused,
        (
            "The fused convolution reads the same input and gives all the outputs.",
            "A weight is (out, in, 1, 1): put them on top of one another along `out`.",
        ),
        "one large multiplication of matrices instead of several: equal outputs.",
    ),
    Exercise(
        "03.7",
        "More channels under the paper's budget",
        _under_budget,
        (
            "New channels are cheapest in the 1x1 lane and behind the pool: "
            f"{IN_3A} weights for each.",
            "Every channel of `reduce_3x3` costs as many to make, and nine for each channel of "
            "the 3x3 that reads it.",
            f"{CHANNELS - PAPER_3A.out_channels} more channels in the 1x1 lane; then make "
            "`reduce_3x3` smaller in steps of 8 until it fits.",
        ),
        "a reduction sets the price of its lane, and nobody sees its width from outside.",
        kind="value",
    ),
)

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
