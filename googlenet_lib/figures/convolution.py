"""Convolution in five pictures: it slides, it sums, its steps, many channels in, many out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.errors import UsageError
from googlenet_lib.figures import style

CHANNELS = ("red", "green", "blue")
# All in pixels of a page that is as wide as a README.
MARGIN, TITLE, ROOM, GAP = 14, 46, 220, 62
SMALL, LARGE = 84, 240  # a channel, a slice, a part of the sum; and the sum
# Grey below zero, the 3x3 lane's colour above.
SHADES = LinearSegmentedColormap.from_list(
    "signed", [style.MIDDLE_GREY, style.PAPER, style.BRANCH_COLOURS["3x3"]], N=257
)
VEIL = style.tint(style.GREY, 0.75)


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
    with style.house_style():
        figure, axes = style.canvas(TITLE + ROOM + 40)
        picture, output = conv.picture[0], conv.output[0]
        cell = ROOM / max(picture.shape)
        xs = (MARGIN, MARGIN + ROOM + 2 * GAP, style.WIDTH - MARGIN - ROOM)
        titles = (
            f"a picture, {style.times(*picture.shape)}",
            f"a kernel, {style.times(*conv.kernels.shape[2:])}",
            f"the output, {style.times(*output.shape)}",
        )
        for x, title in zip(xs, titles, strict=True):
            style.write(axes, x, 24, title, 16, ha="left", weight="bold")
        _draw_numbers(axes, xs[0], TITLE, cell, picture)
        _draw_numbers(axes, xs[1], TITLE, cell, conv.kernels[0, 0], shades=SHADES)
        _draw_numbers(axes, xs[2], TITLE, cell, output, shades=SHADES)
        for i, (row, column) in enumerate(places):
            dashes = ("-", (0, (4, 2)), (0, (1, 1.5)))[i % 3]
            at = (xs[0] + column * conv.stride * cell, TITLE + row * conv.stride * cell)
            _draw_box(axes, *at, cell * conv.kernel, dashes)
            _draw_box(axes, xs[2] + column * cell, TITLE + row * cell, cell, dashes)
        text = "each window on the left gives the value with the same line on the right"
        style.write(axes, MARGIN, TITLE + ROOM + 20, text, 13, ha="left", color=style.GREY)
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
    cell = 58
    side = cell * conv.kernel
    with style.house_style():
        figure, axes = style.canvas(TITLE + side + 44)
        step = side + 70
        parts = (
            ("under the window", patch, None),
            ("× the kernel", kernel, SHADES),
            ("= products", patch * kernel, SHADES),
        )
        for i, (title, values, shades) in enumerate(parts):
            x = MARGIN + i * step
            style.write(axes, x, 24, title, 16, ha="left", weight="bold")
            _draw_numbers(axes, x, TITLE, cell, values, shades=shades)
        x, middle = MARGIN + 3 * step, TITLE + side / 2
        style.write(axes, x, 24, "their sum", 16, ha="left", weight="bold")
        value = conv.output[(0, *place)]
        _draw_numbers(axes, x, middle - cell / 2, cell, value.view(1, 1), shades=SHADES)
        _draw_box(axes, x, middle - cell / 2, cell, "-")
        text = f"the value at row {place[0]}, column {place[1]}: {_told_sum(patch * kernel)}"
        style.write(axes, MARGIN, TITLE + side + 24, text, 14, ha="left")
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
    across = max(conv.picture.shape[2] + 2 * conv.padding for conv in convs)
    cell = min(26, (style.WIDTH - 2 * MARGIN) / len(convs) / (across + 2))
    with style.house_style():
        figure, axes = style.canvas(TITLE + cell * across + 64)
        for i, conv in enumerate(convs):
            x = MARGIN + i * (style.WIDTH - 2 * MARGIN) / len(convs)
            title = f"stride {conv.stride}, padding {conv.padding}"
            style.write(axes, x, 24, title, 16, ha="left", weight="bold")
            _draw_steps(axes, x, TITLE, cell, conv, i)
            size = style.times(*conv.output.shape[1:])
            text = f"{style.times(*conv.picture.shape[1:])} in, {size} out"
            style.write(axes, x, TITLE + cell * across + 28, text, 14, ha="left")
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
    with style.house_style():
        figure, axes = style.canvas(TITLE + len(slices) * (SMALL + 12) + 34)
        xs = (MARGIN, *(MARGIN + 180 * i for i in (1, 2)), style.WIDTH - MARGIN - LARGE - 40)
        titles = ("three channels", "one slice each", "what it gives", "their sum: one channel")
        for x, title in zip(xs, titles, strict=True):
            style.write(axes, x, 24, title, 16, ha="left", weight="bold")
        most = float(conv.output[0].abs().max())
        for i, (channel, kernel) in enumerate(zip(conv.picture, slices, strict=True)):
            y = TITLE + i * (SMALL + 12)
            _draw_map(axes, xs[0], y, SMALL, channel.float().numpy(), "gray")
            _draw_numbers(axes, xs[1], y, SMALL / conv.kernel, kernel, shades=SHADES)
            part = Convolution(
                conv.picture[i : i + 1], kernel[None, None], conv.stride, conv.padding
            )
            _draw_map(axes, xs[2], y, SMALL, part.output[0].numpy(), SHADES, most)
            style.write(
                axes,
                xs[0] + SMALL + 8,
                y + SMALL / 2,
                CHANNELS[i] if len(slices) == 3 else str(i),
                13,
                ha="left",
                color=style.GREY,
            )
            if i:
                style.write(axes, xs[2] + SMALL / 2, y - 6, "+", 18, weight="bold")
        y = TITLE + (len(slices) * (SMALL + 12) - 12 - LARGE) / 2
        _draw_map(axes, xs[3], y, LARGE, conv.output[0].numpy(), SHADES, most)
        weights = conv.kernels[0].numel()
        text = f"one filter: {conv.kernel} × {conv.kernel} × {len(slices)} = {weights} weights"
        style.write(axes, MARGIN, TITLE + len(slices) * (SMALL + 12) + 12, text, 14, ha="left")
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
    step = (style.WIDTH - 2 * MARGIN + 16) / (len(names) + 1)
    side = step - 16
    with style.house_style():
        figure, axes = style.canvas(TITLE + side + 52)
        style.write(axes, MARGIN, 24, "the picture", 16, ha="left", weight="bold")
        picture = conv.picture.float().permute(1, 2, 0).clamp(0, 1).numpy()  # (H, W, C)
        _draw_map(axes, MARGIN, TITLE, side, picture, None)
        for i, (name, output) in enumerate(zip(names, conv.output, strict=True)):
            x = MARGIN + (i + 1) * step
            style.write(axes, x, 24, name, 16, ha="left", weight="bold")
            _draw_map(axes, x, TITLE, side, output.numpy(), SHADES, float(output.abs().max()))
        shape = " × ".join(map(str, conv.kernels.shape))
        text = (
            f"{len(names)} filters, {len(names)} channels out: {shape} = "
            f"{conv.kernels.numel():,} weights"
        )
        style.write(axes, MARGIN, TITLE + side + 28, text, 14, ha="left")
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
    axes: Axes,
    x: float,
    y: float,
    cell: float,
    values: Tensor,
    shades: LinearSegmentedColormap | None = None,
) -> None:
    """A grid with a number in each cell; without `shades` in greys from 0 to the largest."""
    numbers = values.float().numpy()
    most = float(np.abs(numbers).max()) or 1.0
    limits = (-most, most) if shades else (0, 1.6 * most)
    image = axes.imshow(
        numbers,
        extent=(x, x + cell * numbers.shape[1], y + cell * numbers.shape[0], y),
        cmap=shades or LinearSegmentedColormap.from_list("light", [style.PAPER, style.GREY]),
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        aspect="auto",
    )
    for row, line in enumerate(numbers):
        for column, number in enumerate(line):
            shade = image.cmap(image.norm(number))
            box = Rectangle(
                (x + column * cell, y + row * cell),
                cell,
                cell,
                fill=False,
                edgecolor=style.LIGHT_GREY,
                linewidth=1,
            )
            axes.add_patch(box)
            style.write(
                axes,
                x + (column + 0.5) * cell,
                y + (row + 0.5) * cell,
                _told(torch.tensor(number)),
                min(16, cell * 0.42),
                color=style.ink_on(_hex(shade)),
            )


def _hex(shade: tuple[float, float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in shade[:3])


def _draw_box(axes: Axes, x: float, y: float, side: float, dashes: object) -> None:
    box = Rectangle(
        (x, y), side, side, fill=False, edgecolor=style.INK, linewidth=3, linestyle=dashes
    )
    axes.add_patch(box)


def _draw_steps(axes: Axes, x: float, y: float, cell: float, conv: Convolution, i: int) -> None:
    """The pixels and their padding, the centres of all windows, and the frames of two of them."""
    height, width = conv.picture.shape[1:]
    pad = conv.padding
    for row in range(-pad, height + pad):
        for column in range(-pad, width + pad):
            inside = 0 <= row < height and 0 <= column < width
            corner = (x + (column + pad) * cell, y + (row + pad) * cell)
            square = Rectangle(
                corner,
                cell,
                cell,
                facecolor=VEIL if inside else style.PAPER,
                edgecolor=style.PAPER if inside else style.MIDDLE_GREY,
                linewidth=1.2,
                linestyle="-" if inside else (0, (3, 3)),
            )
            axes.add_patch(square)
    rows, columns = conv.output.shape[1:]
    half = conv.kernel / 2
    centres = [
        (x + (column * conv.stride + half) * cell, y + (row * conv.stride + half) * cell)
        for row in range(rows)
        for column in range(columns)
    ]
    axes.plot(*zip(*centres, strict=True), "o", color=style.INK, markersize=6)
    for shift, dashes in ((0, "-"), (1, (0, (3, 2)))):
        _draw_box(axes, x + shift * conv.stride * cell, y, conv.kernel * cell, dashes)


def _draw_map(
    axes: Axes,
    x: float,
    y: float,
    side: float,
    values: np.ndarray,
    shades: str | LinearSegmentedColormap | None,
    most: float | None = None,
) -> None:
    """A picture or a map; with `most` from -most to most, else from 0 to 1."""
    limits = (-most, most) if most else (0, 1)
    axes.imshow(
        values,
        extent=(x, x + side, y + side, y),
        cmap=shades,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        aspect="auto",
    )
    style.frame(axes, x, y, side)
