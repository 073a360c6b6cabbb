"""The house style: one colour per branch, sizes in pixels of a README, labels on the thing."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import ArrayLike

# Okabe and Ito's palette, which the colour-blind can tell apart. Everything else is grey.
BRANCH_COLOURS = {"1x1": "#0072B2", "3x3": "#E69F00", "5x5": "#009E73", "pool": "#CC79A7"}
HEAD_COLOUR = "#D55E00"
INK = "#222222"
GREY = "#666666"
MIDDLE_GREY = "#A6A6A6"
LIGHT_GREY = "#D9D9D9"
PAPER = "#FCFCFC"  # opaque, so that a figure can be read in a dark theme too
MONOSPACE = "DejaVu Sans Mono"

DPI = 72  # a point, in which matplotlib measures fonts and lines, is a pixel
WIDTH = 900  # px, about the width of a README on GitHub


def tint(colour: str, amount: float) -> str:
    """Return `colour` mixed with white: an amount of 0 leaves it, 1 gives white."""
    if not 0 <= amount <= 1:
        raise ValueError(f"amount is {amount}; it must lie between 0 (no tint) and 1 (white)")
    return to_hex([channel + (1 - channel) * amount for channel in to_rgb(colour)])


def branch_shades(branch: str) -> LinearSegmentedColormap:
    """Return the shades of a branch's map, from paper for the lowest value to its colour."""
    return LinearSegmentedColormap.from_list(branch, [PAPER, BRANCH_COLOURS[branch]])


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2, from 0 (black) to 1 (white)."""
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink_on(colour: str) -> str:
    """Return black or white, whichever is easier to read on `colour`."""
    # The contrast with white is 1.05 / (L + 0.05), with black (L + 0.05) / 0.05.
    return "#FFFFFF" if (luminance(colour) + 0.05) ** 2 < 1.05 * 0.05 else "#000000"


def house_style() -> AbstractContextManager:
    """Return a context in which figures are made: `with house_style(): ...`.

    It begins from matplotlib's defaults, whatever was set before.
    """
    # A session's first figure loads the backend, and Jupyter's then switches interactive mode on.
    # Loaded inside the context, it would lose that at the end; this loads it before.
    plt.draw_if_interactive()
    return plt.style.context(
        [
            "default",
            {
                "figure.dpi": DPI,
                "figure.constrained_layout.w_pad": 8 / DPI,
                "figure.constrained_layout.h_pad": 6 / DPI,
                "figure.facecolor": PAPER,
                "axes.facecolor": PAPER,
                "axes.edgecolor": GREY,
                "axes.labelcolor": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.titlelocation": "left",
                "axes.titlesize": 15,
                "axes.titleweight": "bold",
                "lines.linewidth": 2.4,
                "lines.markersize": 8,
                "axes.labelsize": 13,
                "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
                "font.size": 13,
                "text.color": INK,
                "xtick.color": GREY,
                "ytick.color": GREY,
                "xtick.labelsize": 12,
                "ytick.labelsize": 12,
            },
        ]
    )


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a page with axes that count pixels, (0, 0) being its top left corner."""
    figure = plt.figure(figsize=(WIDTH / DPI, height / DPI))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def chart(height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, Any]:
    """Return a page of charts that matplotlib lays out; `options` are those of `plt.subplots`."""
    size = WIDTH / DPI, height / DPI
    return plt.subplots(rows, columns, figsize=size, layout="constrained", **options)


def label_ends(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write each (value, text, colour) to the right of the axes, at the height of its value.

    Where values are close to each other, their texts move apart. Values that are not finite have
    no end to stand at.
    """
    labels = [label for label in labels if math.isfinite(label[0])]
    room = 0.7 * axes.figure.bbox.height  # about what title, ticks and margins leave
    low, high = axes.yaxis.get_transform().transform(axes.get_ylim())
    ends = axes.yaxis.get_transform().transform([value for value, *_ in labels])
    heights = [18 * (text.count("\n") + 1) / room for _, text, _ in labels]
    places = spread([float(end - low) / (high - low) for end in ends], heights)
    for (_, text, colour), y in zip(labels, places, strict=True):
        beside(axes, y, text, shift=12, coords="axes fraction", color=colour)


def beside(axes: Axes, y: float, text: str, *, shift: float = 8, coords="data", **options) -> None:
    """Write `text` to the right of the axes, `shift` pixels away, at the height `y`."""
    options = {"va": "center", "fontsize": 12.5, "linespacing": 1.1} | options
    axes.annotate(
        text,
        (1, y),
        (shift, 0),
        xycoords=("axes fraction", coords),
        textcoords="offset points",
        annotation_clip=False,
        **options,
    )


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Give axes a row for each name, from the top down, at the heights 0, 1, 2 and so on."""
    axes.set(ylim=(len(names) - 0.4, -0.8))
    axes.set_yticks(range(len(names)), names)
    axes.tick_params("y", labelcolor=INK, length=0)
    axes.spines["left"].set_visible(False)


def headline(figure: Figure, text: str) -> None:
    """Write a title at the upper left of a page of charts."""
    figure.suptitle(text, x=0.012, ha="left", fontsize=15, weight="bold")


def footnote(figure: Figure, text: str, color: str = GREY) -> None:
    """Write a line such as where the data come from at the lower left of a page of charts."""
    figure.supxlabel(text, x=0.012, ha="left", fontsize=12, color=color)


def write(axes: Axes, x: float, y: float, text: str, size: float = 12, **kwargs) -> Text:
    """Write `text`, `size` pixels high, centred on (x, y) unless told otherwise."""
    kwargs = {"ha": "center", "va": "center", "linespacing": 1.15} | kwargs
    return axes.text(x, y, text, fontsize=size, **kwargs)


def box(axes: Axes, x: float, y: float, width: float, height: float, **look) -> None:
    """Draw a rectangle from its upper left corner; `look` is of matplotlib's Rectangle."""
    # add_patch would work out limits that stay as they are
    axes.add_artist(Rectangle((x, y), width, height, **{"linewidth": 0} | look))


def outline(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str,
    dashes: object = "-",
    *,
    thick: float = 2.5,
    halo: float = 0,
) -> None:
    """Draw the frame of a rectangle, with `halo` on a wider and lighter one that sets it off."""
    look = {"fill": False, "zorder": 3}
    if halo:
        box(axes, x, y, width, height, edgecolor=PAPER, linewidth=halo, **look)
    box(axes, x, y, width, height, edgecolor=colour, linewidth=thick, linestyle=dashes, **look)


def image(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    values: ArrayLike,
    shades: Any = None,
    low: float = 0,
    high: float = 1,
) -> None:
    """Draw a picture or a map on a canvas, (x, y) being its upper left corner, in a thin frame.

    `values` is (H, W) or, with colours, (H, W, 3); `low` and `high` are the ends of `shades`.
    """
    values = np.asarray(values)
    height = width * values.shape[0] / values.shape[1]
    axes.imshow(
        values,
        shades,
        extent=(x, x + width, y + height, y),
        vmin=low,
        vmax=high,
        interpolation="nearest",
        aspect="auto",
    )
    outline(axes, x, y, width, height, GREY, thick=1)


def picture(
    axes: Axes,
    values: ArrayLike,
    title: str = "",
    shades: Any = None,
    low: float = 0,
    high: float = 1,
) -> None:
    """Show a picture or a map in axes of its own, without ticks, in a thin frame."""
    look = {"vmin": low, "vmax": high, "interpolation": "nearest"}
    axes.imshow(np.asarray(values), shades, **look)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title)
    axes.spines[:].set(visible=True, color=GREY)


def spread(centres: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Move labels apart until none overlaps, keeping their order and their middle.

    `centres` and `heights` are in the same unit; the result has the order of `centres`.
    """
    order = sorted(range(len(centres)), key=lambda i: centres[i])
    clusters: list[list[int]] = []
    for i in order:
        clusters.append([i])
        # A cluster that runs into the one before joins it, and the two are centred together.
        while len(clusters) > 1 and (
            _span(clusters[-2], centres, heights)[1] > _span(clusters[-1], centres, heights)[0]
        ):
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    moved = [0.0] * len(centres)
    for cluster in clusters:
        edge = _span(cluster, centres, heights)[0]
        for i in cluster:
            moved[i] = edge + heights[i] / 2
            edge += heights[i]
    return moved


def _span(
    cluster: Sequence[int], centres: Sequence[float], heights: Sequence[float]
) -> tuple[float, float]:
    middle = sum(centres[i] for i in cluster) / len(cluster)
    half = sum(heights[i] for i in cluster) / 2
    return middle - half, middle + half


def times(*numbers: int) -> str:
    """Return a shape as it is read: 28×28×192."""
    return "×".join(str(number) for number in numbers)
