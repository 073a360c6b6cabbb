"""Notebook 03: the part of an image that each branch of a module sees at one position."""

from functools import lru_cache

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.branches import Window, branch_maps, branch_windows
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.data.batches import normalise
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import MODULES
from googlenet_lib.network.weights import WeightsInfo

Span = tuple[int, int]  # the first and the last pixel that are seen, both included


def find_position(window: Window, pixel: int, positions: int) -> int:
    """Find the position of a map, 0 to `positions` - 1, whose window is centred nearest a pixel."""
    return min(max(round((pixel - window.start) / window.jump), 0), positions - 1)


def find_span(window: Window, position: int, size: int) -> Span:
    """Find the pixels, of an image with `size` in this direction, that one position sees."""
    first = window.first_pixel(position)
    return max(first, 0), min(first + window.field - 1, size - 1)


def draw_branches(
    model: GoogLeNet, info: WeightsInfo, image: Tensor, module: str, pixel: tuple[int, int]
) -> Figure:
    """Draw an image with what each branch of `module` sees near a pixel (row, column).

    Squares mark the receptive fields. Beside them are the branches' maps, averaged over their
    channels, each shaded up to its own largest value, with the position marked. `image` is uint8,
    (3, H, W). Raises UsageError for another image.
    """
    if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[0] != 3:
        raise UsageError(
            f"an image came as {image.dtype} with shape {tuple(image.shape)}; expected "
            "torch.uint8 with shape (3, height, width) and values of 0 to 255"
        )
    maps = _maps(model, info.mean, info.std, image, module)
    windows = branch_windows(model, module)
    positions = maps["1x1"].shape
    row, column = (
        find_position(windows["1x1"], at, count) for at, count in zip(pixel, positions, strict=True)
    )
    title = f"{module.removeprefix('inception')}: one position of its {style.times(*positions)} map"
    parts = []
    with style.house_style():
        figure, (picture, *panels) = style.chart(250, 1, 5, width_ratios=(1.25, 1, 1, 1, 1))
        style.headline(figure, title)
        picture.imshow(image.permute(1, 2, 0).numpy())
        for axes, (branch, window) in zip(panels, windows.items(), strict=True):
            colour = style.BRANCH_COLOURS[branch]
            rows = find_span(window, row, image.shape[1])
            columns = find_span(window, column, image.shape[2])
            parts.append(f"{branch} sees rows {rows[0]} to {rows[1]}, columns {columns[0]} to "
                         f"{columns[1]}")  # fmt: skip
            corner = columns[0] - 0.5, rows[0] - 0.5
            size = columns[1] - columns[0] + 1, rows[1] - rows[0] + 1
            # the pool's square is as wide as the 3x3's: its dashes lie on top of it
            look = {"dashes": (0, (4, 4))} if branch == "pool" else {"halo": 5}
            style.outline(picture, *corner, *size, colour, **look)
            values = maps[branch].numpy()
            axes.imshow(values, style.branch_shades(branch), vmin=0, vmax=values.max() or 1)
            axes.plot(column, row, "s", markersize=8, markerfacecolor="none", color=style.INK)
            name = branch.replace("x", "×")
            axes.set_title(f"{name}: {window.field} px", color=colour, fontsize=14)
        for axes in (picture, *panels):
            axes.set(xticks=[], yticks=[])
    figure.alt = (
        f"{title}, row {row}, column {column}. Squares on an image: {'; '.join(parts)}. Beside it "
        "the four branches' maps, averaged over their channels."
    )
    return figure


@lru_cache(maxsize=len(MODULES))  # a slider asks at every movement
def _maps(
    model: GoogLeNet, mean: tuple[float, ...], std: tuple[float, ...], image: Tensor, module: str
) -> dict[str, Tensor]:
    """Compute the map of each branch, averaged over its channels: (h, w)."""
    maps = branch_maps(model, normalise(image, mean, std)[None], module)
    return {branch: values[0].mean(0) for branch, values in maps.items()}


def explore_branches(
    model: GoogLeNet, info: WeightsInfo, image: Tensor, modules: tuple[str, ...] = MODULES[:5]
) -> widgets.VBox:
    """Make sliders for a row and a column of the image, and a choice of the module."""

    def draw(row: int, column: int, module: str) -> Figure:
        return draw_branches(model, info, image, module, (row, column))

    height, width = image.shape[1:]
    names = [(name.removeprefix("inception"), name) for name in modules]
    return panel(
        draw,
        row=widgets.IntSlider(value=height // 2, min=0, max=height - 1, description="row"),
        column=widgets.IntSlider(value=width // 2, min=0, max=width - 1, description="column"),
        module=widgets.Dropdown(options=names, value=modules[0], description="module"),
    )
