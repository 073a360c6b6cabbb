"""Every figure of the course in one house style; each comes with its alt text.

The functions that draw return a matplotlib Figure, `describe_...` takes the same data and
returns the alt text, and `show` displays the two together in a notebook.
"""

from googlenet_lib.figures.course import describe_course, draw_course
from googlenet_lib.figures.curves import describe_curves, plot_curves, source_line
from googlenet_lib.figures.images import alt_texts, write_images
from googlenet_lib.figures.inception import describe_inception, draw_inception
from googlenet_lib.figures.lanes import (
    LaneView,
    describe_distances,
    describe_growth,
    describe_lane_view,
    draw_growth,
    draw_lane_view,
    plot_distances,
)
from googlenet_lib.figures.network import describe_network, draw_network
from googlenet_lib.figures.pictures import describe_pictures, show_pictures
from googlenet_lib.figures.show import show
from googlenet_lib.figures.style import BRANCH_COLOURS, HEAD_COLOUR, house_style, tint
from googlenet_lib.figures.table import table_1_html

__all__ = [
    "BRANCH_COLOURS",
    "HEAD_COLOUR",
    "LaneView",
    "alt_texts",
    "describe_course",
    "describe_curves",
    "describe_distances",
    "describe_growth",
    "describe_inception",
    "describe_lane_view",
    "describe_network",
    "describe_pictures",
    "draw_course",
    "draw_growth",
    "draw_inception",
    "draw_lane_view",
    "draw_network",
    "house_style",
    "plot_curves",
    "plot_distances",
    "show",
    "show_pictures",
    "source_line",
    "table_1_html",
    "tint",
    "write_images",
]
