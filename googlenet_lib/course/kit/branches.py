"""What the four branches of an Inception module see of a picture, and what they answer to it."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import TABLE_1, find_module, receptive_field
from googlenet_lib.network.watch import watch

BRANCHES = {"1x1": "branch1", "3x3": "branch2", "5x5": "branch3", "pool": "branch4"}

Layer = tuple[int, int, int]  # kernel, stride and padding


@dataclass(frozen=True)
class Window:
    """What the values of a map see, in pixels of the picture, in either direction.

    Each value sees `field` pixels. The first one's window has its centre at `start` (the first
    pixel has its own at 0), and those of neighbours lie `jump` pixels apart.
    """

    field: int
    jump: int
    start: float

    def centre(self, position: int) -> float:
        """Return the centre of the window of the map's value number `position`."""
        return self.start + position * self.jump

    def first_pixel(self, position: int) -> int:
        """Return the first pixel that the value sees; it lies outside the picture if below 0."""
        return round(self.centre(position) - (self.field - 1) / 2)


def window_after(layers: Iterable[Layer]) -> Window:
    """Work out the window of a value after layers of (kernel, stride, padding)."""
    field, jump, start = 1, 1, 0.0
    for kernel, stride, padding in layers:
        start += jump * ((kernel - 1) / 2 - padding)
        field, jump = receptive_field(field, jump, kernel, stride)
    return Window(field, jump, start)


def branch_windows(model: GoogLeNet, module: str = "inception3a") -> dict[str, Window]:
    """Work out the theoretical window of each branch of `module`, by its name in BRANCHES.

    Raises UsageError for a module that is not there.
    """
    before = _layers_before(model, module)
    return {
        name: window_after([*before, _widest(part)])
        for name, part in branch_parts(model, module).items()
    }


@torch.inference_mode()
def branch_maps(
    model: GoogLeNet, pictures: Tensor, module: str = "inception3a"
) -> dict[str, Tensor]:
    """Compute the maps that each branch of `module` gives to normalised pictures (N, 3, H, W).

    Returns (N, channels of the branch, h, w) for "1x1", "3x3", "5x5" and "pool", in the order in
    which the module concatenates them. Raises UsageError for a module that is not there.
    """
    with watch(branch_parts(model, module)) as maps:
        model.eval()(pictures)
    return maps


def branch_parts(model: GoogLeNet, module: str) -> dict[str, nn.Module]:
    """Find the submodule of each branch of `module`, or raise UsageError."""
    find_module(module)
    return {name: getattr(model, module).get_submodule(part) for name, part in BRANCHES.items()}


def _layers_before(model: GoogLeNet, module: str) -> list[Layer]:
    """List the widest layer of each part before `module`, in order."""
    names = [row.name for row in TABLE_1[: TABLE_1.index(find_module(module))]]
    names.insert(names.index("conv2") + 1, "conv3")  # the row conv2 stands for both
    return [_widest(getattr(model, name)) for name in names]


def _widest(part: nn.Module) -> Layer:
    """Find the layer of a part with the largest kernel; (1, 1, 0) if there is none."""
    found = [(1, 1, 0)]
    for layer in part.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            geometry = (layer.kernel_size, layer.stride, layer.padding)
            found.append(tuple(n[0] if isinstance(n, tuple) else n for n in geometry))
    return max(found)
