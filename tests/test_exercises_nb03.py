"""Notebook 03's exercises refuse plausible wrong answers, each with a message of its own."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from exercise_tools import assert_refused, assert_several_wrong_answers
from torch import nn
from torch.nn import functional as F

from googlenet_lib.blocks import ConvBlock, Inception, NaiveInception
from googlenet_lib.exercises.checks import judge
from googlenet_lib.exercises.nb03 import EXERCISES, TOYS
from googlenet_lib.paper import ROWS, Widths

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def lane_channels(w, names=("out_1x1", "out_3x3", "out_5x5", "pool_proj")):
    lanes, first = {}, 0
    for lane, name in zip(("1x1", "3x3", "5x5", "pool"), names, strict=True):
        lanes[lane] = (first, first + getattr(w, name))
        first += getattr(w, name)
    return lanes


def widths(**changed):
    return replace(ROWS["inception3a"].widths, **changed)


def conv(inputs, outputs, kernel, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.ReLU())


class Naive(nn.Module):
    """Right, but for what a subclass changes."""

    padding = None
    pool = nn.MaxPool2d(3, 1, 1)
    dim = 1

    def __init__(self, inputs, w):
        super().__init__()
        self.hold(
            [
                conv(inputs, w.out_1x1, 1),
                conv(inputs, w.out_3x3, 3, self.padding),
                conv(inputs, w.out_5x5, 5, self.padding and 2 * self.padding),
                self.pool,
            ]
        )

    def hold(self, lanes):
        self.lanes = nn.ModuleList(lanes)

    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes], dim=self.dim)


class Reduced(Naive):
    def __init__(self, inputs, w):
        nn.Module.__init__(self)
        three = [conv(inputs, w.reduce_3x3, 1), conv(w.reduce_3x3, w.out_3x3, 3)]
        five = [conv(inputs, w.reduce_5x5, 1), conv(w.reduce_5x5, w.out_5x5, 5)]
        pool = [nn.MaxPool2d(3, 1, 1), conv(inputs, w.pool_proj, 1)]
        self.hold([conv(inputs, w.out_1x1, 1), *self.lanes_of(three, five, pool)])

    def lanes_of(self, *lanes):
        return [nn.Sequential(*lane) for lane in lanes]


class NoPadding(Naive):
    padding = 0


class StrideOfThree(Naive):
    pool = nn.MaxPool2d(3, padding=1)


class AlongPictures(Naive):
    dim = 0


class PlainList(Naive):
    def hold(self, lanes):
        self.lanes = lanes


class NoReLU(Naive):
    def hold(self, lanes):
        self.lanes = nn.ModuleList([*(lane[0] for lane in lanes[:3]), lanes[3]])


class PoolFirst(Naive):
    def forward(self, x):
        return torch.cat([self.lanes[i](x) for i in (3, 0, 1, 2)], dim=1)


class ReLUOnThePool(Naive):
    def forward(self, x):
        return torch.relu(super().forward(x))


class Average(Naive):
    pool = nn.AvgPool2d(3, 1, 1)


class Added(Naive):
    def forward(self, x):
        return sum(lane(x).mean(1, keepdim=True) for lane in self.lanes)


class ProjectionFirst(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of(three, five, pool[::-1])


class NoInnerReLU(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of([three[0][0], three[1]], five, pool)


class NoLastReLU(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of(three, five, [pool[0], pool[1][0]])


class NoReductions(Reduced):
    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.lanes[1] = conv(inputs, w.out_3x3, 3)
        self.lanes[2] = conv(inputs, w.out_5x5, 5)


class ThreeForFive(Reduced):
    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.lanes[2][1] = conv(w.reduce_5x5, w.out_5x5, 3)


class OneReduction(Reduced):
    """The 5x5 reads what the 3x3's reduction gives."""

    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.lanes[2] = conv(w.reduce_3x3, w.out_5x5, 5)

    def forward(self, x):
        one, three, five, pool = self.lanes
        return torch.cat([one(x), three(x), five(three[0](x)), pool(x)], dim=1)


class ReductionBehind(Reduced):
    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.lanes[1] = nn.Sequential(
            conv(inputs, w.reduce_3x3, 3), conv(w.reduce_3x3, w.out_3x3, 1)
        )


class Fused(Reduced):
    """One 1x1 for the three that read the input."""

    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.widths = [w.out_1x1, w.reduce_3x3, w.reduce_5x5]
        self.entrance, self.lanes[0] = conv(inputs, sum(self.widths), 1), nn.Identity()
        self.lanes[1][0] = self.lanes[2][0] = nn.Identity()

    def forward(self, x):
        parts = self.entrance(x).split(self.widths, dim=1)
        return torch.cat([lane(p) for lane, p in zip(self.lanes, [*parts, x], strict=True)], 1)


class ReLUBehindTheReductionAlone(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of(three, [five[0], five[1][0]], pool)


class ReLUBeforeTheProjection(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of(three, five, [pool[0], nn.ReLU(), pool[1]])


class BeginsWithZeros(ReLUBeforeTheProjection):
    def hold(self, lanes):
        super().hold(lanes)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)


class InnerTanh(Reduced):
    def lanes_of(self, three, five, pool):
        return super().lanes_of([nn.Sequential(three[0][0], nn.Tanh()), three[1]], five, pool)


class WithBatchNorm(Reduced):
    def hold(self, lanes):
        super().hold(lanes)
        for module in list(self.modules()):
            if isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d):
                module.insert(1, nn.BatchNorm2d(module[0].out_channels))


class WithDropout(Reduced):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.4, self.training)


class Dropped(Naive):
    def hold(self, lanes):
        super().hold([*lanes[:3], nn.Sequential(lanes[3], nn.Dropout(0.5))])


class Eight(Naive):
    def __init__(self, inputs, w):
        super().__init__(8, w)


class PoolsTheFirstLane(Naive):
    def forward(self, x):
        outs = [lane(x) for lane in self.lanes[:3]]
        return torch.cat([*outs, self.pool(outs[0])], dim=1)


class FiveBeforeThree(Reduced):
    def forward(self, x):
        return torch.cat([self.lanes[i](x) for i in (0, 2, 1, 3)], dim=1)


def tower(in_channels, modules):
    return in_channels + sum(w.out_1x1 + w.out_3x3 + w.out_5x5 for w in modules)


def doubles(channels, modules):
    for w in modules:
        channels += channels + w.out_1x1 + w.out_3x3 + w.out_5x5
    return channels


def three_alone(weights, biases):
    a, b, c = weights
    d, e, f = biases
    return torch.cat([a, b, c]), torch.cat([d, e, f])


WRONG = (
    (
        "03.1",
        lambda w: lane_channels(w, ("out_1x1", "reduce_3x3", "reduce_5x5", "pool_proj")),
        "Those are the reductions",
    ),
    (
        "03.1",
        lambda w: {lane: (a, b - 1) for lane, (a, b) in lane_channels(w).items()},
        "as a slice wants it",
    ),
    (
        "03.1",
        lambda w: {lane: (0, b - a) for lane, (a, b) in lane_channels(w).items()},
        "Every lane begins at 0",
    ),
    (
        "03.1",
        lambda w: {lane: (a, b - a) for lane, (a, b) in lane_channels(w).items()},
        "The second number is how many",
    ),
    (
        "03.1",
        lambda w: dict(reversed(lane_channels(w).items())),
        "in another order",
    ),
    ("03.2", NoPadding, "kernel_size=(3, 3) and padding=(0, 0)"),
    ("03.2", StrideOfThree, "without one, a pool takes its kernel's"),
    ("03.2", AlongPictures, "channels are dimension 1"),
    ("03.2", PlainList, "`self.lanes` is a plain list"),
    ("03.2", NoReLU, "the ReLU after the 1x1 is missing"),
    ("03.2", PoolFirst, "stacked in another order"),
    ("03.2", ReLUOnThePool, "a ReLU too many stands after the pool"),
    ("03.2", Average, "a max pool takes the largest"),
    ("03.2", Added, "(2, 1, 9, 7)"),
    ("03.2", Reduced, "How many channels does each"),
    ("03.2", Dropped, "It holds a Dropout"),
    ("03.2", Eight, "to have 8 channels, but got 5"),
    ("03.2", PoolsTheFirstLane, "How many channels does each"),
    ("03.2", NaiveInception, "a BatchNorm2d"),
    ("03.3", lambda c, modules: tower(0, modules), "first module passes something on"),
    ("03.3", lambda c, modules: c + sum(w.out_channels for w in modules), "no projection"),
    ("03.3", lambda c, modules: modules[-1].out_channels, "with its reductions"),
    ("03.3", doubles, "once in each module"),
    ("03.3", lambda c, modules: tower(c, modules[:1]), "Then the next reads that"),
    ("03.3", lambda c, modules: tower(192, modules) if modules else c, "7, [widths of 4b, 4c]"),
    ("03.4", Naive, "How many channels does each"),
    ("03.4", NoReductions, "a 3x3 from 8 channels to 6"),
    ("03.4", ThreeForFive, "a 3x3 from 2 channels to 5"),
    ("03.4", OneReduction, "a 5x5 from 3 channels to 5"),
    ("03.4", ReductionBehind, "Its 3x3 lane has no 1x1 of the right shape"),
    ("03.4", Fused, "a 1x1 from 8 channels to 9"),
    ("03.4", ProjectionFirst, "the pool comes after the 1x1"),
    ("03.4", NoInnerReLU, "In the 3x3 lane, the ReLU after the 1x1 is missing"),
    ("03.4", NoLastReLU, "In the pool lane, the ReLU after the 1x1 is missing"),
    ("03.4", ReLUBehindTheReductionAlone, "In the 5x5 lane, the ReLU after the 5x5 is missing"),
    ("03.4", ReLUBeforeTheProjection, "a ReLU too many stands after the pool"),
    ("03.4", BeginsWithZeros, "a ReLU too many stands after the pool"),
    ("03.4", InnerTanh, "a Tanh stands"),
    ("03.4", FiveBeforeThree, "stacked in another order"),
    ("03.4", WithBatchNorm, "a BatchNorm2d"),
    ("03.4", WithDropout, "In training mode two calls"),
    ("03.5", lambda n, k, s, c: (n - k) // s + 1, "and ceil_mode is True"),
    ("03.5", lambda n, k, s, c: -(-(n - k) // s) + 1, "and ceil_mode is False"),
    ("03.5", lambda n, k, s, c: (n - k) // s + 1 + c, "only where something is left over"),
    ("03.5", lambda n, k, s, c: -(-(n - k) // s) if c else (n - k) // s, "the first window"),
    ("03.5", lambda n, k, s, c: -(-n // s) if c else n // s, "forgets the kernel"),
    ("03.5", lambda n, k, s, c: (n - k) / s + 1, "Expected is an int"),
    ("03.6", lambda w, b: (sum(w), sum(b)), "mixes them for good"),
    ("03.6", lambda w, b: (torch.stack(w), torch.stack(b)), "makes a new dimension"),
    ("03.6", lambda w, b: (torch.cat(w, dim=1), torch.cat(b)), "all of them read the same input"),
    ("03.6", lambda w, b: torch.cat(w), "return both"),
    ("03.6", lambda w, b: (torch.cat(w), sum(b)), "its own output channels"),
    ("03.6", three_alone, "Any number of convolutions"),
    ("03.6", lambda w, b: (torch.cat(w[:3]), torch.cat(b[:3])), "is (13, 9, 1, 1)"),
    ("03.6", lambda w, b: (torch.cat(w).view(-1, 6, 1, 1), torch.cat(b)), "invalid for input"),
    ("03.6", lambda w, b: (torch.cat(w[::-1]), torch.cat(b[::-1])), "off by up to"),
    ("03.7", ROWS["inception3a"].widths, "give 256 channels, and 320 are asked for"),
    ("03.7", widths(reduce_3x3=160), "Reductions don't count"),
    ("03.7", widths(out_1x1=128), "137,682,944 multiply-adds, 9,633,792 too many"),
    ("03.7", widths(out_5x5=96), "too many"),
    ("03.7", widths(out_1x1=192, out_3x3=96), "The 3x3 lane gives 96 channels, the paper's gives"),
    ("03.7", widths(out_1x1=256, reduce_5x5=0), "The 5x5 lane gives 0 channels"),
    ("03.7", widths(out_1x1=128, reduce_3x3=79.5), "whole numbers"),
    ("03.7", Widths(*np.array([128.0, 64, 128, 16, 32, 32])), "whole numbers"),
    ("03.7", (128, 80, 128, 16, 32, 32), "six numbers by name"),
    ("03.7", 320, "which has no out_1x1"),
)


@pytest.mark.parametrize(("id", "given", "words"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, words):
    assert_refused(BY_ID[id], given, words)


def test_every_exercise_has_several_wrong_answers():
    assert_several_wrong_answers(BY_ID, WRONG)


def test_the_toys_tell_each_kernel_by_its_shape():
    for inputs, w in TOYS:
        for block in (Naive(inputs, w), Reduced(inputs, w)):
            shapes = [tuple(p.shape) for p in block.parameters()]
            assert len({*shapes}) == len(shapes)


class PlainNaive(NaiveInception):
    def __init__(self, inputs, w):
        super().__init__(inputs, w, conv_block=partial(ConvBlock, batch_norm=False))


class PlainInception(Inception):
    def __init__(self, inputs, w):
        super().__init__(inputs, w, conv_block=partial(ConvBlock, batch_norm=False, bias=True))


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("03.1", lane_channels),
        ("03.2", Naive),
        ("03.2", PlainNaive),
        ("03.3", lambda c, modules: tower(c, modules)),
        ("03.4", Reduced),
        ("03.4", PlainInception),
        ("03.5", lambda n, k, s, c: (n - k + c * (s - 1)) // s + 1),
        ("03.6", lambda w, b: (torch.vstack(w), torch.hstack(b))),
        ("03.7", widths(out_1x1=128, reduce_3x3=80)),
        ("03.7", Widths(*np.array([128, 64, 128, 16, 32, 32]))),
        ("03.7", widths(out_1x1=np.uint8(128), reduce_3x3=torch.tensor(80))),
        ("03.7", widths(reduce_3x3=56, reduce_5x5=32, out_5x5=64, pool_proj=64)),
        ("03.7", widths(out_1x1=96, reduce_3x3=72, out_3x3=136, pool_proj=72)),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says


def test_the_towers_answer_is_the_notebooks():
    modules = [row.widths for row in ROWS.values() if row.widths]
    assert tower(192, modules) == 4944
