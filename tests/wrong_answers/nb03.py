"""Answers to the exercises of notebook 03: wrong ones that no slip makes, and right ones."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn

from googlenet_lib.network.blocks import ConvBlock, Inception, NaiveInception
from googlenet_lib.network.table1 import ROWS, Widths


def branch_channels(w, names=("out_1x1", "out_3x3", "out_5x5", "pool_proj")):
    branches, first = {}, 0
    for branch, name in zip(("1x1", "3x3", "5x5", "pool"), names, strict=True):
        branches[branch] = (first, first + getattr(w, name))
        first += getattr(w, name)
    return branches


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

    def hold(self, branches):
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=self.dim)


class Reduced(Naive):
    def __init__(self, inputs, w):
        nn.Module.__init__(self)
        three = [conv(inputs, w.reduce_3x3, 1), conv(w.reduce_3x3, w.out_3x3, 3)]
        five = [conv(inputs, w.reduce_5x5, 1), conv(w.reduce_5x5, w.out_5x5, 5)]
        pool = [nn.MaxPool2d(3, 1, 1), conv(inputs, w.pool_proj, 1)]
        self.hold([conv(inputs, w.out_1x1, 1), *self.branches_of(three, five, pool)])

    def branches_of(self, *branches):
        return [nn.Sequential(*branch) for branch in branches]


class NoReLU(Naive):
    def hold(self, branches):
        self.branches = nn.ModuleList([*(branch[0] for branch in branches[:3]), branches[3]])


class ReLUOnThePool(Naive):
    def forward(self, x):
        return torch.relu(super().forward(x))


class NoInnerReLU(Reduced):
    def branches_of(self, three, five, pool):
        return super().branches_of([three[0][0], three[1]], five, pool)


class NoReductions(Reduced):
    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.branches[1] = conv(inputs, w.out_3x3, 3)
        self.branches[2] = conv(inputs, w.out_5x5, 5)


class OneReduction(Reduced):
    """The 5x5 reads what the 3x3's reduction gives."""

    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.branches[2] = conv(w.reduce_3x3, w.out_5x5, 5)

    def forward(self, x):
        one, three, five, pool = self.branches
        return torch.cat([one(x), three(x), five(three[0](x)), pool(x)], dim=1)


class ReLUBeforeTheProjection(Reduced):
    def branches_of(self, three, five, pool):
        return super().branches_of(three, five, [pool[0], nn.ReLU(), pool[1]])


def tower(in_channels, modules):
    return in_channels + sum(w.out_1x1 + w.out_3x3 + w.out_5x5 for w in modules)


def three_alone(weights, biases):
    a, b, c = weights
    d, e, f = biases
    return torch.cat([a, b, c]), torch.cat([d, e, f])


class PlainNaive(NaiveInception):
    def __init__(self, inputs, w):
        super().__init__(inputs, w, conv_block=partial(ConvBlock, batch_norm=False))


class PlainInception(Inception):
    def __init__(self, inputs, w):
        super().__init__(inputs, w, conv_block=partial(ConvBlock, batch_norm=False, bias=True))


WRONG = (
    (
        "03.1",
        lambda w: dict(reversed(branch_channels(w).items())),
        "in another order",
    ),
    ("03.2", NoReLU, "the ReLU after the 1x1 is missing"),
    ("03.2", ReLUOnThePool, "a ReLU too many stands after the pool"),
    ("03.2", Reduced, "How many channels does each"),
    ("03.3", lambda c, modules: tower(c, modules[:1]), "Then the next reads that"),
    ("03.4", Naive, "How many channels does each"),
    ("03.4", NoReductions, "a 3x3 from 8 channels to 6"),
    ("03.4", OneReduction, "a 5x5 from 3 channels to 5"),
    ("03.4", NoInnerReLU, "In the 3x3 branch, the ReLU after the 1x1 is missing"),
    ("03.4", ReLUBeforeTheProjection, "a ReLU too many stands after the pool"),
    ("03.6", three_alone, "Any number of convolutions"),
    ("03.6", lambda w, b: (torch.cat(w[::-1]), torch.cat(b[::-1])), "off by up to"),
    ("03.7", widths(reduce_3x3=160), "Reductions don't count"),
    ("03.7", widths(out_1x1=128), "137,682,944 multiply-adds, 9,633,792 too many"),
    ("03.7", widths(out_5x5=96), "too many"),
    (
        "03.7",
        widths(out_1x1=192, out_3x3=96),
        "The 3x3 branch gives 96 channels, the paper's gives",
    ),
    ("03.7", widths(out_1x1=256, reduce_5x5=0), "The 5x5 branch gives 0 channels"),
    ("03.7", widths(out_1x1=128, reduce_3x3=79.5), "whole numbers"),
    ("03.7", Widths(*np.array([128.0, 64, 128, 16, 32, 32])), "whole numbers"),
    ("03.7", (128, 80, 128, 16, 32, 32), "six numbers by name"),
    ("03.7", 320, "which has no out_1x1"),
)

RIGHT = (
    ("03.1", branch_channels),
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
)
