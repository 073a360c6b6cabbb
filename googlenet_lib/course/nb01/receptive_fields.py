"""How wide a value sees: the window that theory gives it, and where in it the gradient lies.

    python -m googlenet_lib.course.nb01.receptive_fields --overwrite

measures the recorded windows anew and writes them into `receptive_fields.json`, or with
`--out FILE` into another file.

A pixel on which a value depends is one that its gradient with respect to the picture reaches.
The theoretical field counts all of them alike; the mean absolute gradient says how much each
counts. Source of the method: Luo et al., 2016 (arXiv:1701.04128), section 3.
"""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit import recorder
from googlenet_lib.course.kit.branches import (
    BRANCHES,
    Window,
    branch_parts,
    branch_windows,
    window_after,
)
from googlenet_lib.device import progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import MODULES, Field
from googlenet_lib.network.variants import PAPER
from googlenet_lib.network.watch import watch

RECORDED = Path(__file__).with_name("receptive_fields.json")

SHARE = 0.9  # of the gradient, by which an effective width is told
SEEDS = (0, 1, 2)
DEPTHS, KERNELS, STRIDED = range(1, 11), (1, 3, 5, 7), (0, 1, 2)
CHANNELS = 8  # of every layer in a stack
PICTURES = 2  # of noise, for each seed's stack
TILE = 32  # pixels a side of a recorded map


# ---- 1. Stacks of equal convolutions -------------------------------------------------------------


@dataclass(frozen=True)
class Stack:
    """`depth` convolutions of one kernel size, the first `strided` of them with stride 2."""

    depth: int
    kernel: int = 3
    strided: int = 0

    def __post_init__(self) -> None:
        if self.depth < 1 or self.kernel < 1 or not 0 <= self.strided <= self.depth:
            raise UsageError(
                f"a stack of depth {self.depth}, kernel {self.kernel} and {self.strided} strided "
                "layers came; expected a depth and a kernel of 1 or more, and no more strided "
                "layers than there are"
            )

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(kernel, stride) of each layer, the first one first."""
        return tuple((self.kernel, 2 if i < self.strided else 1) for i in range(self.depth))

    @property
    def field(self) -> int:
        """Theoretical receptive field of one value after the last layer, in pixels."""
        return field_after(self.layers)[0]


def field_after(layers: Sequence[tuple[int, int]]) -> Field:
    """Return receptive field and jump, in pixels, after layers of (kernel, stride)."""
    window = window_after((kernel, stride, 0) for kernel, stride in layers)
    return window.field, window.jump


def build_stack(stack: Stack, seed: int = 0, channels: int = CHANNELS) -> nn.Sequential:
    """The stack as a network, without padding, each convolution but the last before a ReLU.

    A picture as large as the field, (N, 3, field, field), leaves one place: (N, channels, 1, 1).
    """
    torch.manual_seed(seed)
    parts: list[nn.Module] = []
    for i, (kernel, stride) in enumerate(stack.layers):
        conv = nn.Conv2d(3 if i == 0 else channels, channels, kernel, stride)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        parts += [conv, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def stack_gradient(stack: Stack, seeds: Sequence[int] = SEEDS, pictures: int = PICTURES) -> Tensor:
    """Where the gradient of one value lies in its field: (field, field), which sums to 1.

    The mean absolute gradient over colours, pictures of noise and stacks, one a seed. A value is
    a random mix of the last layer's channels.
    """
    total = torch.zeros(stack.field, stack.field)
    for seed in seeds:
        with torch.random.fork_rng(devices=[]):
            network = build_stack(stack, seed).requires_grad_(False)
            noise = torch.randn(pictures, 3, stack.field, stack.field, requires_grad=True)
            values = network(noise)  # (pictures, channels, 1, 1)
            total += _gradient(values, torch.randn_like(values), noise)
    return total / total.sum()


# ---- 2. How wide a map is ------------------------------------------------------------------------


def mass_width(
    mass: Tensor, share: float = SHARE, centre: tuple[float, float] | None = None
) -> float:
    """Side of the smallest square around `centre` that holds `share` of a map's sum, in pixels.

    `mass` (H, W) is not negative; `centre` is row and column, the map's middle if not given.
    """
    if mass.dim() != 2 or not 0 < share <= 1 or not bool((mass >= 0).all()) or mass.sum() == 0:
        raise UsageError(
            f"a map of shape {tuple(mass.shape)} came, from {float(mass.min()):g} to "
            f"{float(mass.max()):g}, with a share of {share:g}; expected (H, W) without negative "
            "values, not all 0, and a share above 0, up to 1"
        )
    row, column = centre or tuple((side - 1) / 2 for side in mass.shape)
    rows = (torch.arange(mass.shape[0]) - row).abs().view(-1, 1)
    columns = (torch.arange(mass.shape[1]) - column).abs()
    rings, which = torch.maximum(rows, columns).unique(return_inverse=True)  # squares, by radius
    held = torch.zeros(len(rings), dtype=torch.float64)
    held.index_add_(0, which.flatten(), mass.flatten().double())
    reached = held.cumsum(0) >= share * held.sum() * (1 - 1e-9)
    return float(2 * rings[reached][0] + 1)


def _gradient(values: Tensor, direction: Tensor, pictures: Tensor) -> Tensor:
    """Mean absolute gradient of `values` along `direction`, over pictures and colours: (H, W)."""
    (gradient,) = torch.autograd.grad(values, pictures, direction, retain_graph=True)
    return gradient.abs().mean((0, 1))


# ---- 3. The branches of a GoogLeNet --------------------------------------------------------------


def branch_gradients(
    model: GoogLeNet, module: str, pictures: Tensor, place: int
) -> dict[str, Tensor]:
    """Where the gradient of one value of each branch lies in the pictures: (H, W), by branch.

    `pictures` are normalised, (N, 3, H, W); `place` is both row and column of the value in the
    module's map. A value is a random mix of the branch's channels. The mean absolute gradient over
    pictures and colours, not scaled.
    """
    pictures = pictures.detach().requires_grad_()
    with watch(branch_parts(model, module)) as maps:
        model.eval()(pictures)
    gradients = {}
    for branch, output in maps.items():
        values = output[:, :, place, place]  # (N, channels of the branch)
        gradients[branch] = _gradient(values, torch.randn_like(values), pictures)
    return gradients


# ---- 4. What is recorded -------------------------------------------------------------------------

# The paper's network, and the same with torchvision's kernels and pool: a 3x3 for the 5x5.
NETWORKS = {"paper": PAPER, "torchvision": replace(PAPER, large_kernel=3, maxpool4_kernel=2)}


@dataclass(frozen=True)
class BranchField:
    """One branch of one module of an untrained network, measured on noise.

    `widths` (one a seed) and `width` (of the mean) are sides of the square that holds SHARE of
    the gradient, in pixels.
    """

    network: str
    module: str
    branch: str
    window: Window
    widths: tuple[float, ...]
    width: float
    packed: str  # the map: square roots as bytes, the largest 255, in base64

    def __post_init__(self) -> None:
        if len(base64.b64decode(self.packed)) != TILE**2:
            raise ValueError(
                f"the map of branch {self.branch} of {self.module} is not {TILE}x{TILE}"
            )

    @cached_property
    def map(self) -> np.ndarray:
        """Unpack the gradient in the whole window: (TILE, TILE), which sums to 1."""
        squares = (np.frombuffer(base64.b64decode(self.packed), np.uint8) / 255) ** 2
        return (squares / squares.sum()).reshape(TILE, TILE)


def pack_map(mass: Tensor) -> str:
    """Pack a map (TILE, TILE) as bytes of square roots, which keep digits of small values."""
    roots = np.sqrt((mass / mass.max()).numpy())
    return base64.b64encode((255 * roots).round().astype(np.uint8).tobytes()).decode()


def measure_module(network: str, module: str) -> list[BranchField]:
    """Measure all branches of a module on pictures of noise that no window reaches beyond."""
    variant = NETWORKS[network]
    with torch.random.fork_rng(devices=[]):
        found: dict[str, list[Tensor]] = {branch: [] for branch in BRANCHES}
        for seed in SEEDS:
            torch.manual_seed(seed)
            model = GoogLeNet(variant, heads=False).requires_grad_(False)
            windows = branch_windows(model, module)
            widest = windows["5x5"]
            place = math.ceil((widest.field / 2 - widest.start) / widest.jump)
            side = math.ceil(widest.centre(place) + widest.field / 2) + 2 * widest.jump
            noise = torch.randn(1, 3, side, side)
            for branch, gradient in branch_gradients(model, module, noise, place).items():
                found[branch].append(_cut(gradient, windows[branch], place))
    return [
        _branch_field(network, module, branch, windows[branch], found[branch])
        for branch in BRANCHES
    ]


def _cut(gradient: Tensor, window: Window, place: int) -> Tensor:
    """Cut the window out of a picture's gradient: (field, field), scaled to sum to 1."""
    first = window.first_pixel(place)
    inside = gradient[first : first + window.field, first : first + window.field]
    return inside / inside.sum()


def _branch_field(
    network: str, module: str, branch: str, window: Window, parts: Sequence[Tensor]
) -> BranchField:
    mean = torch.stack(list(parts)).mean(0)
    tile = F.interpolate(mean[None, None], (TILE, TILE), mode="area")[0, 0]
    return BranchField(
        network, module, branch, window, tuple(mass_width(part) for part in parts),
        mass_width(mean), pack_map(tile),
    )  # fmt: skip


@dataclass(frozen=True)
class Circumstances:
    """Settings, and the measured stacks: depth, kernel, strided and width of each."""

    share: float
    seeds: tuple[int, ...]
    stacks: tuple[tuple[int, int, int, float], ...]


@dataclass(frozen=True)
class Recording:
    """The measured widths of stacks, and the branches of both networks."""

    stack_widths: dict[Stack, float]
    branches: tuple[BranchField, ...]

    def branch(self, module: str, branch: str, network: str = "paper") -> BranchField:
        """Find the record of one branch. Raises UsageError if there is none."""
        for one in self.branches:
            if (one.network, one.module, one.branch) == (network, module, branch):
                return one
        raise UsageError(
            f"branch {branch!r} of {module!r} in network {network!r} is not recorded; there are "
            f"{', '.join(BRANCHES)} of {', '.join(MODULES)}, in {' and '.join(NETWORKS)}"
        )

    def stack_width(self, stack: Stack) -> float:
        """Find the recorded width of a stack, in pixels. Raises UsageError if there is none."""
        if stack not in self.stack_widths:
            raise UsageError(
                f"{stack} is not recorded; there are depths of {DEPTHS[0]} to {DEPTHS[-1]}, "
                f"kernels {KERNELS} and {STRIDED} strided layers, no more than there are layers"
            )
        return self.stack_widths[stack]


@cache
def recorded() -> Recording:
    """Load the recorded widths of stacks, and the recorded windows of GoogLeNet's branches."""
    circumstances, branches = recorder.load(RECORDED, BranchField, Circumstances)
    return Recording({Stack(*key): width for *key, width in circumstances.stacks}, branches)


def record(path: Path) -> None:
    """Measure all stacks and all branches of both networks, and write them to `path`."""
    stacks = [
        Stack(depth, kernel, strided)
        for kernel in KERNELS for strided in STRIDED for depth in DEPTHS if strided <= depth
    ]  # fmt: skip
    widths = tuple(
        (one.depth, one.kernel, one.strided, mass_width(stack_gradient(one)))
        for one in progress_bar(stacks, desc="stacks")
    )
    jobs = [(network, module) for network in NETWORKS for module in MODULES]
    branches = [
        branch for job in progress_bar(jobs, desc="modules") for branch in measure_module(*job)
    ]
    recorder.save(path, Circumstances(SHARE, SEEDS, widths), branches)


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
