"""Notebook 04: where the windows of a pool lie, with padding, without, and with ceil_mode."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import output_size

KERNEL, STRIDE = 3, 2  # of the paper's four max pools


@dataclass(frozen=True)
class PoolMode:
    """One way to treat the end of a row: the arguments of `nn.MaxPool1d` and `nn.MaxPool2d`."""

    padding: int
    ceil_mode: bool


MODES: dict[str, PoolMode] = {
    "floor": PoolMode(padding=0, ceil_mode=False),
    "pad": PoolMode(padding=1, ceil_mode=False),
    "ceil": PoolMode(padding=0, ceil_mode=True),
}

# All in pixels of a page that is as wide as a README.
MARGIN, LABEL, CELL_HEIGHT, BAND, TOP, WIDEST_CELL = 14, 150, 30, 132, 70, 46
FEWEST_CELLS, MOST_CELLS = 3, 24


@dataclass(frozen=True)
class PoolWindow:
    """A window from cell `start` on (-1 is the padding before the row), and its maximum."""

    start: int
    maximum: int


def pool_windows(values: Sequence[int], mode: str) -> list[PoolWindow]:
    """List the windows of a max pool 3/2 over a row of values, from left to right."""
    if mode not in MODES:
        raise UsageError(f"mode {mode!r} is unknown; expected one of {', '.join(MODES)}")
    if not FEWEST_CELLS <= len(values) <= MOST_CELLS:
        raise UsageError(
            f"{len(values)} cells came; expected {FEWEST_CELLS} to {MOST_CELLS}, which can be drawn"
        )
    padding, ceil_mode = MODES[mode].padding, MODES[mode].ceil_mode
    count = output_size(len(values), KERNEL, STRIDE, padding, ceil_mode)
    starts = [i * STRIDE - padding for i in range(count)]
    return [
        PoolWindow(start, max(values[max(start, 0) : start + KERNEL]))  # no value, no candidate
        for start in starts
    ]


def draw_pooling(values: Sequence[int], modes: Sequence[str] = tuple(MODES)) -> Figure:
    """Draw the row of values once for each mode, with the windows and their maxima below it.

    A window that "floor" has too is grey; one that is somewhere else has the pool's colour.
    """
    usual = {window.start for window in pool_windows(values, "floor")}
    cell = min(WIDEST_CELL, (style.WIDTH - LABEL - 2 * MARGIN) / (len(values) + 2))
    with style.house_style():
        figure, axes = style.canvas(TOP + BAND * len(modes))
        title = f"Max pool {KERNEL}/{STRIDE} over {len(values)} cells"
        style.write(axes, MARGIN, 22, title, 18, ha="left", weight="bold")
        text = (
            "Below each row: the windows and the maximum that each finds. Pink windows begin where "
            "floor has none."
        )
        style.write(axes, MARGIN, 48, text, 13, ha="left")
        for i, mode in enumerate(modes):
            windows = pool_windows(values, mode)
            y = TOP + i * BAND
            label = f"padding={MODES[mode].padding}\nceil_mode={MODES[mode].ceil_mode}"
            style.write(axes, MARGIN, y + 26, mode, 15, ha="left", weight="bold")
            style.write(axes, MARGIN, y + 56, label, 12, ha="left", color=style.GREY)
            result = f"{len(values)} → {len(windows)}"
            style.write(axes, MARGIN, y + 92, result, 18, ha="left", weight="bold")
            _draw_cells(axes, y + 12, values, windows, cell)
            for j, window in enumerate(windows):
                _draw_window(axes, y, j, window, cell, window.start in usual)
    figure.alt = _describe_pooling(values, modes)
    return figure


def _describe_pooling(values: Sequence[int], modes: Sequence[str] = tuple(MODES)) -> str:
    """Return the alt text of `draw_pooling`, from the same data."""
    rows = []
    for mode in modes:
        windows = pool_windows(values, mode)
        starts = ", ".join(str(window.start) for window in windows)
        found = ", ".join(str(window.maximum) for window in windows)
        rows.append(
            f"{mode} (padding={MODES[mode].padding}, ceil_mode={MODES[mode].ceil_mode}): "
            f"{len(windows)} windows from cells {starts}, which find {found}"
        )
    return (
        f"A row of {len(values)} cells that hold {', '.join(map(str, values))}, and a max pool of "
        f"{KERNEL} cells in steps of {STRIDE} over it. {'; '.join(rows)}."
    )


def _cell_x(index: int, cell: float) -> float:
    return MARGIN + LABEL + (index + 1) * cell  # room for one cell of padding in front


def _draw_cells(
    axes: Axes, y: float, values: Sequence[int], windows: list[PoolWindow], cell: float
) -> None:
    # what lies outside the row and inside a window: padding, or where the last one hangs over
    outside = sorted(
        {i for window in windows for i in range(window.start, window.start + KERNEL)}
        - {*range(len(values))}
    )
    size, line = (cell, CELL_HEIGHT), {"edgecolor": style.GREY, "linewidth": 1}
    for i in outside:
        style.box(axes, _cell_x(i, cell), y, *size, fill=False, linestyle="--", **line)
    for i, value in enumerate(values):
        shade = style.tint(style.LIGHT_GREY, 0.5)
        style.box(axes, _cell_x(i, cell), y, *size, facecolor=shade, **line)
        style.write(axes, _cell_x(i, cell) + cell / 2, y + CELL_HEIGHT / 2, str(value), 14)


def _draw_window(
    axes: Axes, y: float, j: int, window: PoolWindow, cell: float, usual: bool
) -> None:
    # neighbours share a cell: every other window is drawn one step lower
    top = y + 12 + CELL_HEIGHT + 8 + (j % 2) * 30
    colour = style.LIGHT_GREY if usual else style.BRANCH_COLOURS["pool"]
    left = _cell_x(window.start, cell)
    style.box(axes, left + 2, top, KERNEL * cell - 4, 24, color=colour)
    ink = style.INK if usual else style.ink_on(colour)
    at = left + KERNEL * cell / 2, top + 12
    style.write(axes, *at, str(window.maximum), 14, weight="bold", color=ink)


# A row to pool: the digits of pi, as everybody can look them up.
DIGITS = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4)
ALL = "all three"


def explore_pooling(size: int = 14) -> widgets.VBox:
    """Return a slider for the number of cells, and a choice of what happens at the row's end."""

    def draw(size: int, mode: str) -> Figure:
        values: Sequence[int] = DIGITS[:size]
        modes = tuple(MODES) if mode == ALL else (mode,)
        return draw_pooling(values, modes)

    return panel(
        draw,
        size=widgets.IntSlider(
            value=size,
            min=FEWEST_CELLS,
            max=MOST_CELLS,
            description="cells",
            layout=widgets.Layout(width="420px"),
        ),
        mode=widgets.Dropdown(options=[ALL, *MODES], value=ALL, description="mode"),
    )
