"""Answers to the exercises of notebook 01: wrong ones that no slip makes, and right ones."""

import itertools

import numpy as np
import torch
from exercise_tools import computed
from torch import nn
from torch.nn import functional as F


def square_only(picture, kernel):
    k, size = kernel.shape[0], picture.shape[0]
    out = torch.empty(size - k + 1, size - k + 1)
    for row in range(size - k + 1):
        for column in range(size - k + 1):
            out[row, column] = (picture[row : row + k, column : column + k] * kernel).sum()
    return out


class SideBySide(nn.Module):
    """Right."""

    def __init__(self, in_channels, width):
        super().__init__()
        kernels = (1, 3, 5)
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, width, kernel, padding=kernel // 2) for kernel in kernels
        )

    def maps(self, x):
        return [branch(x) for branch in self.branches]

    def forward(self, x):
        return torch.cat(self.maps(x), dim=1)


def plain_dict(block):
    branches = dict(enumerate(block.branches))
    del block.branches
    block.branches = branches


class PlainDict(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        plain_dict(self)

    def maps(self, x):
        return [branch(x) for branch in self.branches.values()]


class Chained(SideBySide):
    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        for k in (1, 2):
            self.branches[k] = nn.Conv2d(width, width, 2 * k + 1, padding=k)

    def maps(self, x):
        maps = [x]
        for branch in self.branches:
            maps.append(branch(maps[-1]))
        return maps[1:]


class Listed(SideBySide):
    """Its layers are registered, and stand in a list as well; a method is a stub."""

    def __init__(self, in_channels, width):
        super().__init__(in_channels, width)
        self.all = [*self.branches]

    def shape(self):
        pass


def padded_by_hand(block, x):
    return torch.cat(
        [F.conv2d(F.pad(x, [i] * 4), b.weight, b.bias) for i, b in enumerate(block.branches)], 1
    )


def by_loops(picture, kernel):
    rows, columns = (size - len(kernel) + 1 for size in picture.shape)
    windows = picture.unfold(0, len(kernel), 1).unfold(1, len(kernel), 1)
    out = picture.new_empty(rows, columns)
    for row in range(rows):
        for column in range(columns):
            out[row, column] = (windows[row, column] * kernel).sum()
    return out


def by_numpy(right, radii, edges):
    found = []
    for low, high in itertools.pairwise(edges):
        inside = right[(radii >= low) & (radii < high)].numpy()
        found.append(inside.mean() if len(inside) else None)
    return found


class NamedBranches(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.five = nn.Conv2d(in_channels, width, 5, padding="same")
        self.three = nn.Conv2d(in_channels, width, 3, padding="same")
        self.one = nn.Conv2d(in_channels, width, 1)

    def forward(self, x):
        return torch.cat((self.one(x), self.three(x), self.five(x)), 1)


class OwnWeights(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        weights = [torch.randn(width, in_channels, k, k) for k in (1, 3, 5)]
        self.weights = nn.ParameterList(weights)

    def forward(self, x):
        return torch.cat([F.conv2d(x, one, padding="same") for one in self.weights], 1)


def counted_up(kernel, pixels):
    layers, field = 0, 1
    while field < pixels:
        layers, field = layers + 1, field + kernel - 1
    return layers


WRONG = (
    ("01.1", [[-1, 0, 1]] * 3, "upright edges too"),
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
    ("01.5", computed(SideBySide, lambda b, x: torch.cat(b.maps(x)[::-1], 1)), "another order"),
    ("01.5", computed(SideBySide, lambda b, x: torch.cat(b.maps(x), 1).relu()), "a ReLU too many"),
    ("01.5", computed(SideBySide, lambda b, x: torch.cat(b.maps(x), 1).tanh()), "other numbers"),
    (
        "01.5",
        computed(SideBySide, lambda b, x: torch.cat(b.maps(x)[1:2] * 3, 1)),
        "1x1 and 5x5 branches",
    ),
    ("01.5", PlainDict, "nn.ModuleList and nn.ModuleDict register"),
    ("01.5", Chained, "a 3x3 from 4 channels to 4"),
    ("01.7", lambda mass, share=0.9: len(mass), "Start with the middle value alone"),
)

RIGHT = (
    ("01.1", [[-1] * 3, [0] * 3, [1] * 3]),
    ("01.1", torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])),
    ("01.1", [[0, 0, 0], [0, -1, 0], [0, 1, 0]]),
    *(("01.1", [[-size] * 3, [0] * 3, [size] * 3]) for size in (0.1, 1e-7, 1e8)),
    ("01.2", by_loops),
    ("01.2", lambda picture, kernel: by_loops(picture.double(), kernel.double())),
    ("01.3", lambda i, o, k: sum(p.numel() for p in nn.Conv2d(i, o, k).parameters())),
    ("01.5", SideBySide),
    ("01.5", computed(SideBySide, padded_by_hand)),
    *(("01.5", one) for one in (NamedBranches, OwnWeights, Listed)),
    ("01.4", by_numpy),
    ("01.6", counted_up),
    ("01.6", lambda k, p: np.int64(counted_up(k, p))),
)
