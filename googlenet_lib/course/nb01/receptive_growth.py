"""How receptive fields grow, in theory and measured, as figures and explorers."""

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

SOLID, DASHED, DOTTED = "-", (0, (4, 3)), (0, (1, 1.5))
NAMES = [module.removeprefix("inception") for module in MODULES]
WIDE = widgets.Layout(width="330px")


# ---- 1. Theory, in one direction -----------------------------------------------------------------


def draw_pyramids(stacks: Sequence[Sequence[tuple[int, int]]]) -> Figure:
    """Draw which outputs one output depends on, back through layers of (kernel, stride), in a row.

    One pyramid for each of `stacks`: on top the output, at the bottom the pixels of its field.
    """
    names = [_tell_layers(layers) for layers in stacks]
    fields = [f"{field_after(layers)[0]} pixels" for layers in stacks]
    most = max(map(len, stacks))
    half = max(4, *(field_after(layers)[0] / 2 + 0.5 for layers in stacks))
    with style.house_style():
        figure, panels = style.chart(70 + 44 * (most + 1), 1, len(stacks), squeeze=False)
        for axes, layers, name, field in zip(panels[0], stacks, names, fields, strict=True):
            axes.set_title(name)
            axes.set(xlim=(-half, half), ylim=(-most - 1, 0.3), yticks=[])
            axes.set_xticks([0], [field], fontsize=14)
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, labelcolor=style.INK)
            _draw_pyramid(axes, layers, len(layers) - most)
    told = "; ".join(f"{name}: {field}" for name, field in zip(names, fields, strict=True))
    figure.alt = f"Rows of cells, one output on top and at the bottom the pixels it sees: {told}."
    return figure


def _tell_layers(layers: Sequence[tuple[int, int]]) -> str:
    return ", then ".join(
        f"{kernel}×{kernel}" + (f", stride {stride}" if stride > 1 else "")
        for kernel, stride in layers
    )


def _draw_pyramid(axes: Axes, layers: Sequence[tuple[int, int]], y: float) -> None:
    """Draw cells row by row, the output on top at the height `y`; one pixel is 1 wide."""
    spacing = field_after(layers)[1]  # pixels between neighbouring outputs
    above = [0.0]  # pixels from the middle of the outputs that count
    axes.bar(above, 0.5, 0.9, bottom=y - 0.5, color=style.INK)
    for j, (kernel, stride) in enumerate(reversed(layers), start=1):
        spacing //= stride
        steps = [(step - (kernel - 1) / 2) * spacing for step in range(kernel)]
        seen = sorted({at + step for at in above for step in steps})
        for at in above:
            for step in steps:
                ends = [at, at + step], [y - 0.5, y - 1]
                axes.plot(*ends, color=style.MIDDLE_GREY, linewidth=1)
        branch = style.BRANCH_COLOURS.get(f"{kernel}x{kernel}", style.GREY)
        y -= 1
        last = j == len(layers)  # the pixels
        axes.bar(seen, 0.5, 0.9, bottom=y - 0.5, color=style.MIDDLE_GREY if last else branch)
        above = seen


# ---- 2. A stack: theory and gradient -------------------------------------------------------------


def draw_stack(stack: Stack, gradient: Tensor, recording: Recording) -> Figure:
    """Draw where the gradient of one output lies in its field, and both widths over the depth.

    `gradient` is what `stack_gradient(stack)` returns.
    """
    recording.stack_width(stack)  # refuses one that was not recorded
    colour = style.BRANCH_COLOURS.get(f"{stack.kernel}x{stack.kernel}", style.GREY)
    width = mass_width(gradient)
    depths = [depth for depth in DEPTHS if depth >= stack.strided]
    own = [Stack(depth, stack.kernel, stack.strided) for depth in depths]
    widths = [recording.stack_width(one) for one in own]
    title = f"{stack.depth} layer{'s' * (stack.depth > 1)} of {stack.kernel}×{stack.kernel}"
    title += f", {stack.strided} with stride 2" if stack.strided else ""
    with style.house_style():
        figure, (left, right) = style.chart(420, 1, 2, width_ratios=(7, 6))
        style.headline(figure, title)
        _draw_field(left, gradient.numpy(), stack.field, width, colour, stack.field)
        fields = [one.field for one in own]
        _plot_widths(right, depths, fields, widths, colour, depths.index(stack.depth))
        right.set(xlabel="number of layers", xticks=list(DEPTHS), xlim=(0.5, DEPTHS[-1] + 0.5))
    figure.alt = (
        f"{title}: the field is {stack.field} pixels wide, {SHARE:.0%} of the gradient lies within "
        f"{width:g}, {width / stack.field:.0%} of the width. On the right, from {depths[0]} to "
        f"{depths[-1]} layers: theory {fields[0]} to {fields[-1]} pixels, measured "
        f"{widths[0]:g} to {widths[-1]:g}."
    )
    return figure


# ---- 3. GoogLeNet's branches ---------------------------------------------------------------------


def draw_branch_field(recording: Recording, module: str, branch: str) -> Figure:
    """Draw the field of a branch at the scale of the image, and the widths in all modules.

    The branch is one of the paper's network; its gradient was measured before training.
    """
    one, colour = recording.branch(module, branch), style.BRANCH_COLOURS[branch]
    widest = recording.branch(MODULES[-1], "5x5").window.field
    branches = [recording.branch(name, branch) for name in MODULES]
    with style.house_style():
        figure, (left, right) = style.chart(440, 1, 2, width_ratios=(7, 6))
        style.headline(figure, f"{_tell_branch(one)}: what one output sees")
        _draw_field(left, one.map, one.window.field, one.width, colour, widest)
        _draw_square(left, IMAGE_SIZE, DOTTED)
        left.set_xlabel(f"{left.get_xlabel()}\ndotted: the image, {IMAGE_SIZE} pixels")
        right.axhline(IMAGE_SIZE, color=style.INK, linestyle=DOTTED, linewidth=2)
        _plot_widths(
            right,
            range(len(MODULES)),
            [found.window.field for found in branches],
            [found.width for found in branches],
            colour,
            MODULES.index(module),
            top=widest * 1.04,
        )
        right.set_xticks(range(len(MODULES)), NAMES)
        right.set_xlabel("module")
    against = "wider than" if one.width > IMAGE_SIZE else "inside"
    figure.alt = f"{_tell_widths(one)}, {against} the image's {IMAGE_SIZE}."
    return figure


def draw_branch_fields(branches: Sequence[BranchField]) -> Figure:
    """Draw several branches' gradients, each in its own field, theory solid and measured dashed."""
    with style.house_style():
        figure, panels = style.chart(330, 1, len(branches), squeeze=False)
        for one, axes in zip(branches, panels[0], strict=True):
            field = one.window.field
            axes.set_title(_tell_branch(one))
            colour = style.BRANCH_COLOURS[one.branch]
            _draw_field(axes, one.map, field, one.width, colour, field)
            text = f"field {field} pixels\n{SHARE:.0%} within {one.width:g}"
            if field > IMAGE_SIZE:
                _draw_square(axes, IMAGE_SIZE, DOTTED)
                text += f"\nimage {IMAGE_SIZE}"
            axes.set_xlabel(text)
        text = (
            "solid: field; dashed: 90% of the gradient; dotted: image; each panel to its own scale"
        )
        style.footnote(figure, text)
    told = "; ".join(map(_tell_widths, branches))
    figure.alt = f"Squares, the fields of one output, with a blob where its gradient lies. {told}."
    return figure


def _tell_branch(one: BranchField) -> str:
    return f"{one.module.removeprefix('inception')}, {one.branch.replace('x', '×')} branch"


def _tell_widths(one: BranchField) -> str:
    field = one.window.field
    return (
        f"{_tell_branch(one)}: the field is {field} pixels wide, {SHARE:.0%} of the gradient lies "
        f"within {one.width:g} ({one.width / field:.0%})"
    )


def _draw_field(
    axes: Axes, values: np.ndarray, field: int, width: float, colour: str, room: int
) -> None:
    """Draw the root of a gradient in its field, in the middle of `room` pixels a side.

    The root, so that its faint border can be seen; a solid square is the field, a dashed one holds
    most of the gradient.
    """
    colours = [style.PAPER, style.tint(colour, 0.35), colour, style.INK]
    shades = LinearSegmentedColormap.from_list("blob", colours)
    half, reach = field / 2, 0.51 * room
    extent = (-half, half, -half, half)
    axes.imshow(np.sqrt(values), shades, extent=extent, vmin=0, interpolation="nearest")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _draw_square(axes, field, SOLID)
    _draw_square(axes, width, DASHED)
    text = f"solid: field, {field} pixels     dashed: {SHARE:.0%} of the gradient, {width:g}"
    axes.set_xlabel(text)


def _draw_square(axes: Axes, side: float, dashes: object) -> None:
    """Draw a square in the middle, on a lighter one that sets it off."""
    corner = -side / 2, -side / 2
    for look in (
        {"edgecolor": style.PAPER, "linewidth": 4, "alpha": 0.8},
        {"edgecolor": style.INK, "linewidth": 2, "linestyle": dashes},
    ):
        axes.add_patch(Rectangle(corner, side, side, fill=False, **look))


def _plot_widths(
    axes: Axes,
    xs: Sequence[float],
    fields: Sequence[float],
    widths: Sequence[float],
    colour: str,
    at: int,
    top: float | None = None,
) -> None:
    """Plot fields and measured widths with their names at their ends, rings at the number `at`."""
    ends = []
    for name, values, shade, dashes in (
        ("theory", fields, style.GREY, "o-"),
        ("measured", widths, colour, "o--"),
    ):
        axes.plot(xs, values, dashes, color=shade, markersize=5)
        axes.plot([xs[at]], [values[at]], "o", color=style.INK, mfc="none", mew=2, markersize=13)
        ends.append((values[-1], f"{name}\nhere {values[at]:g}", shade))
    axes.set_ylim(0, top)
    axes.set_ylabel("width in pixels")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=style.LIGHT_GREY)
    style.label_ends(axes, ends)


# ---- 4. Explorers --------------------------------------------------------------------------------


def explore_stack(depth: int = 5, kernel: int = 3, strided: int = 0) -> widgets.VBox:
    """Show a stack of so many layers, the first ones strided; more than there are count as all.

    The gradient is measured at each movement; a stack that was shown before is remembered.
    """

    def draw(depth: int, kernel: int, strided: int) -> Figure:
        stack = Stack(depth, kernel, min(strided, depth))
        return draw_stack(stack, _gradient(stack), recorded())

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
    """Show what a branch of any module sees, as recorded of the paper's network, untrained."""

    def draw(module: str, branch: str) -> Figure:
        return draw_branch_field(recorded(), module, branch)

    return panel(
        draw,
        module=widgets.SelectionSlider(
            options=[*zip(NAMES, MODULES, strict=True)],
            value=module,
            description="module",
            layout=WIDE,
        ),
        branch=widgets.Dropdown(options=list(BRANCHES), value=branch, description="branch"),
    )


@lru_cache(maxsize=64)  # a slider asks at every movement, and goes back and forth
def _gradient(stack: Stack) -> Tensor:
    return stack_gradient(stack)
