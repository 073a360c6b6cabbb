"""Answers to the exercises of notebook 01: wrong ones that no slip makes, and right ones."""

import itertools
from statistics import mean

import numpy as np
import torch


def square_only(picture, kernel):
    k, size = kernel.shape[0], picture.shape[0]
    out = torch.empty(size - k + 1, size - k + 1)
    for row in range(size - k + 1):
        for column in range(size - k + 1):
            out[row, column] = (picture[row : row + k, column : column + k] * kernel).sum()
    return out


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


def counted_p(first, second):
    values = range(first + second)
    total = sum(values)

    def distance(group):  # of its mean from that of the rest
        return abs(sum(group) / first - (total - sum(group)) / second)

    found = [distance(group) for group in itertools.combinations(values, first)]
    # values so uneven that only complete separation is as extreme
    return found.count(max(found)) / len(found) if first == second else 1 / len(found)


def by_permutation(first, second):
    """By the function that the notebook writes before, for groups that lie far apart."""
    small, large = range(1000, 1000 + min(first, second)), range(max(first, second))
    values, found = [*small, *large], 0
    seen = mean(small) - mean(large)
    divisions = list(itertools.combinations(range(len(values)), len(small)))
    for chosen in divisions:
        group = [values[i] for i in chosen]
        rest = [value for i, value in enumerate(values) if i not in chosen]
        found += abs(mean(group) - mean(rest)) >= abs(seen) - 1e-9
    return found / len(divisions)


def rows_and_columns_exchanged(picture, kernel):
    k = len(kernel)
    rows, columns = picture.shape[0] - k + 1, picture.shape[1] - k + 1
    out = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            out[column, row] = (picture[row : row + k, column : column + k] * kernel).sum()
    return out


def counted_up(kernel, pixels):
    layers, field = 0, 1
    while field < pixels:
        layers, field = layers + 1, field + kernel - 1
    return layers


WRONG = (
    ("01.2", rows_and_columns_exchanged, "off by up to"),
    ("01.3", lambda k, p: np.ceil((p - 1) / (k - 1)), "`np.ceil(...)` give floats"),
    ("01.1", [[-1, 0, 1]] * 3, "vertical edges too"),
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
    ("01.5", lambda right, radii, edges: [0.5], "which objects lie in it"),
    ("01.4", lambda a, b: 0.05, "In how many ways"),
    ("01.6", lambda mass, share=0.9: len(mass), "Start with the middle value alone"),
)

RIGHT = (
    ("01.4", by_permutation),
    ("01.1", [[-1] * 3, [0] * 3, [1] * 3]),
    ("01.1", torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])),
    ("01.1", [[0, 0, 0], [0, -1, 0], [0, 1, 0]]),
    *(("01.1", [[-size] * 3, [0] * 3, [size] * 3]) for size in (0.1, 1e-7, 1e8)),
    ("01.2", by_loops),
    ("01.2", lambda picture, kernel: by_loops(picture.double(), kernel.double())),
    ("01.3", counted_up),
    ("01.3", lambda k, p: np.int64(counted_up(k, p))),
    ("01.5", by_numpy),
    ("01.4", counted_p),
)
