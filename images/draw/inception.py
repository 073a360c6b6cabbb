"""One Inception module: four branches that read the same maps, and their concatenation."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from googlenet_lib.course.kit.style import (
    BRANCH_COLOURS,
    GREY,
    MIDDLE_GREY,
    MONOSPACE,
    canvas,
    house_style,
    spread,
    times,
    tint,
    write,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import Row, Widths

# All in pixels of a page that is as wide as a README.
HEIGHT = 490
BRANCHES_Y = (116, 220, 324, 428)  # the middle of each branch
MIDDLE_Y = sum(BRANCHES_Y) / 4
THICKEST = 72  # of the most channels that flow anywhere in a branch
SLAB = 26
INPUT_X, COPY_X, REDUCED_X, OUTPUT_X, CONCAT_X = 34, 164, 374, 584, 792
REDUCTION_TINT, BAND_TINT = 0.55, 0.78
COLOUR_NAMES = {"1x1": "blue", "3x3": "orange", "5x5": "green", "pool": "pink"}
WITHOUT = {  # by whether there are reductions, and a projection
    (True, True): "",
    (True, False): ", without its pool projection",
    (False, True): ", without its reductions",
    (False, False): ", naive",
}


@dataclass(frozen=True)
class Layer:
    """A layer of a branch: its name, the field of Widths that sizes it, and its channels."""

    label: str
    field: str
    channels: int


def branch_layers(
    widths: Widths, in_channels: int, *, reductions: bool = True, projection: bool = True
) -> dict[str, list[Layer]]:
    """Return the layers of each branch, in order. Source: the paper, Figure 2."""

    def convs(*kernels_and_fields: tuple[int, str]) -> list[Layer]:
        return [
            Layer(f"conv {times(kernel, kernel)}", field, getattr(widths, field))
            for kernel, field in kernels_and_fields
        ]

    pooled = "max pool 3×3, stride 1" + ("" if projection else ": no weights")
    return {
        "1x1": convs((1, "out_1x1")),
        "3x3": convs((1, "reduce_3x3"), (3, "out_3x3"))[not reductions :],
        "5x5": convs((1, "reduce_5x5"), (5, "out_5x5"))[not reductions :],
        "pool": [Layer(pooled, "pooled", in_channels), *convs((1, "pool_proj"))][: 1 + projection],
    }


def draw_inception(
    row: Row, in_channels: int, *, reductions: bool = True, projection: bool = True
) -> Figure:
    """Draw an Inception module of Table 1; slabs and bands are as thick as their channels.

    `in_channels` is what the row before gives: 192 for inception3a. `reductions` are the 1x1
    convolutions before the 3x3 and the 5x5, `projection` is the one after the pool; without both
    the module is the naive one. Raises UsageError for a row without branches. Source: the paper,
    Figure 2 and Table 1.
    """
    widths, name = row_module(row)
    branches = branch_layers(widths, in_channels, reductions=reductions, projection=projection)
    without = WITHOUT[reductions, projection]
    text = (
        f"Each branch reads all {in_channels} channels and keeps the maps at "
        f"{times(row.size, row.size)}. Thickness shows channels."
    )
    figure = draw_branches(branches, row.size, in_channels, f"Inception {name}{without}", text)
    figure.alt = _describe_inception(row, in_channels, branches, without)
    return figure


def draw_branches(
    branches: dict[str, list[Layer]], size: int, in_channels: int, title: str, text: str
) -> Figure:
    """Draw four branches that read `in_channels` maps of `size`, and what they stack to."""
    most = max(in_channels, *(layer.channels for steps in branches.values() for layer in steps))
    scale = THICKEST / most
    with house_style():
        figure, axes = canvas(HEIGHT)
        write(axes, INPUT_X, 24, title, 18, weight="bold", ha="left")
        write(axes, INPUT_X, 50, text, 13, ha="left")
        _draw_slab(axes, INPUT_X, MIDDLE_Y, in_channels * scale, MIDDLE_GREY, "input")
        bottom = MIDDLE_Y + in_channels * scale / 2
        write(
            axes,
            INPUT_X + SLAB / 2,
            bottom + 8,
            _shape(size, in_channels),
            14,
            weight="bold",
            va="top",
        )
        for branch, y in zip(branches, BRANCHES_Y, strict=True):
            _draw_branch(axes, y, branch, branches[branch], in_channels, scale)
        outputs = {branch: steps[-1].channels for branch, steps in branches.items()}
        _draw_concatenation(axes, outputs, size, scale)
    return figure


def _describe_inception(
    row: Row, in_channels: int, branches: dict[str, list[Layer]], without: str
) -> str:
    """Return the alt text of `draw_inception`, from the same data."""
    ways = "; ".join(
        f"{branch.replace('x', '×')} ({COLOUR_NAMES[branch]}): "
        + ", then ".join(f"{layer.label} gives {layer.channels} channels" for layer in layers)
        for branch, layers in branches.items()
    )
    stacked = sum(layers[-1].channels for layers in branches.values())
    return (
        f"Inception module {row.name.removeprefix('inception')}{without}, read from left to right, "
        f"slabs as thick as their channels: {times(row.size, row.size, in_channels)} goes into "
        f"four branches side by side. {ways}. The four are concatenated in this order to "
        f"{times(row.size, row.size, stacked)}."
    )


def row_module(row: Row) -> tuple[Widths, str]:
    """A row's widths and its module's name; UsageError for a row without branches."""
    if row.widths is None:
        raise UsageError(
            f"{row.name} is a row of kind {row.kind}, which has no branches to draw; "
            "pass one of googlenet_lib.network.table1.INCEPTION_ROWS"
        )
    return row.widths, row.name.removeprefix("inception")


def _shape(size: int, channels: int) -> str:
    return f"{times(size, size)}\n×{channels}"


def _draw_slab(axes: Axes, x: float, y: float, thickness: float, colour: str, gid: str) -> None:
    corner = (x, y - thickness / 2)
    axes.add_patch(Rectangle(corner, SLAB, thickness, color=colour, linewidth=0, gid=gid))


def _draw_branch(
    axes: Axes, y: float, branch: str, steps: list[Layer], in_channels: int, scale: float
) -> None:
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 3}
    axes.annotate("", (COPY_X, y), (INPUT_X + SLAB + 4, MIDDLE_Y), arrowprops=arrow)
    _draw_slab(axes, COPY_X, y, in_channels * scale, MIDDLE_GREY, f"input.{branch}")
    colour = BRANCH_COLOURS[branch]
    left, before = COPY_X + SLAB, in_channels * scale
    for x, layer in zip((REDUCED_X, OUTPUT_X)[-len(steps) :], steps, strict=True):
        after = layer.channels * scale
        corners = [
            (left, y - before / 2),
            (x, y - after / 2),
            (x, y + after / 2),
            (left, y + before / 2),
        ]
        axes.add_patch(Polygon(corners, color=tint(colour, BAND_TINT), linewidth=0))
        between = (before + after) / 2
        label_y = y if between > 24 else y - between / 2 - 13
        write(axes, (left + x) / 2, label_y, layer.label, 13)
        shade = colour if layer is steps[-1] else tint(colour, REDUCTION_TINT)
        _draw_slab(axes, x, y, after, shade, layer.field)
        write(axes, x + SLAB / 2, y - after / 2 - 11, str(layer.channels), 15, weight="bold")
        if layer.field != "pooled":
            write(axes, x + SLAB / 2, y + after / 2 + 11, layer.field, family=MONOSPACE)
        left, before = x + SLAB, after


def _draw_concatenation(axes: Axes, outputs: dict[str, int], size: int, scale: float) -> None:
    """Lead each branch into its segment of the stack; the bands keep their thickness."""
    steps = np.linspace(0, 1, 50)
    ease = steps * steps * (3 - 2 * steps)  # level at both ends
    xs = OUTPUT_X + SLAB + steps * (CONCAT_X - OUTPUT_X - SLAB)
    stacked = sum(outputs.values())
    top = MIDDLE_Y - stacked * scale / 2
    write(axes, CONCAT_X, top - 14, "concatenate", 13, ha="left")
    centres = []
    for (branch, channels), y in zip(outputs.items(), BRANCHES_Y, strict=True):
        thickness = channels * scale
        start = y - thickness / 2
        upper = start + ease * (top - start)
        band = [*zip(xs, upper, strict=True), *zip(xs[::-1], upper[::-1] + thickness, strict=True)]
        axes.add_patch(Polygon(band, color=tint(BRANCH_COLOURS[branch], 0.5), linewidth=0))
        centres.append(top + thickness / 2)
        _draw_slab(
            axes, CONCAT_X, centres[-1], thickness, BRANCH_COLOURS[branch], f"concat.{branch}"
        )
        top += thickness
    for channels, y in zip(outputs.values(), spread(centres, [17] * 4), strict=True):
        write(axes, CONCAT_X + SLAB + 8, y, str(channels), 15, weight="bold", ha="left")
    write(axes, CONCAT_X + SLAB / 2, top + 12, _shape(size, stacked), 14, weight="bold", va="top")
