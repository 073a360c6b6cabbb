"""Every figure of the course in one house style, with its alt text.

A function `draw_x` returns a matplotlib Figure that says in words what it shows, as `figure.alt`;
`show` displays the two together in a notebook.
"""

from googlenet_lib.figures.course import draw_course
from googlenet_lib.figures.curves import draw_curves, source_line
from googlenet_lib.figures.images import write_images
from googlenet_lib.figures.inception import draw_inception
from googlenet_lib.figures.lanes import LaneView, draw_distances, draw_growth, draw_lane_view
from googlenet_lib.figures.network import draw_network
from googlenet_lib.figures.pictures import draw_pictures
from googlenet_lib.figures.show import show
from googlenet_lib.figures.style import BRANCH_COLOURS, HEAD_COLOUR, house_style, tint
from googlenet_lib.figures.table import table_1_html

__all__ = [
    "BRANCH_COLOURS",
    "HEAD_COLOUR",
    "LaneView",
    "draw_course",
    "draw_curves",
    "draw_distances",
    "draw_growth",
    "draw_inception",
    "draw_lane_view",
    "draw_network",
    "draw_pictures",
    "house_style",
    "show",
    "source_line",
    "table_1_html",
    "tint",
    "write_images",
]
