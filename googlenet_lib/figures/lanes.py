"""Four lanes over one picture: what each of them sees of it, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from googlenet_lib.figures.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    LIGHT_GREY,
    PAPER,
    WIDTH,
    axes_at,
    canvas,
    frame,
    house_style,
    lane_shades,
    page,
    px,
    spread,
    tint,
    write,
)
from googlenet_lib.lanes import Window
from googlenet_lib.predict import Prediction

# All in pixels of a page that is as wide as a README.
MARGIN, GAP, TITLE, SIDE = 14, 14, 34, 76
VIEW_HEIGHT, VIEW_PICTURE, MAP, BARS_X, BAR_ROOM = 318, 240, 112, 590, 130
CHART_HEIGHT, CHART_LEFT, CHART_TOP, CHART_WIDTH, CHART_BOTTOM = 330, 60, 40, 810, 52


@dataclass(frozen=True)
class LaneView:
    """One picture as a module's lanes see it.

    image: uint8 (3, H, W); windows: what one value of a lane sees, around `middle` (column and
    row in pixels); maps: the mean over a lane's channels, (h, w); guesses: the network's.
    """

    title: str
    image: Tensor
    middle: tuple[float, float]
    windows: dict[str, Window]
    maps: dict[str, Tensor]
    guesses: list[Prediction]


def draw_lane_view(view: LaneView, highest: dict[str, float] | None = None) -> Figure:
    """Draw a picture with the windows of the lanes, their maps and the network's guesses.

    `highest` gives each lane's darkest value, so that several views compare; without it, it is
    the view's own.
    """
    highest = highest or highest_of([view])
    with house_style():
        figure, axes = canvas(VIEW_HEIGHT)
        write(axes, MARGIN, 18, view.title, 15, ha="left", weight="bold")
        _draw_image(axes, MARGIN, TITLE, VIEW_PICTURE, view, named=True)
        for i, lane in enumerate(view.maps):
            x = MARGIN + VIEW_PICTURE + 28 + (i % 2) * (MAP + GAP)
            y = TITLE + 16 + (i // 2) * (MAP + 24)
            _draw_map(axes, x, y, MAP, lane, view.maps[lane], highest[lane])
            write(axes, x, y - 4, lane.replace("x", "×"), 13, ha="left", va="bottom",
                  color=BRANCH_COLOURS[lane], weight="bold")  # fmt: skip
        _draw_guesses(axes, BARS_X, TITLE + 16, view.guesses)
    figure.alt = _describe_lane_view(view)
    return figure


def draw_growth(views: Sequence[LaneView]) -> Figure:
    """Draw several views side by side, a column each: the picture above, its four maps below."""
    highest = highest_of(views)
    side = (WIDTH - 2 * MARGIN - SIDE - (len(views) - 1) * GAP) / len(views)
    lanes = list(views[0].maps)
    with house_style():
        figure, axes = canvas(TITLE + (len(lanes) + 1) * (side + GAP) + 22 + MARGIN)
        for lane, row in zip(["", *lanes], range(len(lanes) + 1), strict=True):
            y = TITLE + row * (side + GAP) + (22 if row else 0)
            label = f"{lane.replace('x', '×')}\nlane" if lane else "picture"
            write(axes, MARGIN, y + side / 2, label, 14, ha="left", weight="bold",
                  color=BRANCH_COLOURS.get(lane, INK))  # fmt: skip
            for column, view in enumerate(views):
                x = MARGIN + SIDE + column * (side + GAP)
                if lane:
                    _draw_map(axes, x, y, side, lane, view.maps[lane], highest[lane])
                    continue
                write(axes, x + side / 2, y - 8, view.title, 13, va="bottom", weight="bold")
                _draw_image(axes, x, y, side, view)
                best = view.guesses[0]
                text = f"{best.label} {best.probability:.0%}"
                write(axes, x + side / 2, y + side + 5, text, 13, va="top")
    figure.alt = _describe_growth(views)
    return figure


def _describe_growth(views: Sequence[LaneView]) -> str:
    """Return the alt text of `draw_growth`, from the same views."""
    guesses = "; ".join(
        f"{view.title}: {view.guesses[0].label} {view.guesses[0].probability:.0%}" for view in views
    )
    seen = ", ".join(f"{lane} {w.field} pixels" for lane, w in views[0].windows.items())
    return (
        f"{len(views)} columns, a picture of a growing object in each, with nested squares that "
        f"show what one value of each lane sees: {seen}. Below each, the mean map of the four "
        f"lanes, darker where the lane answers more. The network's guesses: {guesses}."
    )


def _describe_lane_view(view: LaneView) -> str:
    """Return the alt text of `draw_lane_view`."""
    guesses = ", ".join(f"{g.label} {g.probability:.0%}" for g in view.guesses)
    return f"{view.title}. One picture, the maps of its four lanes, and the guesses: {guesses}."


def draw_distances(
    radii: Sequence[float], distances: dict[str, Sequence[float]], full: dict[str, float]
) -> Figure:
    """Plot, for each lane, how far its middle answer is from its last one, over the radius.

    `distances` are relative, 0 being equal; `full` is the radius from which the object fills the
    lane's window, drawn as a dashed line.
    """
    with house_style():
        figure = page(CHART_HEIGHT)
        height = CHART_HEIGHT - CHART_TOP - CHART_BOTTOM
        axes = axes_at(figure, CHART_LEFT, CHART_TOP, CHART_WIDTH, height)
        axes.set(xlabel="radius of the object, pixels", ylabel="distance to the last answer",
                 title="The middle answer of each lane, until the object fills its window",
                 xlim=(min(radii) - 0.9, max(radii)))  # fmt: skip
        for radius, lanes in _by_radius(full).items():
            axes.axvline(radius, color=GREY, linewidth=px(1.2), linestyle=(0, (4, 3)), zorder=0.5)
            text = " and ".join(lane.replace("x", "×") for lane in lanes) + "\nfilled"
            axes.text(radius + 0.12, 0.98, text, transform=axes.get_xaxis_transform(), va="top",
                      fontsize=px(12), color=GREY)  # fmt: skip
        for lane, values in distances.items():
            style = "--" if lane == "pool" else "-"  # it shares its window with the 3x3 lane
            axes.plot(radii, values, style, color=BRANCH_COLOURS[lane], linewidth=px(2.6), gid=lane)
        top = 1.05 * max(max(values) for values in distances.values())
        axes.set_ylim(0, top)
        starts = [values[0] / top * height for values in distances.values()]
        for lane, y in zip(distances, spread(starts, [16] * len(starts)), strict=True):
            axes.annotate(lane.replace("x", "×"), (min(radii), y / height),
                          xycoords=("data", "axes fraction"), xytext=(-px(5), 0), ha="right",
                          va="center", textcoords="offset points", fontsize=px(13), weight="bold",
                          color=BRANCH_COLOURS[lane])  # fmt: skip
    figure.alt = _describe_distances(radii, distances, full)
    return figure


def _describe_distances(
    radii: Sequence[float], distances: dict[str, Sequence[float]], full: dict[str, float]
) -> str:
    """Return the alt text of `draw_distances`, from the same data."""
    lanes = "; ".join(
        f"{lane} from {values[0]:.2f} to {values[-1]:.2f}, its window filled from radius "
        f"{full[lane]:.1f}"
        for lane, values in distances.items()
    )
    return (
        f"Four lines over the object's radius, {min(radii):g} to {max(radii):g} pixels: how far "
        f"each lane's middle answer is from its answer to the largest object. {lanes}."
    )


def highest_of(views: Sequence[LaneView]) -> dict[str, float]:
    """The largest value that each lane's map reaches in any of the views."""
    return {lane: max(float(view.maps[lane].max()) for view in views) for lane in views[0].maps}


def _by_radius(full: dict[str, float]) -> dict[float, list[str]]:
    groups: dict[float, list[str]] = {}
    for lane, radius in full.items():
        groups.setdefault(radius, []).append(lane)
    return groups


def _draw_image(
    axes: Axes, x: float, y: float, side: float, view: LaneView, named: bool = False
) -> None:
    pixels = view.image.permute(1, 2, 0).numpy()  # (H, W, 3)
    axes.imshow(pixels, extent=(x, x + side, y + side, y), interpolation="nearest",
                aspect="auto")  # fmt: skip
    scale = side / pixels.shape[0]
    for lane, window in view.windows.items():
        left, top = (x + (view.middle[0] - window.field / 2) * scale,
                     y + (view.middle[1] - window.field / 2) * scale)  # fmt: skip
        dashed = lane == "pool"  # on top of the 3x3 lane's square, which is as wide
        for width, colour in ((4, PAPER), (2, BRANCH_COLOURS[lane])):
            if dashed and colour == PAPER:
                continue
            style = (0, (4, 4)) if dashed else "-"
            box = Rectangle((left, top), window.field * scale, window.field * scale, fill=False,
                            edgecolor=colour, linewidth=px(width), linestyle=style)  # fmt: skip
            box.set_gid(f"window.{lane}" if colour != PAPER else None)
            axes.add_patch(box)
    frame(axes, x, y, side)
    if named:
        sizes = sorted((window.field, lane) for lane, window in view.windows.items())
        seen = ", ".join(f"{lane.replace('x', '×')} {field}" for field, lane in sizes)
        write(axes, x, y + side + 6, f"pixels a side that one value\nsees: {seen}", 12, ha="left",
              va="top")  # fmt: skip


def _draw_map(
    axes: Axes, x: float, y: float, side: float, lane: str, values: Tensor, highest: float
) -> None:
    axes.imshow(values.numpy(), extent=(x, x + side, y + side, y), cmap=lane_shades(lane), vmin=0,
                vmax=highest or 1, interpolation="nearest", aspect="auto")  # fmt: skip
    frame(axes, x, y, side)


def _draw_guesses(axes: Axes, x: float, y: float, guesses: Sequence[Prediction]) -> None:
    write(axes, x, y - 12, "what the whole network says", 13, ha="left", weight="bold")
    for guess, top in zip(guesses, np.arange(y + 4, y + 300, 38), strict=False):
        axes.add_patch(Rectangle((x + 90, top), BAR_ROOM, 22, color=tint(LIGHT_GREY, 0.5)))
        bar = Rectangle((x + 90, top), BAR_ROOM * guess.probability, 22, color=GREY)
        bar.set_gid(f"guess.{guess.label}")
        axes.add_patch(bar)
        write(axes, x + 84, top + 11, guess.label, 13, ha="right")
        write(axes, x + 96 + BAR_ROOM, top + 11, f"{guess.probability:.0%}", 13, ha="left")
