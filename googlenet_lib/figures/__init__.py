"""Every figure of the course in one house style, with its alt text.

A function `draw_x` returns a matplotlib Figure that says in words what it shows, as `figure.alt`;
`show` displays the two together in a notebook.
"""

from googlenet_lib.figures.curves import draw_curves, source_line
from googlenet_lib.figures.lanes import LaneView, draw_distances, draw_growth, draw_lane_view
from googlenet_lib.figures.pictures import draw_pictures
from googlenet_lib.figures.show import show, show_drawing
from googlenet_lib.figures.style import BRANCH_COLOURS, HEAD_COLOUR, house_style, tint
from googlenet_lib.figures.table import table_1_html

__all__ = [
    "BRANCH_COLOURS",
    "HEAD_COLOUR",
    "LaneView",
    "draw_curves",
    "draw_distances",
    "draw_growth",
    "draw_lane_view",
    "draw_pictures",
    "house_style",
    "show",
    "show_drawing",
    "source_line",
    "table_1_html",
    "tint",
]
