"""What the four lanes of an Inception module see of a picture, and what they answer to it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from googlenet_lib.network.count import model_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import TABLE_1, find_module
from googlenet_lib.network.watch import watch

LANES = {"1x1": "branch1", "3x3": "branch2", "5x5": "branch3", "pool": "branch4"}


@dataclass(frozen=True)
class Window:
    """What one value of a lane sees: `field` pixels a side, neighbours `jump` pixels apart."""

    field: int
    jump: int


def lane_windows(
    model: GoogLeNet, module: str = "inception3a", size: int = 32
) -> dict[str, Window]:
    """The theoretical window of each lane of `module`, in pixels of a picture of `size`."""
    find_module(module)
    windows = {}
    for cost in model_costs(model, (3, size, size)):
        for lane, branch in LANES.items():
            if cost.name.startswith(f"{module}.{branch}."):  # the lane's last layer comes last
                windows[lane] = Window(round(cost.field), round(cost.jump))
    return windows


@dataclass(frozen=True)
class Grid:
    """Where the values of a map look: the first one's centre, and the next one's distance.

    In pixels of the picture, of which the first one has its centre at 0.
    """

    start: float
    step: int

    def centre(self, place: int) -> float:
        """The middle of what the map's value number `place` sees, in either direction."""
        return self.start + place * self.step


def map_grid(model: GoogLeNet, module: str) -> Grid:
    """The grid of `module`'s input, which is its output's too: nothing inside has a stride."""
    start, step = 0.0, 1
    for kernel, stride, padding in windows_before(model, module):
        start += step * ((kernel - 1) / 2 - padding)  # the first window's centre
        step *= stride
    return Grid(start, step)


def windows_before(model: GoogLeNet, module: str) -> list[tuple[int, int, int]]:
    """Kernel, stride and padding of the widest window of each part in front of `module`."""
    names = [row.name for row in TABLE_1[: TABLE_1.index(find_module(module))]]
    names.insert(names.index("conv2") + 1, "conv3")  # the row conv2 stands for both
    return [widest_window(getattr(model, name)) for name in names]


def widest_window(part: nn.Module) -> tuple[int, int, int]:
    """Kernel, stride and padding of the widest convolution or pool in a part; (1, 1, 0) if none."""
    found = [(1, 1, 0)]
    for layer in part.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            geometry = (layer.kernel_size, layer.stride, layer.padding)
            found.append(tuple(n[0] if isinstance(n, tuple) else n for n in geometry))
    return max(found)


@torch.inference_mode()
def lane_maps(model: GoogLeNet, images: Tensor, module: str = "inception3a") -> dict[str, Tensor]:
    """The maps that each lane of `module` gives to normalised pictures (N, 3, H, W).

    Returns (N, channels of the lane, height, width) for "1x1", "3x3", "5x5" and "pool", in the
    order in which the module stacks them. Raises UsageError for a module that is not there.
    """
    with watch(lane_parts(model, module)) as maps:
        model.eval()(images)
    return maps


def lane_parts(model: GoogLeNet, module: str) -> dict[str, nn.Module]:
    """The branch of `module` that each lane is, or UsageError."""
    find_module(module)
    return {lane: getattr(model, module).get_submodule(name) for lane, name in LANES.items()}
