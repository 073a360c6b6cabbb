"""The bottleneck dial: what a 1x1 of width r costs, and how much of its input it could keep."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.bottlenecks import Bottleneck
from googlenet_lib.errors import UsageError
from googlenet_lib.figures import style

REDUCTION_TINT = 0.55
COLOURS = (style.BRANCH_COLOURS["1x1"], style.INK, style.GREY, style.MIDDLE_GREY)
LINES = tuple(zip(("-", "--", "-.", ":"), COLOURS, strict=True))


def draw_dial(lane: Bottleneck, width: int, shares: Sequence[float]) -> Figure:
    """Draw the cost of a lane direct and through a 1x1 of `width` channels.

    On the left bars of multiply-adds and of weights; on the right both over the width, with the
    break-even, beside the share of variance that the best 1x1 could keep. `shares` are those of
    `variance_shares`, measured on a network whose width may differ: r stands at the same fraction
    of its channels. Raises UsageError for a width that the lane cannot have.
    """
    _check(lane, width)
    colour = style.BRANCH_COLOURS[f"{lane.kernel}x{lane.kernel}"]
    with style.house_style():
        figure, panels = style.chart(400, 2, 2, width_ratios=(5, 4))
        title = f"{_name(lane)}: {lane.in_channels} channels through a 1×1 of r = {width}"
        style.headline(figure, title)
        _draw_bars(panels[0, 0], "multiply-adds", lane.direct_macs, lane.macs(width), colour)
        _draw_bars(panels[1, 0], "weights", lane.direct_params, lane.params(width), colour)
        grid = panels[0, 1].get_gridspec()
        for axes in panels[:, 1]:
            axes.remove()
        _draw_chart(figure.add_subplot(grid[:, 1]), lane, width, shares, colour)
    figure.alt = _describe_dial(lane, width, shares)
    return figure


def _describe_dial(lane: Bottleneck, width: int, shares: Sequence[float]) -> str:
    """Return the alt text of `draw_dial`, from the same data."""
    _check(lane, width)
    direct, parts = lane.direct_macs, lane.macs(width)
    return (
        f"{_name(lane)} with a 1×1 of r = {width} in front: {parts[0]:,} + {parts[1]:,} = "
        f"{sum(parts):,} multiply-adds against {direct:,} direct, {_factor(direct, sum(parts))}; "
        f"{sum(lane.params(width)):,} weights against {lane.direct_params:,}. Break-even at "
        f"r = {lane.break_even:.1f}; Table 1 has {lane.width}. The best 1×1 of that width would "
        f"keep {_kept(lane, width, shares):.0%} of the variance."
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


def _check(lane: Bottleneck, width: int) -> None:
    if not 1 <= width <= lane.in_channels:
        raise UsageError(
            f"a 1x1 of width {width} came; expected 1 to {lane.in_channels}, the channels that "
            f"enter {lane.name}"
        )


def _name(lane: Bottleneck) -> str:
    kernel = f"{lane.kernel}×{lane.kernel}"
    return f"Module {lane.name.removeprefix('inception')}, {kernel} lane"


def _factor(direct: int, reduced: int) -> str:
    return (
        f"{direct / reduced:.2f} times less"
        if reduced < direct
        else (f"{reduced / direct:.2f} times more")
    )


def _kept(lane: Bottleneck, width: int, shares: Sequence[float]) -> float:
    """The share at the same fraction of the channels that were measured."""
    r = round(width * len(shares) / lane.in_channels)
    return float(shares[r - 1]) if r else 0.0


def _draw_bars(axes: Axes, what: str, direct: int, parts: tuple[int, int], colour: str) -> None:
    """The cost of a lane direct, and through a 1x1, whose own part is lighter."""
    reduction, large = parts
    axes.barh(0, direct, 0.6, color=style.MIDDLE_GREY)
    axes.barh(1, reduction, 0.6, color=style.tint(colour, REDUCTION_TINT))
    axes.barh(1, large, 0.6, left=reduction, color=colour)
    for y, total in enumerate((direct, sum(parts))):
        axes.annotate(f"{total:,}", (total, y), (6, 0), textcoords="offset points", va="center")
    style.name_rows(axes, ["direct", "through r"])
    axes.set(title=what, xticks=[], xlim=(0, 1.5 * max(direct, sum(parts))))
    axes.spines["bottom"].set_visible(False)
    text = f"{reduction:,} for the 1×1 (light), {large:,} behind it:\n{_factor(direct, sum(parts))}"
    axes.set_xlabel(text, fontsize=12, color=style.GREY, loc="left")


def _draw_chart(
    axes: Axes, lane: Bottleneck, width: int, shares: Sequence[float], colour: str
) -> None:
    rs = range(1, lane.in_channels + 1)
    costs = [sum(lane.macs(r)) / lane.direct_macs for r in rs]
    step = lane.in_channels / len(shares)
    kept = [0.0, *(float(share) for share in shares)]
    axes.set(xlim=(0, lane.in_channels), ylim=(0, max(costs) * 1.06))
    axes.set_xlabel("r, the width of the 1×1")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.axhline(1, color=style.MIDDLE_GREY, linewidth=1.4, zorder=0.5)
    axes.axvline(lane.break_even, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f"break-even\n{lane.break_even:.1f}",
        (lane.break_even, 1),
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
    now = _kept(lane, width, shares)
    axes.plot([width], [costs[width - 1]], "o", color=colour)
    axes.plot([width], [now], "o", color=style.INK)
    notes = (
        (costs[-1], f"costs\n{costs[width - 1]:.0%}", colour),
        (kept[-1], f"keeps\n{now:.0%}", style.INK),
    )
    style.label_ends(axes, notes)
