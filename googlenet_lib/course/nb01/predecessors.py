"""Notebook 01: networks before GoogLeNet, and the kernels that they used."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.network.table1 import ROWS


@dataclass(frozen=True)
class Layer:
    """One convolution. `seen` is how many channels one filter sees: AlexNet's were split in two."""

    name: str
    kernel: int
    stride: int
    seen: int
    channels: int


@dataclass(frozen=True)
class Predecessor:
    """A network before GoogLeNet, with the year of its contest."""

    name: str
    year: int
    layers: tuple[Layer, ...]


ALEXNET = Predecessor(
    "AlexNet",
    2012,
    (
        Layer("conv1", 11, 4, 3, 96),
        Layer("conv2", 5, 1, 48, 256),
        Layer("conv3", 3, 1, 256, 384),
        Layer("conv4", 3, 1, 192, 384),
        Layer("conv5", 3, 1, 192, 256),
    ),
)
ZF = Predecessor(
    "ZF",
    2013,
    (
        Layer("conv1", 7, 2, 3, 96),
        Layer("conv2", 5, 2, 96, 256),
        Layer("conv3", 3, 1, 256, 384),
        Layer("conv4", 3, 1, 384, 384),
        Layer("conv5", 3, 1, 384, 256),
    ),
)
PREDECESSORS: tuple[Predecessor, ...] = (ALEXNET, ZF)

# What AlexNet's paper says of itself: inputs and outputs of its three fully connected layers
# (the last map is 6x6 pixels of 256 channels), all its parameters, the picture's size, and the
# values in the maps of its convolutions (abstract and section 3.5).
ALEXNET_FULLY_CONNECTED = ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000))
ALEXNET_PARAMETERS = 60_000_000
ALEXNET_PICTURE = 224
ALEXNET_NEURONS = (253_440, 186_624, 64_896, 64_896, 43_264)

# All in pixels of a page that is as wide as a README.
MARGIN, LEFT, PIXEL, ROW_HEIGHT, SHOWN = 14, 130, 9, 150, 5
MODULE = (5, 3, 1)  # the kernels of a module's branches, the largest first: each lies on the last


def draw_kernels(networks: Sequence[Predecessor]) -> Figure:
    """Draw the kernels of each network's layers, and below them GoogLeNet's first ones."""
    step = (style.WIDTH - LEFT - MARGIN) / SHOWN
    with style.house_style():
        figure, axes = style.canvas(ROW_HEIGHT * (len(networks) + 1) + 8)
        for i, network in enumerate(networks):
            _name(axes, i, network.name, network.year)
            for j, layer in enumerate(network.layers):
                _draw_kernel(axes, LEFT + j * step, i, layer.name, layer.kernel, layer.stride)
        i = len(networks)
        _name(axes, i, "GoogLeNet", 2014)
        for j, name in enumerate(("conv1", "conv2")):
            row = ROWS[name]
            _draw_kernel(axes, LEFT + j * step, i, name, row.kernel, row.stride)
        for j, name in enumerate(("3a", "3b", "4a"), start=2):
            _draw_module(axes, LEFT + j * step, i, name)
    figure.alt = _describe_kernels(networks)
    return figure


def _describe_kernels(networks: Sequence[Predecessor]) -> str:
    """Return the alt text of `draw_kernels`, from the same data."""
    parts = [
        f"{network.name}: "
        + ", ".join(f"{one.kernel}×{one.kernel}, stride {one.stride}" for one in network.layers)
        for network in networks
    ]
    stem = ", ".join(
        f"{ROWS[name].kernel}×{ROWS[name].kernel}, stride {ROWS[name].stride}"
        for name in ("conv1", "conv2")
    )
    parts.append(f"GoogLeNet: {stem}, then modules of 1×1, 3×3 and 5×5 side by side")
    return f"Squares as large as the kernels, one for each layer. {'. '.join(parts)}."


def _name(axes: Axes, i: int, name: str, year: int) -> None:
    y = i * ROW_HEIGHT + 58
    style.write(axes, MARGIN, y - 10, name, 17, ha="left", weight="bold")
    style.write(axes, MARGIN, y + 12, str(year), 14, ha="left", color=style.GREY)


def _draw_kernel(axes: Axes, x: float, i: int, name: str, kernel: int, stride: int) -> None:
    _draw_square(axes, x, i, kernel, style.LIGHT_GREY)
    text = style.times(kernel, kernel) + (f", stride {stride}" if stride > 1 else "")
    style.write(axes, x, (i + 1) * ROW_HEIGHT - 16, f"{name}\n{text}", 13, ha="left")


def _draw_module(axes: Axes, x: float, i: int, name: str) -> None:
    for kernel in MODULE:
        branch = f"{kernel}x{kernel}"
        _draw_square(axes, x, i, kernel, style.BRANCH_COLOURS[branch], MODULE[0])
    style.write(axes, x, (i + 1) * ROW_HEIGHT - 16, f"{name}\n5×5, 3×3, 1×1", 13, ha="left")


def _draw_square(
    axes: Axes, x: float, i: int, kernel: int, shade: str, around: int | None = None
) -> None:
    """A kernel of so many pixels; with `around` in the middle of a square of that many."""
    middle = i * ROW_HEIGHT + 58
    left = x + ((around or kernel) - kernel) / 2 * PIXEL
    side, look = kernel * PIXEL, {"facecolor": shade, "edgecolor": style.INK, "linewidth": 1.2}
    style.box(axes, left, middle - side / 2, side, side, **look)
