"""Answers to the exercises of notebook 00: wrong ones that no slip makes, and right ones."""

from dataclasses import astuple
from fractions import Fraction

import numpy as np
import torch
from exercise_tools import computed, edited
from torch import nn
from torch.nn import functional as F


def window(adds=lambda kernel, stride: kernel - 1, steps=lambda step, stride: step * stride):
    """Right, but for what the arguments change."""

    def of(layers):
        field, step = 1, 1
        for kernel, stride in layers:
            field += adds(kernel, stride) * step
            step = steps(step, stride)
        return field

    return of


def own_share(costs, name):
    return sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)


def conv(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU())


class Branches(nn.Module):
    """Right."""

    pool = nn.MaxPool2d(3, stride=1, padding=1)

    def __init__(self, inputs, *widths):
        super().__init__()
        branches = [
            conv(inputs, width, kernel) for width, kernel in zip(widths, (1, 3, 5), strict=False)
        ]
        self.hold([*branches, nn.Sequential(self.pool, conv(inputs, widths[3], 1))])

    def hold(self, branches):
        self.branches = nn.ModuleList(branches)

    def maps(self, x):
        return [branch(x) for branch in self.branches]

    def forward(self, x):
        return torch.cat(self.maps(x), dim=1)


class PlainList(Branches):
    def hold(self, branches):
        self.branches = branches


class Horizontal(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.branches[1][0] = nn.Conv2d(inputs, widths[1], (1, 3), padding=(0, 1))


class PlainTensor(Branches):
    def hold(self, branches):
        super().hold(branches)
        self.weight = branches[0][0].weight.data
        self.branches[0] = nn.Identity()

    def maps(self, x):
        return [F.relu(F.conv2d(x, self.weight)), *(one(x) for one in self.branches[1:])]


class ReadsTheFirstBranch(Branches):
    """Its 3x3 takes what the 1x1 gives."""

    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.branches[1] = conv(widths[0], widths[1], 3)

    def maps(self, x):
        first, second, *others = self.branches
        return [first(x), second(first(x)), *(one(x) for one in others)]


class Reductions(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        for place, kernel in ((1, 3), (2, 5)):
            width = widths[place]
            self.branches[place] = nn.Sequential(conv(inputs, width, 1), conv(width, width, kernel))


def with_pool(pool):
    return type("WithPool", (Branches,), {"pool": pool, "__module__": __name__})


def chained(block, x):
    for branch in block.branches:
        x = branch(x)
    return x


def set_conv(place, **changed):
    """Its convolution at `place` has other settings."""

    def edit(block):
        for name, value in changed.items():
            setattr(block.branches[place][0], name, value)

    return edit


def pool_after(block):
    pool, projection = block.branches[3]
    block.branches[3] = nn.Sequential(projection, pool)


def with_norm(affine):
    def edit(block):
        conv, relu = block.branches[0]
        norm = nn.BatchNorm2d(conv.out_channels, affine=affine)
        block.branches[0] = nn.Sequential(conv, norm, relu)

    return edit


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


def pooled_by_three(block, x):
    pooled = block.branches[3][1](F.max_pool2d(x, 3, padding=1))
    return torch.cat([*block.maps(x)[:3], pooled], 1)


def redrawn(block, x):
    block.branches[0][0].reset_parameters()
    return torch.cat(block.maps(x), 1)


def without_relu(block):
    block.branches[2] = block.branches[2][0]


def partly_detached(block, x):
    first, *others = block.maps(x)
    return torch.cat([first.detach(), *others], 1)


WRONG = (
    ("00.2", lambda i, o, h, w: i * o * h * h, "Start with one output value"),
    ("00.3", window(steps=lambda step, s: step + s), "keep two numbers"),
    ("00.3", lambda layers: window()(layers) if layers else layers[0], "With no layer at all"),
    *(
        ("00.5", edited(Branches, edit), words)
        for edit, words in (
            (pool_after, "the pool comes after the 1x1"),
            (without_relu, "the ReLU after the 5x5 is missing"),
            (set_conv(1, padding=(0, 0)), "kernel_size=(3, 3) and padding=(0, 0)"),
            (set_conv(1, dilation=(2, 2), padding=(2, 2)), "dilation=(2, 2)"),
            (set_conv(2, padding_mode="reflect"), "padding_mode='reflect'"),
            (with_norm(affine=True), "more than the task asks for: a BatchNorm2d"),
            (with_norm(affine=False), "In training mode it gives something else"),
            (lambda b: b.branches[1].append(nn.Dropout(0.1)), "It holds a Dropout, which is not"),
            (lambda b: b.branches[2].requires_grad_(False), "`requires_grad` is False"),
            (lambda b: setattr(b, "scale", nn.Parameter(torch.ones(()))), "parameter of shape ()"),
            (lambda b: b.branches[0].insert(0, nn.ReLU(inplace=True)), "changes what it gets"),
        )
    ),
    *(
        ("00.5", computed(Branches, forward), words)
        for forward, words in (
            (redrawn, "layers are made in `__init__` alone"),
            (pooled_by_three, "without one, a pool takes its kernel's"),
            (partly_detached, "no gradient gets through"),
            (chained, "Every branch reads x itself"),
            (lambda b, x: torch.cat([b.maps(x)[i] for i in (0, 2, 1, 3)], 1), "in another order"),
            (lambda b, x: torch.cat(b.maps(x)), "in dimension 0. Expected"),
            (lambda b, x: torch.stack(b.maps(x), 1), "`torch.stack` makes a new dimension"),
            (lambda b, x: sum(b.maps(x)), "Were branches added"),
            (lambda b, x: torch.cat(b.maps(x)[:3], 1), "How many channels does each"),
            (lambda b, x: torch.cat(b.maps(x.relu()), 1), "a ReLU too many stands in front"),
            (lambda b, x: torch.cat(b.maps(x), 1).clamp(max=6), "a ReLU6 stands"),
            (lambda b, x: torch.cat(b.maps(x), 1) / 0, "nan or inf"),
        )
    ),
    *(
        ("00.5", with_pool(pool), words)
        for pool, words in (
            (nn.MaxPool2d(3, padding=1), "a MaxPool2d with kernel_size=3 and stride=3"),
            (nn.AvgPool2d(3, stride=1, padding=1), "a max pool takes the largest"),
            (nn.Identity(), "there is no pool"),
            (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, 1)), "zeros around the map win"),
        )
    ),
    ("00.5", PlainList, "`self.branches` is a plain list"),
    ("00.5", PlainTensor, "nn.Parameter registers it"),
    ("00.5", ReadsTheFirstBranch, "a 3x3 from 2 channels to 3. The outputs of one are right"),
    ("00.5", Reductions, "a 1x1 from 6 channels to 3, a 3x3 from 3 channels to 3"),
    ("00.5", Horizontal, "a 1x3 from 6 channels to 3"),
)

RIGHT = (
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
    ("00.5", Branches),
    ("00.5", Functional),
    ("00.5", Padded),
)
