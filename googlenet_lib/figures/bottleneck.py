"""The bottleneck dial: what a 1x1 of width r costs, and how much of its input it could keep."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.bottlenecks import Bottleneck
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    MIDDLE_GREY,
    axes_at,
    canvas,
    house_style,
    page,
    px,
    spread,
    tint,
    write,
)

# All in pixels of a page that is as wide as a README.
DIAL_HEIGHT, MARGIN, BAR_LEFT, BAR_ROOM, BAR = 400, 14, 84, 236, 30
CHART_LEFT, CHART_WIDTH, CHART_TOP, CHART_BOTTOM = 496, 308, 92, 62
SHARES_HEIGHT, SHARES_LEFT, SHARES_WIDTH, SHARES_TOP, SHARES_BOTTOM = 360, 76, 600, 52, 54
LABEL = 36  # of two lines
REDUCTION_TINT = 0.55
COSTS, KEEPS = "line.costs", "line.keeps"
LINES = ("-", "--", "-.", ":")


def draw_dial(lane: Bottleneck, width: int, shares: Sequence[float]) -> Figure:
    """Draw the cost of a lane direct and through a 1x1 of `width` channels.

    On the left bars of multiply-adds and of weights; on the right both over the width, with the
    break-even, beside the share of variance that the best 1x1 could keep. `shares` are those of
    `variance_shares`, measured on a network whose width may differ: r stands at the same fraction
    of its channels. Raises UsageError for a width that the lane cannot have.
    """
    _check(lane, width)
    colour = BRANCH_COLOURS[f"{lane.kernel}x{lane.kernel}"]
    with house_style():
        figure, axes = canvas(DIAL_HEIGHT)
        title = f"{_name(lane)}: {lane.in_channels} channels through a 1×1 of r = {width}"
        write(axes, MARGIN, 24, title, 17, ha="left", weight="bold")
        totals = (("multiply-adds", lane.direct_macs, lane.macs(width)),
                  ("weights", lane.direct_params, lane.params(width)))  # fmt: skip
        for top, (what, direct, parts) in zip((58, 226), totals, strict=True):
            _draw_bars(axes, top, what, direct, parts, colour)
        _draw_chart(figure, lane, width, shares, colour)
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
    shares: dict[str, Sequence[float]], mark: int, most: int = 48, height: int = SHARES_HEIGHT
) -> Figure:
    """Plot the share of variance in the best r directions, a line for each set of activations.

    `mark` is the width to look at, drawn as a dashed line; `most` the last r that is shown.
    """
    with house_style():
        figure = page(height)
        room = height - SHARES_TOP - SHARES_BOTTOM
        axes = axes_at(figure, SHARES_LEFT, SHARES_TOP, SHARES_WIDTH, room)
        axes.set(xlabel="r, directions kept", ylabel="share of the variance", xlim=(0, most),
                 ylim=(0, 1),
                 title="How much of its input the best 1×1 of width r keeps")  # fmt: skip
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.axvline(mark, color=GREY, linewidth=px(1.2), linestyle=(0, (4, 3)), zorder=0.5)
        axes.annotate(f"r = {mark}", (mark, 0), xytext=(px(6), px(12)),
                      textcoords="offset points", fontsize=px(12), color=GREY)  # fmt: skip
        ends = []
        for i, (name, values) in enumerate(shares.items()):
            shown = [0.0, *(float(value) for value in values)][: most + 1]
            ends.append(shown[-1])
            axes.plot(range(len(shown)), shown, LINES[i % len(LINES)], color=_ink(i),
                      linewidth=px(2.4), gid=name)  # fmt: skip
            at = shown[mark]
            axes.plot([mark], [at], "o", color=_ink(i), markersize=px(7))
        heights = _beside([end * room for end in ends], room)
        for i, (name, y) in enumerate(zip(shares, heights, strict=True)):
            axes.annotate(f"{name}\n{float(shares[name][mark - 1]):.0%} at r = {mark}",
                          (1, y / room), xycoords="axes fraction", xytext=(px(8), 0), va="center",
                          textcoords="offset points", fontsize=px(12.5), color=_ink(i),
                          linespacing=1.1)  # fmt: skip
    figure.alt = _describe_shares(shares, mark)
    return figure


def _describe_shares(shares: dict[str, Sequence[float]], mark: int) -> str:
    """Return the alt text of `draw_shares`, from the same data."""
    at = "; ".join(f"{name} {float(values[mark - 1]):.0%}" for name, values in shares.items())
    return (
        f"{len(shares)} rising lines: the share of the variance that the best r directions keep. "
        f"At r = {mark}: {at}."
    )


def _ink(i: int) -> str:
    """The 1x1's colour for the first line, greys for those that it is compared with."""
    return (BRANCH_COLOURS["1x1"], INK, GREY, MIDDLE_GREY)[i % 4]


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
    return f"{direct / reduced:.2f} times less" if reduced < direct else (
        f"{reduced / direct:.2f} times more")  # fmt: skip


def _kept(lane: Bottleneck, width: int, shares: Sequence[float]) -> float:
    """The share at the same fraction of the channels that were measured."""
    r = round(width * len(shares) / lane.in_channels)
    return float(shares[r - 1]) if r else 0.0


def _beside(ends: Sequence[float], room: float) -> list[float]:
    """Where labels of two lines stand beside the ends of lines: none overlaps, none is too high."""
    heights = spread(ends, [LABEL] * len(ends))
    over = max(heights) + LABEL / 2 - room
    lowered = [end - max(over, 0) if end > room / 2 else end for end in ends]
    return spread(lowered, [LABEL] * len(ends)) if over > 0 else heights


def _draw_bars(
    axes: Axes, top: float, what: str, direct: int, parts: tuple[int, int], colour: str
) -> None:
    scale = BAR_ROOM / max(direct, sum(parts))
    write(axes, MARGIN, top + 8, what, 14, ha="left", weight="bold")
    write(axes, BAR_LEFT - 8, top + 40, "direct", 13, ha="right")
    write(axes, BAR_LEFT - 8, top + 84, "through r", 13, ha="right")
    _draw_bar(axes, BAR_LEFT, top + 25, direct * scale, MIDDLE_GREY, f"{what}.direct")
    x = BAR_LEFT
    shades = (tint(colour, REDUCTION_TINT), colour)
    for part, shade, name in zip(parts, shades, ("reduction", "large"), strict=True):
        _draw_bar(axes, x, top + 69, part * scale, shade, f"{what}.{name}")
        x += part * scale
    write(axes, BAR_LEFT + direct * scale + 8, top + 40, f"{direct:,}", 13, ha="left")
    write(axes, x + 8, top + 84, f"{sum(parts):,}", 13, ha="left", weight="bold")
    text = f"{parts[0]:,} for the 1×1 (light), {parts[1]:,} behind it:\n"
    text += _factor(direct, sum(parts))
    write(axes, BAR_LEFT, top + 106, text, 12, ha="left", va="top", color=GREY)


def _draw_bar(axes: Axes, x: float, y: float, width: float, colour: str, gid: str) -> None:
    bar = Rectangle((x, y), width, BAR, facecolor=colour, linewidth=0)
    bar.set_gid(gid)
    axes.add_patch(bar)


def _draw_chart(
    figure: Figure, lane: Bottleneck, width: int, shares: Sequence[float], colour: str
) -> None:
    height = DIAL_HEIGHT - CHART_TOP - CHART_BOTTOM
    axes = axes_at(figure, CHART_LEFT, CHART_TOP, CHART_WIDTH, height)
    rs = range(1, lane.in_channels + 1)
    costs = [sum(lane.macs(r)) / lane.direct_macs for r in rs]
    step = lane.in_channels / len(shares)
    kept_at = [0.0, *((i + 1) * step for i in range(len(shares)))]
    kept = [0.0, *(float(share) for share in shares)]
    top = max(costs) * 1.06
    axes.set(xlim=(0, lane.in_channels), ylim=(0, top), xlabel="r, the width of the 1×1")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.axhline(1, color=MIDDLE_GREY, linewidth=px(1.4), zorder=0.5)
    axes.axvline(lane.break_even, color=GREY, linewidth=px(1.2), linestyle=(0, (4, 3)),
                 zorder=0.5, gid="break-even")  # fmt: skip
    axes.annotate(f"break-even\n{lane.break_even:.1f}", (lane.break_even, 1),
                  xycoords=("data", "axes fraction"), xytext=(0, px(4)),
                  textcoords="offset points", ha="center", va="bottom", fontsize=px(12),
                  color=GREY)  # fmt: skip
    axes.plot(rs, costs, color=colour, linewidth=px(2.6), gid=COSTS)
    axes.plot(kept_at, kept, "--", color=INK, linewidth=px(2.2), gid=KEEPS)
    axes.axvline(width, color=INK, linewidth=px(1), zorder=0.6)
    axes.plot([width], [costs[width - 1]], "o", color=colour, markersize=px(9), gid="dial.costs")
    now = _kept(lane, width, shares)
    axes.plot([width], [now], "o", color=INK, markersize=px(9), gid="dial.keeps")
    # beside the ends of the two lines, where nothing else stands
    ends = _beside([costs[-1] / top * height, 1 / top * height], height)
    notes = ((f"costs\n{costs[width - 1]:.0%}", colour), (f"keeps\n{now:.0%}", INK))
    for y, (text, shade) in zip(ends, notes, strict=True):
        axes.annotate(text, (1, y / height), xycoords="axes fraction", xytext=(px(10), 0),
                      textcoords="offset points", va="center", fontsize=px(13), weight="bold",
                      color=shade, linespacing=1.1)  # fmt: skip
