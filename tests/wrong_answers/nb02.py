"""Answers to the exercises of notebook 02: wrong ones that no slip makes, and right ones."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


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


class HalfPadding(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)


class OtherDefaults(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=2, padding=1):
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


class OneMix(MLPConv):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__(inputs, outputs, kernel, stride, padding)
        self.two = self.one


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
    ("02.2", bias_on_columns, "in your line"),
    ("02.2", by_a_layer, "its values are right, but `nn.Conv2d` makes them"),
    ("02.3", NoLastReLU, "The ReLU after the 1x1 is missing"),
    ("02.3", NoReLUBetween, "The ReLUs after the 5x5 and 1x1 are missing"),
    ("02.3", PaddedMixes, "belong to the large kernel alone"),
    ("02.3", LargeMixes, "a 3x3 from 8 channels to 8"),
    ("02.3", NoStride, "cannot be called so"),
    (
        "02.3",
        HalfPadding,
        "belong to the large kernel alone",
    ),
    ("02.3", OtherDefaults, "without a word they are 1 and 0"),
    ("02.3", MixesFirst, "a 5x5 from 8 channels to 8. The outputs of one are right"),
    ("02.3", Narrow, "expected is (2, 8, 11, 9)"),
    ("02.3", OneMix, "one that is used twice counts once"),
    ("02.4", lambda s, k, t=1, p=0: s // t, "How far can the window slide"),
    ("02.4", lambda s, k, t=1, p=0: same_or_valid(s, k, t, p), "(28, 5, 2, 1) returned 12"),
    ("02.4", lambda s, k, t=2, p=1: places(s, k, t, p), "(28, 5) returned 13"),
    ("02.4", lambda s, k, t=1, p=1: places(s, k, t, p), "(28, 5) returned 26"),
    ("02.4", lambda s, k, t, p: places(s, k, t, p), "cannot be called so"),
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
    ("02.6", each_layer_once, "each time its layer does"),
    ("02.7", lambda i, o, k: i / o, "solve for r"),
)

RIGHT = (
    ("02.1", (torch.tensor([0.0, -1.0, 0.0]), torch.tensor(1.0))),
    ("02.1", ((0, -1, 0), 1)),
    ("02.2", by_matmul),
    ("02.2", by_conv),
    ("02.1", (np.array([0, -1, 0]), np.int64(1))),
    *(("02.3", one) for one in (MLPConv, MixesNamedTheOtherWayRound, ByLinear, Lazy, Padded)),
    (
        "02.4",
        lambda size, kernel, stride=1, padding=0: len(
            range(0, size + 2 * padding - kernel + 1, stride)
        ),
    ),
    ("02.6", hooked(right_cost)),
    ("02.6", puts_back_the_mode),
    ("02.6", lambda *args: np.int64(hooked(right_cost)(*args))),
    ("02.7", lambda i, o, k: np.float64(break_even(i, o, k))),
    ("02.7", lambda i, o, k: 1 / (1 / i + 1 / (k * k * o))),
)
