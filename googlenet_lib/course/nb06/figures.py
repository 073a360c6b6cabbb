"""Figures of notebook 06: training curves, three learning rates, three seeds, four runs."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from googlenet_lib.course.kit import style
from googlenet_lib.course.nb06.four_runs import recorded
from googlenet_lib.errors import UsageError
from googlenet_lib.training.run import Run, find_best_epoch

History = Sequence[Mapping[str, float]]  # a record for each epoch

KEYS = ("train_loss_main", "val_loss_main", "train_accuracy", "val_accuracy")
SOURCE_CHARACTERS = 115


def draw_curves(
    history: History,
    *,
    source: str = "",
    reference: float | None = None,
    reference_label: str = "published test",
) -> Figure:
    """Draw loss and accuracy over the epochs of one run, with the best epoch by validation.

    `history` is what `fit` records; `source` stands below the figure; `reference` is an accuracy
    from 0 to 1, drawn as a dashed line. Raises UsageError for an empty or incomplete history.
    """
    _check_history(history)
    epochs = [epoch["epoch"] for epoch in history]
    best = next(epoch for epoch in history if epoch["epoch"] == find_best_epoch(list(history)))
    with style.house_style():
        figure, (loss, accuracy) = style.chart(400, 1, 2)
        losses = [epoch[key] for epoch in history for key in KEYS[:2]]
        highest = max(filter(math.isfinite, losses), default=1.0)
        loss.set(title="Loss of the main output", ylim=(0, 1.05 * highest))
        _draw_two(loss, history, KEYS[:2], "{:.2f}")
        lowest = min(epoch[key] for epoch in history for key in KEYS[2:])
        low = max(0, math.floor(10 * lowest - 0.5) / 10)
        accuracy.set(title="Accuracy", ylim=(low, 1))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ends = []
        if reference is not None:
            accuracy.axhline(reference, color=style.MIDDLE_GREY, linestyle=(0, (5, 4)), lw=1.3)
            text = textwrap.fill(f"{reference_label} {reference:.1%}", 15)
            ends = [(reference, text, style.GREY)]
        _draw_two(accuracy, history, KEYS[2:], "{:.1%}", ends)
        point = (best["epoch"], best["val_accuracy"])
        accuracy.plot(*point, "o", markerfacecolor=style.PAPER, color=style.INK, mew=2)
        late = best["epoch"] > epochs[-1] / 2
        accuracy.annotate(
            f"best epoch {best['epoch']}: {best['val_accuracy']:.1%}",
            point,
            (best["epoch"], low + 0.4 * (best["val_accuracy"] - low)),
            ha="right" if late else "left",
            fontsize=12,
            arrowprops={"arrowstyle": "-", "color": style.GREY},
        )
        for axes in (loss, accuracy):
            axes.set(xlabel="epoch", xlim=(0.5, max(epochs) + 0.5))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        style.footnote(figure, textwrap.fill(source, SOURCE_CHARACTERS))
    first, last = history[0], history[-1]
    change = [f"{first[key]:.2f} to {last[key]:.2f}" for key in KEYS[:2]]
    change += [f"{first[key]:.1%} to {last[key]:.1%}" for key in KEYS[2:]]
    figure.alt = (
        f"Training curves of one run, epoch {epochs[0]} to {epochs[-1]}. Main loss: training "
        f"{change[0]}, validation {change[1]}. Accuracy: training {change[2]}, validation "
        f"{change[3]}; best epoch {best['epoch']}: {best['val_accuracy']:.1%} on validation."
    )
    if reference is not None:
        figure.alt += f" A dashed line marks {reference_label}, {reference:.1%}."
    return figure


def draw_descents(losses: Mapping[float, Sequence[float]]) -> Figure:
    """Draw the loss over the steps of gradient descent, one line for each learning rate."""
    with style.house_style():
        figure, axes = style.chart(300)
        ends = []
        for (rate, values), dashes in zip(losses.items(), cycle(("-", "--", ":")), strict=False):
            axes.plot(range(len(values)), values, "o", linestyle=dashes, color=style.INK, ms=5)
            ends.append((values[-1], f"learning rate {rate:g}", style.INK))
        axes.set(xlabel="step", ylabel="loss", xticks=range(len(values)), ylim=(-0.1, None))
        style.label_ends(axes, ends)
    said = "; ".join(f"with {rate:g} it ends at {v[-1]:.2g}" for rate, v in losses.items())
    figure.alt = f"Loss over the steps of gradient descent on w squared, from 1 on: {said}."
    return figure


def draw_seeds(runs: Sequence[Run], interval: tuple[float, float], published: float) -> Figure:
    """Draw test accuracies, the interval for one more run, validation, and the published."""
    tests = [run.test_accuracy for run in runs]
    validations = [run.validation_accuracy for run in runs]
    mean = sum(tests) / len(tests)
    rows = ("test", "validation", "published test, one run")
    with style.house_style():
        figure, axes = style.chart(260)
        style.name_rows(axes, rows)
        axes.plot(interval, (0, 0), color=style.MIDDLE_GREY, linewidth=9, solid_capstyle="butt")
        axes.plot(mean, 0, "|", color=style.INK, markersize=22, mew=2)
        axes.plot(tests, [0] * len(tests), "o", color=style.INK)
        axes.plot(validations, [1] * len(tests), "o", color=style.MIDDLE_GREY)
        axes.plot(published, 2, "D", color=style.INK)
        axes.axvline(published, color=style.MIDDLE_GREY, linestyle=":", linewidth=1.3, zorder=0)
        axes.annotate(
            f"mean {mean:.1%}; one more run, 95%: {interval[0]:.1%} to {interval[1]:.1%}",
            (interval[0], 0),
            (0, 16),
            textcoords="offset points",
            fontsize=12,
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        axes.set(xlabel="accuracy")
        style.footnote(figure, textwrap.fill(source_line(runs), SOURCE_CHARACTERS))
    figure.alt = (
        f"Test accuracy of {len(runs)} seeds: {', '.join(f'{t:.1%}' for t in tests)}; mean "
        f"{mean:.1%}; one more run, 95%: {interval[0]:.1%} to {interval[1]:.1%}. Validation: "
        f"{', '.join(f'{v:.1%}' for v in validations)}. Published test: {published:.1%}."
    )
    return figure


def draw_four_runs() -> Figure:
    """Draw training and validation accuracy of four short runs, side by side."""
    with style.house_style():
        figure, panels = style.chart(290, 1, 4, sharey=True)
        for axes, (letter, course) in zip(panels, recorded().items(), strict=True):
            epochs = range(1, len(course.train) + 1)
            axes.plot(epochs, course.train, "--", color=style.GREY, label="training")
            axes.plot(epochs, course.validation, color=style.INK, label="validation")
            axes.axhline(0.1, color=style.LIGHT_GREY, linewidth=1, zorder=0)
            axes.set(title=f"Run {letter}", xlabel="epoch", xticks=(1, 12, 24), ylim=(0, 1.03))
        panels[0].set(ylabel="accuracy", yticks=(0, 0.1, 0.5, 1))
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    ends = "; ".join(
        f"run {letter} ends at {course.train[-1]:.2f} and {course.validation[-1]:.2f}"
        for letter, course in recorded().items()
    )
    figure.alt = f"Accuracy of four runs over 24 epochs, training and validation: {ends}."
    return figure


def source_line(runs: Sequence[Run]) -> str:
    """Return where several runs of one recipe come from, in one line."""

    def values(name: str) -> str:
        return ", ".join(dict.fromkeys(str(getattr(run, name)) for run in runs))

    return (
        f"{len(runs)} recorded runs: recipe {values('recipe')}, variant {values('variant')}, "
        f"{values('data')}, seeds {values('seed')}, {values('epochs')} epochs on "
        f"{values('device')}, {values('date')}"
    )


def _draw_two(
    axes: Axes,
    history: History,
    keys: Sequence[str],
    form: str,
    labels: Sequence[tuple[float, str, str]] = (),
) -> None:
    """Draw training and validation, and label their ends; `labels` are more of these."""
    ends = list(labels)
    epochs = [epoch["epoch"] for epoch in history]
    marker = "o" if len(epochs) < 4 else ""  # a line through one point cannot be seen
    for key, name, colour in zip(
        keys, ("training", "validation"), (style.GREY, style.INK), strict=True
    ):
        values = [epoch[key] for epoch in history]
        look = "--" if name == "training" else "-"
        axes.plot(epochs, values, look, color=colour, marker=marker, markersize=5)
        ends.append((values[-1], f"{name} {form.format(values[-1])}", colour))
    style.label_ends(axes, ends)


def _check_history(history: History) -> None:
    if not history:
        raise UsageError(
            "the history has no epochs, so that there is nothing to plot; train for at least one, "
            "or pass the history of a recorded run"
        )
    needed = ("epoch", *KEYS)
    missing = [key for key in needed if any(key not in epoch for epoch in history)]
    if missing:
        raise UsageError(
            f"the history lacks {', '.join(missing)}; every epoch needs {', '.join(needed)}, as "
            "googlenet_lib.training.fit.fit records them"
        )
