"""The accuracy ladder as a figure: what each rung changed, seed by seed, with a fork in it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.statistics import Difference, compare_means
from googlenet_lib.course.nb07.ladder import LADDER, Rung

CHANGE_CHARACTERS = 44


@dataclass(frozen=True)
class Step:
    """One rung as it was run, and the validation accuracies of the rung that it begins from."""

    number: int
    rung: Rung
    validation: tuple[float, ...]  # of each seed's best epoch
    test: tuple[float, ...]  # of the same epochs
    start: int | None  # the number of the rung that it begins from
    before: tuple[float, ...]

    @property
    def gain(self) -> Difference | None:
        """Return the gain on validation; None where the rung that it begins from was not run."""
        return compare_means(self.validation, self.before) if self.before else None


def steps(runs: seeds.Runs) -> list[Step]:
    """List the rungs that have runs, in order. Raises UsageError for none, or for other names."""
    names = [rung.name for rung in LADDER]
    seeds.check_runs_of("ladder", names, runs)
    found = []
    for number, rung in enumerate(LADDER):
        start = names.index(rung.after) if rung.after else number - 1 if number else None
        before = () if start is None else _validation(runs, names[start])
        if runs.get(rung.name):
            test = seeds.accuracies(runs, rung.name)
            found.append(Step(number, rung, _validation(runs, rung.name), test, start, before))
    return found


def _validation(runs: seeds.Runs, name: str) -> tuple[float, ...]:
    return tuple(run.validation_accuracy for run in runs.get(name, ()))


def draw_ladder(runs: seeds.Runs) -> Figure:
    """Draw a row for each rung that has runs: a dot for each seed, means, gain, and test beside.

    `runs` holds the runs of each rung by its name. A line leads from each mean to those of the
    rungs that begin there, so that it forks where one rung takes the place of another.
    """
    rows = steps(runs)
    with style.house_style():
        figure, axes = style.chart(150 + 66 * len(rows))
        axes.set_xlim(seeds.room(step.validation for step in rows))
        seeds.in_percent(axes.xaxis)
        axes.set_xlabel("validation accuracy: a dot for each seed", loc="right")
        style.name_rows(axes, [*map(_name, rows)])
        for shift, text in ((8, "mean"), (70, "gain, in points"), (230, "test")):
            style.beside(axes, -0.7, text, shift=shift, color=style.GREY)
        _draw_path(axes, rows)
        for y, step in enumerate(rows):
            seeds.draw_seeds(axes, step.validation, y)
            style.beside(axes, y, f"{mean(step.validation):.1%}")
            seeds.write_difference(axes, y, step.gain, 70)
            style.beside(axes, y, f"{mean(step.test):.1%}", shift=230, color=style.GREY)
        style.headline(figure, "The accuracy ladder, with a fork after rung 5")
        style.footnote(figure, seeds.source(runs, "a rung"))
    figure.alt = _describe_ladder(rows, runs)
    return figure


def _draw_path(axes: Axes, rows: Sequence[Step]) -> None:
    """Lead from each rung's mean to those of the rungs that begin from it."""
    at = {step.number: (mean(step.validation), y) for y, step in enumerate(rows)}
    for step in rows:
        if step.start in at:
            (x, y), (to_x, to_y) = at[step.start], at[step.number]
            look = {"color": style.MIDDLE_GREY, "linewidth": 1.4, "zorder": 0}
            if to_y - y > 1:  # past the rungs in between
                look["linestyle"] = "--"
            axes.plot([x, to_x], [y, to_y], **look)


def _describe_ladder(rows: Sequence[Step], runs: seeds.Runs) -> str:
    """Return the alt text of `draw_ladder`, from the same data."""
    parts = []
    for step in rows:
        told = f"{step.number} {step.rung.name}: {seeds.span(step.validation)}"
        if step.gain:
            told += f", {step.gain} over rung {step.start}"
        parts.append(f"{told}, test {mean(step.test):.1%}")
    return (
        f"A row for each of {len(rows)} rungs of the accuracy ladder, with dots for "
        f"{seeds.count(runs.values())}: mean validation accuracy and its range, the gain over the "
        "rung that it begins from with its 95% interval, mean test accuracy. "
        + "; ".join(parts)
        + "."
    )


def _name(step: Step) -> str:
    """Return number and name of a rung, and below what it changes."""
    change = textwrap.fill(step.rung.change, CHANGE_CHARACTERS)
    return f"{step.number} {step.rung.name}\n{change}"
