"""Notebook 00: an object grows in the image, and the four branches respond."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.branches import Window, branch_maps, branch_windows
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.data.shapes import SHAPES, draw_shapes
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.weights import WeightsInfo
from googlenet_lib.prediction import Prediction, predict, prepare

MODULE = "inception3a"
SIZE, MIDDLE = 32, 15.5  # pixels of an image; where the receptive fields of its middle lie
TOP = 5  # guesses shown
LEAST_RADIUS, MOST_RADIUS = 3.0, 14.0  # pixels


@dataclass(frozen=True)
class BranchView:
    """One image as a module's branches see it.

    image: uint8 (3, H, W); windows: the receptive field of each branch, around `middle` (column
    and row in pixels); maps: the mean over a branch's channels, (h, w); guesses: the network's.
    """

    title: str
    image: Tensor
    middle: tuple[float, float]
    windows: dict[str, Window]
    maps: dict[str, Tensor]
    guesses: list[Prediction]


def draw_object(shape: str, radii: Sequence[float], seed: int = 0) -> Tensor:
    """Draw one object in the middle of an image, once for each radius: uint8 (N, 3, 32, 32).

    Same seed, same object: its colours, stripes and tilt don't depend on the radius.
    """
    label, middle = torch.tensor([SHAPES.index(shape)]), torch.tensor([[MIDDLE, MIDDLE]])
    return torch.cat(
        [
            draw_shapes(label, torch.tensor([float(r)]), size=SIZE, centres=middle, seed=seed)
            for r in radii
        ]
    )


def growing_view(
    model: GoogLeNet, info: WeightsInfo, shape: str, radius: float, seed: int = 0
) -> BranchView:
    """Return one object of `radius` pixels as the branches of module 3a see it."""
    image = draw_object(shape, [radius], seed)[0]
    maps = branch_maps(model, prepare(image, info)[None], MODULE)
    return BranchView(
        title=f"{shape}, radius {radius:g}",
        image=image,
        middle=(MIDDLE, MIDDLE),
        windows=branch_windows(model, MODULE),
        maps={branch: values[0].mean(0) for branch, values in maps.items()},  # (h, w)
        guesses=predict(model, info, [image], TOP)[0],
    )


def draw_growth(views: Sequence[BranchView]) -> Figure:
    """Draw a row for each view: the image, and beside it the map of each branch.

    A branch's maps have one scale, which its title names.
    """
    highest, branches = highest_of(views), list(views[0].maps)
    with style.house_style():
        height, columns = 200 * len(views) + 30, 1 + len(branches)
        figure, rows = style.chart(height, len(views), columns, squeeze=False)
        for row, view in zip(rows, views, strict=True):
            best = view.guesses[0]
            _show_image(row[0], view)
            row[0].set_title(view.title, fontsize=13)
            row[0].set_xlabel(f"{best.label}, {best.probability:.0%}")
            for axes, branch in zip(row[1:], branches, strict=True):
                _show_map(axes, view, branch, highest[branch])
        for axes, branch in zip(rows[0][1:], branches, strict=True):
            text = f"{style.times(*branch.split('x'))}, 0 to {highest[branch]:.2f}"
            axes.set_title(text, color=style.BRANCH_COLOURS[branch], fontsize=13)
    figure.alt = _describe_growth(views, highest)
    return figure


def draw_branch_view(view: BranchView, highest: dict[str, float] | None = None) -> Figure:
    """Draw an image with the branches' receptive fields, their maps and the network's guesses.

    `highest` gives each branch's darkest value, so that several views compare; without it, it is
    the view's own.
    """
    highest = highest or highest_of([view])
    layout = [
        ["image", "image", ".", "1x1", "3x3", ".", "guesses"],
        ["image", "image", ".", "5x5", "pool", ".", "guesses"],
    ]
    with style.house_style():
        # fixed places: a slider has no time for constrained layout
        figure, _ = style.canvas(310)
        panels = figure.subplot_mosaic(
            layout,
            width_ratios=[1, 1, 0.05, 1, 1, 0.6, 0.9],
            gridspec_kw={"left": 0.01, "right": 0.99, "bottom": 0.03, "top": 0.9, "wspace": 0.08},
        )
        _show_image(panels["image"], view)
        panels["image"].set_title(view.title)
        for branch in view.maps:
            _show_map(panels[branch], view, branch, highest[branch])
            text = f"{style.times(*branch.split('x'))} branch"
            panels[branch].set_title(text, color=style.BRANCH_COLOURS[branch], fontsize=13)
        _draw_guesses(panels["guesses"], view.guesses)
    figure.alt = _describe_branch_view(view)
    return figure


def draw_changes(
    radii: Sequence[float], changes: dict[str, Sequence[float]], full: dict[str, float]
) -> Figure:
    """Plot how far each branch's output is from its output for the largest object.

    `changes` are relative, 0 being equal; `full` is the radius from which the object covers the
    branch's receptive field, drawn as a dashed line.
    """
    with style.house_style():
        figure, axes = style.chart(330)
        for branch, values in changes.items():
            dashes = "--" if branch == "pool" else "-"  # its receptive field is the 3x3 branch's
            colour, text = style.BRANCH_COLOURS[branch], style.times(*branch.split("x"))
            axes.plot(radii, values, dashes, color=colour)
            axes.text(
                min(radii) - 0.1,
                values[0],
                text,
                color=colour,
                weight="bold",
                ha="right",
                va="center",
            )
        top = axes.get_ylim()[1]
        for radius in sorted({*full.values()}):
            names = " and ".join(
                style.times(*branch.split("x")) for branch, r in full.items() if r == radius
            )
            axes.axvline(radius, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
            axes.text(radius + 0.12, top, f"{names}\ncovered", va="top", color=style.GREY)
        axes.set(
            xlim=(min(radii) - 1, max(radii)),
            ylim=(0, top),
            xlabel="radius of the object, in pixels",
            ylabel="relative change",
            title="How much each branch's output in the middle can still change",
        )
    figure.alt = _describe_changes(radii, changes, full)
    return figure


def explore_growing(model: GoogLeNet, info: WeightsInfo, seed: int = 0) -> widgets.VBox:
    """Show a slider for the object's radius, and a choice of its shape."""
    largest = growing_view(model, info, "circle", MOST_RADIUS, seed)
    highest = {branch: 1.5 * float(values.max()) for branch, values in largest.maps.items()}

    def draw(shape: str, radius: float) -> Figure:
        return draw_branch_view(growing_view(model, info, shape, radius, seed), highest)

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


def highest_of(views: Sequence[BranchView]) -> dict[str, float]:
    """Return the largest value that each branch's map reaches in any of the views."""
    return {
        branch: max(float(view.maps[branch].max()) for view in views) for branch in views[0].maps
    }


def _show_image(axes: Axes, view: BranchView) -> None:
    """Show the image, with each branch's receptive field as a square in its colour."""
    side = view.image.shape[1]
    style.picture(axes, view.image.permute(1, 2, 0))
    axes.images[0].set_extent((0, side, side, 0))
    column, row = view.middle
    for branch, window in view.windows.items():
        corner, dashed = window.field / 2, branch == "pool"  # it lies on the 3x3 branch's square
        for colour, thick in ((style.PAPER, 4), (style.BRANCH_COLOURS[branch], 2))[dashed:]:
            axes.add_patch(
                Rectangle(
                    (column - corner, row - corner),
                    window.field,
                    window.field,
                    fill=False,
                    edgecolor=colour,
                    linewidth=thick,
                    linestyle=(0, (4, 4)) if dashed else "-",
                )
            )


def _show_map(axes: Axes, view: BranchView, branch: str, highest: float) -> None:
    shades = style.branch_shades(branch)
    style.picture(axes, view.maps[branch], shades=shades, high=highest or 1)


def _draw_guesses(axes: Axes, guesses: Sequence[Prediction]) -> None:
    chances = [guess.probability for guess in guesses]
    axes.barh(range(len(guesses)), chances, color=style.GREY)
    for place, chance in enumerate(chances):
        axes.text(chance + 0.03, place, f"{chance:.0%}", va="center")
    axes.set_yticks(range(len(guesses)), [guess.label for guess in guesses])
    axes.set(xlim=(0, 1.3), ylim=(len(guesses) - 0.4, -0.6), xticks=[])
    axes.set_title("guesses", fontsize=13)
    axes.tick_params("y", length=0, labelcolor=style.INK)
    axes.spines[:].set_visible(False)


def _describe_growth(views: Sequence[BranchView], highest: dict[str, float]) -> str:
    guesses = "; ".join(
        f"{view.title}: {view.guesses[0].label} {view.guesses[0].probability:.0%}" for view in views
    )
    seen = ", ".join(f"{branch} {w.field} pixels" for branch, w in views[0].windows.items())
    scales = ", ".join(f"{branch} 0 to {value:.2f}" for branch, value in highest.items())
    return (
        f"{len(views)} rows, each an image of a growing object with nested squares, the receptive "
        f"fields of the four branches ({seen}), and the branches' maps beside it, darker for "
        f"larger activations ({scales}). The network's guesses: {guesses}."
    )


def _describe_branch_view(view: BranchView) -> str:
    guesses = ", ".join(f"{g.label} {g.probability:.0%}" for g in view.guesses)
    return f"{view.title}. An image, the maps of its four branches, and the guesses: {guesses}."


def _describe_changes(
    radii: Sequence[float], changes: dict[str, Sequence[float]], full: dict[str, float]
) -> str:
    branches = "; ".join(
        f"{branch} from {values[0]:.2f} to {values[-1]:.2f}, its receptive field covered from "
        f"radius {full[branch]:.1f}"
        for branch, values in changes.items()
    )
    return (
        f"Four lines over the object's radius, {min(radii):g} to {max(radii):g} pixels: how far "
        f"each branch's output in the middle is from that for the largest object. {branches}."
    )
