"""Lesson 02: one output channel of a 1x1 convolution, as a mix of red, green and blue."""

from collections.abc import Mapping
from dataclasses import dataclass

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError

CHANNELS = ("red", "green", "blue")
SHADES = "RdBu_r"  # blue below zero, white at zero, red above


@dataclass(frozen=True)
class Mix:
    """An image and one output channel of a 1x1 convolution over it.

    picture: uint8 (3, H, W); row: a weight for red, green and blue; at: column and row of the
    pixel whose arithmetic is shown.
    """

    picture: Tensor
    row: tuple[float, float, float]
    bias: float = 0.0
    relu: bool = False
    at: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        shape = tuple(self.picture.shape)
        if len(shape) != 3 or shape[0] != 3 or len(self.row) != 3:
            raise UsageError(
                f"an image of shape {shape} came with {len(self.row)} weights; expected three "
                "channels, (3, height, width), and a weight for each"
            )
        column, row = self.at
        if not (0 <= column < shape[2] and 0 <= row < shape[1]):
            raise UsageError(
                f"pixel {self.at} came; expected a column of 0 to {shape[2] - 1} and a row of 0 "
                f"to {shape[1] - 1}"
            )

    @property
    def sums(self) -> Tensor:
        """Return the weighted sum of the channels at every position, before the ReLU: (H, W)."""
        pixels = self.picture.float() / 255  # (3, H, W), of 0 to 1
        return sum(weight * pixels[i] for i, weight in enumerate(self.row)) + self.bias

    @property
    def values(self) -> Tensor:
        """Return the output channel: (H, W)."""
        return self.sums.clamp(min=0) if self.relu else self.sums

    @property
    def below_zero(self) -> float:
        """Return the share of the positions at which the sum is negative."""
        return float((self.sums < 0).float().mean())

    @property
    def arithmetic(self) -> str:
        """Write out what happens at the pixel that is shown."""
        column, row = self.at
        pixel = (self.picture[:, row, column].float() / 255).tolist()
        terms = [f"{_signed(w)} × {p:.2f}" for w, p in zip(self.row, pixel, strict=True)]
        text = " + ".join([*terms, _signed(self.bias)]).replace("+ −", "− ")
        text += f" = {_signed(float(self.sums[row, column]))}"
        return f"{text}, ReLU: {_signed(float(self.values[row, column]))}" if self.relu else text


def draw_mix(
    picture: Tensor,
    row: tuple[float, float, float],
    bias: float = 0.0,
    relu: bool = False,
    at: tuple[int, int] = (0, 0),
) -> Figure:
    """Draw an image, its channels with their weights, and the channel that they are mixed to.

    The arguments are those of `Mix`. Raises UsageError for an image or a pixel that is not there.
    """
    mix = Mix(picture, row, bias, relu, at)
    with style.house_style():
        figure, panels = style.chart(330, 3, 3, width_ratios=(5, 3, 6))
        grid = panels[0, 0].get_gridspec()
        for axes in (*panels[:, 0], *panels[:, 2]):
            axes.remove()
        photo, result = (figure.add_subplot(grid[:, column]) for column in (0, 2))
        style.picture(photo, picture.permute(1, 2, 0), "the image")
        for i, axes in enumerate(panels[:, 1]):
            style.picture(axes, picture[i] / 255, shades="gray")
            axes.set_title(f"{CHANNELS[i]} × {_signed(row[i])}", fontsize=13)
        below = f"below zero at {mix.below_zero:.0%}" + (", now 0" if relu else "")
        _draw_map(result, mix.values, "after the ReLU" if relu else "the sum", below)
        column, line = at
        for axes in (photo, *panels[:, 1], result):
            style.outline(axes, column - 2, line - 2, 4, 4, style.INK, thick=2, halo=4)
        style.footnote(figure, f"the framed pixel: {mix.arithmetic}", style.INK)
    figure.alt = (
        f"One output channel of a 1×1 convolution over an image of {picture.shape[2]} × "
        f"{picture.shape[1]} pixels. At column {column}, row {line}: {mix.arithmetic}. The sum is "
        f"below zero at {mix.below_zero:.0%} of the pixels"
        + (", where the ReLU makes it 0." if relu else ".")
    )
    return figure


def draw_mixes(picture: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Draw an image, uint8 (3, H, W), and beside it maps that were made of it, each (H, W)."""
    with style.house_style():
        figure, panels = style.chart(205, 1, len(maps) + 1)
        style.picture(panels[0], picture.permute(1, 2, 0), "the image")
        panels[0].set_xlabel("blue below 0, white at 0,\nred above 0", loc="left", fontsize=12)
        parts = []
        for (name, values), axes in zip(maps.items(), panels[1:], strict=True):
            _draw_map(
                axes, values, name, f"from {_signed(values.min())} to {_signed(values.max())}"
            )
            negative = (values < 0).float().mean()
            parts.append(f"{name}, below zero at {negative:.0%} of the pixels")
    figure.alt = f"An image and {len(maps)} output channels of 1×1 convolutions over it: " + (
        "; ".join(parts) + "."
    )
    return figure


def _draw_map(axes, values: Tensor, title: str, below: str) -> None:
    style.picture(axes, values, title, SHADES, -1, 1)
    axes.set_xlabel(below, loc="left", fontsize=12)


def _signed(number: float | Tensor) -> str:
    """Write two digits with a true minus sign, and none in front of a zero."""
    return f"{float(number) + 0.0:.2f}".replace("-", "−").replace("−0.00", "0.00")


def explore_mixer(
    picture: Tensor,
    row: tuple[float, float, float] = (0.3, 0.6, 0.1),
    at: tuple[int, int] = (0, 0),
) -> widgets.VBox:
    """Make sliders for a weight of red, green and blue and for the bias, and a switch for the ReLU.

    `picture` is uint8 (3, H, W), `at` the column and row of the pixel whose arithmetic is shown.
    """

    def draw(red: float, green: float, blue: float, bias: float, relu: bool) -> Figure:
        return draw_mix(picture, (red, green, blue), bias, relu, at)

    weights = {name: _slider(name, weight, 2) for name, weight in zip(CHANNELS, row, strict=True)}
    relu = widgets.Checkbox(value=False, description="ReLU", indent=False)
    relu.layout.width = "80px"
    box = panel(draw, **weights, bias=_slider("bias", 0.0, 1), relu=relu)
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
