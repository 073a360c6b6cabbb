"""The accuracy ladder as a figure: what each change did to accuracy and to time, seed by seed."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from googlenet_lib.errors import UsageError
from googlenet_lib.figures.style import (
    GREY,
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    WIDTH,
    house_style,
    page,
    px,
    write,
)
from googlenet_lib.ladder import LADDER, Rung
from googlenet_lib.runs import Run

# All in pixels of a page that is as wide as a README.
MARGIN, ROWS_TOP, ROWS_BOTTOM = 14, 72, 56
NAME_LEFT, NAME_DOWN, CHANGE_CHARACTERS = 44, 24, 36
DOTS_LEFT, DOTS_WIDTH = 284, 270
MEAN_RIGHT, GAIN_RIGHT, SECONDS_RIGHT, BAR_LEFT = 648, 746, 812, 822
LINE, BAR, SOURCE_LINE, SOURCE_CHARACTERS = 15, 14, 16, 124

WITHIN, ONE_SEED, ALONE = "within the seeds' range", "one seed only", "rung before not run"


@dataclass(frozen=True)
class Step:
    """One rung as it was run; `before` holds the accuracies of the rung just below, if it ran."""

    number: int
    rung: Rung
    accuracies: tuple[float, ...]  # on test pictures, by the best validation epoch of each seed
    seconds: tuple[float, ...]  # of each epoch of each seed
    before: tuple[float, ...]

    @property
    def gain(self) -> str:
        """In points over the rung before, such as "+3.4"; empty where there is none."""
        if not self.before:
            return ""
        return f"{100 * (mean(self.accuracies) - mean(self.before)):+z.1f}".replace("-", "−")

    @property
    def doubt(self) -> str:
        """Why the gain may be none; empty where the two ranges lie apart, and on the first rung."""
        if not self.before:
            return ALONE if self.number else ""
        if min(len(self.accuracies), len(self.before)) == 1:
            return ONE_SEED
        apart = max(self.before) < min(self.accuracies) or max(self.accuracies) < min(self.before)
        return "" if apart else WITHIN


def steps(runs: Mapping[str, Sequence[Run]]) -> list[Step]:
    """The rungs that have runs, in order. Raises UsageError where none has, or for other names."""
    names = [rung.name for rung in LADDER]
    if not any(runs.values()) or not set(runs) <= set(names):
        raise UsageError(
            f"runs of {', '.join(runs) or 'no rung'} came; expected those of rungs of the ladder: "
            f"{', '.join(names)}. ladder_runs() gives the recorded ones"
        )

    def accuracies(name: str) -> tuple[float, ...]:
        return tuple(run.test_accuracy for run in runs.get(name, ()))

    return [
        Step(
            number,
            rung,
            accuracies(rung.name),
            tuple(epoch["seconds"] for run in runs[rung.name] for epoch in run.history),
            accuracies(names[number - 1]) if number else (),
        )
        for number, rung in enumerate(LADDER)
        if runs.get(rung.name)
    ]


def draw_ladder(runs: Mapping[str, Sequence[Run]]) -> Figure:
    """Draw a row for each rung that has runs: a dot a seed, mean, gain, and seconds per epoch.

    `runs` holds the runs of each rung by its name. A band is the range of the rung before; where
    the dots reach into it, they and the gain are grey, and the row says so.
    """
    rows = steps(runs)
    source = textwrap.fill(_source(runs), SOURCE_CHARACTERS)
    source_height = SOURCE_LINE * (source.count("\n") + 1) + 8
    changes = [textwrap.wrap(step.rung.change, CHANGE_CHARACTERS) for step in rows]
    row = NAME_DOWN + 10 + LINE * max(2, *map(len, changes))
    bottom = ROWS_BOTTOM + source_height
    height = ROWS_TOP + row * len(rows) + bottom
    with house_style():
        figure = page(height)
        over = figure.add_axes((0, 0, 1, 1))
        over.set(xlim=(0, WIDTH), ylim=(height, 0))
        over.axis("off")
        axes = figure.add_axes(
            (DOTS_LEFT / WIDTH, bottom / height, DOTS_WIDTH / WIDTH, row * len(rows) / height)
        )
        axes.set(xlim=_room(rows), ylim=(len(rows), 0), facecolor="none")
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda accuracy, _: f"{100 * accuracy:.3g}%")
        axes.set_xlabel("a dot a seed, a line their mean; band: the rung before")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        write(over, MARGIN, 20, "The accuracy ladder: one change a rung", 15, ha="left",
              weight="bold")  # fmt: skip
        for x, side, title in (
            (MARGIN, "left", "rung, and what it changes"),
            (DOTS_LEFT, "left", "accuracy on test pictures"),
            (MEAN_RIGHT, "right", "mean"),
            (GAIN_RIGHT, "right", "gain, points"),
            (WIDTH - MARGIN, "right", "seconds an epoch"),
        ):
            write(over, x, ROWS_TOP - 14, title, 12.5, ha=side, va="baseline", color=GREY)
        slowest = max(median(step.seconds) for step in rows)
        for i, (step, change) in enumerate(zip(rows, changes, strict=True)):
            y = ROWS_TOP + row * i
            over.plot([MARGIN, WIDTH - MARGIN], [y, y], color=LIGHT_GREY, linewidth=px(1))
            _write_step(over, step, change, y + NAME_DOWN)
            length = (WIDTH - MARGIN - BAR_LEFT) * median(step.seconds) / slowest
            bar = Rectangle((BAR_LEFT, y + NAME_DOWN - BAR + 1), length, BAR,
                            facecolor=MIDDLE_GREY, gid=f"seconds.{step.rung.name}")  # fmt: skip
            over.add_artist(bar)
            _draw_dots(axes, step, i)
        figure.text(MARGIN / WIDTH, (source_height - 2) / height, source, va="top",
                    fontsize=px(12), color=GREY)  # fmt: skip
    return figure


def describe_ladder(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the alt text of `draw_ladder`, from the same data."""
    rows = steps(runs)
    parts = []
    for step in rows:
        gain = f"{step.gain} points over the rung before" if step.gain else ""
        told = [f"{step.number} {step.rung.name}: {_span(step.accuracies)}", gain, step.doubt]
        told.append(f"{_seconds(median(step.seconds))} s per epoch")
        parts.append(", ".join(filter(None, told)))
    return (
        f"A row for each of {len(rows)} rungs of the accuracy ladder, with dots for "
        f"{_seeds(rows)}: mean test accuracy and its range, the gain over the rung before and "
        f"whether the two ranges meet, the median epoch. " + "; ".join(parts) + "."
    )


# ---- parts ---------------------------------------------------------------------------------------


def _write_step(axes: Axes, step: Step, change: Sequence[str], y: float) -> None:
    """Everything of a row that is words and numbers; `y` is the line of the name."""
    low, high = min(step.accuracies), max(step.accuracies)
    name = {"weight": "bold", "ha": "left", "va": "baseline"}
    write(axes, MARGIN, y, str(step.number), 15, **name, color=GREY)
    write(axes, NAME_LEFT, y, step.rung.name, 15, **name)
    number = {"ha": "right", "va": "baseline"}
    write(axes, MEAN_RIGHT, y, f"{mean(step.accuracies):.1%}", 15, **number)
    write(axes, GAIN_RIGHT, y, step.gain, 15, **number, weight="normal" if step.doubt else "bold",
          color=GREY if step.doubt else INK)  # fmt: skip
    write(axes, SECONDS_RIGHT, y, _seconds(median(step.seconds)), 15, **number)
    below = {"va": "top", "color": GREY}
    write(axes, NAME_LEFT, y + 5, "\n".join(change), 11.5, ha="left", **below)
    if len(step.accuracies) > 1:
        text = f"{100 * low:.1f} to {100 * high:.1f}"
        write(axes, MEAN_RIGHT, y + 5, text, 11.5, ha="right", **below)
    write(axes, GAIN_RIGHT, y + 5, textwrap.fill(step.doubt, 14), 11.5, ha="right", **below)


def _draw_dots(axes: Axes, step: Step, row: int) -> None:
    name, y, values = step.rung.name, row + 0.5, step.accuracies
    if step.before:
        low, high = min(step.before), max(step.before)
        # the edge shows a range of nothing, that of a single seed
        band = Rectangle((low, row + 0.08), high - low, 0.84, facecolor=LIGHT_GREY,
                         edgecolor=LIGHT_GREY, linewidth=px(1.5), gid=f"before.{name}")  # fmt: skip
        axes.add_artist(band)
    face, edge = (MIDDLE_GREY, GREY) if step.doubt else (INK, INK)
    axes.plot([min(values), max(values)], [y, y], color=edge, linewidth=px(1.4))
    axes.plot(values, [y] * len(values), "o", markersize=px(8), markerfacecolor=face,
              markeredgecolor=edge, alpha=0.75, gid=f"seeds.{name}")  # fmt: skip
    axes.plot([mean(values)] * 2, [y - 0.16, y + 0.16], color=INK, linewidth=px(1.8),
              gid=f"mean.{name}")  # fmt: skip


def _room(rows: Sequence[Step]) -> tuple[float, float]:
    """Limits with room for half a dot at either end, and some for runs that are all alike."""
    values = [value for step in rows for value in step.accuracies]
    room = max(0.05 * (max(values) - min(values)), 0.005)
    return min(values) - room, max(values) + room


def _span(values: Sequence[float]) -> str:
    """Mean and range, such as "56.8% (55.1 to 57.2)"; of a single seed its value."""
    span = f" ({100 * min(values):.1f} to {100 * max(values):.1f})" if len(values) > 1 else ""
    return f"{mean(values):.1%}{span}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def _seeds(rows: Sequence[Step]) -> str:
    counts = [len(step.accuracies) for step in rows]
    fewest, most = min(counts), max(counts)
    seeds = f"{most} seed{'s' * (most > 1)}"
    return seeds if fewest == most else f"{fewest} to {seeds}"


def _source(runs: Mapping[str, Sequence[Run]]) -> str:
    """Where the numbers come from, to print below them."""
    every = [run for same in runs.values() for run in same]

    def values(told: Sequence[object]) -> str:
        return ", ".join(dict.fromkeys(map(str, told)))

    dates = sorted({run.date for run in every})
    return (
        f"{len(every)} recorded run{'s' * (len(every) > 1)}, {_seeds(steps(runs))} a rung: "
        f"{values([run.data for run in every])}, "
        f"{values([f'{run.training_pictures:,}' for run in every])} training pictures, "
        f"{values([run.epochs for run in every])} epochs, best by validation, on "
        f"{values([run.device for run in every])}, torch "
        f"{values([run.versions['torch'] for run in every])}, "
        f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}; seconds: the median epoch, on a "
        "processor shared with other work"
    )
