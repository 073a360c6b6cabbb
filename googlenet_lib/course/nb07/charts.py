"""Lesson 07: the figures of data, labels, optimisers, schedules and averages, and an explorer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from statistics import mean

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import seeds, style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.kit.statistics import compare_means
from googlenet_lib.course.nb07.changes import ARMS, LENGTHS, SEEDS, accuracies
from googlenet_lib.course.nb07.ladder import ladder_runs
from googlenet_lib.errors import UsageError
from googlenet_lib.training import optim
from googlenet_lib.training.recipes import IMAGENET, SCHEDULES, Recipe

POINTS = 400  # of a drawn curve
LINES = (("-", style.INK), ("--", style.GREY), ("-.", style.GREY), (":", style.INK))

# ---- one network, two recipes --------------------------------------------------------------------


def draw_recipes() -> Figure:
    """Draw validation accuracy by epoch for two rungs of the ladder: one network, two recipes."""
    runs = ladder_runs()
    told = {"layers": "Adam, constant learning rate", "muon": "most of this lesson's changes"}
    ends, last = [], {}
    with style.house_style():
        figure, axes = style.chart(320)
        for (name, label), (dashes, colour) in zip(told.items(), LINES[1::-1], strict=True):
            for run in runs[name]:
                curve = [epoch["val_accuracy"] for epoch in run.history]
                axes.plot(range(1, len(curve) + 1), curve, dashes, color=colour, linewidth=1.6)
            last[name] = mean(run.history[-1]["val_accuracy"] for run in runs[name])
            ends.append((last[name], f"{label}:\n{last[name]:.0%} at the end", style.INK))
        axes.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0, 0.9), xlim=(1, len(curve)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_title("The same network on the same images, by two recipes")
        style.label_ends(axes, ends)
    figure.alt = (
        "Validation accuracy over 8 epochs, a line for each seed. The same network is trained by "
        f"two recipes: by Adam with a constant learning rate it ends at {last['layers']:.0%} on "
        f"average, with most of this lesson's changes at {last['muon']:.0%}."
    )
    return figure


# ---- augmentation --------------------------------------------------------------------------------


def draw_augmented(rows: Mapping[str, Tensor], classes: Sequence[str]) -> Figure:
    """Draw the same images once a row, each row after another change: names to (N, 3, H, W).

    `classes` names each of the images, for the alt text.
    """
    shapes = {tuple(images.shape) for images in rows.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 4:
        raise UsageError(
            f"rows of the shapes {sorted(shapes)} came; expected one or more, all (N, 3, H, W)"
        )
    count = len(next(iter(rows.values())))
    with style.house_style():
        figure, panels = style.chart(112 * len(rows), len(rows), count, squeeze=False)
        for (name, images), line in zip(rows.items(), panels, strict=True):
            for image, axes in zip(images, line, strict=True):
                pixels = image.clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
                axes.imshow(pixels, interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.alt = (
        f"A grid of {count} images ({', '.join(classes)}), shown {len(rows)} times from top to "
        f"bottom: {'; '.join(rows)}."
    )
    return figure


# ---- label smoothing -----------------------------------------------------------------------------


def smoothed_loss(sure: float, smoothing: float, classes: int) -> float:
    """Return the cross-entropy where the right class gets `sure`, all others equal shares."""
    right = 1 - smoothing + smoothing / classes
    return -right * math.log(sure) - (1 - right) * math.log((1 - sure) / (classes - 1))


def least_loss(smoothing: float, classes: int) -> tuple[float, float]:
    """Return the least loss that smoothed labels allow, and the probability that gives it.

    It is the labels' own entropy: no prediction can be nearer to them than they are.
    """
    if not 0 <= smoothing < 1 or classes < 2:
        raise UsageError(
            f"smoothing={smoothing}, classes={classes} came; expected 0 to below 1, and 2 or more"
        )
    sure = 1 - smoothing + smoothing / classes
    return (smoothed_loss(sure, smoothing, classes) if smoothing else 0.0), sure


def draw_smoothing(smoothings: Sequence[float], classes: int = 10) -> Figure:
    """Draw the loss over the probability of the right class; a dot marks each least loss."""
    chances = [0.3 + 0.6999 * i / POINTS for i in range(POINTS + 1)]
    parts = []
    with style.house_style():
        figure, axes = style.chart(330)
        for smoothing, (dashes, colour) in zip(smoothings, cycle(LINES), strict=False):
            losses = [smoothed_loss(sure, smoothing, classes) for sure in chances]
            axes.plot(chances, losses, dashes, color=colour)
            least, sure = least_loss(smoothing, classes)
            axes.plot([sure], [least], "o", color=style.INK, clip_on=False, zorder=5)
            name = f"smoothed by {smoothing:g}" if smoothing else "not smoothed"
            parts.append(f"{name}, least loss {least:.2f} at {sure:.2f}")
            look = (
                {"va": "bottom", "ha": "center"} if smoothing else {"va": "center", "ha": "right"}
            )
            shift = (0, 26) if smoothing else (-215, 20)
            axes.annotate(
                f"{name}: {least:.2f}", (sure, least), shift, textcoords="offset points", **look
            )
        axes.set(xlim=(0.3, 1.0), ylim=(0, 2.0), xlabel="probability given to the right class")
        axes.set_ylabel("loss")
        axes.set_title(f"Cross-entropy, {classes} classes; a dot marks the lowest point")
    figure.alt = (
        f"Curves of the cross-entropy over the probability of the right class, {classes} classes: "
        + "; ".join(parts)
        + ". With smoothing the loss rises again for a network that is more certain than that."
    )
    return figure


# ---- optimisers ----------------------------------------------------------------------------------


def draw_paths(paths: Mapping[str, Tensor], steepness: float) -> Figure:
    """Draw paths, (steps, 2), over the valley (x² + steepness · y²) / 2, a panel for each."""
    across, up = torch.meshgrid(
        torch.linspace(-11, 4, 80), torch.linspace(-2.4, 2.4, 60), indexing="xy"
    )
    loss = (across**2 + steepness * up**2) / 2
    left = {}
    with style.house_style():
        figure, panels = style.chart(240, 1, len(paths), sharey=True, squeeze=False)
        for (name, path), axes in zip(paths.items(), panels[0], strict=True):
            levels = [0.2 * 2.2**n for n in range(8)]
            axes.contour(across, up, loss, levels, colors=style.LIGHT_GREY, linewidths=1)
            axes.plot(*path.T, "o-", color=style.INK, markersize=3, linewidth=1.2)
            axes.plot([0], [0], "+", color=style.HEAD_COLOUR, markersize=14)
            axes.set(xticks=[], yticks=[], title=name, xlim=(-11, 4), ylim=(-2.4, 2.4))
            left[name] = float(path[-1].norm())
    steps = len(next(iter(paths.values()))) - 1
    figure.alt = (
        f"A long, narrow valley seen from above, a cross at its lowest point. After {steps} "
    )
    figure.alt += "steps the distance to the cross is " + ", ".join(
        f"{distance:.2f} for {name}" for name, distance in left.items()
    )
    figure.alt += "."
    return figure


def draw_singular_values(stages: Sequence[Tensor]) -> Figure:
    """Draw the singular values of a matrix, largest first, before and after each round."""
    names = ["before", *(f"after {n} round{'s' * (n > 1)}" for n in range(1, len(stages)))]
    ends = []
    with style.house_style():
        figure, axes = style.chart(300)
        for name, values, (dashes, colour) in zip(names, stages, cycle(LINES), strict=False):
            axes.plot(range(1, len(values) + 1), values, dashes, color=colour)
            ends.append((float(values[-1]), name, colour))
        axes.set(xlim=(1, len(values)), ylim=(0, 1.35), xlabel="direction, strongest first")
        axes.set_ylabel("singular value")
        style.label_ends(axes, ends)
    told = [
        f"{n}: {float(v[0]):.1f} to {float(v[-1]):.1f}" for n, v in zip(names, stages, strict=True)
    ]
    figure.alt = f"Singular values of a gradient, from the largest to the least. {'; '.join(told)}."
    return figure


# ---- the learning rate ---------------------------------------------------------------------------


def learning_rates(recipe: Recipe, steps: int = POINTS) -> list[float]:
    """List the learning rate at each of `steps` steps."""
    return [recipe.lr * optim.rate_factor(step, steps, recipe) for step in range(steps)]


def draw_schedules(recipes: Sequence[Recipe]) -> Figure:
    """Draw the learning rate of each recipe over a training, as a share of its highest."""
    parts = []
    with style.house_style():
        figure, panels = style.chart(240, 1, len(recipes), sharey=True, squeeze=False)
        for recipe, axes in zip(recipes, panels[0], strict=True):
            shares = [lr / recipe.lr for lr in learning_rates(recipe)]
            axes.plot(shares, color=style.INK)
            axes.set(title=recipe.schedule, xlim=(0, POINTS - 1), ylim=(0, 1.06))
            axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
            axes.set_xticks([])
            axes.set_xlabel(f"last: {shares[-1]:.0%}")
            parts.append(f"{recipe.schedule} from {shares[0]:.0%} to {shares[-1]:.0%}")
        panels[0][0].set_ylabel("share of the highest")
    figure.alt = (
        "The learning rate over a training, as a share of its highest, first step and last: "
        + "; ".join(parts)
        + "."
    )
    return figure


def draw_learning_rate(recipe: Recipe, steps: int = POINTS) -> Figure:
    """Draw the learning rate of one recipe over `steps` steps; dots mark its highest and last."""
    curve = learning_rates(recipe, steps)
    highest = curve.index(max(curve))
    with style.house_style():
        figure, axes = style.chart(300)
        axes.plot(curve, color=style.INK)
        marked = [highest, steps - 1]
        axes.plot(marked, [curve[step] for step in marked], "o", color=style.INK, clip_on=False)
        axes.set(xlim=(0, steps - 1), ylim=(0, 1.08 * recipe.lr), xlabel="step")
        axes.set(ylabel="learning rate", title=recipe.schedule)
    jumps = sum(after > before for before, after in pairwise(curve))
    figure.alt = (
        f"{recipe.schedule} over {steps} steps: begins at {curve[0]:.2g}, highest {max(curve):.2g} "
        f"at step {highest + 1}, last {curve[-1]:.2g}; on average "
        f"{sum(curve) / steps / recipe.lr:.0%} of {recipe.lr:g}."
    )
    if recipe.schedule == "restarts":
        often = {0: "never", 1: "once"}.get(jumps, f"{jumps} times")
        figure.alt += f" It jumps back up {often}."
    elif curve[-1] > 0.5 * max(curve):
        figure.alt += " It never falls far, so the weights keep moving to the end."
    return figure


# ---- the average of the weights ------------------------------------------------------------------


def first_shares(decay: float, updates: int, *, ramped: bool = False) -> list[float]:
    """List what share of a moving average are the first weights, after each update.

    The first update copies the weights: a share of 1. `ramped`: update n keeps
    min(decay, (1 + n) / (10 + n)) of what there was.
    """
    if not 0 <= decay <= 1 or updates < 1:
        raise UsageError(
            f"decay={decay}, updates={updates} came; expected 0 to 1, and 1 or more updates"
        )
    shares = [1.0]
    for n in range(1, updates):
        shares.append(shares[-1] * (optim.ramp_decay(decay, n) if ramped else decay))
    return shares


def draw_first_shares(decays: Sequence[float], updates: int, *, ramped: bool = True) -> Figure:
    """Draw how the first weights fade from a moving average; with `ramped` the last decay as well.

    Each line is named where it passes one half, or at its end.
    """
    curves = {f"decay {decay:g}": first_shares(decay, updates) for decay in decays}
    if ramped:
        curves[f"decay {decays[-1]:g}, ramped"] = first_shares(decays[-1], updates, ramped=True)
    with style.house_style():
        figure, axes = style.chart(320)
        axes.set(xscale="log", xlim=(1, updates), ylim=(0, 1.05), xlabel="updates")
        axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
        axes.set_title("How much of the average are the first, untrained weights?")
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")  # no mathtext: it is slow
        for i, (name, shares) in enumerate(curves.items()):
            dashes = "--" if "ramped" in name else "-"
            axes.plot(range(1, updates + 1), shares, dashes, color=LINES[i % 2][1])
            _name_curve(axes, name, shares)
    ends = [f"with {name} {_percent(shares[-1])}" for name, shares in curves.items()]
    figure.alt = (
        f"How much of the first, untrained weights is left in the average after {updates:,} "
        f"updates: {'; '.join(ends)}."
    )
    return figure


def _name_curve(axes: Axes, name: str, shares: Sequence[float]) -> None:
    half = next((i for i, share in enumerate(shares) if share < 0.5), None)
    if half is None:
        style.beside(axes, shares[-1], f"{name}:\n{_percent(shares[-1])} at the end")
    else:
        height = 0.28 if "ramped" in name else 0.5
        axes.annotate(name, (half + 1, height), (6, 0), textcoords="offset points", va="center")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share > 0.0005 else "nothing"


# ---- all of them at once -------------------------------------------------------------------------


def draw_changes() -> Figure:
    """Draw the recorded accuracies of each change alone and of all five, a panel for each length.

    Beside each row: its mean and, in points, its difference from plain with a 95% interval.
    """
    told = []
    with style.house_style():
        figure, panels = style.chart(200 + 280 * len(LENGTHS), len(LENGTHS), sharex=True)
        for steps, axes in zip(LENGTHS, panels, strict=True):
            plain = accuracies("plain", steps)
            style.name_rows(axes, [*ARMS])
            axes.set_title(f"{steps} steps")
            style.beside(axes, -0.9, "mean", color=style.GREY)
            style.beside(axes, -0.9, "against plain, in points", shift=58, color=style.GREY)
            for y, arm in enumerate(ARMS):
                values = accuracies(arm, steps)
                seeds.draw_seeds(axes, values, y)
                style.beside(axes, y, f"{mean(values):.1%}")
                told.append(f"{steps} steps, {arm} {mean(values):.1%}")
                if arm != "plain":
                    gain = compare_means(values, plain)
                    interval = gain.interval_in_points().removeprefix("95%: ")
                    style.beside(axes, y, f"{gain.in_points()}  ({interval})", shift=58)
                    told[-1] += f", {gain}"
        seeds.in_percent(panels[-1].xaxis)
        panels[-1].set_xlabel("test accuracy: a dot for each seed", loc="right")
        style.footnote(figure, f"{len(SEEDS)} seeds each; in brackets: the 95% interval (Welch)")
    figure.alt = (
        "Test accuracies of short trainings with each change alone and with all five, and the "
        f"difference from plain: {'; '.join(told)}."
    )
    return figure


# ---- explorer ------------------------------------------------------------------------------------

STEPS = 400
# What each schedule goes by, beside the number of steps.
USED = {
    "constant": (),
    "triangle": ("warm-up",),
    "one_cycle": ("warm-up",),
    "restarts": ("cycles", "floor"),
    "stairs": (),
}


def explore_schedule(recipe: Recipe = IMAGENET) -> widgets.VBox:
    """Let a reader choose a schedule, its warm-up, its cycles and where each of them ends."""

    def draw(schedule: str, warmup: float, cycles: int, floor: float) -> Figure:
        chosen = replace(recipe, schedule=schedule, warmup=warmup, cycles=cycles, floor=floor)
        given = {"warm-up": f"{warmup:.2f}", "cycles": cycles, "floor": f"{floor:.2f}"}
        unused = [f"{name} {value}" for name, value in given.items() if name not in USED[schedule]]
        figure = draw_learning_rate(chosen, STEPS)
        figure.alt += f" Makes no difference to it: {', '.join(unused)}."
        return figure

    return _wrapped(
        panel(
            draw,
            schedule=_choice("schedule", list(SCHEDULES), recipe.schedule),
            warmup=_slider("warm-up", recipe.warmup, 0.0, 1.0, 0.05),
            cycles=widgets.IntSlider(
                value=recipe.cycles, min=1, max=8, description="cycles", layout=_layout()
            ),
            floor=_slider("floor", recipe.floor, 0.0, 0.5, 0.05),
        )
    )


def _wrapped(box: widgets.VBox) -> widgets.VBox:
    box.children[0].layout.flex_flow = "row wrap"
    return box


def _layout() -> widgets.Layout:
    return widgets.Layout(width="290px")


def _slider(name: str, value: float, low: float, high: float, step: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=name, layout=_layout()
    )


def _choice(name: str, options: list, value: object) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, value=value, description=name, layout=_layout())
