"""Notebook 02's exercises refuse plausible wrong answers, each with a message of its own."""

import numpy as np
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


class HalfPadding(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)


class OtherDefaults(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=2, padding=1):
        super().__init__(inputs, outputs, kernel, stride, padding)


class NoDefaults(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride, padding):
        super().__init__(inputs, outputs, kernel, stride, padding)


class MixesFirst(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.one, self.two = nn.Conv2d(inputs, outputs, 1), nn.Conv2d(outputs, outputs, 1)
        self.conv = nn.Conv2d(outputs, outputs, kernel, stride, padding)

    def forward(self, x):
        return F.relu(self.conv(F.relu(self.two(F.relu(self.one(x))))))


class Narrow(MLPConv):
    """As wide as what comes in."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, inputs, kernel, stride, padding)


class Grouped(MLPConv):
    def mix(self, width, stride, padding):
        return nn.Conv2d(width, width, 1, groups=width)


class Oblong(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, (kernel, 1), stride, padding)


class OneMix(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.two = self.one


class PlainList(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.layers = [self.conv, self.one, self.two]
        del self.conv, self.one, self.two

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return x


class Reflected(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, padding_mode="reflect")


class Behind(MLPConv):
    """Something follows that should not."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.more = self.behind(outputs)

    def forward(self, x):
        return self.more(super().forward(x))


class WithDropout(Behind):
    def behind(self, channels):
        return nn.Dropout(0.5)


class WithBatchNorm(Behind):
    def behind(self, channels):
        return nn.BatchNorm2d(channels)


class Elsewhere(MLPConv):
    def forward(self, x):
        return super().forward(x).to("meta")


class InAList(MLPConv):
    def forward(self, x):
        return [super().forward(x)]


class NoReturn(MLPConv):
    def forward(self, x):
        self.two(x := F.relu(self.one(F.relu(self.conv(x)))))


class NoStride(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel)

    def forward(self, x):
        return self.conv(x)


def nothing(network):
    pass


def hooked(
    cost,
    kinds=(nn.Conv2d, nn.Linear),
    remove=True,
    of=nn.Module.modules,
    before=nothing,
    after=nothing,
):
    """A counter that is right but for what the arguments change."""

    def count_macs(network, picture):
        counts = []
        before(network)
        layers = [layer for layer in of(network) if isinstance(layer, kinds)]
        handles = [
            layer.register_forward_hook(lambda *seen: counts.append(cost(*seen)))
            for layer in layers
        ]
        network(picture)
        for handle in handles if remove else ():
            handle.remove()
        after(network)
        return sum(counts)

    return count_macs


def all_but_itself(network):
    return [*network.modules()][1:]


def clears_all_hooks(network):
    for layer in network.modules():
        layer._forward_hooks.clear()


def puts_back_the_mode(network, picture):
    was = network.training
    network.eval()
    counted = hooked(right_cost)(network, picture)
    network.train(was)
    return counted


def every_layer_whether_it_runs(network, picture):
    ran = []
    counted = hooked(lambda *seen: ran.append(seen[0]) or right_cost(*seen))(network, picture)
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    return counted + sum(36 * one.weight.numel() for one in layers if one not in ran)


def right_cost(layer, inputs, output):
    return output.numel() * layer.weight[0].numel()


def groups_forgotten(layer, inputs, output):
    if isinstance(layer, nn.Linear):
        return layer.weight.numel()
    return output.numel() * layer.in_channels * layer.kernel_size[0] ** 2


def square_kernels(layer, inputs, output):
    if isinstance(layer, nn.Linear):
        return layer.weight.numel()
    return output.numel() * layer.weight.shape[1] * layer.kernel_size[0] ** 2


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


def by_matmul(x, weight, bias):
    n, channels, height, width = x.shape
    return (weight @ x.reshape(n, channels, -1) + bias[:, None]).reshape(n, -1, height, width)


def by_a_layer(x, weight, bias):
    layer = nn.Conv2d(weight.shape[1], len(weight), 1)
    layer.weight.data, layer.bias.data = weight[:, :, None, None], bias
    return layer(x)


def places(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


def same_or_valid(size, kernel, stride, padding):
    return -(-size // stride) if padding == kernel // 2 else (size - kernel) // stride + 1


def break_even(inputs, outputs, kernel):
    return kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs)


WRONG = (
    ("02.1", ([0, -1, 0], 0), "never above zero"),
    ("02.1", ([0, 1, 0], 0), "bright too"),
    ("02.1", ([-1, -1, -1], 1), "red or blue"),
    ("02.1", ([0, -1, 0], 255), "a place with green 0 gives 255.00"),
    ("02.1", ([0, -1], 1), "2 weights"),
    ("02.1", ("green", 1), "three numbers in a list"),
    ("02.1", ([0, 0, 0], 0), "green has no weight"),
    ("02.1", ([0, float("nan"), 0], 1), "nan or inf among the numbers"),
    ("02.1", (1, [0, -1, 0]), "(1, [0, -1, 0]) came"),
    ("02.2", no_bias, "The bias is missing"),
    ("02.2", channels_last, "channels stand last"),
    ("02.2", reshaped_back, "`reshape` has cut"),
    ("02.2", rows_of_no_pixel, "`permute` first"),
    ("02.2", bias_on_columns, "in your line"),
    ("02.2", by_a_layer, "its values are right, but `nn.Conv2d` makes them"),
    ("02.2", lambda *args: by_matmul(*args).to("meta"), "It lies on the device meta"),
    ("02.2", lambda *args: by_matmul(*args).double(), "expected is torch.float32"),
    ("02.2", lambda *args: by_matmul(*args).tolist(), "a tensor; a list came"),
    ("02.3", NoLastReLU, "the last 1x1 has no ReLU"),
    ("02.3", NoReLUBetween, "Is every ReLU there"),
    ("02.3", PaddedMixes, "belong to the large kernel alone"),
    ("02.3", LargeMixes, "convolutions of 5x5, 3x3, 3x3"),
    ("02.3", NoReturn, "Is `return` missing?"),
    ("02.3", NoStride, "cannot be called so"),
    (
        "02.3",
        HalfPadding,
        "HalfPadding(3, 5, 5): pictures of (2, 3, 11, 9) came",
    ),
    ("02.3", OtherDefaults, "without a word they are 1 and 0"),
    ("02.3", NoDefaults, "missing 2 required positional arguments"),
    ("02.3", MixesFirst, "the large kernel reads 8 channels, where 3 come in"),
    ("02.3", Narrow, "all three layers give out_channels"),
    ("02.3", Grouped, "Grouped(3, 8, 5, 1, 2): all three layers give out_channels"),
    ("02.3", Oblong, "convolutions of 5x1, 1x1, 1x1"),
    ("02.3", OneMix, "convolutions of 5x5, 1x1;"),
    ("02.3", PlainList, "`self.layers` is a plain list"),
    ("02.3", Reflected, "(zeros around the picture)"),
    ("02.3", WithDropout, "Is there a Dropout in it?"),
    ("02.3", WithBatchNorm, "Is there a BatchNorm in it?"),
    ("02.3", Elsewhere, "It lies on the device meta"),
    ("02.3", InAList, "Expected is a tensor; a list came"),
    (
        "02.4",
        lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) // stride,
        "steps",
    ),
    ("02.4", lambda s, k, t=1, p=0: (s + p - k) // t + 1, "both sides"),
    ("02.4", lambda s, k, t=1, p=0: -(-(s + 2 * p - k) // t) + 1, "a convolution drops it"),
    ("02.4", lambda s, k, t=1, p=0: (s + 2 * p - k) / t + 1, "no half position"),
    ("02.4", lambda s, k, t=1, p=0: (s + 2 * p - k + 1) // t, "stands before any step"),
    ("02.4", lambda s, k, t=1, p=0: s // t, "How far can the window slide"),
    ("02.4", lambda s, k, t=1, p=0: (s - k) // t + 1, "Padding is not in it"),
    ("02.4", lambda s, k, t=1, p=0: s + 2 * p - k + 1, "The stride is not in it"),
    ("02.4", lambda s, k, t=1, p=0: -(-s // t), "Here it may be any"),
    ("02.4", lambda s, k, t=1, p=0: same_or_valid(s, k, t, p), "(28, 5, 2, 1) returned 12"),
    ("02.4", lambda s, k, t=2, p=1: places(s, k, t, p), "(28, 5) returned 13"),
    ("02.4", lambda s, k, t=1, p=1: places(s, k, t, p), "(28, 5) returned 26"),
    ("02.4", lambda s, k, t, p: places(s, k, t, p), "cannot be called so"),
    ("02.4", lambda s, k, t=1, p=0: float(places(s, k, t, p)), "28.0. Expected is an int"),
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
    ("02.6", hooked(right_cost, of=nn.Module.children), "Layers may stand inside of others"),
    ("02.6", hooked(right_cost, of=all_but_itself), "no layer but one convolution"),
    ("02.6", hooked(square_kernels), "A kernel need not be square"),
    ("02.6", hooked(right_cost, before=nn.Module.eval), "leaves the mode"),
    (
        "02.6",
        hooked(right_cost, after=nn.Module.train),
        "with a stride of 2, a picture",
    ),
    ("02.6", hooked(right_cost, after=lambda n: n.requires_grad_(False)), "leaves the parameters"),
    ("02.6", hooked(right_cost, after=lambda n: setattr(n, "macs", 1)), "leaves the attributes"),
    ("02.6", every_layer_whether_it_runs, "Only what runs is counted"),
    ("02.6", lambda *args: float(hooked(right_cost)(*args)), "Expected is an int; a float came"),
    ("02.6", lambda *args: torch.tensor(hooked(right_cost)(*args)), "`.item()` makes"),
    ("02.6", each_layer_once, "each time its layer does"),
    ("02.7", lambda i, o, k: k**2 * i * o // (i + k**2 * o), "Do not round"),
    ("02.7", lambda i, o, k: float(i), "what the 1x1 itself costs"),
    ("02.7", lambda i, o, k: k**2 * i * o / (i + o), "all its taps"),
    ("02.7", lambda i, o, k: k * i * o / (i + k * o), "k times k taps"),
    ("02.7", lambda i, o, k: i / o, "solve for r"),
    ("02.7", lambda i, o, k: round(break_even(i, o, k)), "seldom a whole number"),
    ("02.7", lambda i, o, k: round(break_even(i, o, k), 1), "It is rounded"),
    ("02.7", lambda i, o, k: i * o / (i + o), "The kernel is not in it"),
    ("02.7", lambda i, o, k: torch.tensor(break_even(i, o, k)), "`.item()` makes"),
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


def test_hooks_of_others_are_to_stay():
    assert_refused(BY_ID["02.6"], hooked(right_cost, after=clears_all_hooks), "the hooks of the")


def test_a_layer_used_twice_in_place_of_two_is_refused():
    assert judge(BY_ID["02.3"], OneUsedTwice).outcome == "wrong"


def by_conv(x, weight, bias):
    return F.conv2d(x, weight[:, :, None, None], bias)


class ByLinear(MLPConv):
    """Section 2 of the notebook: a 1x1 is a linear layer at every place."""

    def mix(self, width, stride, padding):
        return nn.Linear(width, width)

    def forward(self, x):
        x = F.relu(self.conv(x)).movedim(1, -1)
        return F.relu(self.two(F.relu(self.one(x)))).movedim(-1, 1)


class Lazy(MLPConv):
    def mix(self, width, stride, padding):
        return nn.LazyConv2d(width, 1)

    def extra(self): ...


class Padded(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, 0)
        self.padding = padding

    def forward(self, x):
        return super().forward(F.pad(x, [self.padding] * 4))


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
        ("02.1", (np.array([0, -1, 0]), np.int64(1))),
        *(("02.3", one) for one in (MLPConv, MixesNamedTheOtherWayRound, ByLinear, Lazy, Padded)),
        ("02.4", lambda size, kernel, stride=1, padding=0: len(
            range(0, size + 2 * padding - kernel + 1, stride))),
        ("02.6", hooked(right_cost)),
        ("02.6", puts_back_the_mode),
        ("02.6", lambda *args: np.int64(hooked(right_cost)(*args))),
        ("02.7", lambda i, o, k: np.float64(break_even(i, o, k))),
        ("02.7", lambda i, o, k: 1 / (1 / i + 1 / (k * k * o)) ),
    ],
)  # fmt: skip
def test_a_right_answer_may_be_written_otherwise(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
