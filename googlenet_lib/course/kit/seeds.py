"""Runs with several seeds in figures: dots, means, differences, and how far to trust them."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.statistics import Difference
from googlenet_lib.errors import UsageError
from googlenet_lib.training.run import Run

Runs = Mapping[str, Sequence[Run]]  # by the name of what was run

SOURCE_CHARACTERS = 124


def check_runs_of(study: str, names: Sequence[str], runs: Runs) -> None:
    """Raise UsageError if there are no runs, or some under other names than those of the study."""
    if not any(runs.values()) or not set(runs) <= set(names):
        raise UsageError(
            f"runs of {', '.join(runs) or 'nothing'} came; expected those of the study {study!r}: "
            f"{', '.join(names)}"
        )


def accuracies(runs: Runs, name: str) -> tuple[float, ...]:
    """On test pictures, by the best validation epoch of each seed; empty where nothing was run."""
    return tuple(run.test_accuracy for run in runs.get(name, ()))


# ---- in words ------------------------------------------------------------------------------------


def span(values: Sequence[float]) -> str:
    """Mean and range, such as "56.8% (55.1 to 57.2)"; of a single seed its value."""
    return f"{mean(values):.1%}" + (f" ({limits(values)})" if len(values) > 1 else "")


def limits(values: Sequence[float]) -> str:
    """The range in percent, such as "55.1 to 57.2"; empty for a single seed."""
    return f"{100 * min(values):.1f} to {100 * max(values):.1f}" if len(values) > 1 else ""


def count(groups: Iterable[Sequence[object]]) -> str:
    """How many seeds there are in each group that has any, such as "2 to 3 seeds"."""
    counts = [len(group) for group in groups if group]
    fewest, most = min(counts), max(counts)
    text = f"{most} seed{'s' * (most > 1)}"
    return text if fewest == most else f"{fewest} to {text}"


def source(runs: Runs, each: str, more: str = "") -> str:
    """Where the numbers come from, in lines to print below them; `each` is such as "a rung"."""
    every = [run for same in runs.values() for run in same]

    def values(told: Sequence[object]) -> str:
        return ", ".join(dict.fromkeys(map(str, told)))

    dates = sorted({run.date for run in every})
    text = (
        f"{len(every)} recorded run{'s' * (len(every) > 1)}, {count(runs.values())} {each}: "
        f"{values([run.data for run in every])}, "
        f"{values([f'{run.training_pictures:,}' for run in every])} training pictures, "
        f"{values([run.epochs for run in every])} epochs, best by validation, on "
        f"{values([run.device for run in every])}, torch "
        f"{values([run.versions['torch'] for run in every])}, "
        f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}{more}"
    )
    return textwrap.fill(text, SOURCE_CHARACTERS)


# ---- drawn ---------------------------------------------------------------------------------------


def draw_seeds(
    axes: Axes,
    values: Sequence[float],
    at: float,
    *,
    colour: str = style.INK,
    face: str | None = None,
    tick: float = 0.16,
    upright: bool = False,
) -> None:
    """A dot a seed, a line from the least to the most, and across it a tick at their mean.

    `at` is the place on the other axis, and `tick` reaches so far to each side of it. With
    `upright`, accuracies go up.
    """

    def plot(along: Sequence[float], across: Sequence[float], kind: str, **look) -> None:
        axes.plot(*((across, along) if upright else (along, across)), kind, **look)

    plot([min(values), max(values)], [at, at], "-", color=colour, linewidth=1.4)
    plot(values, [at] * len(values), "o", color=colour, markerfacecolor=face or colour, alpha=0.8)
    plot([mean(values)] * 2, [at - tick, at + tick], "-", color=style.INK, linewidth=1.8)


def write_difference(axes: Axes, y: float, difference: Difference | None, shift: float) -> None:
    """Write a difference of two means beside a row, with its interval below; nothing for None."""
    if difference:
        text = f"{difference.in_points()}\n{difference.interval_in_points()}"
        style.beside(axes, y, text, shift=shift)


def room(groups: Iterable[Sequence[float]]) -> tuple[float, float]:
    """Limits with room for half a dot at either end, and some for values that are all alike."""
    values = [*chain.from_iterable(groups)]
    more = max(0.05 * (max(values) - min(values)), 0.005)
    return min(values) - more, max(values) + more


def in_percent(axis: Axis) -> None:
    """Let an axis of accuracies, shares of 1, be read in percent."""
    axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda accuracy, _: f"{100 * accuracy:.3g}%")
