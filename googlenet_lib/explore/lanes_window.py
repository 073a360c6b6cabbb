"""A place in a module's map: what each of its four lanes sees there, and what it answers."""

from functools import cache, lru_cache

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.data.batches import normalise
from googlenet_lib.errors import UsageError
from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.lanes_window import (
    Answer,
    Box,
    Span,
    WindowView,
    draw_windows,
)
from googlenet_lib.lanes import lane_maps, lane_windows, map_grid
from googlenet_lib.model import GoogLeNet
from googlenet_lib.weights import WeightsInfo

MODULES = ("inception3a", "inception4a", "inception4c")  # three depths: notebook 03


def window_view(
    model: GoogLeNet, info: WeightsInfo, image: Tensor, module: str, place: tuple[int, int]
) -> WindowView:
    """What the lanes of `module` see and say at `place`, the row and column of its map.

    `image` is uint8 (3, H, W), of any size that the network takes: it is not resized.
    """
    answers = _answers(model, info, image, module)
    return _view(model, image, module, place, answers)


def nearest_place(model: GoogLeNet, module: str, pixel: tuple[int, int],
                  shape: tuple[int, int]) -> tuple[int, int]:  # fmt: skip
    """The place in a map of `shape` whose windows lie nearest to a pixel (row, column)."""
    grid = map_grid(model, module)
    row, column = (
        min(max(round((at - grid.start) / grid.step), 0), cells - 1)
        for at, cells in zip(pixel, shape, strict=True)
    )
    return row, column


def explore_lanes_window(
    model: GoogLeNet,
    info: WeightsInfo,
    image: Tensor,
    modules: tuple[str, ...] = MODULES,
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
    """The map of each lane, (channels, h, w)."""
    if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[0] != 3:
        raise UsageError(
            f"a picture came as {image.dtype} with shape {tuple(image.shape)}; expected "
            "torch.uint8 with shape (3, height, width) and values of 0 to 255"
        )
    prepared = normalise(image, info.mean, info.std)
    return {lane: maps[0] for lane, maps in lane_maps(model, prepared[None], module).items()}


@lru_cache(maxsize=12)  # a slider asks at every movement
def _fields(model: GoogLeNet, module: str, size: int) -> dict[str, int]:
    return {lane: window.field for lane, window in lane_windows(model, module, size).items()}


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
    grid = map_grid(model, module)
    rows, columns = (grid.centre(at) for at in place)
    boxes, said = {}, {}
    for lane, field in _fields(model, module, min(height, width)).items():
        boxes[lane] = Box(_span(rows, field, height), _span(columns, field, width))
        values = answers[lane][:, place[0], place[1]]  # (channels,)
        said[lane] = Answer(len(values), int((values > 0).sum()), float(values.mean()))
    maps = {lane: values.mean(0) for lane, values in answers.items()}  # (h, w)
    return WindowView(module, image, place, maps, boxes, said)


def _span(centre: float, field: int, size: int) -> Span:
    first = round(centre - (field - 1) / 2)
    last = first + field - 1
    hidden = max(-first, 0) + max(last - size + 1, 0)
    return Span(max(first, 0), min(last, size - 1), hidden)
