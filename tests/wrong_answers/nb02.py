"""Answers to the exercises of lesson 02: wrong ones that no slip makes, and right ones."""

import numpy as np
import torch
from exercise_tools import computed, edited
from torch import nn
from torch.nn import functional as F

from googlenet_lib.course.nb02.exercises import break_even_width


class MLPConv(nn.Module):
    """Right."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.large = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.one, self.two = self.mix(outputs), self.mix(outputs)

    def mix(self, width):
        return nn.Conv2d(width, width, 1)

    def forward(self, x):
        return F.relu(self.two(F.relu(self.one(F.relu(self.large(x))))))


def given(change):
    """The class with its arguments changed."""

    class Changed(MLPConv):
        def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
            super().__init__(*change(inputs, outputs, kernel, stride, padding))

    return Changed


class PaddedMixes(MLPConv):
    def mix(self, width):
        return nn.Conv2d(width, width, 1, padding=1)


class MixesFirst(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(outputs, outputs, kernel, stride, padding)
        self.one = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return F.relu(self.large(F.relu(self.two(F.relu(self.one(x))))))


class NoStride(MLPConv):
    def __init__(self, inputs, outputs, kernel):
        super().__init__(inputs, outputs, kernel)


class OtherDefaults(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=2, padding=1):
        super().__init__(inputs, outputs, kernel, stride, padding)


class ByLinear(MLPConv):
    """Section 2 of the notebook: a 1x1 is a linear layer at every place."""

    def mix(self, width):
        return nn.Linear(width, width)

    def forward(self, x):
        x = F.relu(self.large(x)).movedim(1, -1)
        return F.relu(self.two(F.relu(self.one(x)))).movedim(-1, 1)


class Lazy(MLPConv):
    def mix(self, width):
        return nn.LazyConv2d(width, 1)


class Padded(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, 0)
        self.padding = padding

    def forward(self, x):
        return super().forward(F.pad(x, [self.padding] * 4))


def merged(reduce, large):
    return torch.einsum("orhw,rc->ochw", large, reduce)


def tap_by_tap(reduce, large):
    out, _, height, width = large.shape
    kernel = torch.zeros(out, reduce.shape[1], height, width)
    for i in range(height):
        for j in range(width):
            kernel[:, :, i, j] = large[:, :, i, j] @ reduce
    return kernel


def first_too_wide(r, c):
    middle = 1
    while 9 * (middle + 1) * (r + c) <= 25 * r * c:
        middle += 1
    return middle


WRONG = (
    ("02.1", ([0, -1, 0], 0), "never above zero"),
    ("02.1", ([0, 1, 0], 0), "bright too"),
    ("02.1", ([-1, -1, -1], 1), "red or blue"),
    ("02.1", ([0, -1, 0], 255), "a pixel with green 0 gives 255.00"),
    ("02.1", ([0, -1], 1), "2 weights"),
    ("02.1", ("green", 1), "three numbers in a list"),
    ("02.1", ([0, 0, 0], 0), "green has no weight"),
    ("02.1", ([0, float("nan"), 0], 1), "nan or inf among the numbers"),
    ("02.1", (1, [0, -1, 0]), "(1, [0, -1, 0]) came"),
    ("02.2", computed(MLPConv, lambda b, x: b.two(b.one(b.large(x)).relu())), "are missing"),
    ("02.2", computed(MLPConv, lambda b, x: b.one(b.one(b.large(x)))), "gave other numbers"),
    ("02.2", edited(MLPConv, lambda b: setattr(b, "two", b.one)), "used twice counts once"),
    ("02.2", PaddedMixes, "belong to the large kernel alone"),
    ("02.2", given(lambda i, o, k, s, p: (i, o, k, s, k // 2)), "belong to the large kernel alone"),
    ("02.2", given(lambda i, o, k, s, p: (i, i, k, s, p)), "expected is (2, 8, 11, 9)"),
    ("02.2", OtherDefaults, "without a word they are 1 and 0"),
    ("02.2", NoStride, "cannot be called so"),
    ("02.2", MixesFirst, "The outputs of one are right; what does it read?"),
    ("02.3", lambda i, o, k: i / o, "solve for r"),
    ("02.4", lambda reduce, large: 0 * merged(reduce, large), "For each tap of the large kernel"),
    ("02.5", lambda r, c: r, "Count the weights of both 3x3s"),
)

RIGHT = (
    ("02.1", (torch.tensor([0.0, -1.0, 0.0]), torch.tensor(1.0))),
    ("02.1", ((0, -1, 0), 1)),
    ("02.1", (np.array([0, -1, 0]), np.int64(1))),
    ("02.2", computed(MLPConv, lambda b, x: b.one(b.two(b.large(x).relu()).relu()).relu())),
    *(("02.2", one) for one in (MLPConv, ByLinear, Lazy, Padded)),
    ("02.3", lambda i, o, k: np.float64(break_even_width(i, o, k))),
    ("02.3", lambda i, o, k: 1 / (1 / i + 1 / (k * k * o))),
    ("02.4", merged),
    ("02.4", tap_by_tap),
    ("02.4", lambda reduce, large: merged(reduce.double(), large.double())),
    ("02.5", first_too_wide),
)
