"""Notebook 00's exercises refuse plausible wrong answers, each with a message of its own."""

from dataclasses import astuple
from fractions import Fraction

import numpy as np
import pytest
import torch
from exercise_tools import (
    assert_each_has_words_of_its_own,
    assert_refused,
    assert_several_wrong_answers,
)
from torch import nn
from torch.nn import functional as F

from googlenet_lib.exercises.checks import judge
from googlenet_lib.exercises.nb00 import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def no_strides(layers):
    return 1 + sum(kernel - 1 for kernel, stride in layers)


def stride_first(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def kernels_added(layers):
    return sum(kernel for kernel, stride in layers)


def from_zero(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def eats_its_input(layers):
    field, step = 1, 1
    while layers:
        kernel, stride = layers.pop(0)
        field += (kernel - 1) * step
        step *= stride
    return field


def no_layers_forgotten(layers):
    kernel, stride = layers[0]
    field, step = kernel, stride
    for kernel, stride in layers[1:]:
        field += (kernel - 1) * step
        step *= stride
    return field


def window(adds=lambda kernel, stride: kernel - 1, steps=lambda step, stride: step * stride):
    """Right, but for what the arguments change."""

    def of(layers):
        field, step = 1, 1
        for kernel, stride in layers:
            field += adds(kernel, stride) * step
            step = steps(step, stride)
        return field

    return of


def first_alone(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
        return field
    return field


def own_share(costs, name):
    return sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)


def part_of_a_name(costs, name):
    return sum(c.macs for c in costs if name in c.name) / sum(c.macs for c in costs)


def conv(inputs, outputs, kernel, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 1, padding), nn.ReLU())


class Lanes(nn.Module):
    """Right, but for what a subclass changes."""

    pool = nn.MaxPool2d(3, stride=1, padding=1)
    kernels = (1, 3, 5)
    padding = None

    def __init__(self, inputs, *widths):
        super().__init__()
        lanes = [
            conv(inputs, width, kernel, self.padding)
            for width, kernel in zip(widths, self.kernels, strict=False)
        ]
        lanes.append(nn.Sequential(self.pool, conv(inputs, widths[3], 1)))
        self.hold(lanes)

    def hold(self, lanes):
        self.lanes = nn.ModuleList(lanes)

    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes], dim=1)


class PlainList(Lanes):
    def hold(self, lanes):
        self.lanes = lanes


class OneInAList(Lanes):
    def hold(self, lanes):
        self.first, self.others = lanes[0], lanes[1:]

    def forward(self, x):
        return torch.cat([self.first(x), *(lane(x) for lane in self.others)], dim=1)


class PlainTensor(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        self.weight = lanes[0][0].weight.data
        self.lanes[0] = nn.Identity()

    def forward(self, x):
        first = F.relu(F.conv2d(x, self.weight))
        return torch.cat([first, *(lane(x) for lane in self.lanes[1:])], dim=1)


class MadeInForward(Lanes):
    def forward(self, x):
        self.lanes[0][0].reset_parameters()
        return super().forward(x)


class PoolOfStrideThree(Lanes):
    pool = nn.MaxPool2d(3, padding=1)


class FunctionalPoolOfStrideThree(Lanes):
    def forward(self, x):
        pooled = self.lanes[3][1](F.max_pool2d(x, 3, padding=1))
        return torch.cat([*(lane(x) for lane in self.lanes[:3]), pooled], dim=1)


class NoPadding(Lanes):
    padding = 0


class Average(Lanes):
    pool = nn.AvgPool2d(3, stride=1, padding=1)


class NoPool(Lanes):
    pool = nn.Identity()


class PoolOfZeros(Lanes):
    pool = nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, stride=1))


class PoolOfFive(Lanes):
    pool = nn.MaxPool2d(5, stride=1, padding=2)


class ProjectionFirst(Lanes):
    def hold(self, lanes):
        super().hold([*lanes[:3], nn.Sequential(lanes[3][1], lanes[3][0])])


class Swapped(Lanes):
    kernels = (1, 5, 3)


class SwappedInForward(Lanes):
    def forward(self, x):
        return torch.cat([self.lanes[i](x) for i in (0, 2, 1, 3)], dim=1)


class AlongPictures(Lanes):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes])


class AlongRows(Lanes):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes], dim=2)


class NewDimension(Lanes):
    def forward(self, x):
        return torch.stack([lane(x) for lane in self.lanes], dim=1)


class Added(Lanes):
    def forward(self, x):
        return sum(lane(x) for lane in self.lanes)


class OneForgotten(Lanes):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes[:3]], dim=1)


class Turned(Lanes):
    def forward(self, x):
        return super().forward(x.mT)


class Chained(Lanes):
    def forward(self, x):
        for lane in self.lanes:
            x = lane(x)
        return x


class ReadsTheFirstLane(Lanes):
    """Its 3x3 takes what the 1x1 gives."""

    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1] = conv(widths[0], widths[1], 3)

    def forward(self, x):
        first, *others = self.lanes
        outs = [first(x)]
        outs += [lane(outs[0] if place == 0 else x) for place, lane in enumerate(others)]
        return torch.cat(outs, dim=1)


class SeesAnotherLane(Lanes):
    def forward(self, x):
        outs = [lane(x) for lane in self.lanes]
        return torch.cat([*outs[:2], outs[2] * 2, outs[3]], dim=1)


class Reductions(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        for place, kernel in ((1, 3), (2, 5)):
            width = widths[place]
            self.lanes[place] = nn.Sequential(conv(inputs, width, 1), conv(width, width, kernel))


class TwoThrees(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[2] = nn.Sequential(conv(inputs, widths[2], 3), conv(widths[2], widths[2], 3))


class Horizontal(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1][0] = nn.Conv2d(inputs, widths[1], (1, 3), padding=(0, 1))


class Grouped(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1][0] = nn.Conv2d(inputs, widths[1], 3, padding=1, groups=3)


class Dilated(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1][0] = nn.Conv2d(inputs, widths[1], 3, padding=2, dilation=2)


class Reflected(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[2][0].padding_mode = "reflect"


class Constant(Lanes):
    def __init__(self, inputs, *widths):
        super().__init__(6, *widths)


class OneSizeByHeart(Lanes):
    def forward(self, x):
        return super().forward(x).view(2, -1, 9, 7)


class NoReLU(Lanes):
    def hold(self, lanes):
        self.lanes = nn.ModuleList([*lanes[:2], lanes[2][0], lanes[3]])


class ReLUInFront(Lanes):
    def forward(self, x):
        return super().forward(F.relu(x))


class Sigmoids(NoReLU):
    def forward(self, x):
        outs = [lane(x) for lane in self.lanes]
        outs[2] = outs[2].sigmoid()
        return torch.cat(outs, dim=1)


class Scaled(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        self.scale = nn.Parameter(torch.tensor(1.0))


class Clipped(Lanes):
    def forward(self, x):
        return super().forward(x).clamp(max=6)


class WithBatchNorm(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[0].insert(1, nn.BatchNorm2d(self.lanes[0][0].out_channels))


class WithPlainBatchNorm(Lanes):
    """Without weights, so that only training mode shows it."""

    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[0].insert(1, nn.BatchNorm2d(self.lanes[0][0].out_channels, affine=False))


class WithDropout(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[1].append(nn.Dropout(0.1))


class ChangesItsInput(Lanes):
    def hold(self, lanes):
        super().hold([nn.Sequential(nn.ReLU(inplace=True), lanes[0]), *lanes[1:]])


class Frozen(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[2].requires_grad_(False)


class DividedByNothing(Lanes):
    def forward(self, x):
        return super().forward(x) / 0


class FailsInTraining(Lanes):
    def forward(self, x):
        return super().forward(x).view(-1, 5 if self.training else 14, *x.shape[2:])


class PairInTraining(Lanes):
    def forward(self, x):
        out = super().forward(x)
        return (out, out) if self.training else out


class Normed(Lanes):
    def hold(self, lanes):
        super().hold(lanes)
        nn.utils.parametrizations.weight_norm(self.lanes[0][0])


class Detached(Lanes):
    def forward(self, x):
        return torch.cat([self.lanes[0](x).detach(), *(one(x) for one in self.lanes[1:])], dim=1)


class Double(Lanes):
    def forward(self, x):
        return super().forward(x).double()


class Elsewhere(Lanes):
    def forward(self, x):
        return super().forward(x).to("meta")


class NoReturn(Lanes):
    def forward(self, x):
        torch.cat([lane(x) for lane in self.lanes], dim=1)


class AList(Lanes):
    def forward(self, x):
        return [lane(x) for lane in self.lanes]


WRONG = (
    ("00.1", lambda w: sum(vars(w).values()), "All six widths"),
    ("00.1", lambda w: w.out_1x1 + w.out_3x3 + w.out_5x5, "the fourth one"),
    ("00.1", lambda w: w.reduce_3x3 + w.reduce_5x5, "Those are the reductions"),
    ("00.1", lambda w: max(w.out_1x1, w.out_3x3, w.out_5x5, w.pool_proj), "the widest lane alone"),
    ("00.1", lambda w: w.out_channels, "no attribute 'out_channels'"),
    ("00.1", lambda w: 512, "It is the same whatever goes in"),
    ("00.1", lambda w: [w.out_1x1, w.out_3x3, w.out_5x5, w.pool_proj], "an int; a list came"),
    ("00.2", lambda i, o, h, w: i * o, "Those are the weights"),
    ("00.2", lambda i, o, h, w: 2 * i * o * h * w, "counted as two"),
    ("00.2", lambda i, o, h, w: (i + o) * h * w, "Channels were added"),
    ("00.2", lambda i, o, h, w: 9 * i * o * h * w, "a 3x3 kernel"),
    ("00.2", lambda i, o, h, w: o * h * w, "the output values"),
    ("00.2", lambda i, o, h, w: i * o * h * h, "Start with one output value"),
    ("00.2", lambda i, o, h, w: i * o * h * w / 1, "Expected is an int"),
    ("00.3", no_strides, "Strides are not in it"),
    ("00.3", stride_first, "own stride widened its own window"),
    ("00.3", kernels_added, "Kernels were added up"),
    ("00.3", from_zero, "One pixel is missing"),
    ("00.3", eats_its_input, "changed its input"),
    ("00.3", no_layers_forgotten, "With no layer at all"),
    ("00.3", window(adds=lambda k, s: 2 * (k // 2)), "An even kernel has no middle"),
    ("00.3", window(adds=lambda k, s: max(k, s) - 1), "([(11, 4), (1, 2), (3, 1)])"),
    ("00.3", window(steps=lambda step, s: step * min(s, 2)), "taken for 2 at most"),
    ("00.3", window(steps=lambda step, s: s), "Only the stride of the layer before"),
    ("00.3", window(steps=lambda step, s: step + s), "keep two numbers"),
    ("00.3", lambda layers: window()(layers[::-1]), "The last layer was taken first"),
    ("00.3", first_alone, "Does `return` stand inside of the loop"),
    ("00.3", lambda layers: float(window()(layers)), "23.0. Expected is an int"),
    (
        "00.4",
        lambda costs, name: (
            sum(c.params for c in costs if c.name == name) / sum(c.params for c in costs)
        ),
        "share of the weights",
    ),
    (
        "00.4",
        lambda costs, name: (
            100 * sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)
        ),
        "in percent",
    ),
    (
        "00.4",
        lambda costs, name: (
            sum(c.macs for c in costs if c.name == name) // sum(c.macs for c in costs)
        ),
        "`//` cuts off",
    ),
    (
        "00.4",
        lambda costs, name: (
            sum(c.macs for c in costs if c.name == name)
            / sum(c.macs for c in costs if c.name != name)
        ),
        "compared with the others",
    ),
    ("00.4", lambda costs, name: sum(c.macs for c in costs if c.name == name), "row's own work"),
    ("00.4", lambda costs, name: costs[name].macs, "list indices must be integers"),
    ("00.4", part_of_a_name, "A name may be part of another"),
    ("00.4", lambda costs, name: round(own_share(costs, name), 2), "It is rounded"),
    ("00.4", lambda costs, name: 1 / len(costs), "Every row got an equal part"),
    ("00.4", lambda costs, name: 0, "It is the same whatever goes in"),
    ("00.4", lambda costs, name: f"{own_share(costs, name):.1%}", "a plain number; a text came"),
    ("00.4", lambda costs, name: torch.tensor(own_share(costs, name)), "`.item()` makes"),
    ("00.5", PlainList, "`self.lanes` is a plain list"),
    ("00.5", OneInAList, "`self.others` is a plain list"),
    ("00.5", PlainTensor, "nn.Parameter registers it"),
    ("00.5", MadeInForward, "layers are made in `__init__` alone"),
    ("00.5", PoolOfStrideThree, "a MaxPool2d with kernel_size=3 and stride=3"),
    ("00.5", FunctionalPoolOfStrideThree, "without one, a pool takes its kernel's"),
    ("00.5", NoPadding, "kernel_size=(3, 3) and padding=(0, 0)"),
    ("00.5", Average, "a max pool takes the largest"),
    ("00.5", NoPool, "there is no pool"),
    ("00.5", PoolOfZeros, "zeros around the map win"),
    ("00.5", PoolOfFive, "window is 5x5"),
    ("00.5", ProjectionFirst, "the pool comes after the 1x1"),
    ("00.5", Swapped, "Its 3x3 lane has no 3x3 of the right shape"),
    ("00.5", SwappedInForward, "stacked in another order"),
    ("00.5", AlongPictures, "in dimension 0. Expected"),
    ("00.5", AlongRows, "in dimension 2. Expected"),
    ("00.5", NewDimension, "`torch.stack` makes a new dimension"),
    ("00.5", Added, "Were lanes added"),
    ("00.5", OneForgotten, "How many channels does each"),
    ("00.5", Turned, "(2, 14, 7, 9) of x of shape (2, 6, 9, 7)"),
    ("00.5", Chained, "Every lane reads x itself"),
    ("00.5", ReadsTheFirstLane, "a 3x3 from 2 channels to 3. The outputs of one are right"),
    ("00.5", SeesAnotherLane, "Its 5x5 lane gave other numbers"),
    ("00.5", Reductions, "a 1x1 from 6 channels to 3, a 3x3 from 3 channels to 3"),
    ("00.5", TwoThrees, "Its 5x5 lane has no 5x5 of the right shape"),
    ("00.5", Horizontal, "a 1x3 from 6 channels to 3"),
    ("00.5", Grouped, "a 3x3 from 6 channels to 3"),
    ("00.5", Dilated, "dilation=(2, 2)"),
    ("00.5", Reflected, "padding_mode='reflect'"),
    ("00.5", Constant, "to have 6 channels, but got 3 channels"),
    ("00.5", OneSizeByHeart, "is invalid for input of size"),
    ("00.5", NoReLU, "the ReLU after the 5x5 is missing"),
    ("00.5", ReLUInFront, "a ReLU too many stands in front"),
    ("00.5", Sigmoids, "a Sigmoid stands where a ReLU belongs"),
    ("00.5", Scaled, "a parameter of shape ()"),
    ("00.5", Clipped, "a ReLU6 stands"),
    ("00.5", WithBatchNorm, "more than the task asks for: a BatchNorm2d"),
    ("00.5", WithPlainBatchNorm, "In training mode it gives something else"),
    ("00.5", WithDropout, "It holds a Dropout, which is not asked for"),
    ("00.5", ChangesItsInput, "`nn.ReLU(inplace=True)` changes what it gets"),
    ("00.5", Frozen, "`requires_grad` is False"),
    ("00.5", DividedByNothing, "nan or inf"),
    ("00.5", FailsInTraining, "in training mode) raised"),
    ("00.5", PairInTraining, "in training mode. Expected is a tensor; a tuple came"),
    ("00.5", Normed, "a ParametrizationList"),
    ("00.5", Detached, "no gradient gets through"),
    ("00.5", Double, "Its type is torch.float64"),
    ("00.5", Elsewhere, "the device meta"),
    ("00.5", NoReturn, "Is `return` missing?"),
    ("00.5", AList, "Expected is a tensor; a list came"),
)


@pytest.mark.parametrize(("id", "given", "words"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, words):
    assert_refused(BY_ID[id], given, words)


def test_every_exercise_has_several_wrong_answers():
    assert_several_wrong_answers(BY_ID, WRONG)
    assert_each_has_words_of_its_own(BY_ID, WRONG)


class Functional(nn.Module):
    """Another way to write it: no list, the pool as a function."""

    def __init__(self, inputs, a, b, c, d):
        super().__init__()
        self.a, self.b = nn.Conv2d(inputs, a, 1), nn.Conv2d(inputs, b, 3, padding="same")
        self.c, self.d = nn.Conv2d(inputs, c, 5, padding=2), nn.Conv2d(inputs, d, 1, bias=False)

    def forward(self, x):
        pooled = F.max_pool2d(x, 3, 1, 1)
        return F.relu(torch.cat((self.a(x), self.b(x), self.c(x), self.d(pooled)), 1))


class Padded(nn.ModuleDict):
    """Padding by hand, lazy layers, a linear layer as the 1x1, ReLUs in place."""

    def __init__(self, inputs, a, b, c, d):
        super().__init__({"a": nn.Linear(inputs, a), "b": nn.LazyConv2d(b, 3)})
        self["c"], self["d"] = nn.LazyConv2d(c, 5), nn.LazyConv2d(d, 1)

    def forward(self, x):
        out = [self["a"](x.movedim(1, -1)).movedim(-1, 1)]
        out += [self["b"](F.pad(x, [1] * 4)), self["c"](F.pad(x, [2] * 4))]
        pooled = F.max_pool2d(F.pad(x, [1] * 4, value=-torch.inf), 3, 1)
        return torch.hstack([F.relu_(one) for one in [*out, self["d"](pooled)]])


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("00.1", lambda w: sum(astuple(w)[::2]) + w.pool_proj),
        ("00.1", lambda w: np.sum([w.out_1x1, w.out_3x3, w.out_5x5, w.pool_proj])),
        ("00.2", lambda inputs, outputs, height, width: height * width * outputs * inputs),
        ("00.2", lambda *sizes: np.prod(sizes)),
        ("00.3", window()),
        (
            "00.3",
            lambda layers: (
                1
                + sum(
                    (kernel - 1) * int(torch.tensor([1] + [s for _, s in layers[:i]]).prod())
                    for i, (kernel, _) in enumerate(layers)
                )
            ),
        ),
        (
            "00.4",
            lambda costs, name: {c.name: c for c in costs}[name].macs / sum(c.macs for c in costs),
        ),
        ("00.4", lambda costs, name: Fraction(own_share(costs, name))),
        ("00.5", Lanes),
        ("00.5", Functional),
        ("00.5", Padded),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
