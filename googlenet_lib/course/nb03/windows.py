"""Notebook 03: the part of a picture that each branch sees at one position."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.branches import Window, branch_maps, branch_windows
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.data.batches import normalise
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import WeightsInfo

# All in pixels of a page that is as wide as a README.
MARGIN, GAP, TITLE, PICTURE, ROW_HEIGHT = 14, 14, 34, 228, 288
MAP = (style.WIDTH - 2 * MARGIN - PICTURE - 4 * GAP) / 4
VEIL = 0.55  # how much white lies over what no branch sees


@dataclass(frozen=True)
class Span:
    """Pixels `first` to `last` of a picture, both included, in one direction.

    `hidden` counts those of the theoretical window that lie outside the picture.
    """

    first: int
    last: int
    hidden: int = 0


@dataclass(frozen=True)
class Box:
    """The pixels of a picture that one value of a branch sees."""

    rows: Span
    columns: Span


@dataclass(frozen=True)
class Answer:
    """What a branch says at one place: how many of its channels are above zero, and their mean."""

    channels: int
    active: int
    mean: float


@dataclass(frozen=True)
class WindowView:
    """A picture, a module, and one place (row and column) of the module's map.

    image: uint8 (3, H, W); maps: the mean over a branch's channels, (h, w); boxes and answers are
    those of the branches at `place`.
    """

    module: str
    image: Tensor
    place: tuple[int, int]
    maps: dict[str, Tensor]
    boxes: dict[str, Box]
    answers: dict[str, Answer]


def draw_windows(views: Sequence[WindowView]) -> Figure:
    """Draw each view in a row: the picture, lit where the branches look, and their four maps.

    A small square marks the place in the maps. Each map is shaded up to its own largest value.
    """
    with style.house_style():
        figure, axes = style.canvas(ROW_HEIGHT * len(views) + 4)
        for i, view in enumerate(views):
            _draw_view(axes, i * ROW_HEIGHT, view)
    figure.alt = _describe_windows(views)
    return figure


def _describe_windows(views: Sequence[WindowView]) -> str:
    """Return the alt text of `draw_windows`, from the same views."""
    parts = []
    for view in views:
        height, width = next(iter(view.maps.values())).shape
        branches = "; ".join(
            f"{branch} sees {_pixels(box)} and answers in {view.answers[branch].active} of "
            f"{view.answers[branch].channels} channels, mean {view.answers[branch].mean:.3f}"
            for branch, box in view.boxes.items()
        )
        parts.append(
            f"{view.module}, row {view.place[0]} and column {view.place[1]} of its "
            f"{height}×{width} map: {branches}."
        )
    return (
        "A picture with nested squares, the windows of four branches, and their maps. "
        + " ".join(parts)
    )


def _draw_view(axes: Axes, top: float, view: WindowView) -> None:
    height, width = next(iter(view.maps.values())).shape
    title = (
        f"{view.module.removeprefix('inception')}: one value of a {height}×{width} map, "
        f"row {view.place[0]}, column {view.place[1]}"
    )
    style.write(axes, MARGIN, top + 17, title, 15, ha="left", weight="bold")
    y = top + TITLE
    _draw_picture(axes, MARGIN, y, view)
    for j, branch in enumerate(view.maps):
        x = MARGIN + PICTURE + GAP + j * (MAP + GAP)
        name = branch.replace("x", "×")
        style.write(
            axes, x, y + 7, name, 14, ha="left", weight="bold", color=style.BRANCH_COLOURS[branch]
        )
        _draw_map(axes, x, y + 20, branch, view)
        box, answer = view.boxes[branch], view.answers[branch]
        text = (
            f"rows {box.rows.first} to {box.rows.last}\n"
            f"columns {box.columns.first} to {box.columns.last}\n"
            f"{answer.active} of {answer.channels} answer\nmean {answer.mean:.3f}"
        )
        style.write(axes, x, y + 20 + MAP + 6, text, 12, ha="left", va="top")


def _draw_picture(axes: Axes, x: float, y: float, view: WindowView) -> None:
    pixels = view.image.permute(1, 2, 0).numpy() / 255  # (H, W, 3)
    rows, columns = pixels.shape[:2]
    seen = np.zeros((rows, columns, 1), dtype=bool)
    for box in view.boxes.values():
        seen[box.rows.first : box.rows.last + 1, box.columns.first : box.columns.last + 1] = True
    lit = np.where(seen, pixels, pixels * (1 - VEIL) + VEIL)
    style.image(axes, x, y, PICTURE, lit)
    scale = PICTURE / columns
    for branch, box in view.boxes.items():
        corner = x + box.columns.first * scale, y + box.rows.first * scale
        size = [(span.last - span.first + 1) * scale for span in (box.columns, box.rows)]
        # the pool's lies on top of the 3x3 branch's square, which is as wide
        look = {"dashes": (0, (4, 4))} if branch == "pool" else {"halo": 5}
        style.outline(axes, *corner, *size, style.BRANCH_COLOURS[branch], **look)


def _draw_map(axes: Axes, x: float, y: float, branch: str, view: WindowView) -> None:
    values = view.maps[branch].numpy()
    style.image(axes, x, y, MAP, values, style.branch_shades(branch), 0, float(values.max()) or 1)
    (row, column), (rows, columns) = view.place, values.shape
    side = max(MAP / columns, 5)  # a single value of a large map would be too small to see
    centre = (x + (column + 0.5) * MAP / columns, y + (row + 0.5) * MAP / rows)
    corner = centre[0] - side / 2, centre[1] - side / 2
    style.outline(axes, *corner, side, side, style.INK, thick=2, halo=6)


def _pixels(box: Box) -> str:
    text = (
        f"rows {box.rows.first} to {box.rows.last}, columns {box.columns.first} to "
        f"{box.columns.last}"
    )
    return text + (" (cut at the rim)" if box.rows.hidden or box.columns.hidden else "")


DEPTHS = ("inception3a", "inception4a", "inception4c")  # three depths: notebook 03


def window_view(
    model: GoogLeNet, info: WeightsInfo, image: Tensor, module: str, place: tuple[int, int]
) -> WindowView:
    """What the branches of `module` see and say at `place`, the row and column of its map.

    `image` is uint8 (3, H, W), of any size that the network takes: it is not resized.
    """
    answers = _answers(model, info, image, module)
    return _view(model, image, module, place, answers)


def nearest_place(
    model: GoogLeNet, module: str, pixel: tuple[int, int], shape: tuple[int, int]
) -> tuple[int, int]:
    """Find the place in a map of `shape` whose windows lie nearest to a pixel (row, column)."""
    window = _windows(model, module)["1x1"]  # those of all branches have the same centre
    row, column = (
        min(max(round((at - window.start) / window.jump), 0), cells - 1)
        for at, cells in zip(pixel, shape, strict=True)
    )
    return row, column


def explore_branches_window(
    model: GoogLeNet,
    info: WeightsInfo,
    image: Tensor,
    modules: tuple[str, ...] = DEPTHS,
) -> widgets.VBox:
    """Sliders for a row and a column of the picture, and a choice of the module.

    They choose the map's value whose windows lie nearest.
    """

    @cache  # the picture stays the same, whatever moves
    def answers_of(module: str) -> dict[str, Tensor]:
        return _answers(model, info, image, module)

    def draw(row: int, column: int, module: str) -> Figure:
        answers = answers_of(module)
        shape = tuple(answers["1x1"].shape[1:])
        place = nearest_place(model, module, (row, column), shape)
        views = [_view(model, image, module, place, answers)]
        return draw_windows(views)

    height, width = image.shape[1:]
    return panel(
        draw,
        row=widgets.IntSlider(value=height // 2, min=0, max=height - 1, step=1, description="row"),
        column=widgets.IntSlider(
            value=width // 2, min=0, max=width - 1, step=1, description="column"
        ),
        module=widgets.Dropdown(
            options=[(name.removeprefix("inception"), name) for name in modules],
            value=modules[0],
            description="module",
        ),
    )


def _answers(model: GoogLeNet, info: WeightsInfo, image: Tensor, module: str) -> dict[str, Tensor]:
    """The map of each branch, (channels, h, w)."""
    if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[0] != 3:
        raise UsageError(
            f"a picture came as {image.dtype} with shape {tuple(image.shape)}; expected "
            "torch.uint8 with shape (3, height, width) and values of 0 to 255"
        )
    prepared = normalise(image, info.mean, info.std)
    return {branch: maps[0] for branch, maps in branch_maps(model, prepared[None], module).items()}


@lru_cache(maxsize=12)  # a slider asks at every movement
def _windows(model: GoogLeNet, module: str) -> dict[str, Window]:
    return branch_windows(model, module)


def _view(
    model: GoogLeNet, image: Tensor, module: str, place: tuple[int, int], answers: dict[str, Tensor]
) -> WindowView:
    height, width = image.shape[1:]
    shape = tuple(answers["1x1"].shape[1:])
    if not all(0 <= at < cells for at, cells in zip(place, shape, strict=True)):
        raise UsageError(
            f"place {place} came; {module}'s map has {shape[0]} rows and {shape[1]} columns, "
            "counted from 0"
        )
    boxes, said = {}, {}
    for branch, window in _windows(model, module).items():
        rows, columns = (window.centre(at) for at in place)
        boxes[branch] = Box(_span(rows, window.field, height), _span(columns, window.field, width))
        values = answers[branch][:, place[0], place[1]]  # (channels,)
        said[branch] = Answer(len(values), int((values > 0).sum()), float(values.mean()))
    maps = {branch: values.mean(0) for branch, values in answers.items()}  # (h, w)
    return WindowView(module, image, place, maps, boxes, said)


def _span(centre: float, field: int, size: int) -> Span:
    first = round(centre - (field - 1) / 2)
    last = first + field - 1
    hidden = max(-first, 0) + max(last - size + 1, 0)
    return Span(max(first, 0), min(last, size - 1), hidden)
