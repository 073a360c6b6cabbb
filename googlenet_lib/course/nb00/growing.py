"""Notebook 00: an object grows in the picture, and the four branches respond."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.branches import Window, branch_maps, branch_windows
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.data.shapes import SHAPES, draw_shapes
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import WeightsInfo
from googlenet_lib.prediction import Prediction, predict, prepare

# All in pixels of a page that is as wide as a README.
MARGIN, GAP, TITLE, SIDE = 14, 14, 34, 76
VIEW_HEIGHT, VIEW_PICTURE, MAP, BARS_X, BAR_ROOM = 318, 240, 112, 590, 130


@dataclass(frozen=True)
class BranchView:
    """One picture as a module's branches see it.

    image: uint8 (3, H, W); windows: what one value of a branch sees, around `middle` (column and
    row in pixels); maps: the mean over a branch's channels, (h, w); guesses: the network's.
    """

    title: str
    image: Tensor
    middle: tuple[float, float]
    windows: dict[str, Window]
    maps: dict[str, Tensor]
    guesses: list[Prediction]


def draw_branch_view(view: BranchView, highest: dict[str, float] | None = None) -> Figure:
    """Draw a picture with the windows of the branches, their maps and the network's guesses.

    `highest` gives each branch's darkest value, so that several views compare; without it, it is
    the view's own.
    """
    highest = highest or highest_of([view])
    with style.house_style():
        figure, axes = style.canvas(VIEW_HEIGHT)
        style.write(axes, MARGIN, 18, view.title, 15, ha="left", weight="bold")
        _draw_image(axes, MARGIN, TITLE, VIEW_PICTURE, view)
        sizes = sorted((window.field, branch) for branch, window in view.windows.items())
        seen = ", ".join(f"{branch.replace('x', '×')} {field}" for field, branch in sizes)
        text = f"pixels a side that one value\nsees: {seen}"
        style.write(axes, MARGIN, TITLE + VIEW_PICTURE + 6, text, ha="left", va="top")
        for i, branch in enumerate(view.maps):
            x = MARGIN + VIEW_PICTURE + 28 + (i % 2) * (MAP + GAP)
            y = TITLE + 16 + (i // 2) * (MAP + 24)
            style.image(
                axes,
                x,
                y,
                MAP,
                view.maps[branch],
                style.branch_shades(branch),
                0,
                highest[branch] or 1,
            )
            style.write(
                axes,
                x,
                y - 4,
                branch.replace("x", "×"),
                13,
                ha="left",
                va="bottom",
                color=style.BRANCH_COLOURS[branch],
                weight="bold",
            )
        _draw_guesses(axes, BARS_X, TITLE + 16, view.guesses)
    figure.alt = _describe_branch_view(view)
    return figure


def draw_growth(views: Sequence[BranchView]) -> Figure:
    """Draw several views side by side, a column each: the picture above, its four maps below."""
    highest = highest_of(views)
    side = (style.WIDTH - 2 * MARGIN - SIDE - (len(views) - 1) * GAP) / len(views)
    branches = list(views[0].maps)
    with style.house_style():
        figure, axes = style.canvas(TITLE + (len(branches) + 1) * (side + GAP) + 22 + MARGIN)
        for branch, row in zip(["", *branches], range(len(branches) + 1), strict=True):
            y = TITLE + row * (side + GAP) + (22 if row else 0)
            label = f"{branch.replace('x', '×')}\nbranch" if branch else "picture"
            style.write(
                axes,
                MARGIN,
                y + side / 2,
                label,
                14,
                ha="left",
                weight="bold",
                color=style.BRANCH_COLOURS.get(branch, style.INK),
            )
            for column, view in enumerate(views):
                x = MARGIN + SIDE + column * (side + GAP)
                if branch:
                    style.image(
                        axes,
                        x,
                        y,
                        side,
                        view.maps[branch],
                        style.branch_shades(branch),
                        0,
                        highest[branch] or 1,
                    )
                    continue
                style.write(axes, x + side / 2, y - 8, view.title, 13, va="bottom", weight="bold")
                _draw_image(axes, x, y, side, view)
                best = view.guesses[0]
                text = f"{best.label} {best.probability:.0%}"
                style.write(axes, x + side / 2, y + side + 5, text, 13, va="top")
    figure.alt = _describe_growth(views)
    return figure


def _describe_growth(views: Sequence[BranchView]) -> str:
    """Return the alt text of `draw_growth`, from the same views."""
    guesses = "; ".join(
        f"{view.title}: {view.guesses[0].label} {view.guesses[0].probability:.0%}" for view in views
    )
    seen = ", ".join(f"{branch} {w.field} pixels" for branch, w in views[0].windows.items())
    return (
        f"{len(views)} columns, a picture of a growing object in each, with nested squares that "
        f"show what one value of each branch sees: {seen}. Below each, the mean map of the four "
        f"branches, darker where the branch answers more. The network's guesses: {guesses}."
    )


def _describe_branch_view(view: BranchView) -> str:
    """Return the alt text of `draw_branch_view`."""
    guesses = ", ".join(f"{g.label} {g.probability:.0%}" for g in view.guesses)
    return f"{view.title}. One picture, the maps of its four branches, and the guesses: {guesses}."


def draw_distances(
    radii: Sequence[float], distances: dict[str, Sequence[float]], full: dict[str, float]
) -> Figure:
    """Plot, for each branch, how far its middle answer is from its last one, over the radius.

    `distances` are relative, 0 being equal; `full` is the radius from which the object fills the
    branch's window, drawn as a dashed line.
    """
    with style.house_style():
        figure, axes = style.chart(330)
        axes.set(
            xlabel="radius of the object, pixels",
            ylabel="distance to the last answer",
            title="The middle answer of each branch, until the object fills its window",
            xlim=(min(radii), max(radii)),
        )
        for radius, branches in _by_radius(full).items():
            axes.axvline(radius, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0.5)
            text = " and ".join(branch.replace("x", "×") for branch in branches) + "\nfilled"
            axes.text(
                radius + 0.12,
                0.98,
                text,
                transform=axes.get_xaxis_transform(),
                va="top",
                fontsize=12,
                color=style.GREY,
            )
        for branch, values in distances.items():
            dashes = "--" if branch == "pool" else "-"  # it shares its window with the 3x3 branch
            colour = style.BRANCH_COLOURS[branch]
            axes.plot(radii, values, dashes, color=colour)
        highest = 1.05 * max(map(max, distances.values()))
        starts = [values[0] for values in distances.values()]
        places = style.spread(starts, [0.07 * highest] * len(starts))
        for branch, y in zip(distances, places, strict=True):
            axes.text(
                min(radii) - 0.1,
                y,
                branch.replace("x", "×"),
                ha="right",
                va="center",
                weight="bold",
                color=style.BRANCH_COLOURS[branch],
            )
        axes.set(xlim=(min(radii) - 0.9, max(radii)), ylim=(0, highest))
    figure.alt = _describe_distances(radii, distances, full)
    return figure


def _describe_distances(
    radii: Sequence[float], distances: dict[str, Sequence[float]], full: dict[str, float]
) -> str:
    """Return the alt text of `draw_distances`, from the same data."""
    branches = "; ".join(
        f"{branch} from {values[0]:.2f} to {values[-1]:.2f}, its window filled from radius "
        f"{full[branch]:.1f}"
        for branch, values in distances.items()
    )
    return (
        f"Four lines over the object's radius, {min(radii):g} to {max(radii):g} pixels: how far "
        f"each branch's middle answer is from its answer to the largest object. {branches}."
    )


def highest_of(views: Sequence[BranchView]) -> dict[str, float]:
    """The largest value that each branch's map reaches in any of the views."""
    return {
        branch: max(float(view.maps[branch].max()) for view in views) for branch in views[0].maps
    }


def _by_radius(full: dict[str, float]) -> dict[float, list[str]]:
    groups: dict[float, list[str]] = {}
    for branch, radius in full.items():
        groups.setdefault(radius, []).append(branch)
    return groups


def _draw_image(axes: Axes, x: float, y: float, side: float, view: BranchView) -> None:
    style.image(axes, x, y, side, view.image.permute(1, 2, 0))
    scale = side / view.image.shape[1]
    for branch, window in view.windows.items():
        left, top = (
            at + (middle - window.field / 2) * scale
            for at, middle in zip((x, y), view.middle, strict=True)
        )
        size = window.field * scale
        # the pool's lies on top of the 3x3 branch's square, which is as wide
        look = {"dashes": (0, (4, 4))} if branch == "pool" else {"halo": 4}
        style.outline(axes, left, top, size, size, style.BRANCH_COLOURS[branch], thick=2, **look)


def _draw_guesses(axes: Axes, x: float, y: float, guesses: Sequence[Prediction]) -> None:
    title = "what the whole network says"
    style.write(axes, x, y - 12, title, 13, ha="left", weight="bold")
    for i, guess in enumerate(guesses):
        top, chance = y + 4 + 38 * i, guess.probability
        style.box(axes, x + 90, top, BAR_ROOM, 22, color=style.tint(style.LIGHT_GREY, 0.5))
        style.box(axes, x + 90, top, BAR_ROOM * chance, 22, color=style.GREY)
        style.write(axes, x + 84, top + 11, guess.label, 13, ha="right")
        style.write(axes, x + 96 + BAR_ROOM, top + 11, f"{chance:.0%}", 13, ha="left")


MODULE = "inception3a"
TOP = 5  # guesses shown
LEAST_RADIUS, MOST_RADIUS = 3.0, 14.0  # pixels


def growing_view(
    model: GoogLeNet, info: WeightsInfo, shape: str, radius: float, seed: int = 0
) -> BranchView:
    """One object of `radius` pixels as the branches of module 3a see it. Same seed, same object."""
    middle, _ = _middle(model, info.image_size)
    image = _picture(shape, radius, info.image_size, middle, seed)
    maps = branch_maps(model, prepare(image, info)[None], MODULE)
    return BranchView(
        title=f"{shape}, radius {radius:g}",
        image=image,
        middle=(middle, middle),
        windows=branch_windows(model, MODULE),
        maps={branch: values[0].mean(0) for branch, values in maps.items()},  # (h, w)
        guesses=predict(model, info, [image], TOP)[0],
    )


def middle_distances(
    model: GoogLeNet, info: WeightsInfo, shape: str, radii: Sequence[float], seed: int = 0
) -> dict[str, list[float]]:
    """How far each branch's answer at the middle is from its answer to the last radius.

    Euclidean, over the branch's channels, relative to the length of the last answer.
    """
    middle, cell = _middle(model, info.image_size)
    pictures = [_picture(shape, radius, info.image_size, middle, seed) for radius in radii]
    batch = torch.stack([prepare(picture, info) for picture in pictures])
    distances = {}
    for branch, maps in branch_maps(model, batch, MODULE).items():
        answers = maps[:, :, cell, cell]  # (radii, channels)
        lengths = (answers - answers[-1]).norm(dim=1) / answers[-1].norm()
        distances[branch] = lengths.tolist()
    return distances


def radius_that_fills(window: Window) -> float:
    """The radius from which a circle around a branch's window covers its corners, in pixels."""
    return window.field / 2 * math.sqrt(2)


def explore_growing(model: GoogLeNet, info: WeightsInfo, seed: int = 0) -> widgets.VBox:
    """A slider that lets the object grow, and a choice of its shape. Redraws all four branches."""
    largest = growing_view(model, info, "circle", MOST_RADIUS, seed)
    highest = {branch: 1.5 * float(values.max()) for branch, values in largest.maps.items()}

    def draw(shape: str, radius: float) -> Figure:
        view = growing_view(model, info, shape, radius, seed)
        return draw_branch_view(view, highest)

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


def _middle(model: GoogLeNet, size: int) -> tuple[float, int]:
    """Return the centre of the map's middle window, in pixels, and that value's index."""
    window = branch_windows(model, MODULE)["1x1"]  # those of all branches have the same centre
    cell = (size // window.jump) // 2 - 1
    return window.centre(cell) + 0.5, cell  # from the picture's edge


def _picture(shape: str, radius: float, size: int, middle: float, seed: int) -> Tensor:
    labels, radii = torch.tensor([SHAPES.index(shape)]), torch.tensor([float(radius)])
    centres = torch.tensor([[middle, middle]])
    return draw_shapes(labels, radii, size=size, centres=centres, seed=seed)[0]
