"""Kernels at their true size: one for each layer before GoogLeNet, several in each module since."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.figures import style
from googlenet_lib.paper import ROWS
from googlenet_lib.predecessors import Predecessor

# All in pixels of a page that is as wide as a README.
MARGIN, LEFT, PIXEL, ROW_HEIGHT, SHOWN = 14, 130, 9, 150, 5
MODULE = (5, 3, 1)  # the kernels of a module's lanes, the largest first: each lies on the last


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
        lane = f"{kernel}x{kernel}"
        _draw_square(axes, x, i, kernel, style.BRANCH_COLOURS[lane], MODULE[0])
    style.write(axes, x, (i + 1) * ROW_HEIGHT - 16, f"{name}\n5×5, 3×3, 1×1", 13, ha="left")


def _draw_square(
    axes: Axes, x: float, i: int, kernel: int, shade: str, around: int | None = None
) -> None:
    """A kernel of so many pixels; with `around` in the middle of a square of that many."""
    middle = i * ROW_HEIGHT + 58
    left = x + ((around or kernel) - kernel) / 2 * PIXEL
    side, look = kernel * PIXEL, {"facecolor": shade, "edgecolor": style.INK, "linewidth": 1.2}
    style.box(axes, left, middle - side / 2, side, side, **look)
