"""Notebook 07: schedules, averages, smoothing and Muon, as figures and an explorer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.errors import UsageError
from googlenet_lib.training import optim
from googlenet_lib.training.recipes import IMAGENET, SCHEDULES, Recipe

POINTS = 400  # of a drawn curve
FORMATS = ("float32", "bfloat16", "float16")
LINES = (("-", style.INK), ("--", style.GREY), ("-.", style.MIDDLE_GREY))
LEAST, MOST = 1e-16, 1e7  # of the axis of numbers

# ---- augmentation --------------------------------------------------------------------------------


def draw_augmented(rows: Mapping[str, Tensor], classes: Sequence[str]) -> Figure:
    """Draw the same pictures once a row, each row after another change: names to (N, 3, H, W).

    `classes` names each of the pictures, for the alt text.
    """
    count = len(_pictures(rows))
    with style.house_style():
        figure, panels = style.chart(112 * len(rows), len(rows), count, squeeze=False)
        for (name, pictures), line in zip(rows.items(), panels, strict=True):
            for picture, axes in zip(pictures, line, strict=True):
                pixels = picture.clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
                axes.imshow(pixels, interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.alt = _describe_augmented(rows, classes)
    return figure


def _describe_augmented(rows: Mapping[str, Tensor], classes: Sequence[str]) -> str:
    """Return the alt text of `draw_augmented`; `classes` names each of its pictures."""
    pictures = _pictures(rows)
    names = [name.replace("\n", " ") for name in rows]
    return (
        f"A grid of {len(pictures)} pictures ({', '.join(classes)}), shown {len(rows)} times from "
        f"top to bottom: {'; '.join(names)}."
    )


def _pictures(rows: Mapping[str, Tensor]) -> Tensor:
    shapes = {tuple(pictures.shape) for pictures in rows.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 4:
        raise UsageError(
            f"rows of the shapes {sorted(shapes)} came; expected one or more, all (N, 3, H, W)"
        )
    return next(iter(rows.values()))


# ---- label smoothing -----------------------------------------------------------------------------


def smoothed_loss(sure: float, smoothing: float, classes: int) -> float:
    """Cross-entropy where the right class gets `sure` and all others share the rest equally."""
    right = 1 - smoothing + smoothing / classes
    return -right * math.log(sure) - (1 - right) * math.log((1 - sure) / (classes - 1))


def least_loss(smoothing: float, classes: int) -> tuple[float, float]:
    """The least loss that smoothed labels allow, and how sure of the right class it is there.

    It is the labels' own entropy: no prediction can be nearer to them than they are.
    """
    if not 0 <= smoothing < 1 or classes < 2:
        raise UsageError(
            f"smoothing={smoothing}, classes={classes} came; expected 0 to below 1, and 2 or more"
        )
    sure = 1 - smoothing + smoothing / classes
    return (smoothed_loss(sure, smoothing, classes) if smoothing else 0.0), sure


def draw_smoothing(smoothings: Sequence[float], classes: int = 10) -> Figure:
    """Draw the loss over how sure a network is of the right class; a dot marks each least loss."""
    chances = [0.3 + 0.6999 * i / POINTS for i in range(POINTS + 1)]
    with style.house_style():
        figure, axes = style.chart(330)
        axes.set(
            xlim=(0.3, 1.0),
            ylim=(0, 1.5),
            xlabel="probability given to the right class",
            title=f"cross-entropy, {classes} classes",
        )
        ends = []
        for smoothing, (dashes, colour) in zip(smoothings, LINES, strict=False):
            losses = [smoothed_loss(sure, smoothing, classes) for sure in chances]
            axes.plot(chances, losses, dashes, color=colour)
            least, sure = least_loss(smoothing, classes)
            axes.plot([sure], [least], "o", color=style.INK, clip_on=False, zorder=5)
            name = f"smoothed by {smoothing:g}" if smoothing else "not smoothed"
            ends.append((least, f"{name}:\nleast loss {least:.2f} at {sure:.0%}", style.INK))
        style.label_ends(axes, ends)
    figure.alt = _describe_smoothing(smoothings, classes)
    return figure


def _describe_smoothing(smoothings: Sequence[float], classes: int = 10) -> str:
    """Return the alt text of `draw_smoothing`, from the same arguments."""
    parts = []
    for smoothing in smoothings:
        least, sure = least_loss(smoothing, classes)
        parts.append(f"smoothed by {smoothing:g}, least {least:.3f} at {sure:.3f}")
    return (
        f"Curves of the cross-entropy over the probability of the right class, {classes} classes: "
        + "; ".join(parts)
        + ". With smoothing the loss rises again for a network that is surer than that."
    )


# ---- the rate ------------------------------------------------------------------------------------


def rates(recipe: Recipe, steps: int = POINTS) -> list[float]:
    """The rate at each of `steps` steps."""
    return [recipe.lr * optim.rate_factor(step, steps, recipe) for step in range(steps)]


def draw_schedules(recipes: Sequence[Recipe]) -> Figure:
    """Draw the rate over the training for each recipe, side by side, as a share of its highest."""
    with style.house_style():
        figure, panels = style.chart(230, 1, len(recipes), sharey=True, squeeze=False)
        for recipe, axes in zip(recipes, panels[0], strict=True):
            factors = [rate / recipe.lr for rate in rates(recipe)]
            axes.plot(factors, color=style.INK)
            axes.fill_between(range(POINTS), factors, color=style.LIGHT_GREY)
            axes.set(title=recipe.schedule, xlim=(0, POINTS - 1), ylim=(0, 1.06), yticks=[0, 1])
            start, end = axes.set_xticks([0, POINTS - 1], ["start", "end"])
            start.label1.set_ha("left")
            end.label1.set_ha("right")
    figure.alt = _describe_schedules(recipes)
    return figure


def _describe_schedules(recipes: Sequence[Recipe]) -> str:
    """Return the alt text of `draw_schedules`, from the same recipes."""
    parts = []
    for recipe in recipes:
        factors = [rate / recipe.lr for rate in rates(recipe)]
        mean = sum(factors) / len(factors)
        parts.append(
            f"{recipe.schedule} begins at {factors[0]:.2f}, ends at {factors[-1]:.2f}, mean "
            f"{mean:.2f}"
        )
    return "The rate over a training, as a share of its highest: " + "; ".join(parts) + "."


def draw_rate(recipe: Recipe, steps: int = POINTS) -> Figure:
    """Draw the rate of one recipe over `steps` steps; dots mark its highest and its last."""
    curve = rates(recipe, steps)
    with style.house_style():
        figure, axes = style.chart(300)
        axes.plot(curve, color=style.INK)
        axes.fill_between(range(steps), curve, color=style.LIGHT_GREY)
        marked = [curve.index(max(curve)), steps - 1]
        axes.plot(marked, [curve[step] for step in marked], "o", color=style.INK, clip_on=False)
        axes.set(
            xlim=(0, steps - 1),
            ylim=(0, 1.08 * recipe.lr),
            xlabel="step",
            title=f"rate: {recipe.schedule}",
        )
    figure.alt = _describe_rate(recipe, steps)
    return figure


def _describe_rate(recipe: Recipe, steps: int = POINTS) -> str:
    """Say in words what `draw_rate` shows."""
    curve = rates(recipe, steps)
    jumps = sum(after > before for before, after in pairwise(curve))
    text = (
        f"{recipe.schedule} over {steps} steps: begins at {curve[0]:.2g}, highest {max(curve):.2g} "
        f"at step {curve.index(max(curve)) + 1}, last {curve[-1]:.2g}; on average "
        f"{sum(curve) / steps / recipe.lr:.0%} of {recipe.lr:g}."
    )
    if recipe.schedule == "restarts":
        often = {0: "never", 1: "once"}.get(jumps, f"{jumps} times")
        text += f" It jumps back up {often}."
    elif curve[-1] > 0.5 * max(curve):
        text += " It never falls far: nothing lets the weights come to rest."
    return text


# ---- the average of the weights ------------------------------------------------------------------


def first_shares(decay: float, updates: int, *, ramped: bool = False) -> list[float]:
    """What share of a moving average are the first weights, after each of `updates` updates.

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
    """Draw how the first weights fade from a moving average; with `ramped` that decay as well."""
    lines = [(f"decay {decay:g}", first_shares(decay, updates), "-") for decay in decays]
    if ramped:
        name = f"decay {max(decays):g}, ramped"
        lines.append((name, first_shares(max(decays), updates, ramped=True), "--"))
    with style.house_style():
        figure, axes = style.chart(320)
        for i, (_, shares, dashes) in enumerate(lines):
            axes.plot(range(1, updates + 1), shares, dashes, color=LINES[i % 3][1])
        axes.set(
            xscale="log",
            xlim=(1, updates),
            ylim=(0, 1.05),
            xlabel="updates",
            title="share of the first weights in the average",
        )
        axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")  # no mathtext: it is slow
        style.label_ends(
            axes,
            [(one[-1], f"{name}: {_percent(one[-1])}", style.INK) for name, one, _ in lines],
        )
    figure.alt = _describe_first_shares(decays, updates, ramped=ramped)
    return figure


def _describe_first_shares(decays: Sequence[float], updates: int, *, ramped: bool = True) -> str:
    """Return the alt text of `draw_first_shares`, from the same arguments."""
    parts = [
        f"with decay {decay:g} {_percent(first_shares(decay, updates)[-1])}" for decay in decays
    ]
    if ramped:
        last = first_shares(max(decays), updates, ramped=True)[-1]
        parts.append(f"with decay {max(decays):g}, ramped, {_percent(last)}")
    return (
        f"How much of the first, untrained weights is left in the average after {updates:,} "
        f"updates: {'; '.join(parts)}."
    )


# ---- what 16 bits can hold -----------------------------------------------------------------------


def lost(values: Tensor, kind: str) -> float:
    """The share of the values other than 0 that become 0 in the floating-point format `kind`."""
    held = values[values != 0]
    return float((held.to(getattr(torch, kind)) == 0).float().mean())


def draw_formats(values: Tensor, scale: float = 1.0) -> Figure:
    """Draw which sizes three formats hold, above a histogram of |values|, plain and scaled.

    Dark bars hold all their digits, the light end of float16 loses them one by one.
    """
    decades = torch.linspace(math.log10(LEAST), math.log10(MOST), 93)
    with style.house_style():
        figure, (above, below) = style.chart(330, 2, sharex=True, height_ratios=(1, 2))
        for i, kind in enumerate(FORMATS):
            info = torch.finfo(getattr(torch, kind))
            least = info.smallest_normal * info.eps
            ends = [min(max(x, LEAST), MOST) for x in (least, info.smallest_normal, info.max)]
            for start, end, colour in zip(
                ends, ends[1:], (style.MIDDLE_GREY, style.GREY), strict=False
            ):
                above.barh(i, end - start, left=start, height=0.7, color=colour)
            text = f"{_powers(least)} to {_powers(info.max)}, steps of 1/{round(1 / info.eps):,}"
            above.text(
                math.sqrt(ends[1] * ends[2]),
                i,
                text,
                ha="center",
                va="center",
                fontsize=12,
                color="white",
            )
        above.set_yticks(range(len(FORMATS)), FORMATS, family=style.MONOSPACE)
        above.invert_yaxis()
        smallest = torch.finfo(torch.float16).smallest_normal * torch.finfo(torch.float16).eps
        below.axvline(smallest, color=style.INK, linewidth=1.4, linestyle=(0, (4, 3)))
        below.text(smallest * 0.7, 1.32, "0 in float16", ha="right", fontsize=12)
        for factor, colour in {1.0: style.INK, scale: style.MIDDLE_GREY}.items():
            sizes = (values[values != 0].abs() * factor).log10()
            counts = torch.histogram(sizes.float().cpu(), decades).hist
            below.stairs(counts / counts.max(), 10**decades, fill=True, color=colour, alpha=0.85)
            name = "gradients" if factor == 1 else f"times {factor:,.0f}"
            below.text(10 ** float(decades[counts.argmax()]), 1.1, name, ha="center", fontsize=12)
        below.set(xscale="log", xlim=(LEAST, MOST), ylim=(0, 1.5), yticks=[])
        powers = range(round(math.log10(LEAST)) + 1, round(math.log10(MOST)), 3)
        below.set_xticks([10.0**n for n in powers], [f"1e{n:+03d}" for n in powers])
        below.minorticks_off()
    figure.alt = _describe_formats(values, scale)
    return figure


def _describe_formats(values: Tensor, scale: float = 1.0) -> str:
    """Return the alt text of `draw_formats`, from the same data."""
    text = (
        "Bars on a log scale show which sizes float32, bfloat16 and float16 hold; float16 has the "
        "shortest. Below lies a histogram of gradients, part of it left of float16's end: "
        f"{lost(values, 'float16'):.1%} would become 0"
    )
    if scale != 1:
        text += f"; multiplied by {scale:,.0f} first, {lost(values * scale, 'float16'):.1%}"
    return text + "."


# ---- parts ---------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{share:.1%}" if share > 0.0005 else "nothing"


def _powers(value: float) -> str:
    return f"{value:,.0f}" if 1 <= value < 1e6 else f"{value:.0e}"


STEPS = 400
# What each schedule goes by, beside the number of steps.
USED = {
    "constant": (),
    "triangle": ("warm-up",),
    "one_cycle": ("warm-up",),
    "restarts": ("cycles", "floor"),
    "stairs": (),
}
UPDATES = {"100": 100, "1,000": 1_000, "10,000": 10_000, "100,000": 100_000}


def explore_schedule(recipe: Recipe = IMAGENET) -> widgets.VBox:
    """A choice of schedule, with its warm-up, its cycles and how far down each of them goes."""

    def draw(schedule: str, warmup: float, cycles: int, floor: float) -> Figure:
        chosen = replace(recipe, schedule=schedule, warmup=warmup, cycles=cycles, floor=floor)
        given = {"warm-up": f"{warmup:.2f}", "cycles": cycles, "floor": f"{floor:.2f}"}
        figure = draw_rate(chosen, STEPS)
        figure.alt += f" {_left(schedule, given)}"
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


def explore_average() -> widgets.VBox:
    """The nines of a decay, a number of updates, and whether the decay is ramped."""

    def draw(nines: float, updates: int, ramped: bool) -> Figure:
        return draw_first_shares([round(1 - 10**-nines, 6)], updates, ramped=ramped)

    return _wrapped(
        panel(
            draw,
            nines=_slider("nines", 3.0, 1.0, 5.0, 0.5),
            updates=_choice("updates", list(UPDATES.items()), 1_000),
            ramped=widgets.Checkbox(value=False, description="ramped", layout=_layout()),
        )
    )


def _left(schedule: str, given: dict[str, object]) -> str:
    """What is set but makes no difference, so that nobody waits for it to make one."""
    unused = [f"{name} {value}" for name, value in given.items() if name not in USED[schedule]]
    return f"Makes no difference to it: {', '.join(unused)}."


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
