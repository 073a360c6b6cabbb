"""One kernel size against several: costs and accuracy, and accuracy by size.

Every figure is drawn from a `Recording` and prints where that comes from.
"""

import textwrap
from collections.abc import Sequence
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from googlenet_lib.figures.seeds import (
    MARGIN,
    SOURCE_CHARACTERS,
    draw_seeds,
    source_height,
    span,
    write_source,
)
from googlenet_lib.figures.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    LIGHT_GREY,
    PAPER,
    WIDTH,
    axes_at,
    canvas,
    house_style,
    page,
    px,
    write,
)
from googlenet_lib.kernel_sizes import CONTENDERS, Recording, SizeBin, Trial

COLOURS = {
    "only 1x1": BRANCH_COLOURS["1x1"],
    "only 3x3": BRANCH_COLOURS["3x3"],
    "only 5x5": BRANCH_COLOURS["5x5"],
    "mixed": INK,
    "mixed, no pool": GREY,
    "3x3 and pool": BRANCH_COLOURS["pool"],
}
NAMES = tuple(one.name for one in CONTENDERS)

# All in pixels of a page that is as wide as a README.
ROW, ROWS_TOP, ROWS_BOTTOM = 62, 72, 52
COLUMNS = {"parameters": 224, "multiply-adds": 324, "field": 374, "CPU time": 452}
DOTS_LEFT, DOTS_WIDTH = 474, 400
TICK = 0.11  # of a row
PANEL_LEFT, PANEL_WIDTH, PANEL_STEP = 50, 120, 143
PANEL_TOP, PANEL_HEIGHT, PANEL_BOTTOM = 64, 210, 50


# ---- costs and accuracy --------------------------------------------------------------------------


def draw_contenders(recording: Recording) -> Figure:
    """Draw a row for each contender: what it costs, and a dot for each seed's accuracy.

    Filled dots are test accuracies, hollow ones those on the training pictures; a short upright
    line is the mean of its dots.
    """
    source = _source(recording)
    dots_height = ROW * len(NAMES)
    with house_style():
        figure, over = canvas(ROWS_TOP + dots_height + ROWS_BOTTOM + source_height(source))
        axes = axes_at(figure, DOTS_LEFT, ROWS_TOP, DOTS_WIDTH, dots_height)
        axes.set(xlim=_accuracy_range(recording), ylim=(len(NAMES), 0))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("accuracy: filled on test pictures, hollow on training pictures")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        heading = f"{len(NAMES)} networks of equal multiply-adds"
        write(over, MARGIN, 20, heading, 15, ha="left", weight="bold")
        for title, x in COLUMNS.items():
            write(over, x, ROWS_TOP - 14, title, 12.5, ha="right", va="baseline", color=GREY)
        for i, name in enumerate(NAMES):
            entry, trials = recording.entry(name), recording.final_of(name)
            y = ROWS_TOP + ROW * (i + 0.5)
            write(over, MARGIN, y - 4, name, 15, ha="left", va="baseline", weight="bold",
                  color=COLOURS[name])  # fmt: skip
            write(over, MARGIN, y + 11, _channels(recording, name), 11.5, ha="left", color=GREY)
            for column, text in (
                ("parameters", f"{entry.params:,}"),
                ("multiply-adds", f"{entry.macs / 1e6:.2f} M"),
                ("field", f"{entry.field} px"),
                ("CPU time", f"{mean(one.seconds for one in trials):.0f} s"),
            ):
                write(over, COLUMNS[column], y - 4, text, 13, ha="right", va="baseline")
            axes.axhspan(i, i + 1, color=LIGHT_GREY, alpha=0.35 * (i % 2), linewidth=0, zorder=0)
            test = [one.test_accuracy for one in trials]
            training = [one.train_accuracy for one in trials]
            draw_seeds(axes, training, i + 0.24, f"training.{name}", face=PAPER,
                       edge=COLOURS[name], alpha=1, tick=TICK)  # fmt: skip
            draw_seeds(axes, test, i + 0.5, f"test.{name}", face=COLOURS[name],
                       edge=COLOURS[name], tick=TICK)  # fmt: skip
            axes.annotate(f"test {span(test)}", (mean(test), i + 0.5), xytext=(0, -px(10)),
                          textcoords="offset points", ha="center", va="top", fontsize=px(12),
                          color=INK)  # fmt: skip
        write_source(figure, source)
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
            f"{span([one.test_accuracy for one in trials])}, training accuracy "
            f"{span([one.train_accuracy for one in trials])}"
        )
    return (
        f"A row for each of {len(NAMES)} networks, with dots for {_seeds(recording)} seeds; means "
        "and ranges. " + "; ".join(parts) + "."
    )


# ---- by size -------------------------------------------------------------------------------------


def draw_by_size(recording: Recording) -> Figure:
    """Draw test accuracy by the size of the shape, a panel for each contender, a dot a seed.

    A line joins the means over the seeds, a band goes from the lowest seed to the highest. The
    other contenders' lines lie behind it in grey.
    """
    bins = recording.final[0].by_size
    counts = [one.count for one in bins]
    edges = [bins[0].low, *(one.high for one in bins)]
    values = [one.accuracy for trial in recording.final for one in trial.by_size]
    below = (
        f"pixels across, log scale; {min(counts)} to {max(counts)} of {sum(counts):,} test shapes "
        f"in each of {len(bins)} ranges; grey: the other networks"
    )
    with house_style():
        figure, panels = _panels(recording, "test accuracy by the size of the shape", below)
        for name, axes in panels.items():
            axes.set(xscale="log", xlim=(edges[0], edges[-1]), ylim=_room(values))
            axes.xaxis.set_major_locator(FixedLocator(edges))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(lambda edge, _: f"{edge:.0f}")
            middles = [_middle(one) for one in bins]
            for other in NAMES:
                if other != name:
                    axes.plot(middles, _size_means(recording, other), color=LIGHT_GREY,
                              linewidth=px(1.5), zorder=1, gid=f"other.{other}")  # fmt: skip
            seeds = [[one.accuracy for one in trial.by_size] for trial in recording.final_of(name)]
            lowest, highest = map(min, zip(*seeds, strict=True)), map(max, zip(*seeds, strict=True))
            axes.fill_between(middles, [*lowest], [*highest], color=COLOURS[name], alpha=0.2,
                              linewidth=0, zorder=2, gid=f"range.{name}")  # fmt: skip
            means = _size_means(recording, name)
            axes.plot(middles, means, color=COLOURS[name], linewidth=px(2.4), zorder=3,
                      gid=f"mean.{name}")  # fmt: skip
            for seed in seeds:
                axes.plot(middles, seed, "o", color=COLOURS[name], markersize=px(4), zorder=4,
                          gid=f"seeds.{name}")  # fmt: skip
            axes.annotate(f"smallest {means[0]:.0%}\nlargest {means[-1]:.0%}", (0.98, 0.03),
                          xycoords="axes fraction", ha="right", va="bottom",
                          fontsize=px(12))  # fmt: skip
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


def _panels(recording: Recording, title: str, below: str) -> tuple[Figure, dict[str, Axes]]:
    """A page with a panel for each contender, all on one scale of accuracy."""
    source = _source(recording)
    bottom = PANEL_BOTTOM + source_height(source)
    height = PANEL_TOP + PANEL_HEIGHT + bottom
    figure = page(height)
    figure.text(MARGIN / WIDTH, 1 - 18 / height, title, va="center", fontsize=px(15),
                weight="bold")  # fmt: skip
    panels = {}
    for i, name in enumerate(NAMES):
        left = PANEL_LEFT + PANEL_STEP * i
        axes = panels[name] = axes_at(figure, left, PANEL_TOP, PANEL_WIDTH, PANEL_HEIGHT)
        axes.set_title(name, pad=px(6), fontsize=px(13.5), color=COLOURS[name])
        axes.grid(axis="y", color=LIGHT_GREY, linewidth=px(0.8))
        axes.set_axisbelow(True)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        if i:
            axes.tick_params(labelleft=False)
    figure.text(PANEL_LEFT / WIDTH, (bottom - 36) / height, below, va="center", fontsize=px(12.5))
    write_source(figure, source)
    return figure, panels


def _channels(recording: Recording, name: str) -> str:
    """The channels of each lane of the three layers, such as "24, 24, 36 channels"."""
    (lanes,) = (one.lanes for one in CONTENDERS if one.name == name)
    widths = ", ".join(map(str, recording.entry(name).widths))
    return f"{lanes} × ({widths}) ch." if lanes > 1 else f"{widths} channels"


def _size_means(recording: Recording, name: str) -> list[float]:
    """Mean accuracy of a contender's seeds, bin by bin."""
    return [
        mean(one.accuracy for one in same)
        for same in zip(*(trial.by_size for trial in recording.final_of(name)), strict=True)
    ]


def _middle(one: SizeBin) -> float:
    return (one.low * one.high) ** 0.5


def _accuracy_range(recording: Recording) -> tuple[float, float]:
    values = [_accuracies(one) for one in recording.final]
    return max(0.0, min(map(min, values)) - 0.06), min(1.0, max(map(max, values))) + 0.02


def _accuracies(trial: Trial) -> tuple[float, float]:
    return trial.train_accuracy, trial.test_accuracy


def _room(values: Sequence[float]) -> tuple[float, float]:
    """Limits that leave room for the labels above the dots and below them."""
    low, high = min(values), max(values)
    return low - 0.12 * (high - low), high + 0.16 * (high - low)


def _seeds(recording: Recording) -> int:
    return len({one.seed for one in recording.final})


def _source(recording: Recording) -> str:
    return textwrap.fill(recording.source(), SOURCE_CHARACTERS)
