"""The ablations as figures: what the heads do beside BatchNorm, what the reductions' widths do."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log2
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.ablations import (
    FACTORS,
    HEADS,
    INITS,
    REDUCTIONS,
    heads_arm,
    multiply_adds,
    reductions_arm,
)
from googlenet_lib.data import CIFAR10_CLASSES
from googlenet_lib.figures.seeds import (
    MARGIN,
    Runs,
    accuracies,
    check_runs,
    doubt,
    draw_seeds,
    in_percent,
    limits,
    points,
    room,
    seeds,
    source,
    source_height,
    span,
    write_source,
)
from googlenet_lib.figures.style import (
    GREY,
    HEAD_COLOUR,
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    PAPER,
    WIDTH,
    axes_at,
    canvas,
    house_style,
    px,
    tint,
    write,
)
from googlenet_lib.studies import Study

DASHES = (0, (4, 3))

# ---- heads ---------------------------------------------------------------------------------------

# All in pixels of a page that is as wide as a README.
ROWS_TOP, ROW, HEADING, DOTS_BOTTOM = 62, 62, 34, 46
DOTS_LEFT, DOTS_WIDTH, LINES_APART = 132, 362, 24
DOT, KIND_LEFT, MEAN_RIGHT, LIMITS_LEFT = 514, 524, 648, 657
CHANCE = 1 / len(CIFAR10_CLASSES)
INIT_NAMES = {"normal": "N(0, 0.01)", "xavier": "Xavier", "he": "He"}
NORM_NAMES = {False: "no BatchNorm", True: "BatchNorm"}
KINDS = {True: "with heads", False: "without"}


@dataclass(frozen=True)
class Pair:
    """One network as it was run with the heads and without: accuracies, empty where it was not."""

    init: str
    norm: bool
    heads: tuple[float, ...]
    none: tuple[float, ...]

    @property
    def gain(self) -> str:
        """With the heads over without, in points, such as "+3.4"; empty where one is missing."""
        return points(self.heads, self.none)

    @property
    def doubt(self) -> str:
        """Why the gain may be none; empty where the two ranges lie apart, or one is missing."""
        return doubt(self.heads, self.none)


def pairs(runs: Runs) -> list[Pair]:
    """What was run, those without BatchNorm first. Raises UsageError for none, or other names."""
    _check(runs, HEADS)
    every = [
        Pair(
            init,
            norm,
            accuracies(runs, heads_arm(init, norm, True)),
            accuracies(runs, heads_arm(init, norm, False)),
        )
        for norm in NORM_NAMES
        for init in INITS
    ]
    return [pair for pair in every if pair.heads or pair.none]


def draw_heads(runs: Runs) -> Figure:
    """Draw for each initialisation, with BatchNorm and without, what the heads change.

    `runs` holds the runs of each arm of HEADS by its name. A dot is a seed: filled with the heads,
    hollow without. A gain is bold where the two ranges lie apart, else grey, and the row says why.
    """
    rows = pairs(runs)
    told = source(runs, "an arm")
    groups = [group for norm in NORM_NAMES if (group := [p for p in rows if p.norm == norm])]
    dots_height = len(groups) * HEADING + len(rows) * ROW
    height = ROWS_TOP + dots_height + DOTS_BOTTOM + source_height(told)
    with house_style():
        figure, over = canvas(height)
        axes = axes_at(figure, DOTS_LEFT, ROWS_TOP, DOTS_WIDTH, dots_height, facecolor="none")
        shown = [pair.heads + pair.none for pair in rows]
        axes.set(xlim=room([*shown, (CHANCE,)]), ylim=(dots_height, 0))  # downwards in pixels
        in_percent(axes.xaxis)
        axes.set_xlabel("accuracy on test pictures: a dot a seed, a line their mean")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.axvline(CHANCE, color=GREY, linewidth=px(1.2), linestyle=DASHES, gid="chance")
        title = "With the auxiliary heads and without, from three initialisations"
        write(over, MARGIN, 20, title, 15, ha="left", weight="bold")
        for x, side, text in (
            (MARGIN, "left", "weights from"),
            (MEAN_RIGHT, "right", "mean"),
            (LIMITS_LEFT, "left", "range"),
            (WIDTH - MARGIN, "right", "heads add, points"),
        ):
            write(over, x, ROWS_TOP - 10, text, 12.5, ha=side, va="baseline", color=GREY)
        axes.annotate("guessing", (CHANCE, HEADING / 2), xytext=(px(6), 0), va="center",
                      textcoords="offset points", fontsize=px(12), color=GREY)  # fmt: skip
        y = 0  # below ROWS_TOP
        for group in groups:
            _draw_rule(over, ROWS_TOP + y, GREY)
            name = NORM_NAMES[group[0].norm]
            write(over, MARGIN, ROWS_TOP + y + HEADING / 2, name, 15, ha="left", weight="bold")
            y += HEADING
            for pair in group:
                _draw_rule(over, ROWS_TOP + y, LIGHT_GREY)
                _draw_pair(over, axes, pair, y + ROW / 2)
                y += ROW
        write_source(figure, told)
    figure.alt = _describe_heads(runs)
    return figure


def _describe_heads(runs: Runs) -> str:
    """Return the alt text of `draw_heads`, from the same data."""
    parts = []
    for pair in pairs(runs):
        told = [
            f"{KINDS[heads]} {span(values)}"
            for heads, values in ((True, pair.heads), (False, pair.none))
            if values
        ]
        if pair.gain:
            told += [f"the heads add {pair.gain} points", *filter(None, [pair.doubt])]
        name = f"{INIT_NAMES[pair.init]}, {NORM_NAMES[pair.norm]}"
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"A row for each network, {len(parts)} in all, with dots for {seeds(runs.values())}: mean "
        "test accuracy with the auxiliary heads and without, its range, what the heads add and "
        f"whether the two ranges meet. {'; '.join(parts)}. A dashed line marks guessing, "
        f"{CHANCE:.0%}."
    )


def _draw_rule(over: Axes, y: float, colour: str) -> None:
    over.plot([MARGIN, WIDTH - MARGIN], [y, y], color=colour, linewidth=px(1))


def _draw_pair(over: Axes, axes: Axes, pair: Pair, y: float) -> None:
    """One row, `y` pixels below the first heading; both lines have their own numbers beside."""
    write(over, MARGIN, ROWS_TOP + y, INIT_NAMES[pair.init], 15, ha="left")
    for heads, values, shift in ((True, pair.heads, -0.5), (False, pair.none, 0.5)):
        if not values:
            continue
        line = y + shift * LINES_APART
        colour, face = (HEAD_COLOUR, HEAD_COLOUR) if heads else (INK, PAPER)
        name = heads_arm(pair.init, pair.norm, heads)
        draw_seeds(axes, values, line, name, face=face, edge=colour, tick=9)
        over.plot([DOT], [ROWS_TOP + line], "o", markersize=px(8), markerfacecolor=face,
                  markeredgecolor=colour, alpha=0.75)  # fmt: skip
        write(over, KIND_LEFT, ROWS_TOP + line, KINDS[heads], 12.5, ha="left")
        write(over, MEAN_RIGHT, ROWS_TOP + line, f"{mean(values):.1%}", 14, ha="right")
        write(over, LIMITS_LEFT, ROWS_TOP + line, limits(values), 11.5, ha="left", color=GREY)
    weight, colour = ("normal", GREY) if pair.doubt else ("bold", INK)
    write(over, WIDTH - MARGIN, ROWS_TOP + y - (9 if pair.doubt else 0), pair.gain, 15, ha="right",
          weight=weight, color=colour)  # fmt: skip
    write(over, WIDTH - MARGIN, ROWS_TOP + y + 10, pair.doubt, 11.5, ha="right", color=GREY)


# ---- reductions ----------------------------------------------------------------------------------

PLOT_LEFT, COLUMN = 176, 142  # COLUMN: the room of a doubling of the width
PLOT_WIDTH = COLUMN * len(FACTORS)
ACCURACY_TOP, ACCURACY_HEIGHT, LABELS = 66, 236, 44  # LABELS: the room above the highest dot
AGAINST_TOP, COSTS_TOP, COSTS_HEIGHT, COSTS_BOTTOM = 320, 384, 130, 52


@dataclass(frozen=True)
class Point:
    """The reductions at one width; `gain` and `doubt` are against those of Table 1, if run."""

    factor: float  # of Table 1's widths
    accuracies: tuple[float, ...]
    macs: int  # of the network without heads, a picture
    gain: str
    doubt: str


def widths(runs: Runs) -> list[Point]:
    """What was run, the narrowest first. Raises UsageError for no runs, or for other names."""
    _check(runs, REDUCTIONS)
    table_1 = accuracies(runs, reductions_arm(1))
    found = []
    for factor in FACTORS:
        name = reductions_arm(factor)
        values, others = accuracies(runs, name), table_1 if factor != 1 else ()
        if values:
            against = points(values, others), doubt(values, others)
            found.append(Point(factor, values, multiply_adds(runs[name][0]), *against))
    return found


def draw_reductions(runs: Runs) -> Figure:
    """Draw accuracy and multiply-adds over the width of the 1x1s in front of 3x3 and 5x5.

    `runs` holds the runs of each arm of REDUCTIONS by its name. A difference from Table 1's width
    is bold where the two ranges of seeds lie apart, else grey, and the column says why.
    """
    found = widths(runs)
    told = source(runs, "a width")
    costs_end = COSTS_TOP + COSTS_HEIGHT
    height = costs_end + COSTS_BOTTOM + source_height(told)
    with house_style():
        figure, over = canvas(height)
        title = "The 1×1 reductions, narrower and wider than Table 1's"
        write(over, MARGIN, 20, title, 15, ha="left", weight="bold")
        band = Rectangle((_column(1) - COLUMN / 2, ACCURACY_TOP - 24), COLUMN,
                         costs_end - ACCURACY_TOP + 24, facecolor=tint(LIGHT_GREY, 0.5),
                         gid="table-1")  # fmt: skip
        over.add_artist(band)
        write(over, _column(1), ACCURACY_TOP - 10, "Table 1", 13, color=GREY)
        for y, text in (
            (ACCURACY_TOP + ACCURACY_HEIGHT / 2, "accuracy on\ntest pictures,\na dot a seed"),
            (AGAINST_TOP + 16, "against Table 1,\npoints"),
            (COSTS_TOP + COSTS_HEIGHT / 2, "multiply-adds\na picture,\nwithout heads"),
        ):
            write(over, MARGIN, y, text, 12.5, ha="left", color=GREY)
        for point in found:
            x = _column(point.factor)
            weight, colour = ("normal", GREY) if point.doubt else ("bold", INK)
            write(over, x, AGAINST_TOP + 8, point.gain, 15, weight=weight, color=colour)
            text = textwrap.fill(point.doubt, 14)
            write(over, x, AGAINST_TOP + 19, text, 11.5, va="top", color=GREY)
        box = (PLOT_LEFT, ACCURACY_TOP, PLOT_WIDTH, ACCURACY_HEIGHT)
        _draw_accuracies(axes_at(figure, *box, facecolor="none"), found)
        box = (PLOT_LEFT, COSTS_TOP, PLOT_WIDTH, COSTS_HEIGHT)
        _draw_costs(axes_at(figure, *box, facecolor="none"), found)
        write_source(figure, told)
    figure.alt = _describe_reductions(runs)
    return figure


def _describe_reductions(runs: Runs) -> str:
    """Return the alt text of `draw_reductions`, from the same data."""
    parts = []
    for point in widths(runs):
        name = f"{_times(point.factor)} times" if point.factor != 1 else "as in Table 1"
        against = f"{point.gain} points against Table 1" if point.gain else ""
        cost = f"{_millions(point.macs)} multiply-adds"
        told = filter(None, (span(point.accuracies), against, point.doubt, cost))
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"Two charts over the width of the 1×1 reductions, as a multiple of Table 1's: test "
        f"accuracy, with dots for {seeds(runs.values())} and whether their range meets that of "
        f"Table 1, and what a picture costs without heads. " + "; ".join(parts) + "."
    )


def _draw_accuracies(axes: Axes, found: Sequence[Point]) -> None:
    low, high = room(point.accuracies for point in found)
    high += (high - low) * LABELS / (ACCURACY_HEIGHT - LABELS)
    axes.set(ylim=(low, high))
    _widths_along(axes)
    axes.set_xticklabels([])
    in_percent(axes.yaxis)
    places = [log2(point.factor) for point in found]
    axes.plot(places, [mean(point.accuracies) for point in found], color=MIDDLE_GREY,
              linewidth=px(1.2), gid="means")  # fmt: skip
    for place, point in zip(places, found, strict=True):
        values = point.accuracies
        draw_seeds(axes, values, place, reductions_arm(point.factor), tick=0.1, upright=True)
        for text, up, size, colour in (
            (limits(values), 8, 11.5, GREY),
            (f"{mean(values):.1%}", 23 if limits(values) else 10, 14, INK),
        ):
            axes.annotate(text, (place, max(values)), xytext=(0, px(up)), ha="center",
                          textcoords="offset points", fontsize=px(size), color=colour)  # fmt: skip


def _draw_costs(axes: Axes, found: Sequence[Point]) -> None:
    axes.set(ylim=(0, 1.25 * max(point.macs for point in found)))
    _widths_along(axes)
    axes.set_xticklabels([_times(factor) for factor in FACTORS])
    axes.set_xlabel("width of the 1×1s in front of 3×3 and 5×5, times Table 1's")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for point in found:
        place = log2(point.factor)
        axes.bar(place, point.macs, 0.34, color=MIDDLE_GREY,
                 gid=f"macs.{reductions_arm(point.factor)}")  # fmt: skip
        axes.annotate(_millions(point.macs), (place, point.macs), xytext=(0, px(5)), ha="center",
                      textcoords="offset points", fontsize=px(14))  # fmt: skip


def _widths_along(axes: Axes) -> None:
    """An axis on which every doubling takes the same room, half of it at either end."""
    axes.set(xlim=(log2(FACTORS[0]) - 0.5, log2(FACTORS[-1]) + 0.5))
    axes.set_xticks([log2(factor) for factor in FACTORS])


def _column(factor: float) -> float:
    """Where a width stands on the page, in pixels."""
    return PLOT_LEFT + COLUMN * (log2(factor / FACTORS[0]) + 0.5)


def _times(factor: float) -> str:
    return str(Fraction(factor))


def _millions(macs: int) -> str:
    return f"{macs / 10**6:.1f} million"


# ---- both ----------------------------------------------------------------------------------------


def _check(runs: Runs, study: Study) -> None:
    names = [arm.name for arm in study.arms]
    check_runs(runs, names, "arm", f"the study {study.name!r}", f"{study.name.upper()}.runs()")
