"""Convolution in five pictures: it slides, it sums, its steps, many channels in, many out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.course.kit import style
from googlenet_lib.errors import UsageError

CHANNELS = ("red", "green", "blue")
VEIL = style.tint(style.GREY, 0.75)
DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)))
# Grey below zero, the 3x3 branch's colour above.
SHADES = LinearSegmentedColormap.from_list(
    "signed", [style.MIDDLE_GREY, style.PAPER, style.BRANCH_COLOURS["3x3"]], N=257
)
LIGHT = LinearSegmentedColormap.from_list("light", [style.PAPER, style.GREY])


@dataclass(frozen=True)
class Convolution:
    """A picture (C, H, W), kernels (out, C, k, k) and how they go over it. Nothing is flipped."""

    picture: Tensor
    kernels: Tensor
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        shapes = tuple(self.picture.shape), tuple(self.kernels.shape)
        fits = len(shapes[0]) == 3 and len(shapes[1]) == 4 and shapes[0][0] == shapes[1][1]
        if not fits or shapes[1][2] != shapes[1][3]:
            raise UsageError(
                f"a picture of shape {shapes[0]} came with kernels of shape {shapes[1]}; expected "
                "(C, H, W) and (out, C, k, k), of the same C"
            )
        if self.kernel > min(shapes[0][1:]) + 2 * self.padding:
            raise UsageError(
                f"a kernel of {self.kernel} came for a picture of {shapes[0][1]}x{shapes[0][2]} "
                f"with padding {self.padding}: no window fits; take a smaller kernel"
            )

    @property
    def kernel(self) -> int:
        """Pixels a side of the window."""
        return self.kernels.shape[-1]

    @property
    def output(self) -> Tensor:
        """(out, H', W')."""
        return F.conv2d(
            self.picture[None].float(),
            self.kernels.float(),
            stride=self.stride,
            padding=self.padding,
        )[0]

    def patch(self, place: tuple[int, int]) -> Tensor:
        """The pixels under the window that gives one value, row and column: (C, k, k)."""
        self.check(place)
        padded = F.pad(self.picture, (self.padding,) * 4)
        row, column = (at * self.stride for at in place)
        return padded[:, row : row + self.kernel, column : column + self.kernel]

    def check(self, place: tuple[int, int]) -> None:
        """Raise UsageError where the output has no such place."""
        rows, columns = self.output.shape[1:]
        if not (0 <= place[0] < rows and 0 <= place[1] < columns):
            raise UsageError(
                f"place {place} came; expected a row of 0 to {rows - 1} and a column of 0 to "
                f"{columns - 1}"
            )


# ---- 1. It slides --------------------------------------------------------------------------------


def draw_slide(conv: Convolution, places: Sequence[tuple[int, int]]) -> Figure:
    """Draw a picture of one channel, the kernel, and the output with the windows at `places`."""
    for place in places:
        conv.check(place)
    picture, output = conv.picture[0], conv.output[0]
    with style.house_style():
        figure, (left, middle, right) = style.chart(310, 1, 3)
        _draw_numbers(left, picture, f"a picture, {style.times(*picture.shape)}", LIGHT)
        _draw_numbers(middle, conv.kernels[0, 0], f"a kernel, {conv.kernel}×{conv.kernel}")
        _draw_numbers(right, output, f"the output, {style.times(*output.shape)}")
        for axes in (left, middle, right):  # cells of one size
            axes.set(xlim=(-0.6, max(picture.shape)), ylim=(max(picture.shape) - 0.4, -0.6))
        for (row, column), dashes in zip(places, DASHES, strict=False):
            at = (place * conv.stride - 0.5 for place in (column, row))
            style.outline(left, *at, conv.kernel, conv.kernel, style.INK, dashes, thick=3)
            at = column - 0.5, row - 0.5
            style.outline(right, *at, 1, 1, style.INK, dashes, thick=3)
        text = "each window on the left gives the value with the same line on the right"
        style.footnote(figure, text)
    figure.alt = _describe_slide(conv, places)
    return figure


def _describe_slide(conv: Convolution, places: Sequence[tuple[int, int]]) -> str:
    """Return the alt text of `draw_slide`, from the same data."""
    values = ", ".join(
        f"row {row}, column {column} gives {_told(conv.output[0, row, column])}"
        for row, column in places
    )
    return (
        f"A grid of {style.times(*conv.picture.shape[1:])} numbers, a kernel of "
        f"{style.times(*conv.kernels.shape[2:])} and the output of "
        f"{style.times(*conv.output.shape[1:])}. Windows are marked: {values}."
    )


# ---- 2. It sums ----------------------------------------------------------------------------------


def draw_sum(conv: Convolution, place: tuple[int, int]) -> Figure:
    """Draw one window, the kernel, their products and the sum, which is one output value."""
    patch, kernel = conv.patch(place)[0], conv.kernels[0, 0]
    value = conv.output[(0, *place)].view(1, 1)
    with style.house_style():
        figure, panels = style.chart(290, 1, 4)
        _draw_numbers(panels[0], patch, "under the window", LIGHT)
        _draw_numbers(panels[1], kernel, "× the kernel")
        _draw_numbers(panels[2], patch * kernel, "= products")
        _draw_numbers(panels[3], value, "their sum")
        half = conv.kernel / 2
        panels[3].set(xlim=(-half, half), ylim=(half, -half))
        style.outline(panels[3], -0.5, -0.5, 1, 1, style.INK)
        text = f"the value at row {place[0]}, column {place[1]}: {_told_sum(patch * kernel)}"
        style.footnote(figure, text, style.INK)
    figure.alt = _describe_sum(conv, place)
    return figure


def _describe_sum(conv: Convolution, place: tuple[int, int]) -> str:
    """Return the alt text of `draw_sum`, from the same data."""
    products = conv.patch(place)[0] * conv.kernels[0, 0]
    return (
        f"The {conv.kernel}×{conv.kernel} numbers under one window, the kernel, and their products "
        f"cell by cell, which add up: {_told_sum(products)}."
    )


# ---- 3. Its steps --------------------------------------------------------------------------------


def draw_steps(convs: Sequence[Convolution]) -> Figure:
    """Draw, for each convolution, where its windows have their centres, and how many there are.

    Padding is dashed; the first window and the second one are framed.
    """
    with style.house_style():
        figure, panels = style.chart(330, 1, len(convs), sharex=True, sharey=True)
        for conv, axes in zip(convs, panels, strict=True):
            _draw_steps(axes, conv)
            axes.set_title(f"stride {conv.stride}, padding {conv.padding}")
            size = style.times(*conv.output.shape[1:])
            axes.set_xlabel(f"{style.times(*conv.picture.shape[1:])} in, {size} out")
    figure.alt = _describe_steps(convs)
    return figure


def _describe_steps(convs: Sequence[Convolution]) -> str:
    """Return the alt text of `draw_steps`, from the same data."""
    parts = "; ".join(
        f"stride {conv.stride}, padding {conv.padding}: "
        f"{style.times(*conv.picture.shape[1:])} pixels give "
        f"{style.times(*conv.output.shape[1:])} values"
        for conv in convs
    )
    return (
        f"Grids of pixels with a dot wherever a "
        f"{style.times(convs[0].kernel, convs[0].kernel)} window has its centre: {parts}."
    )


# ---- 4. Many channels in, one out ----------------------------------------------------------------


def draw_channels_in(conv: Convolution) -> Figure:
    """Draw a colour picture's channels, the kernel's slice for each, and the one sum of all."""
    slices = conv.kernels[0]
    most = float(conv.output[0].abs().max())
    names = CHANNELS if len(slices) == 3 else tuple(map(str, range(len(slices))))
    with style.house_style():
        figure, panels = style.chart(330, len(slices), 4, width_ratios=(1, 1, 1, 3))
        for i, (name, line) in enumerate(zip(names, panels, strict=True)):
            channel, kernel = conv.picture[i : i + 1], slices[i][None, None]
            part = Convolution(channel, kernel, conv.stride, conv.padding)
            style.picture(line[0], channel[0], shades="gray")
            line[0].set_ylabel(name, color=style.GREY)
            _draw_numbers(line[1], slices[i])
            style.picture(line[2], part.output[0], "", SHADES, -most, most)
            line[2].set_ylabel("+" if i else "", rotation=0, weight="bold", fontsize=18)
            line[3].remove()
        titles = ("three channels", "one slice each", "what it gives")
        for axes, title in zip(panels[0], titles, strict=False):
            axes.set_title(title, fontsize=14)
        total = figure.add_subplot(panels[0, 0].get_gridspec()[:, 3])
        style.picture(total, conv.output[0], "their sum: one channel", SHADES, -most, most)
        weights = slices.numel()
        text = f"one filter: {conv.kernel} × {conv.kernel} × {len(slices)} = {weights} weights"
        style.footnote(figure, text, style.INK)
    figure.alt = _describe_channels_in(conv)
    return figure


def _describe_channels_in(conv: Convolution) -> str:
    """Return the alt text of `draw_channels_in`, from the same data."""
    low, high = float(conv.output[0].min()), float(conv.output[0].max())
    return (
        f"{len(conv.picture)} channels of a picture, a slice of {conv.kernel}×{conv.kernel} "
        f"weights for each, what each slice gives, and their sum, a single map of "
        f"{style.times(*conv.output.shape[1:])} values from {low:.2f} to {high:.2f}."
    )


# ---- 5. Many filters, many channels out ----------------------------------------------------------


def draw_channels_out(conv: Convolution, names: Sequence[str]) -> Figure:
    """Draw a picture and what each of several filters makes of it: one output channel each."""
    if len(names) != len(conv.kernels):
        raise UsageError(f"{len(names)} names came for {len(conv.kernels)} filters")
    with style.house_style():
        figure, panels = style.chart(240, 1, len(names) + 1)
        style.picture(panels[0], conv.picture.permute(1, 2, 0).clamp(0, 1), "the picture")
        for name, output, axes in zip(names, conv.output, panels[1:], strict=True):
            most = float(output.abs().max())
            style.picture(axes, output, name, SHADES, -most, most)
        shape = " × ".join(map(str, conv.kernels.shape))
        text = f"{len(names)} filters, {len(names)} channels out: {shape} = "
        style.footnote(figure, f"{text}{conv.kernels.numel():,} weights", style.INK)
    figure.alt = _describe_channels_out(conv, names)
    return figure


def _describe_channels_out(conv: Convolution, names: Sequence[str]) -> str:
    """Return the alt text of `draw_channels_out`, from the same data."""
    parts = ", ".join(
        f"{name} from {float(output.min()):.2f} to {float(output.max()):.2f}"
        for name, output in zip(names, conv.output, strict=True)
    )
    return f"A picture and {len(names)} maps that {len(names)} filters make of it: {parts}."


def _told(value: Tensor) -> str:
    return f"{float(value) + 0.0:.3g}".replace("-", "−")  # + 0.0: no sign in front of a zero


def _told_sum(products: Tensor) -> str:
    """ "3 − 1 + 0 = 2", row after row."""
    first, *others = (float(p) + 0.0 for p in products.flatten())
    text = f"{first:g}" + "".join(f" {'−' if p < 0 else '+'} {abs(p):g}" for p in others)
    return f"{text.replace('-', '−')} = {_told(products.sum())}"


def _draw_numbers(
    axes: Axes, values: Tensor, title: str = "", shades: LinearSegmentedColormap = SHADES
) -> None:
    """A grid with a number in each cell, zero being white."""
    most = float(values.abs().max()) or 1.0
    low, high = (0, 1.6 * most) if shades is LIGHT else (-most, most)
    axes.imshow(values.numpy(), shades, vmin=low, vmax=high)
    for row, line in enumerate(values.tolist()):
        for column, number in enumerate(line):
            shade = to_hex(shades((number - low) / (high - low)))
            look = {"edgecolor": style.LIGHT_GREY, "linewidth": 1, "fill": False}
            style.box(axes, column - 0.5, row - 0.5, 1, 1, **look)
            text = _told(torch.tensor(number))
            axes.text(column, row, text, ha="center", va="center", color=style.ink_on(shade))
    axes.set_axis_off()
    axes.set_anchor("NW")
    axes.set_title(title)


def _draw_steps(axes: Axes, conv: Convolution) -> None:
    """The pixels and their padding, the centres of all windows, and the frames of two of them."""
    height, width = conv.picture.shape[1:]
    pad = conv.padding
    line = {"edgecolor": style.MIDDLE_GREY, "linewidth": 1.2, "linestyle": (0, (3, 3))}
    for row in range(-pad, height + pad):
        for column in range(-pad, width + pad):
            inside = 0 <= row < height and 0 <= column < width
            pixel = {"facecolor": VEIL, "edgecolor": style.PAPER, "linewidth": 1.2}
            style.box(axes, column, row, 1, 1, **pixel if inside else line | {"fill": False})
    first, half = -pad, conv.kernel / 2
    rows, columns = (range(size) for size in conv.output.shape[1:])
    for row in rows:
        centres = [first + column * conv.stride + half for column in columns]
        at = [first + row * conv.stride + half] * len(centres)
        axes.plot(centres, at, "o", color=style.INK, markersize=6)
    for i, dashes in enumerate(DASHES[:2]):
        corner = first + i * conv.stride, first
        style.outline(axes, *corner, conv.kernel, conv.kernel, style.INK, dashes, thick=3)
    axes.set(xlim=(-1.2, width + 1.2), ylim=(height + 1.2, -1.2), aspect="equal")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
