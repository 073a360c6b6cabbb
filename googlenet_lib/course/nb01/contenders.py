"""Six small networks of equal cost, which differ in the kernel sizes of their layers."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from torch import Tensor, nn

from googlenet_lib.data import SHAPES
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import Cost, conv_macs, linear_macs, total

SIZE = 32  # pixels a side
STEM = 16  # channels
STAGES = (1.0, 1.0, 1.5)  # widths of the three layers, relative to the first
BUDGET = 2_820_000  # multiply-adds for one picture: 3x3 layers of 24, 24 and 36 channels
WIDEST = 1000  # channels of a branch


@dataclass(frozen=True)
class Contender:
    """A choice of the branches that work side by side in every layer."""

    name: str
    kernels: tuple[int, ...]
    pool: bool = False  # one more branch: a 3x3 max pool, then its 1x1 projection

    @property
    def branches(self) -> int:
        """Count the branches of a layer."""
        return len(self.kernels) + self.pool


CONTENDERS = (
    Contender("only 1x1", (1,)),
    Contender("only 3x3", (3,)),
    Contender("only 5x5", (5,)),
    Contender("mixed", (1, 3, 5), pool=True),
    Contender("mixed, no pool", (1, 3, 5)),
    Contender("3x3 and pool", (3,), pool=True),  # is it the mix of kernels, or the pool branch?
)


class SideBySide(nn.Module):
    """One layer: every branch sees the same input and gives `width` channels.

    (N, in_channels, H, W) -> (N, branches * width, H, W).
    """

    def __init__(self, in_channels: int, contender: Contender, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            ConvBlock(in_channels, width, kernel_size=kernel, padding=kernel // 2)
            for kernel in contender.kernels
        )
        if contender.pool:
            pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
            self.branches.append(nn.Sequential(pool, ConvBlock(in_channels, width, kernel_size=1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [branch(x) for branch in self.branches], dim=1
        )  # (N, branches * width, H, W)


class KernelSizeNet(nn.Module):
    """A stem, two layers of branches, a max pool, a third layer, a mean over the map, ten logits.

    (N, 3, 32, 32) -> (N, 10). `widths` are the channels of each branch, layer by layer. The stem is
    the same for all: without it, a network of 1x1 kernels could not tell an edge's direction.
    """

    def __init__(self, contender: Contender, widths: tuple[int, ...]) -> None:
        super().__init__()
        outputs = [contender.branches * width for width in widths]
        inputs = [STEM, *outputs[:-1]]
        self.stem = ConvBlock(3, STEM, kernel_size=3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            SideBySide(channels, contender, width)
            for channels, width in zip(inputs, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.classifier = nn.Linear(outputs[-1], len(SHAPES))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = self.layers
        x = self.stem(x)  # (N, 16, 16, 16)
        x = self.pool(second(first(x)))  # (N, C, 8, 8)
        x = third(x)  # (N, C', 8, 8)
        return self.classifier(x.mean(dim=(2, 3)))  # (N, C'), (N, 10)


def find_contender(name: str) -> Contender:
    """Find the contender called `name`. Raises UsageError if there is none."""
    contenders = {contender.name: contender for contender in CONTENDERS}
    if name not in contenders:
        raise UsageError(f"contender {name!r} is unknown; expected one of {', '.join(contenders)}")
    return contenders[name]


@cache
def branch_widths(contender: Contender) -> tuple[int, ...]:
    """Choose the channels of each branch, layer by layer, that bring the cost nearest to BUDGET.

    All branches of a layer have the same width; the layers keep to STAGES within two channels.
    """

    def in_proportion(first: int) -> tuple[int, ...]:
        return tuple(round(first * stage) for stage in STAGES)

    # the widest that keeps within the budget, then all that lie between it and the next one
    first = bisect_right(
        range(1, WIDEST), BUDGET, key=lambda n: multiply_adds(contender, in_proportion(n))
    )
    between = [
        range(math.floor(first * stage), math.ceil((first + 1) * stage) + 1) for stage in STAGES
    ]
    return min(product(*between), key=lambda widths: abs(multiply_adds(contender, widths) - BUDGET))


def multiply_adds(contender: Contender, widths: tuple[int, ...]) -> int:
    """Count the multiply-adds of a `KernelSizeNet` of these widths, for one picture."""
    kernels = (*contender.kernels, *[1] * contender.pool)
    macs, channels = conv_macs(3, STEM, 3, SIZE // 2), STEM
    for width, size in zip(widths, (SIZE // 2, SIZE // 2, SIZE // 4), strict=True):
        macs += sum(conv_macs(channels, width, kernel, size) for kernel in kernels)
        channels = contender.branches * width
    return macs + linear_macs(channels, len(SHAPES))


def build(contender: Contender, seed: int = 0) -> KernelSizeNet:
    """Build the contender's network at the common budget, its weights drawn from `seed`."""
    torch.manual_seed(seed)
    return KernelSizeNet(contender, branch_widths(contender))


def network_costs(contender: Contender) -> tuple[int, int]:
    """Count the parameters, and the multiply-adds for one picture."""
    return total(_layer_costs(contender))


def field(contender: Contender) -> int:
    """Work out the receptive field of one value after the last layer, in pixels of the picture."""
    return int(max(cost.field for cost in _layer_costs(contender) if cost.kind == "Conv2d"))


def _layer_costs(contender: Contender) -> list[Cost]:
    with torch.device("meta"):
        network = KernelSizeNet(contender, branch_widths(contender))
        return model_costs(network, (3, SIZE, SIZE))
