"""One kernel size against several: costs and accuracy, and accuracy by size.

Every figure is drawn from a `Recording` and prints where that comes from.
"""

import textwrap
from statistics import mean

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.nb01.contenders import CONTENDERS, find_contender
from googlenet_lib.course.nb01.kernel_sizes import Recording, Trial

COLOURS = {
    "only 1x1": style.BRANCH_COLOURS["1x1"],
    "only 3x3": style.BRANCH_COLOURS["3x3"],
    "only 5x5": style.BRANCH_COLOURS["5x5"],
    "mixed": style.INK,
    "mixed, no pool": style.GREY,
    "3x3 and pool": style.BRANCH_COLOURS["pool"],
}
NAMES = tuple(one.name for one in CONTENDERS)


# ---- costs and accuracy --------------------------------------------------------------------------


def draw_contenders(recording: Recording) -> Figure:
    """Draw a row for each contender: what it costs, and a dot for each seed's accuracy.

    Filled dots are test accuracies, hollow ones those on the training pictures; a short upright
    line is the mean of its dots.
    """
    with style.house_style():
        figure, axes = style.chart(560)
        values = [one for trial in recording.final for one in _accuracies(trial)]
        axes.set_xlim(min(values) - 0.04, 1.01)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("accuracy: filled on test pictures, hollow on training pictures")
        style.name_rows(axes, [_costs(recording, name) for name in NAMES])
        for y, (name, label) in enumerate(zip(NAMES, axes.get_yticklabels(), strict=True)):
            colour, trials = COLOURS[name], recording.final_of(name)
            label.set_color(colour)
            train, test = zip(*map(_accuracies, trials), strict=True)
            seeds.draw_seeds(axes, train, y - 0.2, colour=colour, face=style.PAPER, tick=0.11)
            seeds.draw_seeds(axes, test, y + 0.1, colour=colour, tick=0.11)
            axes.annotate(
                f"test {seeds.span(test)}",
                (mean(test), y + 0.1),
                (0, -9),
                ha="center",
                va="top",
                fontsize=12,
                textcoords="offset points",
            )
        style.headline(figure, f"{len(NAMES)} networks of equal multiply-adds")
        style.footnote(figure, _source(recording))
    figure.alt = _describe_contenders(recording)
    return figure


def _describe_contenders(recording: Recording) -> str:
    """Return the alt text of `draw_contenders`, from the same data."""
    parts = []
    for name in NAMES:
        entry, trials = recording.entry(name), recording.final_of(name)
        parts.append(
            f"{name}: {entry.params:,} parameters, {entry.macs / 1e6:.2f} million multiply-adds, "
            f"receptive field {entry.field} pixels, test accuracy "
            f"{seeds.span([one.test_accuracy for one in trials])}, training accuracy "
            f"{seeds.span([one.train_accuracy for one in trials])}"
        )
    return (
        f"A row for each of {len(NAMES)} networks, with dots for {_seeds(recording)} seeds; means "
        "and ranges. " + "; ".join(parts) + "."
    )


# ---- by size -------------------------------------------------------------------------------------


def draw_by_size(recording: Recording) -> Figure:
    """Draw test accuracy by the size of the shape, a panel for each contender, a dot a seed.

    A line joins the means over the seeds, a band goes from the lowest seed to the highest. The
    other contenders' lines stand in grey.
    """
    bins = recording.final[0].by_size
    counts = [one.count for one in bins]
    edges = [bins[0].low, *(one.high for one in bins)]
    middles = [(one.low * one.high) ** 0.5 for one in bins]
    with style.house_style():
        figure, panels = style.chart(360, 1, len(NAMES), sharex=True, sharey=True)
        for name, axes in zip(NAMES, panels, strict=True):
            axes.set_title(name, fontsize=13.5, color=COLOURS[name])
            axes.grid(axis="y", color=style.LIGHT_GREY, linewidth=0.8)
            axes.set(xscale="log", xlim=(edges[0], edges[-1]))
            for other in NAMES:
                means = _size_means(recording, other)
                axes.plot(middles, means, color=style.LIGHT_GREY, linewidth=1.5, zorder=1)
            each = [[one.accuracy for one in trial.by_size] for trial in recording.final_of(name)]
            lowest, highest = ([*map(pick, zip(*each, strict=True))] for pick in (min, max))
            axes.fill_between(middles, lowest, highest, color=COLOURS[name], alpha=0.2, zorder=2)
            means = _size_means(recording, name)
            axes.plot(middles, means, color=COLOURS[name], zorder=3)
            axes.plot(middles, [*zip(*each, strict=True)], "o", color=COLOURS[name], markersize=4)
            axes.annotate(
                f"smallest {means[0]:.0%}\nlargest {means[-1]:.0%}",
                (0.98, 0.03),
                xycoords="axes fraction",
                ha="right",
                fontsize=12,
            )
        axes.set_xticks(edges, [f"{edge:.0f}" for edge in edges])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        style.headline(figure, "test accuracy by the size of the shape")
        below = (
            f"pixels across, log scale; {min(counts)} to {max(counts)} of {sum(counts):,} test "
            f"shapes in each of {len(bins)} ranges; grey: the other networks"
        )
        style.footnote(figure, f"{below}\n{_source(recording)}")
    figure.alt = _describe_by_size(recording)
    return figure


def _describe_by_size(recording: Recording) -> str:
    """Return the alt text of `draw_by_size`, from the same data."""
    bins = recording.final[0].by_size
    parts = [
        f"{name}: " + ", ".join(f"{share:.0%}" for share in _size_means(recording, name))
        for name in NAMES
    ]
    ranges = ", ".join(f"{one.low:.0f} to {one.high:.0f}" for one in bins)
    return (
        f"A panel for each of {len(NAMES)} networks: test accuracy, mean of {_seeds(recording)} "
        f"seeds, for shapes of {ranges} pixels across. " + "; ".join(parts) + "."
    )


# ---- parts ---------------------------------------------------------------------------------------


def _costs(recording: Recording, name: str) -> str:
    """Write a contender's name, channels and costs in three lines."""
    entry = recording.entry(name)
    seconds = mean(one.seconds for one in recording.final_of(name))
    return (
        f"{name}: {_channels(recording, name)}\n"
        f"{entry.params:,} parameters, {entry.macs / 1e6:.2f} M\nmultiply-adds, field "
        f"{entry.field} px, {seconds:.0f} s CPU"
    )


def _channels(recording: Recording, name: str) -> str:
    """Write the channels of each branch of the three layers, such as "24, 24, 36 channels"."""
    branches = find_contender(name).branches
    widths = ", ".join(map(str, recording.entry(name).widths))
    return f"{branches} × ({widths}) ch." if branches > 1 else f"{widths} channels"


def _size_means(recording: Recording, name: str) -> list[float]:
    """Average the accuracy of a contender's seeds, bin by bin."""
    return [
        mean(one.accuracy for one in same)
        for same in zip(*(trial.by_size for trial in recording.final_of(name)), strict=True)
    ]


def _accuracies(trial: Trial) -> tuple[float, float]:
    return trial.train_accuracy, trial.test_accuracy


def _seeds(recording: Recording) -> int:
    return len({one.seed for one in recording.final})


def _source(recording: Recording) -> str:
    return textwrap.fill(recording.source(), seeds.SOURCE_CHARACTERS)
