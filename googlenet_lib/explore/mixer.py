"""Three sliders are one row of a 1x1 convolution's weights; the whole picture follows them."""

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.mixer import CHANNELS, Mix, draw_mix

MOST = 2.0  # the largest weight, either way


def explore_mixer(
    picture: Tensor,
    row: tuple[float, float, float] = (0.3, 0.6, 0.1),
    at: tuple[int, int] = (0, 0),
) -> widgets.VBox:
    """Sliders for a weight of red, green and blue, a bias, and a switch for the ReLU.

    `picture` is uint8 (3, H, W), `at` the column and row of the pixel whose arithmetic is said.
    """

    def draw(red: float, green: float, blue: float, bias: float, relu: bool) -> Figure:
        mix = Mix(picture, (red, green, blue), bias, relu, at)
        return draw_mix(mix)

    weights = {
        name: _slider(name, weight, MOST) for name, weight in zip(CHANNELS, row, strict=True)
    }
    relu = widgets.Checkbox(value=False, description="ReLU", indent=False)
    relu.layout.width = "80px"
    box = panel(draw, **weights, bias=_slider("bias", 0.0, 1.0), relu=relu)
    box.children[0].layout.flex_flow = "row wrap"  # five controls are wider than a phone
    return box


def _slider(name: str, value: float, most: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value,
        min=-most,
        max=most,
        step=0.1,
        description=name,
        layout=widgets.Layout(width="260px"),
        style={"description_width": "46px"},
    )
