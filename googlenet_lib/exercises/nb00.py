"""Exercises of notebook 00: lanes, windows and what they cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from googlenet_lib.exercises.exercise import Exercise, Prediction
from googlenet_lib.exercises.probes import Build, convs, same_layers
from googlenet_lib.exercises.tools import Case, Slip, same_as
from googlenet_lib.paper import ROWS

# ---- 00.1 Channels out ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """The six numbers of a row, without the library's own sum of four of them."""

    out_1x1: int
    reduce_3x3: int
    out_3x3: int
    reduce_5x5: int
    out_5x5: int
    pool_proj: int


def _stacked(w: Any) -> int:
    return w.out_1x1 + w.out_3x3 + w.out_5x5 + w.pool_proj


def _test_stacked(answer: Any) -> None:
    slips = (
        Slip(
            lambda w: sum(vars(w).values()),
            "All six widths are in it. Which two are spent inside a lane, and never leave it?",
        ),
        Slip(
            lambda w: w.out_1x1 + w.out_3x3 + w.out_5x5,
            "Three lanes are in it. What does the fourth one, which begins with a pool, end with?",
        ),
        Slip(
            lambda w: w.reduce_3x3 + w.reduce_5x5,
            "Those are the reductions, in front of the large kernels. What comes out behind them?",
        ),
        Slip(
            lambda w: max(w.out_1x1, w.out_3x3, w.out_5x5, w.pool_proj),
            "That is the widest lane alone. `torch.cat` keeps all four.",
        ),
    )
    rows = [ROWS[f"inception{row}"].widths for row in ("4a", "4d", "5b")]
    cases = [Case((Widths(**asdict(row)),)) for row in rows]
    same_as(answer, _stacked, cases, slips, "Follow each lane to its last convolution.")


# ---- 00.2 Multiply-adds of a 1x1 convolution -----------------------------------------------------


def _one_by_one(inputs: int, outputs: int, height: int, width: int) -> int:
    return inputs * outputs * height * width


def _test_one_by_one(answer: Any) -> None:
    slips = (
        Slip(lambda i, o, h, w: i * o, "Those are the weights. At how many places does each work?"),
        Slip(
            lambda i, o, h, w: 2 * i * o * h * w,
            "A multiplication and its addition were counted as two; the paper counts them as one.",
        ),
        Slip(
            lambda i, o, h, w: (i + o) * h * w,
            "Channels were added. How many inputs does each single output channel mix?",
        ),
        Slip(
            lambda i, o, h, w: 9 * i * o * h * w,
            "That is a 3x3 kernel. How many pixels does this one look at?",
        ),
        Slip(
            lambda i, o, h, w: o * h * w,
            "Those are the output values. What does each of them cost?",
        ),
    )
    cases = [Case((192, 16, 28, 20)), Case((64, 96, 7, 7)), Case((1, 1, 1, 1))]
    look = "Start with one output value: how many multiplications make it? Then count such values."
    same_as(answer, _one_by_one, cases, slips, look)


# ---- 00.3 The window behind a list of layers -----------------------------------------------------

Layers = Sequence[tuple[int, int]]


def _window(layers: Layers) -> int:
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


def _test_window(answer: Any) -> None:
    slips = (
        Slip(
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "Strides are not in it. Behind a stride of 2, how far apart in the picture are two "
            "neighbours of the map?",
        ),
        Slip(
            _stride_too_early,
            "A layer's own stride widened its own window. Its kernel still looks at the map in "
            "front of it; who feels the stride?",
        ),
        Slip(
            lambda layers: _window(layers[:1]),
            "Only the first layer is in it. Does `return` stand inside of the loop?",
        ),
        Slip(
            _one_stride,
            "Only the stride of the layer before is in it. Behind two strides of 2, how far apart "
            "in the picture are two neighbours?",
        ),
        Slip(
            lambda layers: sum(kernel for kernel, _ in layers),
            "Kernels were added up. Two kernels of 3 overlap: how much does the second one add?",
        ),
        Slip(
            lambda layers: _window([(2 * (kernel // 2) + 1, stride) for kernel, stride in layers]),
            "An even kernel has no middle. How many pixels does one of 2 add, and one of 4?",
        ),
        Slip(
            lambda layers: _window([(kernel, min(stride, 2)) for kernel, stride in layers]),
            "Every stride was taken for 2 at most. It may be any number.",
        ),
        Slip(
            lambda layers: _window(layers[::-1]),
            "The last layer was taken first. In which order does a picture meet them?",
        ),
        Slip(
            lambda layers: _window(layers) - 1,
            "One pixel is missing. What does a value see before the first layer?",
        ),
    )
    stem = [(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)]
    cases = [
        Case(([(3, 2), (5, 1), (3, 2), (3, 1)],)),
        Case((stem,)),
        Case(([(2, 2), (4, 3), (2, 1)],)),
        Case(([(11, 4), (1, 2), (3, 1)],)),
        Case(([(1, 1)],), advice="A single layer is a list as well."),
        Case(([],), advice="With no layer at all, a value is a pixel."),
    ]
    look = "Take the layers one by one and keep two numbers: the window, and the step between two."
    same_as(answer, _window, cases, slips, look)


# ---- 00.4 A row's share of the work --------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    name: str
    params: int
    macs: int


def _share(costs: Sequence[Any], name: str) -> float:
    return sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)


def _test_share(answer: Any) -> None:
    slips = (
        Slip(
            lambda costs, name: (
                sum(c.params for c in costs if c.name == name) / sum(c.params for c in costs)
            ),
            "That is its share of the weights. The question is about work: `macs`.",
        ),
        Slip(
            lambda costs, name: 100 * _share(costs, name),
            "That is in percent. A share is between 0 and 1; `:.1%` shows it as percent.",
        ),
        Slip(
            lambda costs, name: int(_share(costs, name)),
            "`//` cuts off all that is behind the point. Which division keeps it?",
        ),
        Slip(
            lambda costs, name: 1 / (1 / _share(costs, name) - 1),
            "The row was compared with the others. The whole has the row itself in it.",
        ),
        Slip(
            lambda costs, name: (
                sum(c.macs for c in costs if name in c.name) / sum(c.macs for c in costs)
            ),
            "A name may be part of another. Which row is called `name`, letter by letter?",
        ),
        Slip(
            lambda costs, name: round(_share(costs, name), 2),
            "It is rounded. `round` is for what is shown.",
        ),
        Slip(
            lambda costs, name: round(_share(costs, name), 3),
            "It is rounded. `round` is for what is shown.",
        ),
        Slip(
            lambda costs, name: 1 / len(costs),
            "Every row got an equal part. What does `macs` say?",
        ),
        Slip(
            lambda costs, name: sum(c.macs for c in costs if c.name == name),
            "That is the row's own work. Which part of all the work is it?",
        ),
    )
    conv1, conv2 = Row("conv1", 9_408, 300), Row("conv2", 114_688, 500)
    reduce, linear = Row("conv2_reduce", 4_096, 150), Row("linear", 1_024_000, 50)
    rows = [conv1, reduce, conv2, linear]
    four = "conv1, conv2_reduce, conv2, linear with 300, 150, 500 and 50 macs"
    cases = [
        Case((rows, "conv2"), told=f'{four}, "conv2"'),
        Case((rows, "linear"), told=f'{four}, "linear"'),
        Case(([conv1, linear], "conv1"), told='conv1 and linear with 300 and 50 macs, "conv1"'),
        Case(([Row("pool", 0, 0), *rows], "pool"), told='five rows, "pool", which has 0 macs'),
        Case(([conv2], "conv2"), told='conv2 alone, with 500 macs, "conv2"'),
    ]
    same_as(answer, _share, cases, slips, "Part over whole: which is which?")


# ---- 00.5 Four lanes -----------------------------------------------------------------------------


def _four_lanes(inputs: int, *widths: int) -> Build:
    one, three, five, projected = widths
    lanes = {
        "1x1": convs(inputs, (one, 1)),
        "3x3": convs(inputs, (three, 3)),
        "5x5": convs(inputs, (five, 5)),
        "pool": [nn.MaxPool2d(3, 1, 1), *convs(inputs, (projected, 1))],
    }
    shapes = ((2, inputs, 9, 7), (1, inputs, 6, 11))
    return Build((inputs, *widths), f"{inputs}, {', '.join(map(str, widths))}", lanes, shapes)


def _test_lanes(answer: Any) -> None:
    same_layers(answer, [_four_lanes(6, 2, 3, 4, 5), _four_lanes(3, 7, 5, 4, 2)])


EXERCISES = (
    Exercise(
        "00.1",
        "Channels out of a module",
        _test_stacked,
        (
            "A lane may hold two convolutions in a row. Only the last one's channels come out.",
            "Look at `forward` in section 3: which four tensors does `torch.cat` get?",
            "It is a sum of four of the six widths: no name in it begins with `reduce`.",
        ),
        "what a module stacks is what the next one has to read: widths grow along the network.",
    ),
    Exercise(
        "00.2",
        "What a 1x1 convolution costs",
        _test_one_by_one,
        (
            "Take one output channel at one place. It is a weighted sum: of how many numbers?",
            "There are as many such sums as there are output values: channels times places.",
            "Multiply all four numbers. Biases are not counted, and a multiply-add counts once.",
        ),
        "work grows with the places, weights do not: early layers cost time, late ones memory.",
    ),
    Exercise(
        "00.3",
        "The window behind some layers",
        _test_window,
        (
            "Begin with a window of one pixel. A 3x3 kernel with stride 1 makes it 3: two more.",
            "Keep a second number: how many pixels lie between two neighbours of the map. It "
            "begins at 1.",
            "A kernel of k spans k - 1 such distances. The stride multiplies the distance, but "
            "only for the layers behind.",
            "In the loop: first `field += (kernel - 1) * step`, and then one line for `step`.",
        ),
        "so the library knew the windows of section 2 before it had looked at any picture.",
    ),
    Exercise(
        "00.4",
        "A row's share of the work",
        _test_share,
        (
            "Work is counted in `macs`; every row in `costs` has its own.",
            "The whole is a `sum` over all rows, the row in question included.",
            "Find the row by `cost.name == name`, and divide its macs by that sum with `/`.",
        ),
        "shares tell where to save: halving a row of 1% cannot make a network faster by more.",
    ),
    Exercise(
        "00.5",
        "A block of four lanes",
        _test_lanes,
        (
            "Section 3 has nearly all of it. Here no lane has a reduction, so three lanes are a "
            "single `conv`.",
            "`nn.ModuleList([...])` holds four lanes; the last is an `nn.Sequential` of a pool "
            "and a 1x1 `conv`.",
            "The pool must keep the map's size: `nn.MaxPool2d(3, stride=1, padding=1)`.",
            "In `forward`, give x to every lane and `torch.cat` the four results along dim=1.",
        ),
        "it is GoogLeNet's idea in ten lines; notebook 03 adds the reductions that make it cheap.",
        kind="class",
    ),
)

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
        "The object grows. Which lane's middle answer goes on changing longest?",
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
