"""The accuracy ladder as a figure: what each change did to accuracy and to time, seed by seed."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

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
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    WIDTH,
    axes_at,
    canvas,
    house_style,
    px,
    write,
)
from googlenet_lib.ladder import LADDER, Rung

# All in pixels of a page that is as wide as a README.
ROWS_TOP, ROWS_BOTTOM = 72, 56
NAME_LEFT, NAME_DOWN, CHANGE_CHARACTERS = 44, 24, 36
DOTS_LEFT, DOTS_WIDTH = 284, 270
MEAN_RIGHT, GAIN_RIGHT, SECONDS_RIGHT, BAR_LEFT = 648, 746, 812, 822
LINE, BAR = 15, 14

ALONE = "rung before not run"


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
        return points(self.accuracies, self.before)

    @property
    def doubt(self) -> str:
        """Why the gain may be none; empty where the two ranges lie apart, and on the first rung."""
        if not self.before:
            return ALONE if self.number else ""
        return doubt(self.accuracies, self.before)


def steps(runs: Runs) -> list[Step]:
    """The rungs that have runs, in order. Raises UsageError where none has, or for other names."""
    names = [rung.name for rung in LADDER]
    check_runs(runs, names, "rung", "the ladder", "ladder_runs()")
    return [
        Step(
            number,
            rung,
            accuracies(runs, rung.name),
            tuple(epoch["seconds"] for run in runs[rung.name] for epoch in run.history),
            accuracies(runs, names[number - 1]) if number else (),
        )
        for number, rung in enumerate(LADDER)
        if runs.get(rung.name)
    ]


def draw_ladder(runs: Runs) -> Figure:
    """Draw a row for each rung that has runs: a dot a seed, mean, gain, and seconds per epoch.

    `runs` holds the runs of each rung by its name. A band is the range of the rung before; where
    the dots reach into it, they and the gain are grey, and the row says so.
    """
    rows = steps(runs)
    told = source(
        runs, "a rung", "; seconds: the median epoch, on a processor shared with other work"
    )
    changes = [textwrap.wrap(step.rung.change, CHANGE_CHARACTERS) for step in rows]
    row = NAME_DOWN + 10 + LINE * max(2, *map(len, changes))
    dots_height = row * len(rows)
    with house_style():
        figure, over = canvas(ROWS_TOP + dots_height + ROWS_BOTTOM + source_height(told))
        axes = axes_at(figure, DOTS_LEFT, ROWS_TOP, DOTS_WIDTH, dots_height, facecolor="none")
        axes.set(xlim=room(step.accuracies for step in rows), ylim=(len(rows), 0))
        in_percent(axes.xaxis)
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
        write_source(figure, told)
    figure.alt = _describe_ladder(runs)
    return figure


def _describe_ladder(runs: Runs) -> str:
    """Return the alt text of `draw_ladder`, from the same data."""
    rows = steps(runs)
    parts = []
    for step in rows:
        gain = f"{step.gain} points over the rung before" if step.gain else ""
        told = [f"{step.number} {step.rung.name}: {span(step.accuracies)}", gain, step.doubt]
        told.append(f"{_seconds(median(step.seconds))} s per epoch")
        parts.append(", ".join(filter(None, told)))
    return (
        f"A row for each of {len(rows)} rungs of the accuracy ladder, with dots for "
        f"{seeds(runs.values())}: mean test accuracy and its range, the gain over the rung before "
        f"and whether the two ranges meet, the median epoch. " + "; ".join(parts) + "."
    )


# ---- parts ---------------------------------------------------------------------------------------


def _write_step(axes: Axes, step: Step, change: Sequence[str], y: float) -> None:
    """Everything of a row that is words and numbers; `y` is the line of the name."""
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
    write(axes, MEAN_RIGHT, y + 5, limits(step.accuracies), 11.5, ha="right", **below)
    write(axes, GAIN_RIGHT, y + 5, textwrap.fill(step.doubt, 14), 11.5, ha="right", **below)


def _draw_dots(axes: Axes, step: Step, row: int) -> None:
    name = step.rung.name
    if step.before:
        low, high = min(step.before), max(step.before)
        # the edge shows a range of nothing, that of a single seed
        band = Rectangle((low, row + 0.08), high - low, 0.84, facecolor=LIGHT_GREY,
                         edgecolor=LIGHT_GREY, linewidth=px(1.5), gid=f"before.{name}")  # fmt: skip
        axes.add_artist(band)
    face, edge = (MIDDLE_GREY, GREY) if step.doubt else (INK, INK)
    draw_seeds(axes, step.accuracies, row + 0.5, name, face=face, edge=edge)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
