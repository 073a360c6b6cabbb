"""The ablations as figures: what the heads do beside BatchNorm, what the reductions' widths do."""

from dataclasses import dataclass
from fractions import Fraction
from math import log2
from statistics import mean

from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.ablations import (
    FACTORS,
    HEADS,
    INITS,
    REDUCTIONS,
    heads_arm,
    multiply_adds,
    reductions_arm,
)
from googlenet_lib.course.kit.study import Study
from googlenet_lib.data import CIFAR10_CLASSES

# ---- heads ---------------------------------------------------------------------------------------

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
        return seeds.points(self.heads, self.none)

    @property
    def doubt(self) -> str:
        """Why the gain may be none; empty where the two ranges lie apart, or one is missing."""
        return seeds.doubt(self.heads, self.none)


def pairs(runs: seeds.Runs) -> list[Pair]:
    """What was run, those without BatchNorm first. Raises UsageError for none, or other names."""
    _check(runs, HEADS)
    every = [
        Pair(
            init,
            norm,
            seeds.accuracies(runs, heads_arm(init, norm, True)),
            seeds.accuracies(runs, heads_arm(init, norm, False)),
        )
        for norm in NORM_NAMES
        for init in INITS
    ]
    return [pair for pair in every if pair.heads or pair.none]


def draw_heads(runs: seeds.Runs) -> Figure:
    """Draw for each initialisation, with BatchNorm and without, what the heads change.

    `runs` holds the runs of each arm of HEADS by its name. A dot is a seed: filled with the heads,
    hollow without. A gain is bold where the two ranges lie apart, else grey, and the row says why.
    """
    rows = pairs(runs)
    with style.house_style():
        figure, axes = style.chart(130 + 64 * len(rows))
        limits = seeds.room([*(pair.heads + pair.none for pair in rows), (CHANCE,)])
        axes.set_xlim(limits)
        seeds.in_percent(axes.xaxis)
        axes.set_xlabel("accuracy on test pictures: a dot a seed, a line their mean")
        names = [f"{INIT_NAMES[pair.init]}\n{NORM_NAMES[pair.norm]}" for pair in rows]
        style.name_rows(axes, names)
        axes.axvline(CHANCE, color=style.GREY, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(" guessing", (CHANCE, -0.6), fontsize=12, color=style.GREY)
        style.beside(axes, -0.65, "heads add, points", shift=225, color=style.GREY)
        for y, pair in enumerate(rows):
            for values, kind, shift, colour, face in (
                (pair.heads, True, -0.2, style.HEAD_COLOUR, None),
                (pair.none, False, 0.2, style.INK, style.PAPER),
            ):
                if values:
                    seeds.draw_seeds(axes, values, y + shift, colour=colour, face=face)
                    text = f"{KINDS[kind]} {seeds.span(values)}"
                    style.beside(axes, y + shift, text, color=colour)
            seeds.write_gain(axes, y, pair.gain, pair.doubt, 225)
        style.headline(figure, "With the auxiliary heads and without, from three initialisations")
        style.footnote(figure, seeds.source(runs, "an arm"))
    figure.alt = _describe_heads(runs)
    return figure


def _describe_heads(runs: seeds.Runs) -> str:
    """Return the alt text of `draw_heads`, from the same data."""
    parts = []
    for pair in pairs(runs):
        told = [
            f"{KINDS[heads]} {seeds.span(values)}"
            for heads, values in ((True, pair.heads), (False, pair.none))
            if values
        ]
        if pair.gain:
            told += [f"the heads add {pair.gain} points", *filter(None, [pair.doubt])]
        name = f"{INIT_NAMES[pair.init]}, {NORM_NAMES[pair.norm]}"
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"A row for each network, {len(parts)} in all, with dots for {seeds.count(runs.values())}: "
        "mean test accuracy with the auxiliary heads and without, its range, what the heads add "
        f"and whether the two ranges meet. {'; '.join(parts)}. A dashed line marks guessing, "
        f"{CHANCE:.0%}."
    )


# ---- reductions ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """The reductions at one width; `gain` and `doubt` are against those of Table 1, if run."""

    factor: float  # of Table 1's widths
    accuracies: tuple[float, ...]
    macs: int  # of the network without heads, a picture
    gain: str
    doubt: str


def widths(runs: seeds.Runs) -> list[Point]:
    """What was run, the narrowest first. Raises UsageError for no runs, or for other names."""
    _check(runs, REDUCTIONS)
    table_1 = seeds.accuracies(runs, reductions_arm(1))
    found = []
    for factor in FACTORS:
        name = reductions_arm(factor)
        values, others = seeds.accuracies(runs, name), table_1 if factor != 1 else ()
        if values:
            against = seeds.points(values, others), seeds.doubt(values, others)
            found.append(Point(factor, values, multiply_adds(runs[name][0]), *against))
    return found


def draw_reductions(runs: seeds.Runs) -> Figure:
    """Draw accuracy and multiply-adds over the width of the 1x1s in front of 3x3 and 5x5.

    `runs` holds the runs of each arm of REDUCTIONS by its name. A difference from Table 1's width
    is bold where the two ranges of seeds lie apart, else grey, and the column says why.
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
            xlabel="width of the 1×1s in front of 3×3 and 5×5, times Table 1's",
        )
        below.set_xticks([log2(factor) for factor in FACTORS], map(_times, FACTORS))
        for axes in (above, below):
            axes.axvspan(-0.5, 0.5, color=style.LIGHT_GREY, alpha=0.5, linewidth=0, zorder=0)
        for place, point in zip(places, found, strict=True):
            seeds.draw_seeds(above, point.accuracies, place, tick=0.1, upright=True)
            bold = {"weight": "bold"} if point.gain and not point.doubt else {}
            told = [seeds.span(point.accuracies), point.gain, point.doubt]
            if point.factor == 1:
                told[1] = "Table 1"
            text = "\n".join(filter(None, told))
            above.annotate(
                text,
                (place, max(point.accuracies)),
                (0, 9),
                ha="center",
                fontsize=12,
                textcoords="offset points",
                **bold,
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
        against = f"{point.gain} points against Table 1" if point.gain else ""
        cost = f"{_millions(point.macs)} multiply-adds"
        told = filter(None, (seeds.span(point.accuracies), against, point.doubt, cost))
        parts.append(f"{name}: {', '.join(told)}")
    return (
        f"Two charts over the width of the 1×1 reductions, as a multiple of Table 1's: test "
        f"accuracy, with dots for {seeds.count(runs.values())} and whether their range meets "
        f"that of Table 1, and what a picture costs without heads. " + "; ".join(parts) + "."
    )


def _times(factor: float) -> str:
    return str(Fraction(factor))


def _millions(macs: int) -> str:
    return f"{macs / 10**6:.1f} million"


# ---- both ----------------------------------------------------------------------------------------


def _check(runs: seeds.Runs, study: Study) -> None:
    names = [arm.name for arm in study.arms]
    seeds.check_runs(
        runs, names, "arm", f"the study {study.name!r}", f"{study.name.upper()}.runs()"
    )
