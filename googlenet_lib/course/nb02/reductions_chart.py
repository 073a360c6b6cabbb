"""The ablation of the reductions as a figure: accuracy and multiply-adds over their width."""

from dataclasses import dataclass
from fractions import Fraction
from math import log2
from statistics import mean

from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import Difference, compare_means
from googlenet_lib.course.nb02.reductions import FACTORS, REDUCTIONS, arm_name, multiply_adds


@dataclass(frozen=True)
class Point:
    """The reductions at one width; `gain` is over those of Table 1, or None without these."""

    factor: float  # of Table 1's widths
    accuracies: tuple[float, ...]
    macs: int  # of the network without heads, a picture
    gain: Difference | None


def widths(runs: seeds.Runs) -> list[Point]:
    """List what was run, the narrowest first. Raises UsageError for no runs, or other names."""
    seeds.check_runs_of(REDUCTIONS.name, [arm.name for arm in REDUCTIONS.arms], runs)
    table_1 = seeds.accuracies(runs, arm_name(1))
    found = []
    for factor in FACTORS:
        name = arm_name(factor)
        values, others = seeds.accuracies(runs, name), table_1 if factor != 1 else ()
        if values:
            gain = compare_means(values, others) if others else None
            found.append(Point(factor, values, multiply_adds(runs[name][0]), gain))
    return found


def draw_reductions(runs: seeds.Runs) -> Figure:
    """Draw accuracy and multiply-adds over the width of the 1x1s before 3x3 and 5x5.

    `runs` holds the runs of each arm of REDUCTIONS by its name. A difference from Table 1's width
    stands above the dots, with its 95% interval.
    """
    found = widths(runs)
    places = [log2(point.factor) for point in found]  # every doubling takes the same room
    with style.house_style():
        figure, (above, below) = style.chart(560, 2, sharex=True, height_ratios=(5, 2))
        low, high = seeds.room(point.accuracies for point in found)
        above.set(ylim=(low, high + 0.35 * (high - low)), ylabel="accuracy on test pictures")
        seeds.in_percent(above.yaxis)
        means = [mean(point.accuracies) for point in found]
        above.plot(places, means, color=style.MIDDLE_GREY, linewidth=1.2)
        below.bar(places, [point.macs for point in found], 0.34, color=style.MIDDLE_GREY)
        below.set(
            ylim=(0, 1.3 * max(point.macs for point in found)),
            yticks=[],
            ylabel="multiply-adds",
            xlim=(log2(FACTORS[0]) - 0.5, log2(FACTORS[-1]) + 0.5),
            xlabel="width of the 1×1s before 3×3 and 5×5, times Table 1's",
        )
        below.set_xticks([log2(factor) for factor in FACTORS], map(_times, FACTORS))
        for axes in (above, below):
            axes.axvspan(-0.5, 0.5, color=style.LIGHT_GREY, alpha=0.5, linewidth=0, zorder=0)
        for place, point in zip(places, found, strict=True):
            seeds.draw_seeds(above, point.accuracies, place, tick=0.1, upright=True)
            lines = [seeds.span(point.accuracies)]
            if point.factor == 1:
                lines += ["Table 1"]
            elif point.gain:
                lines += [point.gain.in_points(), point.gain.interval_in_points()]
            above.annotate(
                "\n".join(lines),
                (place, max(point.accuracies)),
                (0, 9),
                ha="center",
                fontsize=12,
                textcoords="offset points",
            )
            below.annotate(
                _millions(point.macs),
                (place, point.macs),
                (0, 5),
                ha="center",
                textcoords="offset points",
            )
        style.headline(figure, "The 1×1 reductions, narrower and wider than Table 1's")
        style.footnote(figure, seeds.source(runs, "a width"))
    figure.alt = _describe_reductions(runs)
    return figure


def _describe_reductions(runs: seeds.Runs) -> str:
    """Return the alt text of `draw_reductions`, from the same data."""
    parts = []
    for point in widths(runs):
        name = f"{_times(point.factor)} times" if point.factor != 1 else "as in Table 1"
        against = f"{point.gain} against Table 1" if point.gain else ""
        cost = f"{_millions(point.macs)} multiply-adds"
        told = filter(None, (seeds.span(point.accuracies), against, cost))
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"Two charts over the width of the 1×1 reductions, as a multiple of Table 1's: test "
        f"accuracy, with dots for {seeds.count(runs.values())} and the difference from Table 1 "
        f"with its 95% interval, and what a picture costs without heads. " + "; ".join(parts) + "."
    )


def _times(factor: float) -> str:
    return str(Fraction(factor))


def _millions(macs: int) -> str:
    return f"{macs / 10**6:.1f} million"
