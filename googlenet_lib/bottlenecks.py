"""The 1x1 in front of a large kernel: what it costs at any width, and what it could keep."""

from dataclasses import dataclass

import torch
from torch import Tensor

from googlenet_lib.costs import conv_macs, conv_params
from googlenet_lib.errors import UsageError
from googlenet_lib.hooks import watch
from googlenet_lib.lanes import MODULES
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import TABLE_1


@dataclass(frozen=True)
class Bottleneck:
    """A large kernel of an Inception module, behind a 1x1 whose width one may choose.

    `width` is the one that Table 1 chose; `size` the map's, in pixels a side. Biases are not
    counted.
    """

    name: str
    in_channels: int
    width: int
    out_channels: int
    kernel: int
    size: int

    @property
    def direct_params(self) -> int:
        """Weights of the large kernel on all channels, with no 1x1 in front."""
        return conv_params(self.in_channels, self.out_channels, self.kernel)

    @property
    def direct_macs(self) -> int:
        """Multiply-adds of the large kernel on all channels, for one picture."""
        return conv_macs(self.in_channels, self.out_channels, self.kernel, self.size)

    @property
    def break_even(self) -> float:
        """The width from which the detour costs more than the direct way."""
        large = self.kernel**2 * self.out_channels
        return large * self.in_channels / (self.in_channels + large)

    def params(self, width: int) -> tuple[int, int]:
        """Weights of a 1x1 to `width` channels, and of the large kernel behind it."""
        return (
            conv_params(self.in_channels, width, 1),
            conv_params(width, self.out_channels, self.kernel),
        )

    def macs(self, width: int) -> tuple[int, int]:
        """Multiply-adds of a 1x1 to `width` channels, and of the large kernel behind it."""
        reduction, large = self.params(width)
        return reduction * self.size**2, large * self.size**2


def bottleneck(module: str = "inception3a", kernel: int = 5) -> Bottleneck:
    """The 5x5 lane of a module of Table 1, or its 3x3 lane with `kernel=3`."""
    if module not in MODULES or kernel not in (3, 5):
        raise UsageError(
            f"module {module!r} and kernel {kernel} came; expected one of {', '.join(MODULES)} "
            "and a kernel of 3 or 5"
        )
    names = [row.name for row in TABLE_1]
    row, before = (TABLE_1[names.index(module) - i] for i in (0, 1))
    widths = row.widths
    reduce, out = {
        3: (widths.reduce_3x3, widths.out_3x3),
        5: (widths.reduce_5x5, widths.out_5x5),
    }[kernel]
    return Bottleneck(module, before.channels, reduce, out, kernel, row.size)


@torch.inference_mode()
def module_inputs(model: GoogLeNet, images: Tensor) -> dict[str, Tensor]:
    """What enters each Inception module for normalised pictures: (N, C, h, w), by its name."""
    modules = {name: getattr(model, name) for name in MODULES}
    with watch(modules, keep=lambda given, _output: given) as inputs:
        model.eval()(images)
    return inputs


def variance_shares(maps: Tensor) -> Tensor:
    """Share of the variance that the best r directions keep, for r of 1 to C: float32 (C,).

    `maps` are (N, C, h, w); every place of every picture is one vector of C channels. The best r
    directions are the first r right singular vectors of the centred vectors (a PCA), so that no
    linear 1x1 of width r can keep more.
    """
    vectors = maps.permute(0, 2, 3, 1).flatten(0, 2)  # (N * h * w, C)
    centred = (vectors - vectors.mean(0)).double()
    squares = torch.linalg.eigvalsh(centred.T @ centred).flip(0).clamp(min=0)  # (C,)
    return (squares.cumsum(0) / squares.sum()).float()
