"""Notebook 02's exercises refuse plausible wrong answers, each with a message of its own."""

import pytest
import torch
from exercise_tools import assert_refused, assert_several_wrong_answers
from torch import nn
from torch.nn import functional as F

from googlenet_lib.exercises.checks import judge
from googlenet_lib.exercises.nb02 import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def no_bias(x, weight, bias):
    return torch.einsum("nchw,oc->nohw", x, weight)


def channels_last(x, weight, bias):
    return x.permute(0, 2, 3, 1) @ weight.T + bias


def reshaped_back(x, weight, bias):
    n, _, height, width = x.shape
    y = x.permute(0, 2, 3, 1) @ weight.T + bias
    return y.reshape(n, len(weight), height, width)


def rows_of_no_pixel(x, weight, bias):
    n, channels, height, width = x.shape
    y = x.reshape(-1, channels) @ weight.T + bias
    return y.reshape(n, height, width, -1).permute(0, 3, 1, 2)


def bias_on_columns(x, weight, bias):
    return torch.einsum("nchw,oc->nohw", x, weight) + bias


class MLPConv(nn.Module):
    """Right, but for what a subclass changes."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.one = self.mix(outputs, stride, padding)
        self.two = self.mix(outputs, stride, padding)

    def mix(self, width, stride, padding):
        return nn.Conv2d(width, width, 1)

    def forward(self, x):
        return F.relu(self.two(F.relu(self.one(F.relu(self.conv(x))))))


class NoLastReLU(MLPConv):
    def forward(self, x):
        return self.two(F.relu(self.one(F.relu(self.conv(x)))))


class NoReLUBetween(MLPConv):
    def forward(self, x):
        return F.relu(self.two(self.one(self.conv(x))))


class PaddedMixes(MLPConv):
    def mix(self, width, stride, padding):
        return nn.Conv2d(width, width, 1, stride, padding)


class LargeMixes(MLPConv):
    def mix(self, width, stride, padding):
        return nn.Conv2d(width, width, 3, padding=1)


class OneUsedTwice(MLPConv):
    def forward(self, x):
        return F.relu(self.one(F.relu(self.one(F.relu(self.conv(x))))))


class NoReturn(MLPConv):
    def forward(self, x):
        self.two(x := F.relu(self.one(F.relu(self.conv(x)))))


class NoStride(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel)

    def forward(self, x):
        return self.conv(x)


def hooked(cost, kinds=(nn.Conv2d, nn.Linear), remove=True):
    """A counter that is right but for what the arguments change."""

    def count_macs(network, picture):
        counts = []
        layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
        handles = [
            layer.register_forward_hook(lambda *seen: counts.append(cost(*seen)))
            for layer in layers
        ]
        network(picture)
        for handle in handles if remove else ():
            handle.remove()
        return sum(counts)

    return count_macs


def right_cost(layer, inputs, output):
    return output.numel() * layer.weight[0].numel()


def groups_forgotten(layer, inputs, output):
    if isinstance(layer, nn.Linear):
        return layer.weight.numel()
    return output.numel() * layer.in_channels * layer.kernel_size[0] ** 2


def size_of_the_input(layer, inputs, output):
    if isinstance(layer, nn.Linear):
        return layer.weight.numel()
    return inputs[0].shape[-1] ** 2 * layer.weight.numel()


TOTALS = []


def never_begins_anew(network, picture):
    handles = [
        layer.register_forward_hook(lambda *seen: TOTALS.append(right_cost(*seen)))
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    network(picture)
    for handle in handles:
        handle.remove()
    return sum(TOTALS)


def by_weights_alone(network, picture):
    return sum(parameter.numel() for parameter in network.parameters())


def each_layer_once(network, picture):
    counts = {}
    kinds = (nn.Conv2d, nn.Linear)
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    handles = [
        layer.register_forward_hook(lambda *seen: counts.update({seen[0]: right_cost(*seen)}))
        for layer in layers
    ]
    network(picture)
    for handle in handles:
        handle.remove()
    return sum(counts.values())


WRONG = (
    ("02.1", ([0, -1, 0], 0), "never above zero"),
    ("02.1", ([0, 1, 0], 0), "bright too"),
    ("02.1", ([-1, -1, -1], 1), "red or blue"),
    ("02.1", ([0, -1, 0], 255), "a place with green 0 gives 255.00"),
    ("02.1", ([0, -1], 1), "2 weights"),
    ("02.1", ("green", 1), "three numbers in a list"),
    ("02.2", no_bias, "The bias is missing"),
    ("02.2", channels_last, "channels stand last"),
    ("02.2", reshaped_back, "`reshape` has cut"),
    ("02.2", rows_of_no_pixel, "`permute` first"),
    ("02.2", bias_on_columns, "in your line"),
    ("02.3", NoLastReLU, "the last 1x1 has no ReLU"),
    ("02.3", NoReLUBetween, "Is every ReLU there"),
    ("02.3", PaddedMixes, "belong to the large kernel alone"),
    ("02.3", LargeMixes, "convolutions of 5x5, 3x3, 3x3"),
    ("02.3", NoReturn, "Is `return` missing?"),
    ("02.3", NoStride, "cannot be called so"),
    (
        "02.4",
        lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride,
        "steps",
    ),
    ("02.4", lambda s, k, t, p: (s + p - k) // t + 1, "both sides"),
    ("02.4", lambda s, k, t, p: -(-(s + 2 * p - k) // t) + 1, "a convolution drops it"),
    ("02.4", lambda s, k, t, p: (s + 2 * p - k) / t + 1, "no half position"),
    ("02.4", lambda s, k, t, p: (s + 2 * p - k + 1) // t, "stands before any step"),
    ("02.4", lambda s, k, t, p: s // t, "How far can the window slide"),
    ("02.5", lambda i, o, k, s: s**2 * o + k**2 * i, "You add"),
    ("02.5", lambda i, o, k, s: s**2 * o * k**2, "a single channel"),
    ("02.5", lambda i, o, k, s: s * o * k**2 * i, "The map has a height"),
    ("02.5", lambda i, o, k, s: s**2 * o * k * i, "The kernel has a height"),
    ("02.5", lambda i, o, k, s: o * k**2 * i, "Those are the weights"),
    ("02.5", lambda i, o, k, s: 2 * s**2 * o * k**2 * i, "counts as one here"),
    ("02.6", hooked(groups_forgotten), "groups of channels"),
    ("02.6", hooked(size_of_the_input), "what comes out"),
    ("02.6", hooked(right_cost, kinds=nn.Conv2d), "A linear layer multiplies too"),
    ("02.6", hooked(right_cost, remove=False), "it leaves the hooks of the network changed"),
    ("02.6", never_begins_anew, "begin from zero"),
    ("02.6", by_weights_alone, "Output values times weights"),
    ("02.6", each_layer_once, "each time its layer does"),
    ("02.7", lambda i, o, k: k**2 * i * o // (i + k**2 * o), "Do not round"),
    ("02.7", lambda i, o, k: float(i), "what the 1x1 itself costs"),
    ("02.7", lambda i, o, k: k**2 * i * o / (i + o), "all its taps"),
    ("02.7", lambda i, o, k: k * i * o / (i + k * o), "k times k taps"),
    ("02.7", lambda i, o, k: i / o, "solve for r"),
)


@pytest.fixture(autouse=True)
def _begin_anew():
    TOTALS.clear()


@pytest.mark.parametrize(("id", "given", "words"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, words):
    assert_refused(BY_ID[id], given, words)


def test_every_exercise_has_several_wrong_answers():
    assert_several_wrong_answers(BY_ID, WRONG)
    messages = []
    for id, given, _ in WRONG:
        TOTALS.clear()
        messages.append(judge(BY_ID[id], given).says)
    assert len({*messages}) == len(messages)


def test_a_layer_used_twice_in_place_of_two_is_refused():
    assert judge(BY_ID["02.3"], OneUsedTwice).outcome == "wrong"


def by_matmul(x, weight, bias):
    n, channels, height, width = x.shape
    return (weight @ x.reshape(n, channels, -1) + bias[:, None]).reshape(n, -1, height, width)


def by_conv(x, weight, bias):
    return F.conv2d(x, weight[:, :, None, None], bias)


class MixesNamedTheOtherWayRound(MLPConv):
    def forward(self, x):
        return F.relu(self.one(F.relu(self.two(F.relu(self.conv(x))))))


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("02.1", (torch.tensor([0.0, -1.0, 0.0]), torch.tensor(1.0))),
        ("02.1", ((0, -1, 0), 1)),
        ("02.2", by_matmul),
        ("02.2", by_conv),
        ("02.3", MLPConv),
        ("02.3", MixesNamedTheOtherWayRound),
        ("02.4", lambda size, kernel, stride=1, padding=0: len(
            range(0, size + 2 * padding - kernel + 1, stride))),
        ("02.6", hooked(right_cost)),
        ("02.7", lambda i, o, k: 1 / (1 / i + 1 / (k * k * o)) ),
    ],
)  # fmt: skip
def test_a_right_answer_may_be_written_otherwise(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
