"""Answers to the exercises of notebook 01: wrong ones that no slip makes, and right ones."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

UPRIGHT = [[-1, 0, 1]] * 3
LEVEL = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]


def by_loops(cell, less=0, flipped=False):
    """A convolution that is right but for what the arguments change."""

    def convolve(picture, kernel):
        k = kernel.shape[0]
        kernel = kernel.flip(0, 1) if flipped else kernel
        rows, columns = picture.shape[0] - k + 1 - less, picture.shape[1] - k + 1 - less
        out = torch.empty(max(rows, 0), max(columns, 0))
        for row in range(rows):
            for column in range(columns):
                out[row, column] = cell(picture[row : row + k, column : column + k], kernel)
        return out

    return convolve


def product(window, kernel):
    return (window * kernel).sum()


def padded(picture, kernel):
    k = kernel.shape[0]
    return F.conv2d(picture[None, None], kernel[None, None], padding=k // 2)[0, 0]


def square_only(picture, kernel):
    k, size = kernel.shape[0], picture.shape[0]
    out = torch.empty(size - k + 1, size - k + 1)
    for row in range(size - k + 1):
        for column in range(size - k + 1):
            out[row, column] = (picture[row : row + k, column : column + k] * kernel).sum()
    return out


class SideBySide(nn.Module):
    """Right, but for what a subclass changes."""

    kernels, paddings = (1, 3, 5), (0, 1, 2)

    def __init__(self, in_channels, width):
        super().__init__()
        self.lanes = nn.ModuleList(
            nn.Conv2d(in_channels, width, kernel, padding=padding)
            for kernel, padding in zip(self.kernels, self.paddings, strict=True)
        )

    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes], dim=1)


class Summed(SideBySide):
    def forward(self, x):
        return sum(lane(x) for lane in self.lanes)


class Backwards(SideBySide):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes][::-1], dim=1)


class WithReLU(SideBySide):
    def forward(self, x):
        return super().forward(x).relu()


class OneBranchThrice(SideBySide):
    def forward(self, x):
        return torch.cat([self.lanes[1](x)] * 3, dim=1)


class PlainList(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        lanes = [*self.lanes]
        del self.lanes
        self.lanes = lanes


class PlainDict(PlainList):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        self.lanes = dict(enumerate(self.lanes))

    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes.values()], dim=1)


class Chained(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        for k in (1, 2):
            self.lanes[k] = nn.Conv2d(width, width, 2 * k + 1, padding=k)

    def forward(self, x):
        maps = [x]
        for lane in self.lanes:
            maps.append(lane(maps[-1]))
        return torch.cat(maps[1:], dim=1)


class Reflected(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        self.lanes[1] = nn.Conv2d(in_channels, width, 3, padding=1, padding_mode="reflect")


class FixedWidth(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, 4)


class Behind(SideBySide):
    """Something follows that should not."""

    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        self.more = self.behind(3 * width)

    def forward(self, x):
        return self.more(super().forward(x))


class Bent(Behind):
    def behind(self, channels):
        return nn.Tanh()


def binned(share, high=torch.lt, empty=None, low=torch.ge):
    """Accuracy by size that is right but for what the arguments change."""

    def accuracy_by_size(right, radii, edges):
        shares = []
        for i in range(len(edges) - 1):
            inside = low(radii, edges[i]) & high(radii, edges[i + 1])
            shares.append(share(right, inside) if inside.any() else empty)
        return shares

    return accuracy_by_size


def mean(right, inside):
    return right[inside].float().mean().item()


def width_of(scaled=True, widen=True):
    def effective_width(mass, share=0.9):
        middle, wanted = len(mass) // 2, share * (sum(mass) if scaled else 1)
        for reach in range(middle + 1):
            if sum(mass[middle - reach : middle + reach + 1]) >= wanted - 1e-9:
                return 2 * reach + 1 if widen else reach
        return len(mass)

    return effective_width


class NamedBranches(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.five = nn.Conv2d(in_channels, width, 5, padding="same")
        self.three = nn.Conv2d(in_channels, width, 3, padding="same")
        self.one = nn.Conv2d(in_channels, width, 1)

    def forward(self, x):
        return torch.cat((self.one(x), self.three(x), self.five(x)), 1)


class PaddedInForward(SideBySide):
    paddings = (0, 0, 0)

    def forward(self, x):
        padded = [F.pad(x, [kernel // 2] * 4) for kernel in self.kernels]
        return torch.cat([lane(one) for lane, one in zip(self.lanes, padded, strict=True)], 1)


class OwnWeights(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        weights = [torch.randn(width, in_channels, k, k) for k in (1, 3, 5)]
        self.weights = nn.ParameterList(weights)

    def forward(self, x):
        return torch.cat([F.conv2d(x, one, padding="same") for one in self.weights], 1)


class Lazy(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.lanes = nn.ModuleList(nn.LazyConv2d(width, k, padding=k // 2) for k in (1, 3, 5))

    def forward(self, x):
        return torch.hstack([lane(x) for lane in self.lanes])


class Listed(SideBySide):
    """Its layers are registered, and stand in a list as well."""

    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        self.all = [*self.lanes]

    def shape(self):
        pass


def counted_up(kernel, pixels):
    layers, field = 0, 1
    while field < pixels:
        layers, field = layers + 1, field + kernel - 1
    return layers


WRONG = (
    ("01.1", UPRIGHT, "upright edges too"),
    ("01.1", [[1, 1, 1], [0, 0, 0], [-1, -1, -1]], "the other sign"),
    ("01.1", [[0, 0, 0], [0, 0, 0], [1, 1, 1]], "Where nothing changes"),
    ("01.1", [[0] * 3] * 3, "blind to the edge"),
    ("01.1", [-1, 0, 1], "a kernel of shape (3,)"),
    ("01.1", [[1] * 3, [-2] * 3, [1] * 3], "columns of 1, 98, 99 get brighter downwards"),
    ("01.1", [[-1] * 3, [2] * 3, [-1] * 3], "columns of 1, 2, 99 get brighter downwards"),
    ("01.1", [[float("nan")] * 3] * 3, "nan or inf in the kernel"),
    ("01.1", [[None] * 3] * 3, "three rows of three numbers"),
    ("01.1", torch.ones(3, 3, device="meta"), "a float32 tensor of shape (3, 3) came"),
    ("01.2", square_only, "Its shape is (3, 3)"),
    ("01.5", Summed, "How many channels does each"),
    ("01.5", Backwards, "in another order"),
    ("01.5", WithReLU, "a ReLU too many stands after the 1x1"),
    ("01.5", OneBranchThrice, "Its 1x1 and 5x5 lanes gave other numbers"),
    ("01.5", PlainDict, "nn.ModuleList and nn.ModuleDict register"),
    ("01.5", Chained, "a 3x3 from 4 channels to 4"),
    ("01.5", Reflected, "padding_mode='reflect'"),
    ("01.5", FixedWidth, "Built with (5, 2)"),
    ("01.5", Bent, "It holds a Tanh"),
    ("01.7", lambda mass, share=0.9: len(mass), "Start with the middle value alone"),
    ("01.7", lambda mass, share=0.5: width_of()(mass, share), "1.0, 5.0, 1.0, 1.0]) returned 1"),
)

RIGHT = (
    ("01.1", LEVEL),
    ("01.1", torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])),
    ("01.1", [[0, 0, 0], [0, -1, 0], [0, 1, 0]]),
    *(("01.1", [[-size] * 3, [0] * 3, [size] * 3]) for size in (0.1, 1e-7, 1e8)),
    ("01.2", lambda p, k: by_loops(product)(p.double(), k.double()).double()),
    ("01.2", by_loops(product)),
    ("01.2", lambda picture, kernel: F.conv2d(picture[None, None], kernel[None, None])[0, 0]),
    ("01.3", lambda i, o, k: sum(p.numel() for p in nn.Conv2d(i, o, k).parameters())),
    ("01.5", SideBySide),
    *(("01.5", one) for one in (NamedBranches, PaddedInForward, OwnWeights, Lazy, Listed)),
    ("01.4", binned(mean)),
    ("01.4", binned(lambda r, i: r[i].numpy().mean())),
    ("01.6", counted_up),
    ("01.6", lambda k, p: np.int64(counted_up(k, p))),
    ("01.7", width_of()),
)
