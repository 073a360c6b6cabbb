"""Answers to the exercises of notebook 00: wrong ones that no slip makes, and right ones."""

from dataclasses import astuple
from fractions import Fraction

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


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


def own_share(costs, name):
    return sum(c.macs for c in costs if c.name == name) / sum(c.macs for c in costs)


def conv(inputs, outputs, kernel, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 1, padding), nn.ReLU())


class Branches(nn.Module):
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


class PlainList(Branches):
    def hold(self, lanes):
        self.lanes = lanes


class PlainTensor(Branches):
    def hold(self, lanes):
        super().hold(lanes)
        self.weight = lanes[0][0].weight.data
        self.lanes[0] = nn.Identity()

    def forward(self, x):
        first = F.relu(F.conv2d(x, self.weight))
        return torch.cat([first, *(lane(x) for lane in self.lanes[1:])], dim=1)


class MadeInForward(Branches):
    def forward(self, x):
        self.lanes[0][0].reset_parameters()
        return super().forward(x)


class PoolOfStrideThree(Branches):
    pool = nn.MaxPool2d(3, padding=1)


class FunctionalPoolOfStrideThree(Branches):
    def forward(self, x):
        pooled = self.lanes[3][1](F.max_pool2d(x, 3, padding=1))
        return torch.cat([*(lane(x) for lane in self.lanes[:3]), pooled], dim=1)


class NoPadding(Branches):
    padding = 0


class Average(Branches):
    pool = nn.AvgPool2d(3, stride=1, padding=1)


class NoPool(Branches):
    pool = nn.Identity()


class PoolOfZeros(Branches):
    pool = nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, stride=1))


class ProjectionFirst(Branches):
    def hold(self, lanes):
        super().hold([*lanes[:3], nn.Sequential(lanes[3][1], lanes[3][0])])


class SwappedInForward(Branches):
    def forward(self, x):
        return torch.cat([self.lanes[i](x) for i in (0, 2, 1, 3)], dim=1)


class AlongPictures(Branches):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes])


class NewDimension(Branches):
    def forward(self, x):
        return torch.stack([lane(x) for lane in self.lanes], dim=1)


class Added(Branches):
    def forward(self, x):
        return sum(lane(x) for lane in self.lanes)


class OneForgotten(Branches):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes[:3]], dim=1)


class Chained(Branches):
    def forward(self, x):
        for lane in self.lanes:
            x = lane(x)
        return x


class ReadsTheFirstBranch(Branches):
    """Its 3x3 takes what the 1x1 gives."""

    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1] = conv(widths[0], widths[1], 3)

    def forward(self, x):
        first, *others = self.lanes
        outs = [first(x)]
        outs += [lane(outs[0] if place == 0 else x) for place, lane in enumerate(others)]
        return torch.cat(outs, dim=1)


class Reductions(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        for place, kernel in ((1, 3), (2, 5)):
            width = widths[place]
            self.lanes[place] = nn.Sequential(conv(inputs, width, 1), conv(width, width, kernel))


class Horizontal(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1][0] = nn.Conv2d(inputs, widths[1], (1, 3), padding=(0, 1))


class Dilated(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[1][0] = nn.Conv2d(inputs, widths[1], 3, padding=2, dilation=2)


class Reflected(Branches):
    def __init__(self, inputs, *widths):
        super().__init__(inputs, *widths)
        self.lanes[2][0].padding_mode = "reflect"


class NoReLU(Branches):
    def hold(self, lanes):
        self.lanes = nn.ModuleList([*lanes[:2], lanes[2][0], lanes[3]])


class ReLUInFront(Branches):
    def forward(self, x):
        return super().forward(F.relu(x))


class Scaled(Branches):
    def hold(self, lanes):
        super().hold(lanes)
        self.scale = nn.Parameter(torch.tensor(1.0))


class Clipped(Branches):
    def forward(self, x):
        return super().forward(x).clamp(max=6)


class WithBatchNorm(Branches):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[0].insert(1, nn.BatchNorm2d(self.lanes[0][0].out_channels))


class WithPlainBatchNorm(Branches):
    """Without weights, so that only training mode shows it."""

    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[0].insert(1, nn.BatchNorm2d(self.lanes[0][0].out_channels, affine=False))


class WithDropout(Branches):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[1].append(nn.Dropout(0.1))


class ChangesItsInput(Branches):
    def hold(self, lanes):
        super().hold([nn.Sequential(nn.ReLU(inplace=True), lanes[0]), *lanes[1:]])


class Frozen(Branches):
    def hold(self, lanes):
        super().hold(lanes)
        self.lanes[2].requires_grad_(False)


class DividedByNothing(Branches):
    def forward(self, x):
        return super().forward(x) / 0


class Detached(Branches):
    def forward(self, x):
        return torch.cat([self.lanes[0](x).detach(), *(one(x) for one in self.lanes[1:])], dim=1)


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


WRONG = (
    ("00.2", lambda i, o, h, w: i * o * h * h, "Start with one output value"),
    ("00.3", eats_its_input, "changed its input"),
    ("00.3", no_layers_forgotten, "With no layer at all"),
    ("00.3", window(adds=lambda k, s: max(k, s) - 1), "([(11, 4), (1, 2), (3, 1)])"),
    ("00.3", window(steps=lambda step, s: step + s), "keep two numbers"),
    ("00.5", PlainList, "`self.lanes` is a plain list"),
    ("00.5", PlainTensor, "nn.Parameter registers it"),
    ("00.5", MadeInForward, "layers are made in `__init__` alone"),
    ("00.5", PoolOfStrideThree, "a MaxPool2d with kernel_size=3 and stride=3"),
    ("00.5", FunctionalPoolOfStrideThree, "without one, a pool takes its kernel's"),
    ("00.5", NoPadding, "kernel_size=(3, 3) and padding=(0, 0)"),
    ("00.5", Average, "a max pool takes the largest"),
    ("00.5", NoPool, "there is no pool"),
    ("00.5", PoolOfZeros, "zeros around the map win"),
    ("00.5", ProjectionFirst, "the pool comes after the 1x1"),
    ("00.5", SwappedInForward, "stacked in another order"),
    ("00.5", AlongPictures, "in dimension 0. Expected"),
    ("00.5", NewDimension, "`torch.stack` makes a new dimension"),
    ("00.5", Added, "Were lanes added"),
    ("00.5", OneForgotten, "How many channels does each"),
    ("00.5", Chained, "Every lane reads x itself"),
    ("00.5", ReadsTheFirstBranch, "a 3x3 from 2 channels to 3. The outputs of one are right"),
    ("00.5", Reductions, "a 1x1 from 6 channels to 3, a 3x3 from 3 channels to 3"),
    ("00.5", Horizontal, "a 1x3 from 6 channels to 3"),
    ("00.5", Dilated, "dilation=(2, 2)"),
    ("00.5", Reflected, "padding_mode='reflect'"),
    ("00.5", NoReLU, "the ReLU after the 5x5 is missing"),
    ("00.5", ReLUInFront, "a ReLU too many stands in front"),
    ("00.5", Scaled, "a parameter of shape ()"),
    ("00.5", Clipped, "a ReLU6 stands"),
    ("00.5", WithBatchNorm, "more than the task asks for: a BatchNorm2d"),
    ("00.5", WithPlainBatchNorm, "In training mode it gives something else"),
    ("00.5", WithDropout, "It holds a Dropout, which is not asked for"),
    ("00.5", ChangesItsInput, "`nn.ReLU(inplace=True)` changes what it gets"),
    ("00.5", Frozen, "`requires_grad` is False"),
    ("00.5", DividedByNothing, "nan or inf"),
    ("00.5", Detached, "no gradient gets through"),
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
