"""What the four lanes of an Inception module see of a picture, and what they answer to it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from googlenet_lib.costs import model_costs
from googlenet_lib.errors import UsageError
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import INCEPTION_ROWS

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
    _check(module)
    windows = {}
    for cost in model_costs(model, (3, size, size)):
        for lane, branch in LANES.items():
            if cost.name.startswith(f"{module}.{branch}."):  # the lane's last layer comes last
                windows[lane] = Window(round(cost.field), round(cost.jump))
    return windows


@torch.inference_mode()
def lane_maps(model: GoogLeNet, images: Tensor, module: str = "inception3a") -> dict[str, Tensor]:
    """The maps that each lane of `module` gives to normalised pictures (N, 3, H, W).

    Returns (N, channels of the lane, height, width) for "1x1", "3x3", "5x5" and "pool", in the
    order in which the module stacks them. Raises UsageError for a module that is not there.
    """
    _check(module)
    maps: dict[str, Tensor] = {}
    block = getattr(model, module)
    hooks = [
        getattr(block, branch).register_forward_hook(
            lambda _module, _inputs, output, lane=lane: maps.update({lane: output})
        )
        for lane, branch in LANES.items()
    ]
    try:
        model.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
    return maps


def _check(module: str) -> None:
    names = [row.name for row in INCEPTION_ROWS]
    if module not in names:
        raise UsageError(f"module {module!r} is unknown; expected one of {', '.join(names)}")
