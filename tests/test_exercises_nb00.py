"""Notebook 00's exercises refuse plausible wrong answers, each with a message of its own."""

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


class PoolOfStrideThree(Lanes):
    pool = nn.MaxPool2d(3, padding=1)


class NoPadding(Lanes):
    padding = 0


class Average(Lanes):
    pool = nn.AvgPool2d(3, stride=1, padding=1)


class NoPool(Lanes):
    pool = nn.Identity()


class Swapped(Lanes):
    kernels = (1, 5, 3)


class AlongPictures(Lanes):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes])


class AlongRows(Lanes):
    def forward(self, x):
        return torch.cat([lane(x) for lane in self.lanes], dim=2)


class Added(Lanes):
    def forward(self, x):
        return sum(lane(x) for lane in self.lanes)


class Chained(Lanes):
    def forward(self, x):
        for lane in self.lanes:
            x = lane(x)
        return x


class NoReLU(Lanes):
    def hold(self, lanes):
        self.lanes = nn.ModuleList([*lanes[:2], lanes[2][0], lanes[3]])


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
    ("00.5", PlainList, "`self.lanes` is a plain list"),
    ("00.5", PoolOfStrideThree, "has stride 3: without one"),
    ("00.5", NoPadding, "kernel 3 has padding 0"),
    ("00.5", Average, "A max pool takes the largest"),
    ("00.5", NoPool, "those of the pool lane see 1 pixels"),
    ("00.5", Swapped, "those of the 3x3 lane see 5 pixels"),
    ("00.5", AlongPictures, "as if they were pictures"),
    ("00.5", AlongRows, "side by side in space"),
    ("00.5", Added, "Were lanes added"),
    ("00.5", Chained, "what the one before it gave"),
    ("00.5", NoReLU, "A ReLU belongs"),
    ("00.5", NoReturn, "Is `return` missing?"),
    ("00.5", AList, "Stack the lanes into one tensor"),
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


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("00.2", lambda inputs, outputs, height, width: height * width * outputs * inputs),
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
        ("00.5", Lanes),
        ("00.5", Functional),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
