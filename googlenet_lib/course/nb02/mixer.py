"""Notebook 02: one 1x1 filter mixes two maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError

CHANNELS = ("red", "green", "blue")
# Bright for more above zero, grey for more below: what a ReLU removes is grey.
SHADES = LinearSegmentedColormap.from_list(
    "mixed",
    [(0, style.LIGHT_GREY), (0.5, "#000000"), (0.75, style.BRANCH_COLOURS["1x1"]), (1, "#FFFFFF")],
    N=257,  # odd, so that zero has a shade of its own
)


@dataclass(frozen=True)
class Mix:
    """A picture and one output channel of a 1x1 convolution over it.

    picture: uint8 (3, H, W); row: a weight for red, green and blue; at: column and row of the
    pixel whose arithmetic is shown.
    """

    picture: Tensor
    row: tuple[float, float, float]
    bias: float = 0.0
    relu: bool = False
    at: tuple[int, int] = (0, 0)
    title: str = ""

    def __post_init__(self) -> None:
        shape = tuple(self.picture.shape)
        if len(shape) != 3 or shape[0] != 3 or len(self.row) != 3:
            raise UsageError(
                f"a picture of shape {shape} came with {len(self.row)} weights; expected three "
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
        """The weighted sum of the channels at every place, before the ReLU: (H, W)."""
        pixels = self.picture.float() / 255  # (3, H, W), of 0 to 1
        return sum(weight * pixels[i] for i, weight in enumerate(self.row)) + self.bias

    @property
    def values(self) -> Tensor:
        """The output channel: (H, W)."""
        return self.sums.clamp(min=0) if self.relu else self.sums

    @property
    def below_zero(self) -> float:
        """Share of the places at which the sum is negative."""
        return float((self.sums < 0).float().mean())

    @property
    def pixel(self) -> tuple[float, float, float]:
        """Red, green and blue of the pixel that is shown, of 0 to 1."""
        column, row = self.at
        red, green, blue = (self.picture[:, row, column].float() / 255).tolist()
        return red, green, blue

    @property
    def arithmetic(self) -> str:
        """What happens at that pixel, written out."""
        column, row = self.at
        terms = [f"{_signed(w)} × {p:.2f}" for w, p in zip(self.row, self.pixel, strict=True)]
        text = " + ".join([*terms, _signed(self.bias)]).replace("+ −", "− ")
        text += f" = {_signed(float(self.sums[row, column]))}"
        return f"{text}, ReLU: {_signed(float(self.values[row, column]))}" if self.relu else text


def draw_mix(mix: Mix) -> Figure:
    """Draw a picture, its channels with their weights, and the channel that they are mixed to."""
    pixels = mix.picture.permute(1, 2, 0)  # (H, W, 3)
    with style.house_style():
        figure, panels = style.chart(370, 3, 3, width_ratios=(5, 3, 7))
        grid = panels[0, 0].get_gridspec()
        for axes in (*panels[:, 0], *panels[:, 2]):
            axes.remove()
        photo, result = (figure.add_subplot(grid[:, column]) for column in (0, 2))
        style.picture(photo, pixels, "a picture")
        values = zip(CHANNELS, mix.pixel, strict=True)
        told = "\n".join(f"{name} {value:.2f}" for name, value in values)
        photo.set_xlabel(f"the framed pixel:\n{told}\nbias {_signed(mix.bias)}", loc="left")
        for i, axes in enumerate(panels[:, 1]):
            style.picture(axes, mix.picture[i] / 255, shades="gray")
            axes.set_title(f"{CHANNELS[i]} × {_signed(mix.row[i])}", fontsize=13)
        title = "the sum, after ReLU" if mix.relu else "the sum"
        style.picture(result, mix.values, title, SHADES, -1, 1)
        result.title.set_color(style.BRANCH_COLOURS["1x1"])
        result.set_xlabel(
            f"{_told_below(mix)}\nshades from −1 (grey) over 0 (black) to 1 (white)", fontsize=12
        )
        column, row = mix.at
        for axes in (photo, *panels[:, 1], result):
            style.outline(axes, column - 2, row - 2, 4, 4, style.PAPER, thick=2)
        style.footnote(figure, f"framed pixel: {mix.arithmetic}", style.INK)
    figure.alt = _describe_mix(mix)
    return figure


def _describe_mix(mix: Mix) -> str:
    """Return the alt text of `draw_mix`: the arithmetic of one pixel, what it does to all."""
    column, row = mix.at
    return (
        f"One output channel of a 1×1 convolution over a picture of {mix.picture.shape[2]} × "
        f"{mix.picture.shape[1]} pixels. At column {column}, row {row}: {mix.arithmetic}. "
        f"The sum is below zero at {mix.below_zero:.0%} of the pixels"
        + (", where the ReLU makes it 0." if mix.relu else ".")
    )


def draw_mixes(mixes: Sequence[Mix]) -> Figure:
    """Draw a picture and beside it what several rows of weights make of it."""
    with style.house_style():
        figure, panels = style.chart(230, 1, len(mixes) + 1)
        style.picture(panels[0], mixes[0].picture.permute(1, 2, 0), "the picture")
        for mix, axes in zip(mixes, panels[1:], strict=True):
            style.picture(axes, mix.values, mix.title, SHADES, -1, 1)
            row = ", ".join(map(_signed, mix.row))
            text = f"{row}\nbias {_signed(mix.bias)}" + (", ReLU" if mix.relu else "")
            axes.set_xlabel(text, loc="left", fontsize=12)
    figure.alt = _describe_mixes(mixes)
    return figure


def _describe_mixes(mixes: Sequence[Mix]) -> str:
    """Return the alt text of `draw_mixes`, from the same data."""
    made = "; ".join(
        f"{mix.title}, weights {', '.join(map(_signed, mix.row))} and bias {_signed(mix.bias)}, "
        f"{'after a ReLU, ' if mix.relu else ''}below zero at {mix.below_zero:.0%} of the pixels"
        for mix in mixes
    )
    return f"A picture and {len(mixes)} output channels of a 1×1 convolution over it: {made}."


def _signed(number: float) -> str:
    """Two digits, a true minus sign, and no sign in front of a zero."""
    return f"{number + 0.0:.2f}".replace("-", "−").replace("−0.00", "0.00")


def _told_below(mix: Mix) -> str:
    return f"below zero: {mix.below_zero:.0%} of it" + (", now 0" if mix.relu else "")


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
