"""The study of the reductions as a figure: accuracy and multiply-adds over their width."""

from dataclasses import dataclass
from fractions import Fraction
from math import log2
from statistics import mean

from matplotlib.figure import Figure
from scipy import stats

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.nb02.reductions import FACTORS, REDUCTIONS, arm_name, multiply_adds


@dataclass(frozen=True)
class Point:
    """The reductions at one width: a factor of Table 1's, accuracies by seed, multiply-adds."""

    factor: float
    accuracies: tuple[float, ...]
    macs: int  # of the network without heads, an image


def widths(runs: seeds.Runs) -> list[Point]:
    """List what was run, the narrowest first. Raises UsageError for no runs, or other names."""
    seeds.check_runs_of(REDUCTIONS.name, [arm.name for arm in REDUCTIONS.arms], runs)
    found = []
    for factor in FACTORS:
        name = arm_name(factor)
        if values := seeds.accuracies(runs, name):
            found.append(Point(factor, values, multiply_adds(runs[name][0])))
    return found


def draw_reductions(runs: seeds.Runs) -> Figure:
    """Draw accuracy and multiply-adds over the width of the 1x1s before 3x3 and 5x5.

    `runs` holds the runs of each arm of REDUCTIONS by its name. The line is fitted to all runs;
    its slope is in points for each doubling of the width.
    """
    found = widths(runs)
    at = [log2(point.factor) for point in found]  # every doubling takes the same room
    doublings = [log2(point.factor) for point in found for _ in point.accuracies]
    every = [accuracy for point in found for accuracy in point.accuracies]
    line = stats.linregress(doublings, every) if len(found) > 1 else None
    with style.house_style():
        figure, (above, below) = style.chart(520, 2, sharex=True, height_ratios=(5, 2))
        low, high = seeds.room(point.accuracies for point in found)
        above.set(ylim=(low, high + 0.18 * (high - low)), ylabel="accuracy on test images")
        seeds.in_percent(above.yaxis)
        below.bar(at, [point.macs for point in found], 0.34, color=style.MIDDLE_GREY)
        below.set(
            ylim=(0, 1.3 * max(point.macs for point in found)),
            yticks=[],
            ylabel="multiply-adds",
            xlim=(log2(FACTORS[0]) - 0.5, log2(FACTORS[-1]) + 0.5),
            xlabel="width of the 1×1s before 3×3 and 5×5, times Table 1's",
        )
        below.set_xticks([log2(factor) for factor in FACTORS], map(_times, FACTORS))
        for place, point in zip(at, found, strict=True):
            seeds.draw_seeds(above, point.accuracies, place, tick=0.1, upright=True)
            look = {"ha": "center", "fontsize": 12, "textcoords": "offset points"}
            text = f"mean {mean(point.accuracies):.1%}"
            above.annotate(text, (place, max(point.accuracies)), (0, 9), **look)
            below.annotate(_millions(point.macs), (place, point.macs), (0, 5), **look)
        if line:
            ends = [at[0], at[-1]]
            above.plot(ends, [line.intercept + line.slope * x for x in ends], color=style.GREY)
        slope = f"{100 * line.slope:+.1f} points per doubling" if line else "one width only"
        style.headline(figure, f"The 1×1 reductions, narrower and wider: {slope}")
        style.footnote(figure, seeds.source(runs, "a width"))
    told = "; ".join(
        f"{_times(point.factor)} times: {seeds.span(point.accuracies)}, {_millions(point.macs)}"
        for point in found
    )
    figure.alt = (
        f"Two charts over the width of the 1×1 reductions, as a multiple of Table 1's: test "
        f"accuracy with dots for {seeds.count(runs.values())}, with a line fitted to all runs "
        f"({slope}), and the multiply-adds of an image. {told}."
    )
    return figure


def _times(factor: float) -> str:
    return str(Fraction(factor))


def _millions(macs: int) -> str:
    return f"{macs / 10**6:.1f} million"
