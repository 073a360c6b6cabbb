"""Pad or ceil: where the windows of a max pool stop over a row of cells."""

from collections.abc import Sequence

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.pooling import (
    FEWEST_CELLS,
    MODES,
    MOST_CELLS,
    draw_pooling,
)

# A row to pool: the digits of pi, as everybody can look them up.
DIGITS = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4)
ALL = "all three"


def explore_pooling(size: int = 14) -> widgets.VBox:
    """A slider for the number of cells, and a choice of what happens at the end of the row."""

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
