"""Training curves: one run, or several as a range, with where they come from underneath."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from googlenet_lib.course.kit import style
from googlenet_lib.errors import UsageError
from googlenet_lib.training.run import Run, find_best_epoch

Epoch = Mapping[str, float]
History = Sequence[Epoch]

SOURCE_CHARACTERS = 115


@dataclass(frozen=True)
class Series:
    """One line of a panel: its key in the history, its label, and how it is drawn."""

    key: str
    label: str
    colour: str = style.INK
    dashes: str = "-"


TRAIN_LOSS = Series("train_loss_main", "training", style.GREY)
HEADS_LOSS = Series("train_loss", "training,\nwith heads", style.HEAD_COLOUR, "--")
VALIDATION_LOSS = Series("val_loss_main", "validation")
TRAIN_ACCURACY = Series("train_accuracy", "training", style.GREY)
VALIDATION_ACCURACY = Series("val_accuracy", "validation")
EPOCH = Series("epoch", "epoch")
SERIES = (EPOCH, TRAIN_LOSS, HEADS_LOSS, VALIDATION_LOSS, TRAIN_ACCURACY, VALIDATION_ACCURACY)
LOSS_FORM, ACCURACY_FORM = "{:.2f}", "{:.1%}"


def draw_curves(
    history: History | Sequence[History],
    *,
    source: str,
    reference: float | None = None,
    reference_label: str = "published test",
) -> Figure:
    """Plot loss and accuracy over epochs, of one run or of several: thin lines and their range.

    `history` is what `fit` records, a dict per epoch, or a list of such histories. `source` says
    where it comes from and is printed underneath: see `source_line`. `reference` is an accuracy
    from 0 to 1, drawn as a dashed line. Raises UsageError for an empty or incomplete history.
    """
    runs = _runs(history)
    losses = [TRAIN_LOSS, VALIDATION_LOSS]
    if any(epoch["train_loss"] != epoch["train_loss_main"] for run in runs for epoch in run):
        losses.append(HEADS_LOSS)
    with style.house_style():
        figure, (loss, accuracy) = style.chart(400, 1, 2)
        values = [epoch[series.key] for run in runs for epoch in run for series in losses]
        loss.set(title="Loss", ylim=(0, 1.05 * max(filter(math.isfinite, values), default=1.0)))
        accuracy.set(title="Accuracy", ylim=(0, 1))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ends = [_draw(loss, runs, series, LOSS_FORM) for series in losses]
        style.label_ends(loss, ends)
        both = (TRAIN_ACCURACY, VALIDATION_ACCURACY)
        ends = [_draw(accuracy, runs, series, ACCURACY_FORM) for series in both]
        if reference is not None:
            accuracy.axhline(reference, color=style.GREY, linestyle=(0, (5, 4)), linewidth=1.3)
            text = textwrap.fill(f"{reference_label} {ACCURACY_FORM.format(reference)}", 15)
            ends.append((reference, text, style.GREY))
        style.label_ends(accuracy, ends)
        _mark_best(loss, accuracy, runs)
        for axes in (loss, accuracy):
            last = max(len(run) for run in runs)
            axes.set(xlabel="epoch", xlim=(0.5, last + 0.5))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        style.footnote(figure, textwrap.fill(source, SOURCE_CHARACTERS))
    figure.alt = _describe_curves(history, reference=reference, reference_label=reference_label)
    return figure


def _describe_curves(
    history: History | Sequence[History],
    *,
    reference: float | None = None,
    reference_label: str = "published test",
) -> str:
    """Return the alt text of `draw_curves`, from the same history."""
    runs = _runs(history)
    first, last = ([run[i] for run in runs] for i in (0, -1))
    count = "one run" if len(runs) == 1 else f"{len(runs)} runs"

    def change(series: Series, form: str) -> str:
        return f"{series.label} {_range(first, series, form)} to {_range(last, series, form)}"

    text = (
        f"Training curves of {count}, epoch {_range(first, EPOCH, '{:.0f}')} to "
        f"{_range(last, EPOCH, '{:.0f}')}. Loss: "
        f"{change(TRAIN_LOSS, LOSS_FORM)}, {change(VALIDATION_LOSS, LOSS_FORM)}. Accuracy: "
        f"{change(TRAIN_ACCURACY, ACCURACY_FORM)}, {change(VALIDATION_ACCURACY, ACCURACY_FORM)}; "
        f"{_best_text(runs)} on validation."
    )
    if reference is not None:
        text += f" A dashed line marks {reference_label}, {ACCURACY_FORM.format(reference)}."
    return text


def source_line(*runs: Run) -> str:
    """Return where recorded runs come from, in one line to print under a figure."""
    if len(runs) == 1:
        return runs[0].source()

    def values(name: str) -> str:
        return ", ".join(dict.fromkeys(str(getattr(run, name)) for run in runs))

    return (
        f"{len(runs)} recorded runs: recipe {values('recipe')}, variant {values('variant')}, "
        f"{values('data')}, seeds {values('seed')}, {values('epochs')} epochs on "
        f"{values('device')}, {values('date')}"
    )


def _runs(history: History | Sequence[History]) -> list[History]:
    runs = list(history) if history and not isinstance(history[0], Mapping) else [history]
    if not all(runs):
        raise UsageError(
            "the history has no epochs, so that there is nothing to plot; train for at least one, "
            "or pass the history of a recorded run"
        )
    keys = [series.key for series in SERIES]
    missing = [key for key in keys if any(key not in epoch for run in runs for epoch in run)]
    if missing:
        raise UsageError(
            f"the history lacks {', '.join(missing)}; every epoch needs {', '.join(keys)}, as "
            "googlenet_lib.training.fit.fit records them"
        )
    return runs


def _range(epochs: Sequence[Epoch], series: Series, form: str) -> str:
    values = [epoch[series.key] for epoch in epochs]
    low, high = form.format(min(values)), form.format(max(values))
    return high if low == high else f"{low.removesuffix('%')}–{high}"


def _best(run: History) -> Epoch:
    number = find_best_epoch(list(run))
    return next(epoch for epoch in run if epoch["epoch"] == number)


def _best_text(runs: list[History]) -> str:
    best = [_best(run) for run in runs]
    accuracy = _range(best, VALIDATION_ACCURACY, ACCURACY_FORM)
    return f"best epoch {_range(best, EPOCH, '{:.0f}')}: {accuracy}"


def _draw(axes: Axes, runs: list[History], series: Series, form: str) -> tuple[float, str, str]:
    """The lines of a series, thin ones in their range for several runs; the label of their end."""
    alone = len(runs) == 1
    values: dict[float, list[float]] = {}
    for run in runs:
        for epoch in run:
            values.setdefault(epoch["epoch"], []).append(epoch[series.key])
        axes.plot(
            [epoch["epoch"] for epoch in run],
            [epoch[series.key] for epoch in run],
            color=series.colour,
            linestyle=series.dashes,
            linewidth=2.4 if alone else 1,
            marker="o" if len(run) < 4 else "",  # a line through one point cannot be seen
            markersize=5,
        )
    if not alone:
        epochs = sorted(values)
        lows, highs = ([pick(values[epoch]) for epoch in epochs] for pick in (min, max))
        axes.fill_between(epochs, lows, highs, color=style.tint(series.colour, 0.75), zorder=1)
    last = [run[-1] for run in runs]
    middle = sum(epoch[series.key] for epoch in last) / len(last)
    words = [series.label, _range(last, series, form)]
    text = (" " if alone else "\n").join(words)  # a range needs a line of its own
    return middle, text, series.colour


def _mark_best(loss: Axes, accuracy: Axes, runs: list[History]) -> None:
    best = [_best(run) for run in runs]
    epochs = [epoch["epoch"] for epoch in best]
    values = [epoch["val_accuracy"] for epoch in best]
    accuracy.plot(epochs, values, "o", markerfacecolor=style.PAPER, color=style.INK, mew=2)
    if len(runs) == 1:
        for axes in (loss, accuracy):
            axes.axvline(epochs[0], color=style.GREY, linestyle=":", linewidth=1.2, zorder=1)
    late = epochs[0] > max(len(run) for run in runs) / 2
    accuracy.annotate(
        _best_text(runs),
        (epochs[0], 0.02),
        (-5 if late else 5, 0),
        fontsize=12,
        textcoords="offset points",
        ha="right" if late else "left",
    )
