"""Answers to the exercises of notebook 03: wrong ones that no slip makes, and right ones."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn

from googlenet_lib.network.blocks import ConvBlock, Inception
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


class Repaired(nn.Module):
    """Right, but for what a subclass changes."""

    def __init__(self, inputs, w):
        super().__init__()
        three = [conv(inputs, w.reduce_3x3, 1), conv(w.reduce_3x3, w.out_3x3, 3)]
        five = [
            conv(inputs, w.reduce_5x5, 1),
            conv(w.reduce_5x5, w.out_5x5, 3),
            conv(w.out_5x5, w.out_5x5, 3),
        ]
        pool = [nn.MaxPool2d(3, 1, 1), conv(inputs, w.pool_proj, 1)]
        self.branches = nn.ModuleList(
            [conv(inputs, w.out_1x1, 1), *self.branches_of(three, five, pool)]
        )

    def branches_of(self, *branches):
        return [nn.Sequential(*branch) for branch in branches]

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class NoInnerReLU(Repaired):
    def branches_of(self, three, five, pool):
        return super().branches_of(three, [five[0], five[1][0], five[2]], pool)


class NoReductions(Repaired):
    def __init__(self, inputs, w):
        super().__init__(inputs, w)
        self.branches[1] = conv(inputs, w.out_3x3, 3)


class WrongWidth(Repaired):
    def branches_of(self, three, five, pool):
        inputs, width = five[0][0].in_channels, three[0][0].out_channels
        five[:2] = [conv(inputs, width, 1), conv(width, five[1][0].out_channels, 3)]
        return super().branches_of(three, five, pool)


class HalfRepaired(Repaired):
    def branches_of(self, three, five, pool):
        inputs, width = five[0][0].in_channels, five[0][0].out_channels
        wrong = conv(three[0][0].out_channels, five[1][0].out_channels, 3)
        return super().branches_of(three, [conv(inputs, width, 1), wrong, five[2]], pool)


class BigSteps(Repaired):
    def branches_of(self, three, five, pool):
        return super().branches_of(three, five, [nn.MaxPool2d(3, padding=1), pool[1]])


class ReLUBeforeTheProjection(Repaired):
    def branches_of(self, three, five, pool):
        return super().branches_of(three, five, [pool[0], nn.ReLU(), pool[1]])


class PlainInception(Inception):
    def __init__(self, inputs, w):
        super().__init__(inputs, w, conv_block=partial(ConvBlock, batch_norm=False, bias=True))


WRONG = (
    ("03.1", lambda w: dict.fromkeys(branch_channels(w), range(64)), "a range came"),
    ("03.2", HalfRepaired, "each later one reads as many as the one before it gives"),
    (
        "03.1",
        lambda w: dict(reversed(branch_channels(w).items())),
        "in another order",
    ),
    ("03.2", PlainInception, "a 5x5"),
    ("03.2", NoReductions, "a 3x3 from 8 channels to 6"),
    ("03.2", WrongWidth, "a 3x3 from 3 channels to 5"),
    ("03.2", BigSteps, "size"),
    ("03.2", NoInnerReLU, "In the 5x5 branch, the ReLU after the 3x3 is missing"),
    ("03.2", ReLUBeforeTheProjection, "a ReLU too many stands after the pool"),
    ("03.3", widths(reduce_3x3=160), "Reductions don't count"),
    ("03.3", widths(out_1x1=128), "137,682,944 multiply-adds, 9,633,792 too many"),
    ("03.3", widths(out_5x5=96), "too many"),
    (
        "03.3",
        widths(out_1x1=192, out_3x3=96),
        "The 3x3 branch gives 96 channels, the paper's gives",
    ),
    ("03.3", widths(out_1x1=256, reduce_5x5=0), "The 5x5 branch gives 0 channels"),
    ("03.3", widths(out_1x1=128, reduce_3x3=79.5), "whole numbers"),
    ("03.3", Widths(*np.array([128.0, 64, 128, 16, 32, 32])), "whole numbers"),
    ("03.3", (128, 80, 128, 16, 32, 32), "six numbers by name"),
    ("03.3", 320, "which has no out_1x1"),
)

RIGHT = (
    ("03.1", branch_channels),
    ("03.2", Repaired),
    ("03.3", widths(out_1x1=128, reduce_3x3=80)),
    ("03.3", Widths(*np.array([128, 64, 128, 16, 32, 32]))),
    ("03.3", widths(out_1x1=np.uint8(128), reduce_3x3=torch.tensor(80))),
    ("03.3", widths(reduce_3x3=56, reduce_5x5=32, out_5x5=64, pool_proj=64)),
    ("03.3", widths(out_1x1=96, reduce_3x3=72, out_3x3=136, pool_proj=72)),
)
