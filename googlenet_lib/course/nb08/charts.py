"""Lesson 08: where a step's time goes, what 16 bits hold, orders in memory, loading ahead."""

import math
from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style

FORMATS = ("float32", "bfloat16", "float16")
LEAST, MOST = 1e-24, 1e7  # of the axis of numbers
SHADES = (style.INK, style.MIDDLE_GREY, style.LIGHT_GREY)

# ---- times ---------------------------------------------------------------------------------------


def draw_times(seconds: Mapping[str, float]) -> Figure:
    """Draw how long each part of something takes, as bars of milliseconds."""
    with style.house_style():
        figure, axes = style.chart(90 + 44 * len(seconds))
        for y, value in enumerate(seconds.values()):
            axes.barh(y, 1000 * value, height=0.6, color=style.GREY)
            axes.annotate(
                f"{1000 * value:.1f} ms",
                (1000 * value, y),
                (6, 0),
                textcoords="offset points",
                va="center",
            )
        style.name_rows(axes, [*seconds])
        axes.set(xlim=(0, 1200 * max(seconds.values())), xlabel="milliseconds")
    parts = [f"{name} {1000 * value:.1f} ms" for name, value in seconds.items()]
    figure.alt = f"Bars of the time that each part takes: {', '.join(parts)}."
    return figure


# ---- what 16 bits can hold -----------------------------------------------------------------------


def shares_of(values: Tensor, kind: str) -> tuple[float, float, float]:
    """Return three shares: of zeros, and of all others those lost in `kind` and those not whole.

    A value is lost if it becomes 0 or infinite. It is not whole if it is too small for all digits.
    """
    info, held = torch.finfo(getattr(torch, kind)), values[values != 0]
    kept = held.to(getattr(torch, kind))
    lost = ((kept == 0) | ~kept.isfinite()).float().mean()
    below = (held.abs() < info.smallest_normal).float().mean()
    return float((values == 0).float().mean()), float(lost), float(below)


def draw_formats(gradients: Mapping[str, Tensor], scale: float = 1.0) -> Figure:
    """Draw which sizes three formats hold, above histograms of the sizes of gradients.

    Each histogram is drawn twice, plain and multiplied by `scale`. The share of exact zeros, which
    have no place on the axis, is written beside it.
    """
    rows = len(gradients)
    with style.house_style():
        figure, panels = style.chart(
            150 + 120 * rows, 1 + rows, sharex=True, height_ratios=(1.2, *[1] * rows)
        )
        _draw_ranges(panels[0])
        parts = []
        for axes, (name, values) in zip(panels[1:], gradients.items(), strict=True):
            _draw_sizes(axes, values, scale)
            zero, lost, _ = shares_of(values, "float16")
            scaled = shares_of(values * scale, "float16")[1]
            told = f"{name}: {zero:.0%} exactly 0;\nfloat16 loses {lost:.0%} of\n"
            told += f"the others, scaled {scaled:.0%}"
            style.beside(axes, 0.7, told)
            parts.append(
                f"{name}: {zero:.0%} are exactly 0, and of the others float16 loses {lost:.1%}, or "
                f"{scaled:.1%} if they are multiplied by {scale:,.0f} first"
            )
        panels[-1].set(xscale="log", xlim=(LEAST, MOST))
        panels[-1].set_xticks(
            [10.0**n for n in range(-21, 7, 3)], [f"1e{n:+03d}" for n in range(-21, 7, 3)]
        )
        panels[-1].minorticks_off()
        panels[-1].set_xlabel("size of a number")
    figure.alt = (
        "Bars on a log scale show which sizes float32, bfloat16 and float16 hold; float16 has the "
        f"shortest. Below are histograms of gradients. {'; '.join(parts)}."
    )
    return figure


def _draw_ranges(axes: Axes) -> None:
    """Draw a bar for each format; its light end holds fewer and fewer digits."""
    for y, kind in enumerate(FORMATS):
        info = torch.finfo(getattr(torch, kind))
        least = info.smallest_normal * info.eps
        ends = [min(max(x, LEAST), MOST) for x in (least, info.smallest_normal, info.max)]
        axes.barh(y, ends[1] - ends[0], left=ends[0], height=0.7, color=style.MIDDLE_GREY)
        axes.barh(y, ends[2] - ends[1], left=ends[1], height=0.7, color=style.GREY)
        arrows = ("← " if least < LEAST else "", " →" if info.max > MOST else "")
        text = f"{arrows[0]}{_power(least)} to {_power(info.max)}{arrows[1]}"
        middle = math.sqrt(ends[1] * ends[2])
        axes.text(middle, y, text, ha="center", va="center", fontsize=12, color="white")
    axes.set_yticks(range(len(FORMATS)), FORMATS, family=style.MONOSPACE)
    axes.invert_yaxis()


def _draw_sizes(axes: Axes, values: Tensor, scale: float) -> None:
    decades = torch.linspace(math.log10(LEAST), math.log10(MOST), 125)
    for factor, colour in {1.0: style.INK, scale: style.MIDDLE_GREY}.items():
        sizes = (values[values != 0].abs().double() * factor).log10()
        sizes = sizes.clamp(math.log10(LEAST) + 0.1, math.log10(MOST) - 0.1)
        counts = torch.histogram(sizes.float().cpu(), decades).hist
        axes.stairs(counts / counts.max(), 10**decades, fill=True, color=colour, alpha=0.85)
        name = "plain" if factor == 1 else f"times {factor:,.0f}"
        peak = 10 ** float(decades[counts.argmax()])
        axes.text(peak, 1.08, name, ha="center", fontsize=12)
    smallest = torch.finfo(torch.float16).smallest_normal * torch.finfo(torch.float16).eps
    axes.axvline(smallest, 0, 0.7, color=style.HEAD_COLOUR, linestyle=(0, (4, 3)))
    axes.set(ylim=(0, 1.45), yticks=[], ylabel="how many")


def _power(value: float) -> str:
    return f"{value:,.0f}" if 1 <= value < 1e6 else f"{value:.0e}"


# ---- orders in memory ----------------------------------------------------------------------------


def draw_layouts(height: int = 2, width: int = 3) -> Figure:
    """Draw the order in which a small RGB image lies in memory, in both layouts."""
    letters, count = "RGB", 3 * height * width
    orders = {
        "contiguous": [(c, p) for c in range(3) for p in range(height * width)],
        "channels_last": [(c, p) for p in range(height * width) for c in range(3)],
    }
    with style.house_style():
        figure, panels = style.chart(180, 2)
        for axes, (name, cells) in zip(panels, orders.items(), strict=True):
            for x, (channel, position) in enumerate(cells):
                colour = SHADES[channel]
                style.box(axes, x, 0, 0.94, 1, facecolor=colour)
                text = f"{letters[channel]}{position}"
                style.write(axes, x + 0.47, 0.5, text, color=style.ink_on(colour))
            axes.set(xlim=(0, count), ylim=(1.05, -0.05), title=name)
            axes.axis("off")
    told = {name: " ".join(letters[c] + str(p) for c, p in cells) for name, cells in orders.items()}
    figure.alt = (
        f"The {count} numbers of an RGB image of {height}x{width} pixels as they follow one "
        f"another in memory. Contiguous: {told['contiguous']}. channels_last: "
        f"{told['channels_last']}."
    )
    return figure


# ---- loading ahead -------------------------------------------------------------------------------


def draw_timeline(load: float, compute: float, batches: int = 4) -> Figure:
    """Draw when batches are loaded and computed: in turns, and with the next one loaded ahead."""
    turns = [
        (n * (load + compute), n * (load + compute) + load, (n + 1) * (load + compute))
        for n in range(batches)
    ]
    ahead: list[tuple[float, float, float]] = []
    for n in range(batches):
        start = 0.0 if n == 0 else ahead[-1][1]  # while the one before is computed
        begins = start + load if n == 0 else max(start + load, ahead[-1][2])
        ahead.append((start, begins, begins + compute))
    look = {"edgecolor": style.PAPER, "linewidth": 1.5}
    plans = {"in turns": turns, "one ahead": ahead}
    with style.house_style():
        figure, axes = style.chart(220)
        for row, plan in enumerate(plans.values()):
            for n, (start, begins, ends) in enumerate(plan):
                y = 2.4 * row
                axes.barh(y, load, left=start, height=0.9, **look, color=style.MIDDLE_GREY)
                axes.barh(y + 1, ends - begins, left=begins, height=0.9, **look, color=style.INK)
                axes.text(start + load / 2, y, f"load {n + 1}", ha="center", va="center")
                axes.text(
                    begins + compute / 2,
                    y + 1,
                    f"compute {n + 1}",
                    ha="center",
                    va="center",
                    color="white",
                )
        axes.set_yticks([0.5, 2.9], [*plans])
        axes.set(ylim=(4.1, -0.7), xlim=(0, turns[-1][2]), xlabel="time")
    totals = [plan[-1][2] for plan in plans.values()]
    figure.alt = (
        f"{batches} batches, each loaded for {load:g} units of time and computed for {compute:g}. "
        f"In turns they take {totals[0]:g} units; with the next one loaded ahead, {totals[1]:g}."
    )
    return figure
