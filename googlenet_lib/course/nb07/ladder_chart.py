"""The accuracy ladder as a figure: what each change did to accuracy and to time, seed by seed."""

import textwrap
from dataclasses import dataclass
from statistics import median

from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import Difference, compare_means
from googlenet_lib.course.nb07.ladder import LADDER, Rung

CHANGE_CHARACTERS = 42


@dataclass(frozen=True)
class Step:
    """One rung as it was run; `before` holds the accuracies of the rung just below, if it ran."""

    number: int
    rung: Rung
    accuracies: tuple[float, ...]  # on test pictures, by the best validation epoch of each seed
    seconds: tuple[float, ...]  # of each epoch of each seed
    before: tuple[float, ...]

    @property
    def gain(self) -> Difference | None:
        """The mean minus that of the rung before; None where that one was not run."""
        return compare_means(self.accuracies, self.before) if self.before else None


def steps(runs: seeds.Runs) -> list[Step]:
    """List the rungs that have runs, in order. Raises UsageError for none, or for other names."""
    names = [rung.name for rung in LADDER]
    seeds.check_runs_of("ladder", names, runs)
    return [
        Step(
            number,
            rung,
            seeds.accuracies(runs, rung.name),
            tuple(epoch["seconds"] for run in runs[rung.name] for epoch in run.history),
            seeds.accuracies(runs, names[number - 1]) if number else (),
        )
        for number, rung in enumerate(LADDER)
        if runs.get(rung.name)
    ]


def draw_ladder(runs: seeds.Runs) -> Figure:
    """Draw a row for each rung that has runs: a dot a seed, mean, gain, and seconds per epoch.

    `runs` holds the runs of each rung by its name. A band is the range of the rung before. The
    gain over that rung stands beside the dots, with its 95% interval.
    """
    rows = steps(runs)
    more = "; seconds: the median epoch, on a processor shared with other work"
    with style.house_style():
        figure, axes = style.chart(150 + 62 * len(rows))
        limits = seeds.room(step.accuracies for step in rows)
        axes.set_xlim(limits)
        seeds.in_percent(axes.xaxis)
        axes.set_xlabel(
            "accuracy on test pictures: a dot a seed, a line their mean; band: the rung before",
            loc="right",
        )
        style.name_rows(axes, [*map(_name, rows)])
        for shift, text in ((8, "mean, range"), (150, "gain, points"), (300, "an epoch")):
            style.beside(axes, -0.7, text, shift=shift, color=style.GREY)
        for y, step in enumerate(rows):
            if step.before:
                low, high = min(step.before), max(step.before)
                # the edge shows a range of nothing, that of a single seed
                axes.fill_between([low, high], y - 0.42, y + 0.42, color=style.LIGHT_GREY)
            seeds.draw_seeds(axes, step.accuracies, y)
            style.beside(axes, y, seeds.span(step.accuracies).replace(" (", "\n("))
            seeds.write_difference(axes, y, step.gain, 150)
            style.beside(axes, y, f"{_seconds(median(step.seconds))} s", shift=300)
        style.headline(figure, "The accuracy ladder: one change a rung")
        style.footnote(figure, seeds.source(runs, "a rung", more))
    figure.alt = _describe_ladder(runs)
    return figure


def _describe_ladder(runs: seeds.Runs) -> str:
    """Return the alt text of `draw_ladder`, from the same data."""
    rows = steps(runs)
    parts = []
    for step in rows:
        gain = f"{step.gain} over the rung before" if step.gain else ""
        told = [f"{step.number} {step.rung.name}: {seeds.span(step.accuracies)}", gain]
        told.append(f"{_seconds(median(step.seconds))} s per epoch")
        parts.append(", ".join(filter(None, told)))
    return (
        f"A row for each of {len(rows)} rungs of the accuracy ladder, with dots for "
        f"{seeds.count(runs.values())}: mean test accuracy and its range, the gain over the rung "
        f"before with its 95% interval, the median epoch. " + "; ".join(parts) + "."
    )


def _name(step: Step) -> str:
    """Number and name of a rung, and below what it changes."""
    change = textwrap.fill(step.rung.change, CHANGE_CHARACTERS)
    return f"{step.number} {step.rung.name}\n{change}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
