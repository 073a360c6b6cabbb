"""Lesson 02: what a 1x1 of any width costs before a large kernel, and what it can keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import MODULES, TABLE_1, conv_macs, conv_params, find_module


@dataclass(frozen=True)
class Bottleneck:
    """A large kernel of an Inception module, after a 1x1 whose width one may choose.

    `width` is that of Table 1; `size` is the map's, in pixels a side. Biases are not counted.
    """

    name: str
    in_channels: int
    width: int
    out_channels: int
    kernel: int
    size: int

    @property
    def direct_params(self) -> int:
        """Count the weights of the large kernel on all channels, with no 1x1 before it."""
        return conv_params(self.in_channels, self.out_channels, self.kernel)

    @property
    def direct_macs(self) -> int:
        """Count the multiply-adds of the large kernel on all channels, for one image."""
        return conv_macs(self.in_channels, self.out_channels, self.kernel, self.size)

    @property
    def break_even(self) -> float:
        """Work out the width from which the 1x1 costs more than it saves."""
        large = self.kernel**2 * self.out_channels
        return large * self.in_channels / (self.in_channels + large)

    def params(self, width: int) -> tuple[int, int]:
        """Count the weights of a 1x1 to `width` channels, and of the kernel after it."""
        return (
            conv_params(self.in_channels, width, 1),
            conv_params(width, self.out_channels, self.kernel),
        )

    def macs(self, width: int) -> tuple[int, int]:
        """Count the multiply-adds of a 1x1 to `width` channels, and of the kernel after it."""
        reduction, large = self.params(width)
        return reduction * self.size**2, large * self.size**2


def bottleneck(module: str = "inception3a", kernel: int = 5) -> Bottleneck:
    """Return the 5x5 branch of a module of Table 1, or its 3x3 branch with `kernel=3`."""
    assert kernel in (3, 5), "a module has a 3x3 and a 5x5 branch"
    row = find_module(module)
    before, widths = TABLE_1[TABLE_1.index(row) - 1], row.widths
    reduce, out = {
        3: (widths.reduce_3x3, widths.out_3x3),
        5: (widths.reduce_5x5, widths.out_5x5),
    }[kernel]
    return Bottleneck(module, before.channels, reduce, out, kernel, row.size)


# ---- the dial ------------------------------------------------------------------------------------


def draw_dial(branch: Bottleneck, width: int) -> Figure:
    """Draw the cost of a branch direct and through a 1x1 of `width` channels.

    On the left bars of multiply-adds and of weights; on the right the cost over the width, with
    the break-even. Raises UsageError for a width that the branch cannot have.
    """
    if not 1 <= width <= branch.in_channels:
        raise UsageError(
            f"a 1x1 of width {width} came; expected 1 to {branch.in_channels}, the channels that "
            f"enter {branch.name}"
        )
    kernel = f"{branch.kernel}×{branch.kernel}"
    name = f"Module {branch.name.removeprefix('inception')}, {kernel} branch"
    colour = style.BRANCH_COLOURS[kernel.replace("×", "x")]
    direct, parts = branch.direct_macs, branch.macs(width)
    with style.house_style():
        figure, (bars, costs) = style.chart(330, 1, 2, width_ratios=(5, 4))
        style.headline(
            figure, f"{name}: {branch.in_channels} channels through a 1×1 of r = {width}"
        )
        _draw_bars(bars, branch, width, colour)
        _draw_costs(costs, branch, width, colour)
    figure.alt = (
        f"{name} with a 1×1 of r = {width} before it: {parts[0]:,} + {parts[1]:,} = "
        f"{sum(parts):,} multiply-adds against {direct:,} direct, {_factor(direct, sum(parts))}; "
        f"{sum(branch.params(width)):,} weights against {branch.direct_params:,}. Break-even at "
        f"r = {branch.break_even:.1f}; Table 1 has {branch.width}."
    )
    return figure


def _factor(direct: int, reduced: int) -> str:
    if reduced < direct:
        return f"{direct / reduced:.2f} times fewer"
    return f"{reduced / direct:.2f} times as many"


def _draw_bars(axes: Axes, branch: Bottleneck, width: int, colour: str) -> None:
    """Draw the multiply-adds direct, and through a 1x1, whose own part is lighter."""
    direct, (reduction, large) = branch.direct_macs, branch.macs(width)
    axes.barh(0, direct, 0.6, color=style.MIDDLE_GREY)
    axes.barh(1, reduction, 0.6, color=style.tint(colour, 0.55))
    axes.barh(1, large, 0.6, left=reduction, color=colour)
    for y, total in enumerate((direct, reduction + large)):
        axes.annotate(f"{total:,}", (total, y), (6, 0), textcoords="offset points", va="center")
    style.name_rows(axes, ["direct", "through r"])
    axes.set(title="multiply-adds", xticks=[], xlim=(0, 1.5 * max(direct, reduction + large)))
    axes.spines["bottom"].set_visible(False)
    text = (
        f"{reduction:,} for the 1×1 (light), {large:,} after it:\n"
        f"{_factor(direct, reduction + large)}\n\n"
        f"weights: {sum(branch.params(width)):,} instead of {branch.direct_params:,}"
    )
    axes.set_xlabel(text, fontsize=12, color=style.GREY, loc="left")


def _draw_costs(axes: Axes, branch: Bottleneck, width: int, colour: str) -> None:
    """Draw the cost of the branch over every width, as a share of the direct cost."""
    rs = range(1, branch.in_channels + 1)
    costs = [sum(branch.macs(r)) / branch.direct_macs for r in rs]
    axes.set(
        xlim=(0, branch.in_channels), ylim=(0, max(costs) * 1.06), xlabel="r, width of the 1×1"
    )
    axes.set_ylabel("cost, direct = 100%")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.axhline(1, color=style.MIDDLE_GREY, linewidth=1.4, zorder=0.5)
    axes.axvline(branch.break_even, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_title(f"break-even at {branch.break_even:.1f}", fontsize=13, fontweight="normal")
    axes.plot(rs, costs, color=colour)
    axes.plot([width], [costs[width - 1]], "o", color=colour)
    text, now = f"r = {width}: {costs[width - 1]:.0%}", (width, costs[width - 1])
    look = {"textcoords": "offset points", "color": style.INK}
    if width > 0.6 * branch.in_channels:
        axes.annotate(text, now, (-10, 4), ha="right", va="bottom", **look)
    elif costs[width - 1] > 0.09:
        axes.annotate(text, now, (10, -3), va="top", **look)
    else:
        axes.annotate(text, now, (36, 2), **look)  # under the line, above the axis


def explore_bottleneck() -> widgets.VBox:
    """Make a slider for the width r, and choices of the module and of the branch."""
    first = bottleneck()
    width = widgets.IntSlider(value=first.width, min=1, max=first.in_channels, description="r")
    module = widgets.Dropdown(options=MODULES, value=first.name, description="module")
    branch = widgets.Dropdown(options=[("5x5", 5), ("3x3", 3)], description="branch")

    def fit(_change: object) -> None:
        """Another branch has its own width in Table 1, another module other channels too."""
        chosen = bottleneck(module.value, branch.value)
        width.value, width.max = chosen.width, chosen.in_channels  # never above the maximum

    for control in (module, branch):  # before the panel's own, so that it draws what fits
        control.observe(fit, names="value")

    def draw(width: int, module: str, branch: int) -> Figure:
        return draw_dial(bottleneck(module, branch), width)

    box = panel(draw, width=width, module=module, branch=branch)
    box.children[0].layout.flex_flow = "row wrap"  # three controls are wider than a phone
    return box


# ---- what the best 1x1 can keep ------------------------------------------------------------------

LINES = (
    ("-", style.BRANCH_COLOURS["1x1"]),
    ("-.", style.MIDDLE_GREY),
    ("--", style.INK),
    (":", style.GREY),
)


def draw_shares(shares: Mapping[str, Sequence[float]], mark: int) -> Figure:
    """Plot the share of the variance in the best r directions, a line for each set of activations.

    `mark` is the width to look at, drawn as a dashed vertical line.
    """
    with style.house_style():
        figure, axes = style.chart(380)
        count = max(map(len, shares.values()))
        axes.set(
            xlabel=f"r, directions kept, of {count}",
            ylabel="share of the variance",
            xlim=(0, count),
            ylim=(0, 1.02),
            title="How much of its input the best 1×1 of width r keeps",
        )
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.axvline(mark, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0.5)
        axes.annotate(f" r = {mark}", (mark, 0.03), fontsize=12, color=style.GREY)
        for (name, values), (dashes, colour) in zip(shares.items(), cycle(LINES), strict=False):
            shown = [0.0, *(float(value) for value in values)]
            label = f"{name}: {shown[mark]:.0%} at r = {mark}"
            axes.plot(shown, dashes, color=colour, label=label)
            axes.plot([mark], [shown[mark]], "o", color=colour, markersize=7)
        axes.legend(loc="lower right", frameon=False, handlelength=3)
    at = "; ".join(f"{name} {float(values[mark - 1]):.0%}" for name, values in shares.items())
    figure.alt = (
        f"{len(shares)} rising lines: the share of the variance that the best r of {count} "
        f"directions keep. At r = {mark}: {at}."
    )
    return figure
