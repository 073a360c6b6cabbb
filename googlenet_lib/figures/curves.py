"""Training curves: one run, or several as a range, with where they come from underneath."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from googlenet_lib.errors import UsageError
from googlenet_lib.figures.style import (
    GREY,
    HEAD_COLOUR,
    INK,
    PAPER,
    WIDTH,
    axes_at,
    house_style,
    page,
    px,
    spread,
    tint,
)
from googlenet_lib.fitting import best_epoch
from googlenet_lib.runs import Run

Epoch = Mapping[str, float]
History = Sequence[Epoch]

# All in pixels of a page that is as wide as a README.
LOSS_X, ACCURACY_X = 50, 496
AXES_TOP, AXES_WIDTH, AXES_HEIGHT = 44, 276, 272
SOURCE_TOP, SOURCE_CHARACTERS, LINE_HEIGHT = 368, 115, 16


@dataclass(frozen=True)
class Series:
    """One line of a panel: its key in the history, its label, and how it is drawn."""

    key: str
    label: str
    colour: str = INK
    dashes: str = "-"
    width: float = 2


@dataclass(frozen=True)
class End:
    """Where a line ends, and what is written there."""

    x: float
    y: float
    text: str
    colour: str


TRAIN_LOSS = Series("train_loss_main", "training", GREY)
HEADS_LOSS = Series("train_loss", "training,\nwith heads", HEAD_COLOUR, "--")
VALIDATION_LOSS = Series("val_loss_main", "validation", width=2.6)
TRAIN_ACCURACY = Series("train_accuracy", "training", GREY)
VALIDATION_ACCURACY = Series("val_accuracy", "validation", width=2.6)
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
    source = textwrap.fill(source, SOURCE_CHARACTERS)
    with house_style():
        height = SOURCE_TOP + LINE_HEIGHT * (source.count("\n") + 1) + 6
        figure = page(height)
        loss, accuracy = (_panel(figure, x, runs) for x in (LOSS_X, ACCURACY_X))
        values = [epoch[series.key] for run in runs for epoch in run for series in losses]
        highest = max(filter(math.isfinite, values), default=1.0)
        loss.set(title="Loss", ylim=(0, 1.05 * highest))
        accuracy.set(title="Accuracy", ylim=(0, 1))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        loss_ends = [_draw(loss, runs, series, LOSS_FORM) for series in losses]
        accuracy_ends = [
            _draw(accuracy, runs, series, ACCURACY_FORM)
            for series in (TRAIN_ACCURACY, VALIDATION_ACCURACY)
        ]
        if reference is not None:
            accuracy.axhline(reference, color=GREY, linestyle=(0, (5, 4)), linewidth=px(1.3),
                             gid="reference")  # fmt: skip
            text = textwrap.fill(f"{reference_label} {ACCURACY_FORM.format(reference)}", 15)
            accuracy_ends.append(End(accuracy.get_xlim()[1], reference, text, GREY))
        _label(loss, loss_ends)
        _label(accuracy, accuracy_ends)
        _mark_best(loss, accuracy, runs)
        figure.text(LOSS_X / WIDTH, 1 - SOURCE_TOP / height, source, va="top", fontsize=px(12),
                    color=GREY)  # fmt: skip
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
            "googlenet_lib.fitting.fit records them"
        )
    return runs


def _range(epochs: Sequence[Epoch], series: Series, form: str) -> str:
    values = [epoch[series.key] for epoch in epochs]
    low, high = form.format(min(values)), form.format(max(values))
    return high if low == high else f"{low.removesuffix('%')}–{high}"


def _best(run: History) -> Epoch:
    number = best_epoch(list(run))
    return next(epoch for epoch in run if epoch["epoch"] == number)


def _best_text(runs: list[History]) -> str:
    best = [_best(run) for run in runs]
    accuracy = _range(best, VALIDATION_ACCURACY, ACCURACY_FORM)
    return f"best epoch {_range(best, EPOCH, '{:.0f}')}: {accuracy}"


def _panel(figure: Figure, x: float, runs: list[History]) -> Axes:
    axes = axes_at(figure, x, AXES_TOP, AXES_WIDTH, AXES_HEIGHT, xlabel="epoch")
    epochs = [epoch["epoch"] for run in runs for epoch in run]
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    return axes


def _draw(axes: Axes, runs: list[History], series: Series, form: str) -> End:
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
            linewidth=px(series.width if alone else 1),
            marker="o" if len(run) < 4 else "",  # a line through one point cannot be seen
            markersize=px(5),
            gid=series.key,
        )
    if not alone:
        epochs = sorted(values)
        lows, highs = ([pick(values[epoch]) for epoch in epochs] for pick in (min, max))
        axes.fill_between(epochs, lows, highs, color=tint(series.colour, 0.75), linewidth=0,
                          zorder=1, gid=f"{series.key}.range")  # fmt: skip
    last = [run[-1] for run in runs]
    middle = sum(epoch[series.key] for epoch in last) / len(last)
    words = [series.label, _range(last, series, form)]
    text = " ".join(words) if alone else "\n".join(words)  # a range needs a line of its own
    return End(max(epoch["epoch"] for epoch in last), middle, text, series.colour)


def _label(axes: Axes, ends: list[End]) -> None:
    """Write at the end of each line what it is, moved apart where lines end close together."""
    bottom, top = axes.get_ylim()
    pixels = AXES_HEIGHT / (top - bottom)
    ends = [end for end in ends if math.isfinite(end.y)]  # a run that diverged ends nowhere
    heights = [LINE_HEIGHT * (end.text.count("\n") + 1) + 4 for end in ends]
    for end, y in zip(ends, spread([end.y * pixels for end in ends], heights), strict=True):
        leader = {"arrowstyle": "-", "color": end.colour, "linewidth": px(0.8), "shrinkB": 2}
        axes.annotate(end.text, (end.x, end.y), (1.05, y / pixels), va="center", fontsize=px(12),
                      textcoords=("axes fraction", "data"), arrowprops=leader)  # fmt: skip


def _mark_best(loss: Axes, accuracy: Axes, runs: list[History]) -> None:
    best = [_best(run) for run in runs]
    accuracy.plot(
        [epoch["epoch"] for epoch in best],
        [epoch["val_accuracy"] for epoch in best],
        linestyle="",
        marker="o",
        markersize=px(9),
        markerfacecolor=PAPER,
        markeredgecolor=INK,
        markeredgewidth=px(2),
        gid="best",
    )
    epoch = best[0]["epoch"]
    if len(runs) == 1:
        for axes in (loss, accuracy):
            axes.axvline(epoch, color=GREY, linestyle=":", linewidth=px(1.2), zorder=1)
    late = epoch > sum(accuracy.get_xlim()) / 2
    accuracy.annotate(_best_text(runs), (epoch, 0.02), (-5 if late else 5, 0), fontsize=px(12),
                      textcoords="offset points", ha="right" if late else "left")  # fmt: skip
