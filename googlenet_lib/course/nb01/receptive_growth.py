"""How receptive fields grow, as figures and an explorer."""

from collections.abc import Sequence
from functools import lru_cache

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.branches import BRANCHES
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.nb01.receptive_fields import (
    DEPTHS,
    KERNELS,
    MODULES,
    SHARE,
    STRIDED,
    BranchField,
    Recording,
    Stack,
    field_after,
    mass_width,
    recorded,
    stack_gradient,
)
from googlenet_lib.network.table1 import IMAGE_SIZE

SQUARE = {"fill": False, "edgecolor": style.INK, "linewidth": 2}
SOLID, DASHED, DOTTED = "-", (0, (4, 3)), (0, (1, 1.5))
FIELD, MEASURED = "theory", "measured"


# ---- 1. Theory, in one direction -----------------------------------------------------------------


def draw_pyramids(stacks: Sequence[Sequence[tuple[int, int]]]) -> Figure:
    """Draw which values one value depends on, back through layers of (kernel, stride), in a row.

    One pyramid for each of `stacks`: on top the value, at the bottom the pixels of its field.
    """
    with style.house_style():
        figure, panels = style.chart(70 + 44 * (max(map(len, stacks)) + 1), 1, len(stacks))
        for axes, layers in zip(panels, stacks, strict=True):
            axes.set_title(_told(layers))
            axes.set(xlim=(-4, 4), ylim=(-max(map(len, stacks)) - 1, 0.3), yticks=[])
            axes.set_xticks([0], [f"{field_after(layers)[0]} pixels"], fontsize=14)
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, labelcolor=style.INK)
            _draw_pyramid(axes, layers, len(layers) - max(map(len, stacks)))
    figure.alt = _describe_pyramids(stacks)
    return figure


def _describe_pyramids(stacks: Sequence[Sequence[tuple[int, int]]]) -> str:
    """Return the alt text of `draw_pyramids`, from the same layers."""
    parts = "; ".join(f"{_told(layers)}: {field_after(layers)[0]} pixels" for layers in stacks)
    return f"Rows of cells, one value on top and at the bottom the pixels that it sees: {parts}."


def _told(layers: Sequence[tuple[int, int]]) -> str:
    return ", then ".join(
        f"{kernel}×{kernel}" + (f" in steps of {stride}" if stride > 1 else "")
        for kernel, stride in layers
    )


def _draw_pyramid(axes: Axes, layers: Sequence[tuple[int, int]], y: float) -> None:
    """Cells row by row, the value on top at the height `y`; one pixel is 1 wide."""
    spacing = field_after(layers)[1]  # pixels between neighbouring values
    above = [0.0]  # pixels from the middle of the values that count
    axes.bar(above, 0.5, 0.9, bottom=y - 0.5, color=style.INK)
    for j, (kernel, stride) in enumerate(reversed(layers), start=1):
        spacing //= stride
        taps = [(tap - (kernel - 1) / 2) * spacing for tap in range(kernel)]
        seen = sorted({at + tap for at in above for tap in taps})
        for at in above:
            for tap in taps:
                ends = [at, at + tap], [y - 0.5, y - 1]
                axes.plot(*ends, color=style.MIDDLE_GREY, linewidth=1)
        pixels = j == len(layers)
        branch = style.BRANCH_COLOURS.get(f"{kernel}x{kernel}", style.GREY)
        y -= 1
        axes.bar(seen, 0.5, 0.9, bottom=y - 0.5, color=style.MIDDLE_GREY if pixels else branch)
        above = seen


# ---- 2. A stack: theory and gradient -------------------------------------------------------------


def draw_stack(stack: Stack, gradient: Tensor, recording: Recording) -> Figure:
    """Draw where the gradient of one value lies in its field, and how both widths grow with depth.

    `gradient` is what `stack_gradient(stack)` returns.
    """
    colour = style.BRANCH_COLOURS.get(f"{stack.kernel}x{stack.kernel}", style.GREY)
    width = mass_width(gradient)
    depths = [depth for depth in DEPTHS if depth >= stack.strided]
    own = [Stack(depth, stack.kernel, stack.strided) for depth in depths]
    fields, widths = [one.field for one in own], [recording.stack_width(one) for one in own]
    with style.house_style():
        figure, (left, right) = style.chart(420, 1, 2, width_ratios=(7, 6))
        style.headline(figure, _told_stack(stack))
        _draw_window(left, gradient.numpy(), stack.field, width, colour, stack.field)
        right.set_title("pixels, over the number of layers", fontsize=14, weight="normal")
        _plot_widths(right, depths, fields, widths, colour, depths.index(stack.depth))
        right.set(xticks=list(DEPTHS), xlim=(0.5, DEPTHS[-1] + 0.5))
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


# ---- 3. GoogLeNet's branches ---------------------------------------------------------------------


def draw_branch_field(recording: Recording, module: str, branch: str) -> Figure:
    """Draw the window of a branch's value at the scale of the picture, and all modules' widths.

    The branch is one of the paper's network; its gradient was measured before training.
    """
    one, colour = recording.branch(module, branch), style.BRANCH_COLOURS[branch]
    widest = recording.branch(MODULES[-1], "5x5").window.field
    names = [name.removeprefix("inception") for name in MODULES]
    chosen = [recording.branch(name, branch) for name in MODULES]
    fields, widths = [c.window.field for c in chosen], [c.width for c in chosen]
    at = MODULES.index(module)
    with style.house_style():
        figure, (left, right) = style.chart(440, 1, 2, width_ratios=(7, 6))
        name = branch.replace("x", "×")
        style.headline(figure, f"{names[at]}, {name} branch: one value's window")
        _draw_window(left, one.map, one.window.field, one.width, colour, widest)
        _draw_square(left, IMAGE_SIZE, DOTTED)
        note = f"{left.get_xlabel()}\ndotted: the picture, {IMAGE_SIZE} pixels"
        left.set_xlabel(note)
        right.set_title(
            f"pixels, over the {name} branches of the modules", fontsize=14, weight="normal"
        )
        right.axhline(IMAGE_SIZE, color=style.INK, linestyle=DOTTED, linewidth=2)
        right.set_ylim(0, widest * 1.04)
        _plot_widths(right, range(len(MODULES)), fields, widths, colour, at)
        right.set_xticks(range(len(MODULES)), names)
    figure.alt = _describe_branch_field(recording, module, branch)
    return figure


def _describe_branch_field(recording: Recording, module: str, branch: str) -> str:
    """Return the alt text of `draw_branch_field`, from the same data."""
    one = recording.branch(module, branch)
    field = one.window.field
    against = "wider than" if one.width > IMAGE_SIZE else "inside"
    return (
        f"{module.removeprefix('inception')}, {branch.replace('x', '×')} branch: the field is "
        f"{field} pixels wide; {SHARE:.0%} of the gradient lie within {one.width:g}, "
        f"{one.width / field:.0%} of the width and {against} the picture's {IMAGE_SIZE}."
    )


def draw_branch_fields(branches: Sequence[BranchField]) -> Figure:
    """Draw several branches' gradients, each in its own field, theory solid and measured dashed."""
    with style.house_style():
        figure, panels = style.chart(300, 1, len(branches))
        for one, axes in zip(branches, panels, strict=True):
            field = one.window.field
            axes.set_title(
                f"{one.module.removeprefix('inception')}, {one.branch.replace('x', '×')} branch"
            )
            colour = style.BRANCH_COLOURS[one.branch]
            _draw_window(axes, one.map, field, one.width, colour, field)
            share = one.width / field
            text = f"field {field} pixels\n{SHARE:.0%} within {one.width:g} ({share:.0%})"
            axes.set_xlabel(text)
    figure.alt = _describe_branch_fields(branches)
    return figure


def _describe_branch_fields(branches: Sequence[BranchField]) -> str:
    """Return the alt text of `draw_branch_fields`, from the same data."""
    parts = "; ".join(
        f"{one.module.removeprefix('inception')}, {one.branch.replace('x', '×')} branch: field "
        f"{one.window.field} pixels, {SHARE:.0%} of the gradient within {one.width:g}"
        for one in branches
    )
    return f"Squares, the fields of one value, with a blob where its gradient lies. {parts}."


def _draw_window(
    axes: Axes, values: np.ndarray, field: int, width: float, colour: str, room: int
) -> None:
    """The root of a gradient in the field of a value, in the middle of `room` pixels a side.

    The root, so that its faint rim can be seen; a solid square is the field, a dashed one holds
    most of the gradient.
    """
    colours = [style.PAPER, style.tint(colour, 0.35), colour, style.INK]
    shades = LinearSegmentedColormap.from_list("blob", colours)
    half = field / 2
    axes.imshow(
        np.sqrt(values), shades, extent=(-half, half, -half, half), vmin=0, interpolation="nearest"
    )
    axes.set(xlim=(-0.51 * room, 0.51 * room), ylim=(-0.51 * room, 0.51 * room))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _draw_square(axes, field, SOLID)
    _draw_square(axes, width, DASHED)
    axes.set_xlabel(
        f"solid: field, {field} pixels     dashed: {SHARE:.0%} of the gradient, {width:g}"
    )


def _draw_square(axes: Axes, side: float, dashes: object) -> None:
    """A square in the middle, on a lighter one that sets it off."""
    corner = -side / 2, -side / 2
    halo = {"edgecolor": style.PAPER, "linewidth": 4, "alpha": 0.8}
    for look in (SQUARE | halo, SQUARE | {"linestyle": dashes}):
        axes.add_patch(Rectangle(corner, side, side, **look))


def _plot_widths(
    axes: Axes,
    xs: Sequence[float],
    fields: Sequence[float],
    widths: Sequence[float],
    colour: str,
    at: int,
) -> None:
    """Fields and measured widths with their names at their ends, rings at the number `at`."""
    ends = []
    for name, values, shade, dashes in (
        (FIELD, fields, style.GREY, "o-"),
        (MEASURED, widths, colour, "o--"),
    ):
        axes.plot(xs, values, dashes, color=shade, markersize=5)
        axes.plot([xs[at]], [values[at]], "o", color=style.INK, mfc="none", mew=2, markersize=13)
        ends.append((values[-1], f"{name}\nhere {values[at]:g}", shade))
    axes.set_ylim(0, None)
    axes.grid(axis="y", color=style.LIGHT_GREY)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    style.label_ends(axes, ends)


WIDE = widgets.Layout(width="330px")


def explore_stack(depth: int = 5, kernel: int = 3, strided: int = 0) -> widgets.VBox:
    """Sliders for the number of layers and of strided ones, and a choice of the kernel size.

    The gradient is measured anew at each movement, a tenth of a second at the most; a stack that
    was shown before is remembered. More strided layers than layers count as all of them.
    """

    def draw(depth: int, kernel: int, strided: int) -> Figure:
        stack = Stack(depth, kernel, min(strided, depth))
        gradient = _gradient(stack)
        return draw_stack(stack, gradient, recorded())

    return panel(
        draw,
        depth=widgets.IntSlider(
            value=depth, min=DEPTHS[0], max=DEPTHS[-1], description="layers", layout=WIDE
        ),
        kernel=widgets.Dropdown(options=KERNELS, value=kernel, description="kernel"),
        strided=widgets.IntSlider(
            value=strided, min=STRIDED[0], max=STRIDED[-1], description="strided"
        ),
    )


def explore_branch_fields(module: str = MODULES[0], branch: str = "5x5") -> widgets.VBox:
    """A slider through the nine modules and a choice of the branch: what one value sees there.

    Shows what is recorded of the paper's network before training.
    """

    def draw(module: str, branch: str) -> Figure:
        shown = (recorded(), module, branch)
        return draw_branch_field(*shown)

    return panel(
        draw,
        module=widgets.SelectionSlider(
            options=[(name.removeprefix("inception"), name) for name in MODULES],
            value=module,
            description="module",
            layout=WIDE,
        ),
        branch=widgets.Dropdown(options=list(BRANCHES), value=branch, description="branch"),
    )


@lru_cache(maxsize=64)  # a slider asks at every movement, and goes back and forth
def _gradient(stack: Stack) -> Tensor:
    return stack_gradient(stack)
