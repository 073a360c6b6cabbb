"""One value's window under sliders: in a stack of equal layers, and in GoogLeNet's lanes."""

from functools import lru_cache

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.receptive_growth import (
    draw_lane_field,
    draw_stack,
)
from googlenet_lib.lanes import LANES
from googlenet_lib.receptive_fields import (
    DEPTHS,
    KERNELS,
    MODULES,
    STRIDED,
    Stack,
    recorded,
    stack_gradient,
)

WIDE = widgets.Layout(width="330px")


def explore_stack(depth: int = 5, kernel: int = 3, strided: int = 0) -> widgets.VBox:
    """Sliders for the number of layers and of strided ones, and a choice of the kernel size.

    The gradient is measured anew at each movement, a tenth of a second at the most; a stack that
    was shown before is remembered. More strided layers than layers count as all of them.
    """

    def draw(depth: int, kernel: int, strided: int) -> Figure:
        stack = Stack(depth, kernel, min(strided, depth))
        gradient = _gradient(stack)
        return draw_stack(stack, gradient, recorded())

    return panel(
        draw,
        depth=widgets.IntSlider(
            value=depth, min=DEPTHS[0], max=DEPTHS[-1], description="layers", layout=WIDE
        ),
        kernel=widgets.Dropdown(options=KERNELS, value=kernel, description="kernel"),
        strided=widgets.IntSlider(
            value=strided, min=STRIDED[0], max=STRIDED[-1], description="strided"
        ),
    )


def explore_lane_fields(module: str = MODULES[0], lane: str = "5x5") -> widgets.VBox:
    """A slider through the nine modules and a choice of the lane: what one value sees there.

    Shows what is recorded of the paper's network before training.
    """

    def draw(module: str, lane: str) -> Figure:
        shown = (recorded(), module, lane)
        return draw_lane_field(*shown)

    return panel(
        draw,
        module=widgets.SelectionSlider(
            options=[(name.removeprefix("inception"), name) for name in MODULES],
            value=module,
            description="module",
            layout=WIDE,
        ),
        lane=widgets.Dropdown(options=list(LANES), value=lane, description="lane"),
    )


@lru_cache(maxsize=64)  # a slider asks at every movement, and goes back and forth
def _gradient(stack: Stack) -> Tensor:
    return stack_gradient(stack)
