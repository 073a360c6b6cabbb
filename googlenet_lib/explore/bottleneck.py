"""A dial for the width of the 1x1 in front of a 5x5: what it costs, what it could keep."""

from collections.abc import Sequence

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.bottlenecks import MODULES, bottleneck
from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.bottleneck import draw_dial


def explore_bottleneck(shares: dict[str, Sequence[float]]) -> widgets.VBox:
    """A slider for the width r, and a choice of the module of Table 1 whose 5x5 lane is shown.

    `shares` holds for each module what `variance_shares` measured of its input.
    """
    first = bottleneck(MODULES[0])
    width = widgets.IntSlider(
        value=first.width,
        min=1,
        max=first.in_channels,
        description="r",
        layout=widgets.Layout(width="420px"),
    )
    module = widgets.Dropdown(options=MODULES, value=first.name, description="module")

    def fit(_change: object) -> None:
        """Another module has other channels, and its own width in Table 1."""
        lane = bottleneck(module.value)
        width.value, width.max = lane.width, lane.in_channels  # never a value above the maximum

    module.observe(fit, names="value")  # before the panel's own, so that it draws what fits

    def draw(width: int, module: str) -> Figure:
        lane = bottleneck(module)
        view = (lane, width, shares[module])
        return draw_dial(*view)

    return panel(draw, width=width, module=module)
