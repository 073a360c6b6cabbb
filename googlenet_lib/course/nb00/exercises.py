"""Exercises of notebook 00: branches, windows and what they cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from torch import nn

from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, slips
from googlenet_lib.course.kit.modules import Build, convs, same_layers
from googlenet_lib.network.table1 import ROWS


@dataclass(frozen=True)
class Widths:
    """The six numbers of a row, without the library's own sum of four of them."""

    out_1x1: int
    reduce_3x3: int
    out_3x3: int
    reduce_5x5: int
    out_5x5: int
    pool_proj: int


CHANNELS = Exercise(
    "00.1",
    "Channels out of a module",
    solution=lambda w: w.out_1x1 + w.out_3x3 + w.out_5x5 + w.pool_proj,
    cases=[(Widths(**asdict(ROWS[f"inception{name}"].widths)),) for name in ("4a", "4d", "5b")],
    slips=slips(
        "All six widths are in it. Which two are spent inside a branch, and never leave it?",
        lambda w: sum(vars(w).values()),
        "Three branches are in it. What does the fourth one, which begins with a pool, end with?",
        lambda w: w.out_1x1 + w.out_3x3 + w.out_5x5,
        "Those are the reductions, in front of the large kernels. What comes out after them?",
        lambda w: w.reduce_3x3 + w.reduce_5x5,
        "That is the widest branch alone. `torch.cat` keeps all four.",
        lambda w: max(w.out_1x1, w.out_3x3, w.out_5x5, w.pool_proj),
    ),
    look="Follow each branch to its last convolution.",
    hints=(
        "A branch may hold two convolutions in a row. Only the last one's channels come out.",
        "Look at `forward` in section 3: which four tensors does `torch.cat` get?",
        "It is a sum of four of the six widths: no name in it begins with `reduce`.",
    ),
    why="what a module stacks is what the next one has to read: widths grow along the network.",
)

COST = Exercise(
    "00.2",
    "What a 1x1 convolution costs",
    solution=lambda inputs, outputs, height, width: inputs * outputs * height * width,
    cases=[(192, 16, 28, 20), (64, 96, 7, 7), (1, 1, 1, 1)],
    slips=slips(
        "Those are the weights. At how many places does each work?",
        lambda i, o, h, w: i * o,
        "A multiplication and its addition were counted as two; the paper counts them as one.",
        lambda i, o, h, w: 2 * i * o * h * w,
        "Channels were added. How many inputs does each single output channel mix?",
        lambda i, o, h, w: (i + o) * h * w,
        "That is a 3x3 kernel. How many pixels does this one look at?",
        lambda i, o, h, w: 9 * i * o * h * w,
        "Those are the output values. What does each of them cost?",
        lambda i, o, h, w: o * h * w,
    ),
    look="Start with one output value: how many multiplications make it? Then count such values.",
    hints=(
        "Take one output channel at one place. It is a weighted sum: of how many numbers?",
        "There are as many such sums as there are output values: channels times places.",
        "Multiply all four numbers. Biases are not counted, and a multiply-add counts once.",
    ),
    why="work grows with the places, weights do not: early layers cost time, late ones memory.",
)

# ---- 00.3 ----------------------------------------------------------------------------------------

Layers = Sequence[tuple[int, int]]


def window_after(layers: Layers) -> int:
    """How many pixels a value sees after layers of (kernel, stride)."""
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _stride_too_early(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def _one_stride(layers: Layers) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


WINDOW = Exercise(
    "00.3",
    "The window after some layers",
    solution=window_after,
    cases=[
        ([(3, 2), (5, 1), (3, 2), (3, 1)],),
        ([(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)],),
        ([(2, 2), (4, 3), (2, 1)],),
        ([(11, 4), (1, 2), (3, 1)],),
        Case(([(1, 1)],), advice="A single layer is a list as well."),
        Case(([],), advice="With no layer at all, a value is a pixel."),
    ],
    slips=slips(
        "Strides are not in it. After a stride of 2, how far apart in the picture are two "
        "neighbours of the map?",
        lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
        "A layer's own stride widened its own window. Its kernel still looks at the map in front "
        "of it; who feels the stride?",
        _stride_too_early,
        "Only the first layer is in it. Does `return` stand inside of the loop?",
        lambda layers: window_after(layers[:1]),
        "Only the stride of the layer before is in it. After two strides of 2, how far apart in "
        "the picture are two neighbours?",
        _one_stride,
        "Kernels were added up. Two kernels of 3 overlap: how much does the second one add?",
        lambda layers: sum(kernel for kernel, _ in layers),
        "An even kernel has no middle. How many pixels does one of 2 add, and one of 4?",
        lambda layers: window_after([(k // 2 * 2 + 1, stride) for k, stride in layers]),
        "Every stride was taken for 2 at most. It may be any number.",
        lambda layers: window_after([(kernel, min(stride, 2)) for kernel, stride in layers]),
        "The last layer was taken first. In which order does a picture meet them?",
        lambda layers: window_after(layers[::-1]),
        "One pixel is missing. What does a value see before the first layer?",
        lambda layers: window_after(layers) - 1,
    ),
    look="Take the layers one by one and keep two numbers: the window, and the step between two.",
    hints=(
        "Begin with a window of one pixel. A 3x3 kernel with stride 1 makes it 3: two more.",
        "Keep a second number: how many pixels lie between two neighbours of the map. It begins "
        "at 1.",
        "A kernel of k spans k - 1 such distances. The stride multiplies the distance, but only "
        "for the layers after.",
        "In the loop: first `field += (kernel - 1) * step`, and then one line for `step`.",
    ),
    why="so the library knew the windows of section 2 before it had looked at any picture.",
)

# ---- 00.4 ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a row of the table costs."""

    name: str
    params: int
    macs: int


CONV1, CONV2 = Row("conv1", 9_408, 300), Row("conv2", 114_688, 500)
REDUCE, LINEAR = Row("conv2_reduce", 4_096, 150), Row("linear", 1_024_000, 50)
COSTS = [CONV1, REDUCE, CONV2, LINEAR]
FOUR = "conv1, conv2_reduce, conv2, linear with 300, 150, 500 and 50 macs"


def share_of_work(costs: Sequence[Row], name: str) -> float:
    """The part of all multiply-adds that the row called `name` takes."""
    return sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)


SHARE = Exercise(
    "00.4",
    "A row's share of the work",
    solution=share_of_work,
    cases=[
        Case((COSTS, "conv2"), f'{FOUR}, "conv2"'),
        Case((COSTS, "linear"), f'{FOUR}, "linear"'),
        Case(([CONV1, LINEAR], "conv1"), 'conv1 and linear with 300 and 50 macs, "conv1"'),
        Case(([Row("pool", 0, 0), *COSTS], "pool"), 'five rows, "pool", which has 0 macs'),
        Case(([CONV2], "conv2"), 'conv2 alone, with 500 macs, "conv2"'),
    ],
    slips=slips(
        "That is its share of the weights. The question is about work: `macs`.",
        lambda costs, name: share_of_work([Row(c.name, 0, c.params) for c in costs], name),
        "That is in percent. A share is between 0 and 1; `:.1%` shows it as percent.",
        lambda costs, name: 100 * share_of_work(costs, name),
        "`//` cuts off all that is after the point. Which division keeps it?",
        lambda costs, name: int(share_of_work(costs, name)),
        "The row was compared with the others. The whole has the row itself in it.",
        lambda costs, name: 1 / (1 / share_of_work(costs, name) - 1),
        "A name may be part of another. Which row is called `name`, letter by letter?",
        lambda costs, name: sum(share_of_work(costs, c.name) for c in costs if name in c.name),
        "It is rounded. `round` is for what is shown.",
        lambda costs, name: round(share_of_work(costs, name), 2),
        lambda costs, name: round(share_of_work(costs, name), 3),
        "Every row got an equal part. What does `macs` say?",
        lambda costs, name: 1 / len(costs),
        "That is the row's own work. Which part of all the work is it?",
        lambda costs, name: sum(c.macs for c in costs if c.name == name),
    ),
    look="Part over whole: which is which?",
    hints=(
        "Work is counted in `macs`; every row in `costs` has its own.",
        "The whole is a `sum` over all rows, the row in question included.",
        "Find the row by `cost.name == name`, and divide its macs by that sum with `/`.",
    ),
    why="shares tell where to save: halving a row of 1% cannot make a network faster by more.",
)

# ---- 00.5 ----------------------------------------------------------------------------------------


def _build(inputs: int, *widths: int) -> Build:
    one, three, five, projected = widths
    branches = {
        "1x1": convs(inputs, (one, 1)),
        "3x3": convs(inputs, (three, 3)),
        "5x5": convs(inputs, (five, 5)),
        "pool": [nn.MaxPool2d(3, 1, 1), *convs(inputs, (projected, 1))],
    }
    shapes = ((2, inputs, 9, 7), (1, inputs, 6, 11))
    return Build((inputs, *widths), f"{inputs}, {', '.join(map(str, widths))}", branches, shapes)


BRANCHES = Exercise(
    "00.5",
    "A block of four branches",
    kind="class",
    test=same_layers(_build(6, 2, 3, 4, 5), _build(3, 7, 5, 4, 2)),
    hints=(
        "Section 3 has nearly all of it. Here no branch has a reduction, so three branches are a "
        "single `conv`.",
        "`nn.ModuleList([...])` holds four branches; the last is an `nn.Sequential` of a pool and "
        "a 1x1 `conv`.",
        "The pool must keep the map's size: `nn.MaxPool2d(3, stride=1, padding=1)`.",
        "In `forward`, give x to every branch and `torch.cat` the four results along dim=1.",
    ),
    why="it is GoogLeNet's idea in ten lines; notebook 03 adds the reductions that make it cheap.",
)

EXERCISES = (CHANNELS, COST, WINDOW, SHARE, BRANCHES)

PREDICTIONS = (
    Prediction(
        "00.a",
        "Of 1000 new drawings, some far smaller than any in training, how many are right?",
        tolerance=50,
        least=0,
        most=1000,
    ),
    Prediction(
        "00.b",
        "The object grows. Which branch's middle answer goes on changing longest?",
        choices=("1x1", "3x3", "5x5", "pool"),
    ),
    Prediction(
        "00.c",
        "How many percent of ConvNeXt's multiply-adds are done by kernels that see one pixel?",
        tolerance=10,
        least=0,
        most=100,
    ),
)
