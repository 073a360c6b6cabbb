"""Convolution in five pictures: it slides, it sums, its steps, many channels in, many out."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.course.kit import style

LIGHT = style.branch_shades("3x3")
DIVERGING = "PuOr_r"  # purple below zero, white at zero, orange above it
SETTINGS = ((0, 1), (1, 1), (1, 2))  # padding and stride
DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)))


def draw_slide(
    image: Tensor, kernel: Tensor, positions: Sequence[tuple[int, int]], output: Tensor | None
) -> Figure:
    """Draw an image (H, W), a kernel (k, k), and the output with windows at some `positions`.

    Without `output` its values are left open, as a question.
    """
    height, width = (size - len(kernel) + 1 for size in image.shape)
    with style.house_style():
        figure, (left, middle, right) = style.chart(310, 1, 3)
        _numbers(left, image, f"image, {style.times(*image.shape)}")
        _numbers(middle, kernel, f"kernel, {style.times(*kernel.shape)}")
        shown = torch.full((height, width), torch.nan) if output is None else output
        _numbers(right, shown, f"output, {style.times(height, width)}")
        for axes in (left, middle, right):  # cells of one size
            axes.set(xlim=(-0.6, max(image.shape) - 0.4), ylim=(max(image.shape) - 0.4, -0.6))
        for (row, column), dashes in zip(positions, cycle(DASHES), strict=False):
            at, size = (column - 0.5, row - 0.5), len(kernel)
            style.outline(left, *at, size, size, style.INK, dashes, thick=3)
            style.outline(right, *at, 1, 1, style.INK, dashes, thick=3)
        style.footnote(figure, "a frame on the left and its output on the right have the same line")
    told = "left open"
    if output is not None:
        told = ", ".join(
            f"row {row}, column {column} is {output[row, column]:g}" for row, column in positions
        )
    figure.alt = (
        f"A grid of {style.times(*image.shape)} numbers, a kernel of {style.times(*kernel.shape)} "
        f"and the output of {style.times(height, width)}. Framed outputs: {told}."
    )
    return figure


def draw_sum(patch: Tensor, kernel: Tensor) -> Figure:
    """Draw the pixels under a kernel, the kernel, their products, and the sum of those."""
    products = patch * kernel
    with style.house_style():
        figure, panels = style.chart(250, 1, 4)
        for axes, values, title in zip(
            panels,
            (patch, kernel, products, products.sum().view(1, 1)),
            ("pixels", "× kernel", "= products", "their sum"),
            strict=True,
        ):
            _numbers(axes, values, title)
            axes.set(xlim=(-0.6, len(kernel) - 0.4), ylim=(len(kernel) - 0.4, -0.6))
    figure.alt = (
        f"The {style.times(*kernel.shape)} pixels under a kernel, the kernel, and their products, "
        f"which add up to {products.sum():g}."
    )
    return figure


def draw_steps(size: int, kernel: int, answered: bool = True) -> Figure:
    """Draw the first two windows on `size` pixels a side, for each of SETTINGS.

    Where `answered`, a dot is at the centre of every window.
    """
    told = []
    with style.house_style():
        figure, panels = style.chart(350, 1, len(SETTINGS), sharex=True, sharey=True)
        for axes, (padding, stride) in zip(panels, SETTINGS, strict=True):
            count = (size + 2 * padding - kernel) // stride + 1
            out = style.times(count, count) if answered else "? × ?"
            told.append(f"padding {padding}, stride {stride}: {out} out")
            axes.set_title(f"padding {padding}, stride {stride}")
            axes.set_xlabel(f"{style.times(size, size)} in, {out} out")
            _pixels(axes, size, padding)
            first = -padding - 0.5
            for i, dashes in enumerate(DASHES[:2]):
                style.outline(
                    axes, first + i * stride, first, kernel, kernel, style.INK, dashes, thick=3
                )
            if answered:
                centres = [-padding + (kernel - 1) / 2 + i * stride for i in range(count)]
                axes.plot(centres * count, sorted(centres * count), "o", color=style.INK, ms=6)
            axes.set(xlim=(-1.6, size + 0.6), ylim=(size + 0.6, -1.6), aspect="equal")
            axes.set(xticks=range(size), yticks=range(size))
            axes.spines[:].set_visible(False)
    figure.alt = (
        f"Grids of {style.times(size, size)} pixels with the first two windows of a "
        f"{style.times(kernel, kernel)} kernel. {'; '.join(told)}."
    )
    return figure


def draw_channels_in(image: Tensor, weights: Tensor) -> Figure:
    """Draw an image (3, H, W), one filter (3, k, k), the map of each slice, and their sum."""
    maps = F.conv2d(image, weights[:, None], padding=weights.shape[-1] // 2, groups=3)
    total = maps.sum(0)
    most = float(torch.stack([*maps, total]).abs().max())
    with style.house_style():
        figure, panels = style.chart(360, 3, 4, width_ratios=(1, 1, 1, 2.4))
        for line, name, channel, part, one in zip(
            panels, ("red", "green", "blue"), image, weights, maps, strict=True
        ):
            style.picture(line[0], channel, shades="gray")
            line[0].set_ylabel(name)
            _numbers(line[1], part)
            style.picture(line[2], one, "", DIVERGING, -most, most)
            line[3].remove()
        titles = ("three channels", "one filter", "its three maps")
        for axes, title in zip(panels[0], titles, strict=False):
            axes.set_title(title, fontsize=14)
        right = figure.add_subplot(panels[0, 0].get_gridspec()[:, 3])
        style.picture(right, total, "their sum: one channel", DIVERGING, -most, most)
        style.footnote(figure, f"purple: below 0; white: 0; orange: above 0, up to {most:.1f}")
    figure.alt = (
        f"Three channels of an image, a filter with {style.times(*weights.shape[1:])} weights for "
        "each, the three maps that they give, and their sum, a single map from "
        f"{total.min():.1f} to {total.max():.1f}."
    )
    return figure


def draw_channels_out(image: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Draw an image (3, H, W) and the map (H, W) of each of several filters, by name."""
    ranges = {name: f"{one.min():.1f} to {one.max():.1f}" for name, one in maps.items()}
    with style.house_style():
        figure, panels = style.chart(260, 1, len(maps) + 1)
        style.picture(panels[0], image.permute(1, 2, 0).clamp(0, 1), "image")
        for axes, (name, one) in zip(panels[1:], maps.items(), strict=True):
            most = float(one.abs().max())
            style.picture(axes, one, name, DIVERGING, -most, most)
            axes.set_xlabel(ranges[name].replace("-", "−"))
        style.footnote(figure, "purple: below 0; white: 0; orange: above 0; each map to its own")
    told = ", ".join(f"{name} from {span}" for name, span in ranges.items())
    figure.alt = f"A colour image and {len(maps)} maps that {len(maps)} filters give: {told}."
    return figure


def _numbers(axes: Axes, values: Tensor, title: str = "") -> None:
    """Draw a grid with a number in each cell; nan is an open question."""
    known = values.nan_to_num()
    signed = bool((known < 0).any())
    most = float(known.abs().max()) * 1.6 or 1.0
    shades = DIVERGING if signed else LIGHT
    axes.imshow(known.numpy(), shades, vmin=-most if signed else 0, vmax=most)
    for row, line in enumerate(values.tolist()):
        for column, number in enumerate(line):
            look = {"edgecolor": style.LIGHT_GREY, "linewidth": 1, "fill": False}
            style.box(axes, column - 0.5, row - 0.5, 1, 1, **look)
            text = "?" if number != number else f"{number + 0.0:.2g}".replace("-", "−")
            axes.text(column, row, text, ha="center", va="center_baseline", color="black")
    axes.set_axis_off()
    axes.set_anchor("NW")
    axes.set_title(title)


def _pixels(axes: Axes, size: int, padding: int) -> None:
    """Draw the pixels of an image, and zeros around it where there is padding."""
    for row in range(-padding, size + padding):
        for column in range(-padding, size + padding):
            inside = 0 <= row < size and 0 <= column < size
            look = {"edgecolor": style.PAPER if inside else style.LIGHT_GREY, "linewidth": 1.2}
            look["facecolor"] = style.LIGHT_GREY if inside else style.PAPER
            style.box(axes, column - 0.5, row - 0.5, 1, 1, **look)
            if not inside:
                style.write(axes, column, row, "0", 11, color=style.MIDDLE_GREY)
