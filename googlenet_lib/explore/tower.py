"""The naive tower: how it grows with every module that loses its 1x1 reductions."""

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.tower import draw_tower, tower
from googlenet_lib.paper import INCEPTION_ROWS


def explore_tower(naive: int = 0) -> widgets.VBox:
    """A slider for how many modules, from the first on, lose their 1x1 reductions."""

    def draw(naive: int) -> Figure:
        levels = tower(naive)
        return draw_tower(levels)

    return panel(
        draw,
        naive=widgets.IntSlider(
            value=naive,
            min=0,
            max=len(INCEPTION_ROWS),
            description="naive",
            layout=widgets.Layout(width="420px"),
        ),
    )
