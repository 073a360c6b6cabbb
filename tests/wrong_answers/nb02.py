"""Answers to the exercises of notebook 02: wrong ones that no slip makes, and right ones."""

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


def right_cost(layer, inputs, output):
    return output.numel() * layer.weight[0].numel()


def hooked(
    cost=right_cost,
    kinds=(nn.Conv2d, nn.Linear),
    of=nn.Module.modules,
    remove=True,
    before=lambda network: None,
    after=lambda network: None,
    counts=None,
):
    """A counter that is right but for what the arguments change."""

    def count_macs(network, picture):
        found = [] if counts is None else counts
        before(network)
        layers = [layer for layer in of(network) if isinstance(layer, kinds)]
        handles = [
            layer.register_forward_hook(lambda *seen: found.append(cost(*seen))) for layer in layers
        ]
        network(picture)
        for handle in handles if remove else ():
            handle.remove()
        after(network)
        return sum(found)

    return count_macs


def of_conv(cost):
    """A counter with another cost of convolutions."""
    return hooked(
        lambda layer, inputs, output: (
            cost(layer, inputs, output) if isinstance(layer, nn.Conv2d) else layer.weight.numel()
        )
    )


def each_layer_once(network, picture):
    counts = {}
    hooked(lambda *seen: counts.update({seen[0]: right_cost(*seen)}) or 0)(network, picture)
    return sum(counts.values())


def puts_back_the_mode(network, picture):
    was = network.training
    network.eval()
    counted = hooked()(network, picture)
    network.train(was)
    return counted


def every_layer_whether_it_runs(network, picture):
    ran = []
    counted = hooked(lambda *seen: ran.append(seen[0]) or right_cost(*seen))(network, picture)
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    return counted + sum(36 * one.weight.numel() for one in layers if one not in ran)


def by_matmul(x, weight, bias):
    n, channels, height, width = x.shape
    return (weight @ x.reshape(n, channels, -1) + bias[:, None]).reshape(n, -1, height, width)


def by_a_layer(x, weight, bias):
    layer = nn.Conv2d(weight.shape[1], len(weight), 1)
    layer.weight.data, layer.bias.data = weight[:, :, None, None], bias
    return layer(x)


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
    ("02.2", by_a_layer, "its values are right, but `nn.Conv2d` makes them"),
    ("02.3", computed(MLPConv, lambda b, x: b.two(b.one(b.large(x)).relu())), "are missing"),
    ("02.3", computed(MLPConv, lambda b, x: b.one(b.one(b.large(x)))), "gave other numbers"),
    ("02.3", edited(MLPConv, lambda b: setattr(b, "two", b.one)), "used twice counts once"),
    ("02.3", PaddedMixes, "belong to the large kernel alone"),
    ("02.3", given(lambda i, o, k, s, p: (i, o, k, s, k // 2)), "belong to the large kernel alone"),
    ("02.3", given(lambda i, o, k, s, p: (i, i, k, s, p)), "expected is (2, 8, 11, 9)"),
    ("02.3", OtherDefaults, "without a word they are 1 and 0"),
    ("02.3", NoStride, "cannot be called so"),
    ("02.3", MixesFirst, "The outputs of one are right; what does it read?"),
    ("02.4", lambda s, k, t=1, p=0: s // t, "How far can the window slide"),
    ("02.6", of_conv(lambda c, x, y: y.numel() * c.in_channels * c.kernel_size[0] ** 2), "groups"),
    ("02.6", of_conv(lambda c, x, y: x[0].shape[-1] ** 2 * c.weight.numel()), "what comes out"),
    ("02.6", of_conv(lambda c, x, y: y.numel() * c.weight[0, :, 0].numel() ** 1), "one filter"),
    ("02.6", hooked(kinds=nn.Conv2d), "A linear layer multiplies too"),
    ("02.6", hooked(of=nn.Module.children), "Layers may stand inside of others"),
    ("02.6", hooked(of=lambda network: [*network.modules()][1:]), "no layer but one convolution"),
    ("02.6", each_layer_once, "each time its layer does"),
    ("02.6", every_layer_whether_it_runs, "Only what runs is counted"),
    ("02.6", hooked(counts=[]), "begin from zero"),
    ("02.6", hooked(remove=False), "it leaves the hooks of the network changed"),
    ("02.6", hooked(before=nn.Module.eval), "leaves the mode"),
    ("02.6", hooked(after=lambda n: n.requires_grad_(False)), "leaves the parameters"),
    ("02.6", hooked(after=lambda n: setattr(n, "macs", 1)), "leaves the attributes"),
    ("02.7", lambda i, o, k: i / o, "solve for r"),
)

RIGHT = (
    ("02.1", (torch.tensor([0.0, -1.0, 0.0]), torch.tensor(1.0))),
    ("02.1", ((0, -1, 0), 1)),
    ("02.2", by_matmul),
    ("02.1", (np.array([0, -1, 0]), np.int64(1))),
    ("02.3", computed(MLPConv, lambda b, x: b.one(b.two(b.large(x).relu()).relu()).relu())),
    *(("02.3", one) for one in (MLPConv, ByLinear, Lazy, Padded)),
    (
        "02.4",
        lambda size, kernel, stride=1, padding=0: len(
            range(0, size + 2 * padding - kernel + 1, stride)
        ),
    ),
    ("02.6", hooked()),
    ("02.6", puts_back_the_mode),
    ("02.6", lambda *args: np.int64(hooked()(*args))),
    ("02.7", lambda i, o, k: np.float64(break_even_width(i, o, k))),
    ("02.7", lambda i, o, k: 1 / (1 / i + 1 / (k * k * o))),
)
