"""Notebook 07's figures: augmentation, smoothed labels, rates, averages, what 16 bits can hold."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from torch import Tensor

from googlenet_lib import optimisers
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.show import SCALE
from googlenet_lib.figures.style import (
    GREY,
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    WIDTH,
    axes_at,
    canvas,
    house_style,
    page,
    px,
    spread,
    write,
)
from googlenet_lib.recipes import Recipe

# All in pixels of a page that is as wide as a README.
MARGIN, GAP, NAMES = 14, 8, 190  # of the grid of pictures; NAMES is the room for a row's name
TOP, BOTTOM, LEFT = 46, 46, 66
POINTS = 400  # of a drawn curve
FORMATS = ("float32", "bfloat16", "float16")
LEAST, MOST = 1e-16, 1e7  # of the axis of numbers

# ---- augmentation --------------------------------------------------------------------------------


def draw_augmented(rows: Mapping[str, Tensor], classes: Sequence[str]) -> Figure:
    """Draw the same pictures once a row, each row after another change: names to (N, 3, H, W)."""
    count, _, _, pixels = _pictures(rows).shape
    room = (WIDTH - NAMES - MARGIN - (count - 1) * GAP) / count
    # as many of the screen's pixels for each of theirs: edges stay sharp
    side = pixels * max(1, int(room * SCALE / pixels)) / SCALE
    with house_style():
        figure, axes = canvas(2 * MARGIN + len(rows) * side + (len(rows) - 1) * GAP)
        for row, (name, pictures) in enumerate(rows.items()):
            y = MARGIN + row * (side + GAP)
            write(axes, NAMES - 14, y + side / 2, name, 13, ha="right")
            for column, picture in enumerate(pictures):
                x = NAMES + column * (side + GAP)
                pixels = picture.clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
                axes.imshow(pixels, extent=(x, x + side, y + side, y), aspect="auto",
                            interpolation="nearest")  # fmt: skip
        axes.set(xlim=(0, WIDTH), ylim=(figure.bbox.height, 0))
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
    with house_style():
        figure = page(330)
        axes = _axes(figure, LEFT, 600)
        axes.set(xlim=(0.3, 1.0), ylim=(0, 1.5), xlabel="probability given to the right class")
        axes.set_title(f"cross-entropy, {classes} classes", pad=px(10))
        ends = []
        for i, smoothing in enumerate(smoothings):
            style = {"color": (INK, GREY, MIDDLE_GREY)[i % 3], "linewidth": px(2.4)}
            losses = [smoothed_loss(sure, smoothing, classes) for sure in chances]
            axes.plot(chances, losses, ("-", "--", "-.")[i % 3], gid=f"loss.{smoothing:g}", **style)
            least, sure = least_loss(smoothing, classes)
            axes.plot([sure], [least], "o", color=INK, markersize=px(8), clip_on=False, zorder=5,
                      gid=f"least.{smoothing:g}")  # fmt: skip
            name = f"smoothed by {smoothing:g}" if smoothing else "not smoothed"
            ends.append((least, f"{name}:\nleast loss {least:.2f} at {sure:.0%}"))
        _label_ends(axes, ends, lines=2)
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
    return [recipe.lr * optimisers.rate_factor(step, steps, recipe) for step in range(steps)]


def draw_schedules(recipes: Sequence[Recipe]) -> Figure:
    """Draw the rate over the training for each recipe, side by side, as a share of its highest."""
    room = (WIDTH - 2 * MARGIN - 40) / len(recipes)
    with house_style():
        figure = page(230)
        for i, recipe in enumerate(recipes):
            axes = _axes(figure, MARGIN + 40 + i * room, room - 22)
            factors = [rate / recipe.lr for rate in rates(recipe)]
            axes.plot([step / POINTS for step in range(POINTS)], factors, color=INK,
                      linewidth=px(2.2), gid=recipe.schedule)  # fmt: skip
            axes.fill_between([step / POINTS for step in range(POINTS)], factors, color=LIGHT_GREY)
            axes.set_title(recipe.schedule, pad=px(8))
            axes.set(xlim=(0, 1), ylim=(0, 1.06), xticks=[0, 1], yticks=[0, 1] if i == 0 else [])
            axes.set_xticklabels(["start", "end"])
            axes.get_xticklabels()[0].set_horizontalalignment("left")
            axes.get_xticklabels()[1].set_horizontalalignment("right")
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
    with house_style():
        figure = page(300)
        axes = _axes(figure, LEFT, 800)
        axes.plot(range(steps), curve, color=INK, linewidth=px(2.4), gid="rate")
        axes.fill_between(range(steps), curve, color=LIGHT_GREY, linewidth=0)
        highest = curve.index(max(curve))
        for name, step in (("highest", highest), ("last", steps - 1)):
            axes.plot([step], [curve[step]], "o", color=INK, markersize=px(9), clip_on=False,
                      gid=name)  # fmt: skip
        axes.set(xlim=(0, steps - 1), ylim=(0, 1.08 * recipe.lr), xlabel="step")
        axes.set_title(f"rate: {recipe.schedule}", pad=px(10))
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
        shares.append(shares[-1] * (optimisers.ramped(decay, n) if ramped else decay))
    return shares


def draw_first_shares(decays: Sequence[float], updates: int, *, ramped: bool = True) -> Figure:
    """Draw how the first weights fade from a moving average; with `ramped` that decay as well."""
    with house_style():
        figure = page(320)
        axes = _axes(figure, LEFT, 560)
        lines = [(f"decay {decay:g}", first_shares(decay, updates), "-") for decay in decays]
        if ramped:
            name = f"decay {max(decays):g}, ramped"
            lines.append((name, first_shares(max(decays), updates, ramped=True), "--"))
        ends = []
        for i, (name, shares, dashes) in enumerate(lines):
            axes.plot(range(1, updates + 1), shares, dashes, linewidth=px(2.6), gid=name,
                      color=(INK, GREY, MIDDLE_GREY)[i % 3])  # fmt: skip
            ends.append((shares[-1], f"{name}: {_percent(shares[-1])}"))
        axes.set(xscale="log", xlim=(1, updates), ylim=(0, 1.05), xlabel="updates")
        axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")  # no mathtext: it is slow
        axes.set_title("share of the first weights in the average", pad=px(10))
        _label_ends(axes, ends)
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
    with house_style():
        figure, axes = canvas(330)
        low, high = math.log10(LEAST), math.log10(MOST)
        per = (WIDTH - NAMES + 60 - MARGIN) / (high - low)  # pixels a decade

        def x(value: float) -> float:
            return NAMES - 60 + (math.log10(min(max(value, LEAST), MOST)) - low) * per

        for i, kind in enumerate(FORMATS):
            y, info = 26 + 34 * i, torch.finfo(getattr(torch, kind))
            write(axes, NAMES - 74, y, kind, 13, ha="right", family="monospace", weight="bold")
            least = info.smallest_normal * info.eps
            for name, start, end, shade in (
                ("few digits", least, info.smallest_normal, MIDDLE_GREY),
                ("normal", info.smallest_normal, info.max, GREY),
            ):
                axes.plot([x(start), x(end)], [y, y], color=shade, linewidth=px(18),
                          gid=f"{kind}.{name}", solid_capstyle="butt")  # fmt: skip
            text = f"{_powers(least)} to {_powers(info.max)}, steps of 1/{round(1 / info.eps):,}"
            write(axes, (x(info.smallest_normal) + x(info.max)) / 2, y, text, 12, color="white")
        smallest = torch.finfo(torch.float16).smallest_normal * torch.finfo(torch.float16).eps
        axes.plot([x(smallest)] * 2, [108, 290], color=INK, linewidth=px(1.4),
                  linestyle=(0, (4, 3)), gid="least")  # fmt: skip
        write(axes, x(smallest) - 6, 122, "0 in float16", 12, ha="right")
        for factor, shade in ((1.0, INK), (scale, MIDDLE_GREY))[: 1 if scale == 1 else 2]:
            sizes = (values[values != 0].abs() * factor).log10()
            counts = torch.histogram(sizes.float().cpu(), decades).hist
            tall = 120 * counts / counts.max()
            centres = [NAMES - 60 + (float(d) - low) * per for d in decades[:-1]]
            axes.fill_between(centres, 290 - tall.numpy(), 290, color=shade, linewidth=0,
                              step="post", alpha=0.85, gid=f"sizes.{factor:g}")  # fmt: skip
            peak = int(counts.argmax())
            name = "gradients" if factor == 1 else f"times {factor:,.0f}"
            write(axes, centres[peak], 160, name, 12, color=shade if factor == 1 else GREY)
        for decade in range(round(low) + 1, round(high), 3):
            write(axes, x(10.0**decade), 308, f"1e{decade:+03d}", 12, color=GREY)
        axes.plot([NAMES - 60, WIDTH - MARGIN], [290, 290], color=GREY, linewidth=px(1))
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


def _axes(figure: Figure, left: float, width: float) -> Axes:
    """Axes from TOP down to BOTTOM of the page, however high that is."""
    return axes_at(figure, left, TOP, width, figure.bbox.height - TOP - BOTTOM)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, str]], lines: int = 1) -> None:
    """Write texts beside the last values, apart so that none overlaps."""
    room = axes.figure.bbox.height - TOP - BOTTOM
    low, high = axes.get_ylim()
    places = [(value - low) / (high - low) * room for value, _ in ends]
    for (_, text), y in zip(ends, spread(places, [18 * lines] * len(ends)), strict=True):
        axes.annotate(text, (1, y / room), xycoords="axes fraction", xytext=(px(12), 0),
                      textcoords="offset points", va="center", fontsize=px(12.5),
                      linespacing=1.1)  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.1%}" if share > 0.0005 else "nothing"


def _powers(value: float) -> str:
    return f"{value:,.0f}" if 1 <= value < 1e6 else f"{value:.0e}"
