"""How the window of one value grows: layer by layer in theory, and where its gradient lies."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from googlenet_lib.figures.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    PAPER,
    WIDTH,
    axes_at,
    canvas,
    house_style,
    px,
    spread,
    tint,
    write,
)
from googlenet_lib.paper import IMAGE_SIZE
from googlenet_lib.receptive_fields import (
    DEPTHS,
    MODULES,
    SHARE,
    LaneField,
    Recording,
    Stack,
    field_behind,
    mass_width,
)

# All in pixels of a page that is as wide as a README.
MARGIN, TITLE, HEIGHT, ROOM = 14, 44, 420, 330
CHART_LEFT, CHART_WIDTH, CHART_TOP, CHART_BOTTOM = 440, 318, 62, 60
PYRAMID_ROW, PYRAMID_HEIGHT = 44, 20
FIELD, MEASURED = "theory", "measured"


# ---- 1. Theory, in one direction -----------------------------------------------------------------


def draw_pyramids(stacks: Sequence[Sequence[tuple[int, int]]]) -> Figure:
    """Draw which values one value depends on, back through layers of (kernel, stride), in a row.

    One pyramid for each of `stacks`: on top the value, at the bottom the pixels of its field.
    """
    deepest = max(map(len, stacks))
    step = (WIDTH - 2 * MARGIN) / len(stacks)
    cell = min(26, (step - 40) / max(field_behind(layers)[0] for layers in stacks))
    with house_style():
        figure, axes = canvas(TITLE + PYRAMID_ROW * (deepest + 1) + 34)
        for i, layers in enumerate(stacks):
            _draw_pyramid(axes, MARGIN + i * step, cell, layers, i, deepest)
    figure.alt = _describe_pyramids(stacks)
    return figure


def _describe_pyramids(stacks: Sequence[Sequence[tuple[int, int]]]) -> str:
    """Return the alt text of `draw_pyramids`, from the same layers."""
    parts = "; ".join(f"{_told(layers)}: {field_behind(layers)[0]} pixels" for layers in stacks)
    return f"Rows of cells, one value on top and at the bottom the pixels that it sees: {parts}."


def _told(layers: Sequence[tuple[int, int]]) -> str:
    return ", then ".join(
        f"{kernel}×{kernel}" + (f" in steps of {stride}" if stride > 1 else "")
        for kernel, stride in layers
    )


def _draw_pyramid(
    axes: Axes, x: float, cell: float, layers: Sequence[tuple[int, int]], i: int, deepest: int
) -> None:
    field, _ = field_behind(layers)
    write(axes, x, 22, _told(layers), 15, ha="left", weight="bold")
    middle = x + max(field * cell, 40) / 2
    spacing = field_behind(layers)[1]  # pixels between neighbouring values
    above = [0.0]  # pixels from the middle of the values that count
    y = TITLE + PYRAMID_ROW * (deepest - len(layers))
    _draw_cells(axes, [middle], y, cell, INK, f"pyramid.{i}.0")
    for j, (kernel, stride) in enumerate(reversed(layers)):
        spacing //= stride
        taps = [(tap - (kernel - 1) / 2) * spacing for tap in range(kernel)]
        seen = sorted({at + tap for at in above for tap in taps})
        y += PYRAMID_ROW
        for at in above:
            for tap in (taps[0], taps[-1]):
                ends = [middle + at * cell, middle + (at + tap) * cell]
                heights = [y - PYRAMID_ROW + PYRAMID_HEIGHT, y]
                axes.plot(ends, heights, color=MIDDLE_GREY, linewidth=px(1))
        last = j == len(layers) - 1
        shade = MIDDLE_GREY if last else BRANCH_COLOURS.get(f"{kernel}x{kernel}", GREY)
        centres = [middle + at * cell for at in seen]
        _draw_cells(axes, centres, y, cell, shade, f"pyramid.{i}.{j + 1}")
        above = seen
    write(axes, x, y + PYRAMID_HEIGHT + 18, f"{field} pixels", 14, ha="left")


def _draw_cells(
    axes: Axes, centres: Sequence[float], y: float, cell: float, shade: str, gid: str
) -> None:
    for centre in centres:
        box = Rectangle((centre - cell / 2 + 1, y), cell - 2, PYRAMID_HEIGHT, facecolor=shade,
                        linewidth=0, gid=gid)  # fmt: skip
        axes.add_patch(box)


# ---- 2. A stack: theory and gradient -------------------------------------------------------------


def draw_stack(stack: Stack, gradient: Tensor, recording: Recording) -> Figure:
    """Draw where the gradient of one value lies in its field, and how both widths grow with depth.

    `gradient` is what `stack_gradient(stack)` returns.
    """
    lane = f"{stack.kernel}x{stack.kernel}"
    colour = BRANCH_COLOURS.get(lane, GREY)
    width = mass_width(gradient)
    with house_style():
        figure, axes = canvas(HEIGHT)
        write(axes, MARGIN, 24, _told_stack(stack), 17, ha="left", weight="bold")
        scale = ROOM / stack.field
        _draw_blob(axes, MARGIN, TITLE, ROOM, gradient.numpy(), colour)
        _draw_window(axes, MARGIN, TITLE, ROOM, stack.field * scale, INK, "-", FIELD)
        _draw_window(axes, MARGIN, TITLE, ROOM, width * scale, INK, (0, (4, 3)), MEASURED)
        _draw_key(axes, stack.field, width)
        depths = [d for d in DEPTHS if d >= stack.strided]
        own = [Stack(d, stack.kernel, stack.strided) for d in depths]
        lines = {
            FIELD: ([one.field for one in own], GREY, "o-"),
            MEASURED: ([recording.stack_width(one) for one in own], colour, "o--"),
        }
        chart = _chart(figure, "pixels, over the number of layers")
        _plot_lines(chart, depths, lines, depths.index(stack.depth))
        chart.set(xticks=list(DEPTHS), xlim=(0.5, DEPTHS[-1] + 0.5))
    figure.alt = _describe_stack(stack, gradient)
    return figure


def _describe_stack(stack: Stack, gradient: Tensor) -> str:
    """Return the alt text of `draw_stack`, from the same data."""
    width = mass_width(gradient)
    return (
        f"{_told_stack(stack)}: the field is {stack.field} pixels wide, {SHARE:.0%} of the "
        f"gradient lie within {width:g}, {width / stack.field:.0%} of the width."
    )


def _told_stack(stack: Stack) -> str:
    text = f"{stack.depth} layer{'s' if stack.depth > 1 else ''} of {stack.kernel}×{stack.kernel}"
    return text + (f", {stack.strided} with stride 2" if stack.strided else "")


# ---- 3. GoogLeNet's lanes ------------------------------------------------------------------------


def draw_lane_field(recording: Recording, module: str, lane: str) -> Figure:
    """Draw the window of one value of a lane at the scale of the picture, and all modules' widths.

    The lane is one of the paper's network; its gradient was measured before training.
    """
    one = recording.lane(module, lane)
    colour = BRANCH_COLOURS[lane]
    widest = recording.lane(MODULES[-1], "5x5").window.field
    scale = ROOM / widest
    field, width = one.window.field, one.width
    with house_style():
        figure, axes = canvas(HEIGHT)
        name = module.removeprefix("inception")
        write(axes, MARGIN, 24, f"{name}, {lane.replace('x', '×')} lane: one value's window", 17,
              ha="left", weight="bold")  # fmt: skip
        left = MARGIN + (ROOM - field * scale) / 2
        top = TITLE + (ROOM - field * scale) / 2
        _draw_blob(axes, left, top, field * scale, one.map, colour)
        picture = IMAGE_SIZE * scale
        _draw_window(axes, MARGIN, TITLE, ROOM, picture, INK, (0, (1, 1.5)), "picture")
        _draw_window(axes, MARGIN, TITLE, ROOM, field * scale, INK, "-", FIELD)
        _draw_window(axes, MARGIN, TITLE, ROOM, width * scale, INK, (0, (4, 3)), MEASURED)
        _draw_key(axes, field, width, picture=True)
        chosen = [recording.lane(m, lane) for m in MODULES]
        lines = {
            FIELD: ([c.window.field for c in chosen], GREY, "o-"),
            MEASURED: ([c.width for c in chosen], colour, "o--"),
        }
        chart = _chart(figure, f"pixels, over the {lane.replace('x', '×')} lanes of the modules")
        chart.axhline(IMAGE_SIZE, color=INK, linestyle=(0, (1, 1.5)),
                      linewidth=px(2), gid="picture.line")  # fmt: skip
        chart.set(ylim=(0, widest * 1.04))
        _plot_lines(chart, range(len(MODULES)), lines, MODULES.index(module))
        chart.set_xticks(range(len(MODULES)), [m.removeprefix("inception") for m in MODULES])
    figure.alt = _describe_lane_field(recording, module, lane)
    return figure


def _describe_lane_field(recording: Recording, module: str, lane: str) -> str:
    """Return the alt text of `draw_lane_field`, from the same data."""
    one = recording.lane(module, lane)
    field = one.window.field
    against = "wider than" if one.width > IMAGE_SIZE else "inside"
    return (
        f"{module.removeprefix('inception')}, {lane.replace('x', '×')} lane: the field is {field} "
        f"pixels wide; {SHARE:.0%} of the gradient lie within {one.width:g}, "
        f"{one.width / field:.0%} of the width and {against} the picture's {IMAGE_SIZE}."
    )


def draw_lane_fields(lanes: Sequence[LaneField]) -> Figure:
    """Draw several lanes' gradients, each in its own field, theory solid and measured dashed."""
    gap = 22
    side = (WIDTH - 2 * MARGIN - gap * (len(lanes) - 1)) / len(lanes)
    with house_style():
        figure, axes = canvas(TITLE + side + 56)
        for i, one in enumerate(lanes):
            x = MARGIN + i * (side + gap)
            name = f"{one.module.removeprefix('inception')}, {one.lane.replace('x', '×')} lane"
            write(axes, x, 24, name, 15, ha="left", weight="bold")
            _draw_blob(axes, x, TITLE, side, one.map, BRANCH_COLOURS[one.lane])
            scale = side / one.window.field
            _draw_window(axes, x, TITLE, side, side, INK, "-", f"{FIELD}.{i}")
            _draw_window(axes, x, TITLE, side, one.width * scale, INK, (0, (4, 3)),
                         f"{MEASURED}.{i}")  # fmt: skip
            share = one.width / one.window.field
            text = (
                f"field {one.window.field} pixels\n{SHARE:.0%} within {one.width:g} ({share:.0%})"
            )
            write(axes, x, TITLE + side + 26, text, 13, ha="left")
    figure.alt = _describe_lane_fields(lanes)
    return figure


def _describe_lane_fields(lanes: Sequence[LaneField]) -> str:
    """Return the alt text of `draw_lane_fields`, from the same data."""
    parts = "; ".join(
        f"{one.module.removeprefix('inception')}, {one.lane.replace('x', '×')} lane: field "
        f"{one.window.field} pixels, {SHARE:.0%} of the gradient within {one.width:g}"
        for one in lanes
    )
    return f"Squares, the fields of one value, with a blob where its gradient lies. {parts}."


def _draw_blob(
    axes: Axes, x: float, y: float, side: float, values: np.ndarray, colour: str
) -> None:
    """The root of the gradient, so that its faint rim can be seen, white for none."""
    shades = LinearSegmentedColormap.from_list("blob", [PAPER, tint(colour, 0.35), colour, INK])
    image = axes.imshow(np.sqrt(values), extent=(x, x + side, y + side, y), cmap=shades, vmin=0,
                        interpolation="nearest", aspect="auto")  # fmt: skip
    image.set_gid("blob")


def _draw_window(
    axes: Axes, x: float, y: float, room: float, side: float, colour: str, style: object, gid: str
) -> None:
    """A square of `side` in the middle of one of `room`, on a lighter one that sets it off."""
    shift = (room - side) / 2
    halo = Rectangle((x + shift, y + shift), side, side, fill=False, edgecolor=PAPER,
                     linewidth=px(4), alpha=0.8)  # fmt: skip
    axes.add_patch(halo)
    box = Rectangle((x + shift, y + shift), side, side, fill=False, edgecolor=colour,
                    linewidth=px(2), linestyle=style, gid=gid)  # fmt: skip
    axes.add_patch(box)


def _draw_key(axes: Axes, field: int, width: float, picture: bool = False) -> None:
    text = f"solid: field, {field} pixels     dashed: {SHARE:.0%} of the gradient, {width:g}"
    write(axes, MARGIN, TITLE + ROOM + 16, text, 13, ha="left")
    if picture:
        write(axes, MARGIN, TITLE + ROOM + 34, f"dotted: the picture, {IMAGE_SIZE} pixels", 13,
              ha="left", color=GREY)  # fmt: skip


def _chart(figure: Figure, title: str) -> Axes:
    axes = axes_at(figure, CHART_LEFT, CHART_TOP, CHART_WIDTH, HEIGHT - CHART_TOP - CHART_BOTTOM)
    axes.set_title(title, fontsize=px(14), fontweight="normal")
    axes.grid(axis="y", color=LIGHT_GREY, linewidth=px(1))
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def _plot_lines(
    axes: Axes, xs: Sequence[float], lines: dict[str, tuple[list, str, str]], at: int
) -> None:
    """Lines with their names at their ends, and rings around the values at number `at`."""
    for name, (values, colour, style) in lines.items():
        axes.plot(xs, values, style, color=colour, linewidth=px(2), markersize=px(5), gid=name)
        axes.plot([xs[at]], [values[at]], "o", markersize=px(13), markerfacecolor="none",
                  markeredgecolor=INK, markeredgewidth=px(2), gid=f"{name}.ring")  # fmt: skip
    axes.set_ylim(0, None)
    top = axes.get_ylim()[1]
    room = HEIGHT - CHART_TOP - CHART_BOTTOM
    ends = spread([values[-1] / top * room for values, *_ in lines.values()], [36] * len(lines))
    for y, (name, (values, colour, _)) in zip(ends, lines.items(), strict=True):
        axes.annotate(f"{name}\nhere {values[at]:g}", (1, y / room), xycoords="axes fraction",
                      xytext=(px(8), 0), textcoords="offset points", va="center",
                      fontsize=px(13), color=colour, linespacing=1.1)  # fmt: skip
