"""An object that grows in the middle of a picture, while four lanes look at it."""

import math
from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.data.shapes import SHAPES, draw_shapes
from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.lanes import LaneView, draw_lane_view
from googlenet_lib.lanes import Window, lane_maps, lane_windows, map_grid
from googlenet_lib.model import GoogLeNet
from googlenet_lib.predict import predict, prepare
from googlenet_lib.weights import WeightsInfo

MODULE = "inception3a"
TOP = 5  # guesses shown
LEAST_RADIUS, MOST_RADIUS = 3.0, 14.0  # pixels


def growing_view(
    model: GoogLeNet, info: WeightsInfo, shape: str, radius: float, seed: int = 0
) -> LaneView:
    """One object of `radius` pixels as the lanes of module 3a see it. Same seed, same object."""
    middle, _ = _middle(model, info.image_size)
    image = _picture(shape, radius, info.image_size, middle, seed)
    maps = lane_maps(model, prepare(image, info)[None], MODULE)
    return LaneView(
        title=f"{shape}, radius {radius:g}",
        image=image,
        middle=(middle, middle),
        windows=_windows(model, info.image_size),
        maps={lane: values[0].mean(0) for lane, values in maps.items()},  # (h, w)
        guesses=predict(model, info, [image], TOP)[0],
    )


def middle_distances(
    model: GoogLeNet, info: WeightsInfo, shape: str, radii: Sequence[float], seed: int = 0
) -> dict[str, list[float]]:
    """How far each lane's answer at the middle is from its answer to the last radius.

    Euclidean, over the lane's channels, relative to the length of the last answer.
    """
    middle, cell = _middle(model, info.image_size)
    pictures = [_picture(shape, radius, info.image_size, middle, seed) for radius in radii]
    batch = torch.stack([prepare(picture, info) for picture in pictures])
    distances = {}
    for lane, maps in lane_maps(model, batch, MODULE).items():
        answers = maps[:, :, cell, cell]  # (radii, channels)
        lengths = (answers - answers[-1]).norm(dim=1) / answers[-1].norm()
        distances[lane] = lengths.tolist()
    return distances


def radius_that_fills(window: Window) -> float:
    """The radius from which a circle around a lane's window covers its corners, in pixels."""
    return window.field / 2 * math.sqrt(2)


def explore_growing(model: GoogLeNet, info: WeightsInfo, seed: int = 0) -> widgets.VBox:
    """A slider that lets the object grow, and a choice of its shape. Redraws all four lanes."""
    largest = growing_view(model, info, "circle", MOST_RADIUS, seed)
    highest = {lane: 1.5 * float(values.max()) for lane, values in largest.maps.items()}

    def draw(shape: str, radius: float) -> Figure:
        view = growing_view(model, info, shape, radius, seed)
        return draw_lane_view(view, highest)

    return panel(
        draw,
        radius=widgets.FloatSlider(
            value=8,
            min=LEAST_RADIUS,
            max=MOST_RADIUS,
            step=0.5,
            description="radius",
            layout=widgets.Layout(width="420px"),
        ),
        shape=widgets.Dropdown(options=SHAPES, value="circle", description="shape"),
    )


@lru_cache(maxsize=8)  # a slider asks at every movement
def _windows(model: GoogLeNet, size: int) -> dict[str, Window]:
    return lane_windows(model, MODULE, size)


def _middle(model: GoogLeNet, size: int) -> tuple[float, int]:
    """The centre of the window of the map's middle value, in pixels, and that value's index."""
    grid = map_grid(model, MODULE)
    cell = (size // grid.step) // 2 - 1
    return grid.centre(cell) + 0.5, cell  # from the picture's edge


def _picture(shape: str, radius: float, size: int, middle: float, seed: int) -> Tensor:
    labels, radii = torch.tensor([SHAPES.index(shape)]), torch.tensor([float(radius)])
    centres = torch.tensor([[middle, middle]])
    return draw_shapes(labels, radii, size=size, centres=centres, seed=seed)[0]
