"""One kernel size against several: accuracy of every seed, and accuracy by size."""

import textwrap
from collections.abc import Sequence
from statistics import mean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter
from scipy import stats

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import compare_means
from googlenet_lib.course.nb01.contenders import CONTENDERS, find_contender
from googlenet_lib.course.nb01.kernel_sizes import Recording

COLOURS = {
    "only 1x1": style.BRANCH_COLOURS["1x1"],
    "only 3x3": style.BRANCH_COLOURS["3x3"],
    "only 5x5": style.BRANCH_COLOURS["5x5"],
    "mixed": style.INK,
    "mixed, no pool": style.GREY,
    "3x3 and pool": style.BRANCH_COLOURS["pool"],
}
NAMES = tuple(one.name for one in CONTENDERS)
REFERENCE = "only 3x3"  # with which the others are compared
FAR = 4  # an accuracy so many standard deviations of the other seeds below them is named


def permutation_p(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the p-value of a difference of means by the exact two-sided permutation test."""

    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return a.mean(axis) - b.mean(axis)

    test = stats.permutation_test((values, others), difference, n_resamples=np.inf)
    return float(test.pvalue)


def find_outliers(values: Sequence[float]) -> list[int]:
    """Find the seeds whose accuracy lies far below those of all others."""
    return [
        seed
        for seed, value in enumerate(values)
        for rest in [[*values[:seed], *values[seed + 1 :]]]
        if value < min(rest) and mean(rest) - value > FAR * np.std(rest, ddof=1)
    ]


def draw_contenders(recording: Recording) -> Figure:
    """Draw a row for each network: a dot for each seed, and the difference from only 3x3.

    Filled dots are accuracies on test images, hollow ones on training images; a short upright line
    is the mean of its dots. An outlier is named.
    """
    told = []
    with style.house_style():
        figure, axes = style.chart(470)
        reference = _test(recording, REFERENCE)
        style.name_rows(axes, [_costs(recording, name) for name in NAMES])
        axes.set_ylim(len(NAMES) - 0.4, -1.2)
        style.beside(axes, -0.85, "difference from only 3x3,\n95% interval, permutation test")
        for y, (name, label) in enumerate(zip(NAMES, axes.get_yticklabels(), strict=True)):
            test, colour = _test(recording, name), COLOURS[name]
            train = [trial.train_accuracy for trial in recording.final_of(name)]
            label.set_color(colour)
            seeds.draw_seeds(axes, train, y - 0.2, colour=colour, face=style.PAPER, tick=0.11)
            seeds.draw_seeds(axes, test, y + 0.15, colour=colour, tick=0.14)
            text = "the reference"
            if name != REFERENCE:
                found = compare_means(test, reference)
                p = permutation_p(test, reference)
                text = f"{found.in_points()} points, p = {p:.3f}\n({found.interval_in_points()})"
            style.beside(axes, y, text)
            outliers = find_outliers(test)
            for seed in outliers:
                at = (test[seed], y + 0.15)
                axes.annotate(f"seed {seed}: outlier", at, (-6, -17), textcoords="offset points")
            told.append(
                f"{name}: test accuracy {seeds.span(test)}; {text}"
                + "".join(f"; seed {seed} is far below the others" for seed in outliers)
            )
        axes.xaxis.set(
            major_formatter=PercentFormatter(1.0, decimals=0), major_locator=MultipleLocator(0.05)
        )
        axes.set_xlabel("accuracy: filled dots on test images, hollow dots on training images")
        style.headline(figure, f"{len(NAMES)} networks with equal multiply-adds, five seeds each")
        style.footnote(figure, _source(recording))
    words = "; ".join(told).replace("\n", " ")
    figure.alt = (
        f"A row for each of {len(NAMES)} networks, a dot for each of five seeds, and the "
        f"difference from only 3x3. {words}."
    )
    return figure


def draw_rates(recording: Recording) -> Figure:
    """Draw validation accuracy over the learning rate, a panel a network, a dot a seed."""
    told = []
    with style.house_style():
        figure, panels = style.chart(300, 1, len(NAMES), sharey=True)
        for axes, name in zip(panels, NAMES, strict=True):
            trials, best = recording.tuning_of(name), recording.rate(name)
            rates = sorted({trial.rate for trial in trials})
            means = [mean(t.validation_accuracy for t in trials if t.rate == r) for r in rates]
            axes.plot(
                [trial.rate for trial in trials],
                [trial.validation_accuracy for trial in trials],
                "o", color=COLOURS[name], markersize=5, alpha=0.6,
            )  # fmt: skip
            axes.plot(rates, means, color=COLOURS[name])
            axes.axvline(best, color=style.GREY, linestyle=(0, (2, 2)), linewidth=1.2, zorder=0)
            axes.set_title(name, fontsize=13, color=COLOURS[name])
            axes.set(xscale="log", xlim=(0.035, 1.1))
            axes.set_xticks([0.05, 0.2, 0.8], ["0.05", "0.2", "0.8"], fontsize=11)
            axes.minorticks_off()
            told.append(f"{name} {best:g}, mean {max(means):.1%}")
        panels[0].yaxis.set(
            major_formatter=PercentFormatter(1.0, decimals=0), major_locator=MultipleLocator(0.05)
        )
        panels[0].set_ylabel("validation accuracy")
        style.footnote(
            figure, "learning rate; lines: means of three seeds; dashed: the chosen rate"
        )
    figure.alt = (
        "A panel for each network: validation accuracy of three seeds at four or five learning "
        f"rates. Chosen: {'; '.join(told)}."
    )
    return figure


def draw_by_size(recording: Recording) -> Figure:
    """Draw test accuracy by the size of the shape, a panel a network, a dot a seed.

    A line joins the means over the seeds; the grey lines are those of the other networks.
    """
    bins = recording.final[0].by_size
    edges = [bins[0].low, *(one.high for one in bins)]
    middles = [(one.low * one.high) ** 0.5 for one in bins]
    each = {
        name: [[one.accuracy for one in trial.by_size] for trial in recording.final_of(name)]
        for name in NAMES
    }
    means = {name: np.mean(values, axis=0) for name, values in each.items()}
    with style.house_style():
        figure, panels = style.chart(360, 2, 3, sharex=True, sharey=True)
        for axes, name in zip(panels.flat, NAMES, strict=True):
            axes.set_title(name, fontsize=13.5, color=COLOURS[name])
            axes.grid(axis="y", color=style.LIGHT_GREY, linewidth=0.8)
            for other in NAMES:
                axes.plot(middles, means[other], color=style.LIGHT_GREY, linewidth=1.5, zorder=1)
            axes.plot(middles, means[name], color=COLOURS[name])
            axes.plot(middles, np.transpose(each[name]), "o", color=COLOURS[name], markersize=4)
            axes.set(xscale="log", xlim=(edges[0], edges[-1]))
            axes.set_xticks(edges, [f"{edge:.0f}" for edge in edges])
            axes.minorticks_off()
        panels[0, 0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure.supxlabel("pixels across, log scale", fontsize=13)
        style.headline(figure, "test accuracy by the size of the shape")
    parts = [f"{name}: " + ", ".join(f"{share:.0%}" for share in means[name]) for name in NAMES]
    ranges = ", ".join(f"{one.low:.0f} to {one.high:.0f}" for one in bins)
    figure.alt = (
        f"A panel for each of {len(NAMES)} networks: test accuracy, mean of five seeds, for shapes "
        f"of {ranges} pixels across. {'; '.join(parts)}."
    )
    return figure


def _test(recording: Recording, name: str) -> list[float]:
    return [trial.test_accuracy for trial in recording.final_of(name)]


def _costs(recording: Recording, name: str) -> str:
    """Write a network's name, its channels and its multiply-adds in two lines."""
    entry, branches = recording.entry(name), find_contender(name).branches
    widths = ", ".join(str(branches * width) for width in entry.widths)
    return f"{name}\n{widths} channels, {entry.macs / 1e6:.2f} M"


def _source(recording: Recording) -> str:
    return textwrap.fill(recording.source(), seeds.SOURCE_CHARACTERS)
