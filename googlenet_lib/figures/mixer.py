"""The channel mixer: one row of a 1x1 convolution's weights, over a picture's three channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from googlenet_lib.errors import UsageError
from googlenet_lib.figures import style

CHANNELS = ("red", "green", "blue")
# All in pixels of a page that is as wide as a README.
MIX_HEIGHT, MARGIN, TOP, PHOTO, CHANNEL_X, CHANNEL, RESULT_X, RESULT = (
    356,
    14,
    46,
    230,
    272,
    118,
    572,
    314,
)
ROW_GAP, TITLE, BELOW, STRIP = 8, 44, 50, 12
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
    ratio = mix.picture.shape[1] / mix.picture.shape[2]
    small = CHANNEL * ratio
    with style.house_style():
        figure, axes = style.canvas(MIX_HEIGHT)
        style.write(axes, MARGIN, 22, "a picture", 15, ha="left", weight="bold")
        _draw_picture(axes, MARGIN, TOP, PHOTO, mix)
        values = zip(CHANNELS, mix.pixel, strict=True)
        lines = ["the framed pixel:", *(f"{name} {value:.2f}" for name, value in values)]
        for i, line in enumerate(lines):
            style.write(axes, MARGIN, TOP + PHOTO * ratio + 20 + 19 * i, line, 13, ha="left")
        style.write(
            axes, CHANNEL_X, 22, "channels × one row of weights", 15, ha="left", weight="bold"
        )
        for i, (name, weight, value) in enumerate(zip(CHANNELS, mix.row, mix.pixel, strict=True)):
            y = TOP + i * (small + ROW_GAP)
            channel = mix.picture[i].numpy() / 255
            _draw_values(axes, CHANNEL_X, y, CHANNEL, channel, mix.at, "gray", (0, 1))
            x = CHANNEL_X + CHANNEL + 10
            style.write(
                axes,
                x,
                y + small / 2 - 9,
                f"{name} × {_signed(weight)}",
                14,
                ha="left",
                weight="bold",
            )
            style.write(
                axes,
                x,
                y + small / 2 + 11,
                f"pixel: {_signed(weight * value)}",
                13,
                ha="left",
                color=style.GREY,
            )
        y = TOP + 3 * (small + ROW_GAP) + 10
        style.write(axes, CHANNEL_X, y, f"bias {_signed(mix.bias)}", 14, ha="left", weight="bold")
        name = "the sum, after ReLU" if mix.relu else "the sum"
        style.write(
            axes,
            RESULT_X,
            22,
            name,
            15,
            ha="left",
            weight="bold",
            color=style.BRANCH_COLOURS["1x1"],
        )
        _draw_values(axes, RESULT_X, TOP, RESULT, mix.values.numpy(), mix.at, SHADES, (-1, 1))
        below = TOP + RESULT * ratio
        _draw_strip(axes, RESULT_X, below + 10)
        style.write(
            axes, RESULT_X + RESULT, below + 16, _told_below(mix), 12, ha="right", color=style.GREY
        )
        style.write(axes, MARGIN, MIX_HEIGHT - 18, f"framed pixel: {mix.arithmetic}", 14, ha="left")
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
    gap = 10
    side = (style.WIDTH - 2 * MARGIN - len(mixes) * gap) / (len(mixes) + 1)
    ratio = mixes[0].picture.shape[1] / mixes[0].picture.shape[2]
    with style.house_style():
        figure, axes = style.canvas(TITLE + side * ratio + BELOW)
        style.write(
            axes, MARGIN, TITLE - 8, "the picture", 14, ha="left", va="bottom", weight="bold"
        )
        _draw_picture(axes, MARGIN, TITLE, side, mixes[0], framed=False)
        for i, mix in enumerate(mixes):
            x = MARGIN + (i + 1) * (side + gap)
            style.write(axes, x, TITLE - 8, mix.title, 14, ha="left", va="bottom", weight="bold")
            _draw_values(axes, x, TITLE, side, mix.values.numpy(), None, SHADES, (-1, 1))
            row = ", ".join(_signed(weight) for weight in mix.row)
            text = f"{row}\nbias {_signed(mix.bias)}" + (", ReLU" if mix.relu else "")
            style.write(axes, x, TITLE + side * ratio + 6, text, 12, ha="left", va="top")
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


def _draw_picture(
    axes: Axes, x: float, y: float, width: float, mix: Mix, framed: bool = True
) -> None:
    pixels = mix.picture.permute(1, 2, 0).numpy()  # (H, W, 3)
    _draw_values(axes, x, y, width, pixels, mix.at if framed else None, None, (0, 255))


def _draw_values(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    values: np.ndarray,
    at: tuple[int, int] | None,
    shades: str | LinearSegmentedColormap | None,
    limits: tuple[float, float],
) -> None:
    height = width * values.shape[0] / values.shape[1]
    axes.imshow(
        values,
        extent=(x, x + width, y + height, y),
        cmap=shades,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        aspect="auto",
    )
    style.frame(axes, x, y, width, height)
    if at is None:
        return
    pixel = width / values.shape[1]
    left, top = x + (at[0] - 1.5) * pixel, y + (at[1] - 1.5) * pixel
    for colour, line in ((style.INK, 4), (style.PAPER, 2)):
        box = Rectangle(
            (left, top), 4 * pixel, 4 * pixel, fill=False, edgecolor=colour, linewidth=line
        )
        axes.add_patch(box)


def _draw_strip(axes: Axes, x: float, y: float) -> None:
    """What the shades mean: from -1 over 0 to 1."""
    axes.imshow(
        np.linspace(-1, 1, 101)[None],
        extent=(x, x + 120, y + STRIP, y),
        cmap=SHADES,
        aspect="auto",
        interpolation="nearest",
    )
    for text, place in (("−1", 0), ("0", 60), ("1", 120)):
        style.write(axes, x + place, y + STRIP + 3, text, 12, va="top", color=style.GREY)
