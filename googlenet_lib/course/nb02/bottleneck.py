"""Notebook 02: the cost of a 1x1 of any width, and the variance that it can keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import MODULES, TABLE_1, conv_macs, conv_params, find_module
from googlenet_lib.network.watch import watch


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
        """Count the weights of the large kernel on all channels, with no 1x1 in front."""
        return conv_params(self.in_channels, self.out_channels, self.kernel)

    @property
    def direct_macs(self) -> int:
        """Count the multiply-adds of the large kernel on all channels, for one picture."""
        return conv_macs(self.in_channels, self.out_channels, self.kernel, self.size)

    @property
    def break_even(self) -> float:
        """Work out the width from which the detour costs more than the direct way."""
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


@torch.inference_mode()
def module_inputs(model: GoogLeNet, images: Tensor) -> dict[str, Tensor]:
    """Return what enters each Inception module for normalised pictures: (N, C, h, w), by name."""
    modules = {name: getattr(model, name) for name in MODULES}
    with watch(modules, keep=lambda given, _output: given) as inputs:
        model.eval()(images)
    return inputs


def variance_shares(maps: Tensor) -> Tensor:
    """Return the share of the variance that the best r directions keep, r from 1 to C: (C,).

    `maps` are (N, C, h, w); every place of every picture is one vector of C channels. The best r
    directions are the first r right singular vectors of the centred vectors (a PCA), so that no
    linear 1x1 of width r can keep more.
    """
    vectors = maps.permute(0, 2, 3, 1).flatten(0, 2)  # (N * h * w, C)
    centred = (vectors - vectors.mean(0)).double()
    squares = torch.linalg.eigvalsh(centred.T @ centred).flip(0).clamp(min=0)  # (C,)
    return (squares.cumsum(0) / squares.sum()).float()


REDUCTION_TINT = 0.55
COLOURS = (style.BRANCH_COLOURS["1x1"], style.INK, style.GREY, style.MIDDLE_GREY)
LINES = tuple(zip(("-", "--", "-.", ":"), COLOURS, strict=True))


def draw_dial(branch: Bottleneck, width: int, shares: Sequence[float]) -> Figure:
    """Draw the cost of a branch direct and through a 1x1 of `width` channels.

    On the left bars of multiply-adds and of weights; on the right both over the width, with the
    break-even, beside the share of variance that the best 1x1 could keep. `shares` are those of
    `variance_shares`, measured on a network whose width may differ: r stands at the same fraction
    of its channels. Raises UsageError for a width that the branch cannot have.
    """
    _check(branch, width)
    colour = style.BRANCH_COLOURS[f"{branch.kernel}x{branch.kernel}"]
    with style.house_style():
        figure, panels = style.chart(400, 2, 2, width_ratios=(5, 4))
        title = f"{_name(branch)}: {branch.in_channels} channels through a 1×1 of r = {width}"
        style.headline(figure, title)
        _draw_bars(panels[0, 0], "multiply-adds", branch.direct_macs, branch.macs(width), colour)
        _draw_bars(panels[1, 0], "weights", branch.direct_params, branch.params(width), colour)
        grid = panels[0, 1].get_gridspec()
        for axes in panels[:, 1]:
            axes.remove()
        _draw_chart(figure.add_subplot(grid[:, 1]), branch, width, shares, colour)
    figure.alt = _describe_dial(branch, width, shares)
    return figure


def _describe_dial(branch: Bottleneck, width: int, shares: Sequence[float]) -> str:
    """Return the alt text of `draw_dial`, from the same data."""
    _check(branch, width)
    direct, parts = branch.direct_macs, branch.macs(width)
    return (
        f"{_name(branch)} with a 1×1 of r = {width} in front: {parts[0]:,} + {parts[1]:,} = "
        f"{sum(parts):,} multiply-adds against {direct:,} direct, {_factor(direct, sum(parts))}; "
        f"{sum(branch.params(width)):,} weights against {branch.direct_params:,}. Break-even at "
        f"r = {branch.break_even:.1f}; Table 1 has {branch.width}. The best 1×1 of that width "
        f"would keep {_kept(branch, width, shares):.0%} of the variance."
    )


def draw_shares(
    shares: dict[str, Sequence[float]], mark: int, most: int = 48, height: int = 360
) -> Figure:
    """Plot the share of variance in the best r directions, a line for each set of activations.

    `mark` is the width to look at, drawn as a dashed line; `most` the last r that is shown.
    """
    with style.house_style():
        figure, axes = style.chart(height)
        axes.set(
            xlabel="r, directions kept",
            ylabel="share of the variance",
            xlim=(0, most),
            ylim=(0, 1),
            title="How much of its input the best 1×1 of width r keeps",
        )
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.axvline(mark, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0.5)
        axes.annotate(f" r = {mark}", (mark, 0.03), fontsize=12, color=style.GREY)
        ends = []
        for (name, values), (dashes, colour) in zip(shares.items(), LINES, strict=False):
            shown = [0.0, *(float(value) for value in values)][: most + 1]
            axes.plot(shown, dashes, color=colour)
            axes.plot([mark], [shown[mark]], "o", color=colour, markersize=7)
            ends.append((shown[-1], f"{name}\n{shown[mark]:.0%} at r = {mark}", colour))
        style.label_ends(axes, ends)
    figure.alt = _describe_shares(shares, mark)
    return figure


def _describe_shares(shares: dict[str, Sequence[float]], mark: int) -> str:
    """Return the alt text of `draw_shares`, from the same data."""
    at = "; ".join(f"{name} {float(values[mark - 1]):.0%}" for name, values in shares.items())
    return (
        f"{len(shares)} rising lines: the share of the variance that the best r directions keep. "
        f"At r = {mark}: {at}."
    )


def _check(branch: Bottleneck, width: int) -> None:
    if not 1 <= width <= branch.in_channels:
        raise UsageError(
            f"a 1x1 of width {width} came; expected 1 to {branch.in_channels}, the channels that "
            f"enter {branch.name}"
        )


def _name(branch: Bottleneck) -> str:
    kernel = f"{branch.kernel}×{branch.kernel}"
    return f"Module {branch.name.removeprefix('inception')}, {kernel} branch"


def _factor(direct: int, reduced: int) -> str:
    return (
        f"{direct / reduced:.2f} times less"
        if reduced < direct
        else (f"{reduced / direct:.2f} times more")
    )


def _kept(branch: Bottleneck, width: int, shares: Sequence[float]) -> float:
    """Return the share at the same fraction of the channels that were measured."""
    r = round(width * len(shares) / branch.in_channels)
    return float(shares[r - 1]) if r else 0.0


def _draw_bars(axes: Axes, what: str, direct: int, parts: tuple[int, int], colour: str) -> None:
    """Draw the cost of a branch direct, and through a 1x1, whose own part is lighter."""
    reduction, large = parts
    axes.barh(0, direct, 0.6, color=style.MIDDLE_GREY)
    axes.barh(1, reduction, 0.6, color=style.tint(colour, REDUCTION_TINT))
    axes.barh(1, large, 0.6, left=reduction, color=colour)
    for y, total in enumerate((direct, sum(parts))):
        axes.annotate(f"{total:,}", (total, y), (6, 0), textcoords="offset points", va="center")
    style.name_rows(axes, ["direct", "through r"])
    axes.set(title=what, xticks=[], xlim=(0, 1.5 * max(direct, sum(parts))))
    axes.spines["bottom"].set_visible(False)
    text = f"{reduction:,} for the 1×1 (light), {large:,} after it:\n{_factor(direct, sum(parts))}"
    axes.set_xlabel(text, fontsize=12, color=style.GREY, loc="left")


def _draw_chart(
    axes: Axes, branch: Bottleneck, width: int, shares: Sequence[float], colour: str
) -> None:
    rs = range(1, branch.in_channels + 1)
    costs = [sum(branch.macs(r)) / branch.direct_macs for r in rs]
    step = branch.in_channels / len(shares)
    kept = [0.0, *(float(share) for share in shares)]
    axes.set(xlim=(0, branch.in_channels), ylim=(0, max(costs) * 1.06))
    axes.set_xlabel("r, the width of the 1×1")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.axhline(1, color=style.MIDDLE_GREY, linewidth=1.4, zorder=0.5)
    axes.axvline(branch.break_even, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f"break-even\n{branch.break_even:.1f}",
        (branch.break_even, 1),
        (0, 4),
        ha="center",
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=12,
        color=style.GREY,
    )
    axes.plot(rs, costs, color=colour)
    axes.plot([i * step for i in range(len(kept))], kept, "--", color=style.INK)
    axes.axvline(width, color=style.INK, linewidth=1, zorder=0.6)
    now = _kept(branch, width, shares)
    axes.plot([width], [costs[width - 1]], "o", color=colour)
    axes.plot([width], [now], "o", color=style.INK)
    notes = (
        (costs[-1], f"costs\n{costs[width - 1]:.0%}", colour),
        (kept[-1], f"keeps\n{now:.0%}", style.INK),
    )
    style.label_ends(axes, notes)


def explore_bottleneck(shares: dict[str, Sequence[float]]) -> widgets.VBox:
    """Make a slider for the width r, and a choice of the module whose 5x5 branch is shown.

    `shares` holds for each module the `variance_shares` of its input.
    """
    first = bottleneck(MODULES[0])
    width = widgets.IntSlider(
        value=first.width,
        min=1,
        max=first.in_channels,
        description="r",
        layout=widgets.Layout(width="420px"),
    )
    module = widgets.Dropdown(options=MODULES, value=first.name, description="module")

    def fit(_change: object) -> None:
        """Another module has other channels, and its own width in Table 1."""
        branch = bottleneck(module.value)
        width.value, width.max = branch.width, branch.in_channels  # never a value above the maximum

    module.observe(fit, names="value")  # before the panel's own, so that it draws what fits

    def draw(width: int, module: str) -> Figure:
        return draw_dial(bottleneck(module), width, shares[module])

    return panel(draw, width=width, module=module)
