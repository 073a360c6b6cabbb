"""Lesson 05 in figures: signals through the depth, gradients with the heads, losses over steps."""

import math
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.nb05.gradients import INITS, LAYERS, NORMS, Probe, probes_of
from googlenet_lib.course.nb05.plateau import WINDOW
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import HEADS

# Initialisations are no branches of a module, so they have no branch's colour.
LOOKS = {
    "normal": (style.INK, "o"),
    "xavier": ("#56B4E9", "s"),
    "he": ("#8A5AA8", "^"),
}
INIT_NAMES = {"normal": "std 0.01", "xavier": "Xavier", "he": "He", "torch": "PyTorch's default"}
NORM_NAMES = {"none": "no BatchNorm", "batch": "BatchNorm"}
HEAD_CHOICES = {"both heads": (1, 1), "the head at 4a": (1, 0), "the head at 4d": (0, 1)}
DASHED = (0, (4, 3))
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def setting_name(init: str, norm: str) -> str:
    """Write a setting in words, such as "Xavier, BatchNorm"."""
    return f"{INIT_NAMES[init]}, {NORM_NAMES[norm]}"


def short_layer(name: str) -> str:
    """Write a layer as figures do: 4a for inception4a."""
    return name.removeprefix("inception")


def _log_axes(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(lambda value, _: _power_of_ten(value))  # mathtext is slow
    axes.minorticks_off()
    axes.set_xticks(range(len(LAYERS)), map(short_layer, LAYERS))
    axes.grid(axis="y", color=style.LIGHT_GREY, linewidth=0.8)


def _power_of_ten(value: float) -> str:
    return "10" + f"{math.log10(value):.0f}".translate(SUPERSCRIPTS)


# ---- signals through the depth -------------------------------------------------------------------

Sizes = Mapping[str, Mapping[str, float]]  # by initialisation, then by layer


def draw_sizes(measured: Sizes, predicted: Sizes) -> Figure:
    """Draw the size of the activations after each layer: dots measured, dashed lines predicted."""
    with style.house_style():
        figure, axes = style.chart(380)
        axes.set_title("size of the activations: dots measured, dashed lines predicted")
        _log_axes(axes)
        ends = []
        for init, sizes in measured.items():
            colour, marker = LOOKS[init]
            values = [sizes[name] for name in LAYERS]
            axes.plot(values, marker, color=colour, markersize=7)
            line = [predicted[init][name] for name in LAYERS]
            axes.plot(line, linestyle=DASHED, color=colour, linewidth=1.6)
            ends.append((values[-1], INIT_NAMES[init], colour))
        style.label_ends(axes, ends)
    parts = [
        f"{INIT_NAMES[init]}: measured from {sizes['conv1']:.1g} after conv1 to "
        f"{sizes['inception5b']:.1g} after 5b, predicted {predicted[init]['inception5b']:.1g}"
        for init, sizes in measured.items()
    ]
    figure.alt = (
        "Size of the activations after each layer from conv1 to 5b, on a log scale, dots measured "
        f"and dashed lines predicted. {'; '.join(parts)}."
    )
    return figure


# ---- gradients with the heads and without --------------------------------------------------------


def draw_rescue(probes: Sequence[Probe], weight: float, heads: str = "both heads") -> Figure:
    """Draw the weights' gradient norm at each layer, of the main loss alone and with the heads.

    Lines are geometric means over `probes`, which have one setting and differ in the seed. The
    numbers say how many times larger the heads make the norm.
    """
    pairs = rescue_pairs(probes, weight, heads)
    alone, both = zip(*pairs.values(), strict=True)
    setting = setting_name(probes[0].init, probes[0].norm)
    with style.house_style():
        figure, axes = style.chart(400)
        factor = _factor(both[0] / alone[0])
        style.headline(figure, f"{setting}: with {heads}, conv1's gradient is {factor} as large")
        _log_axes(axes)
        axes.set_ylabel("gradient norm of the weights")
        axes.plot(alone, "o-", color=style.GREY)
        axes.plot(both, "o-", color=style.HEAD_COLOUR)
        for x, (below, above) in enumerate(pairs.values()):
            axes.annotate(
                _factor(above / below),
                (x, max(above, below)),
                (-8 if x == 0 else 0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=11,
                bbox={"facecolor": style.PAPER, "linewidth": 0, "pad": 0.5},
            )
        axes.margins(y=0.14)
        _mark_heads(axes, heads)
        ends = [
            (both[-1], "with the heads", style.HEAD_COLOUR),
            (alone[-1], "main loss alone", style.GREY),
        ]
        style.label_ends(axes, ends)
    factors = [one.rescue("conv1", *_weights(weight, heads)) for one in probes]
    figure.alt = (
        f"{setting}; {heads}, weighted by {weight:g}. Gradient norm of the weights at each layer. "
        f"At conv1 {alone[0]:.1e} by the main loss alone and {both[0]:.1e} with the heads, "
        f"{_factor(both[0] / alone[0])} ({_factor(min(factors))} to {_factor(max(factors))} over "
        f"{len(probes)} seeds). At 4b {_factor(both[6] / alone[6])}, at 5b, after both heads, "
        f"{_factor(both[-1] / alone[-1])}."
    )
    return figure


def rescue_pairs(
    probes: Sequence[Probe], weight: float, heads: str = "both heads"
) -> dict[str, tuple[float, float]]:
    """Average each layer's norm, alone and with the heads: geometric means over the probes."""
    if not probes:
        raise UsageError("no probe came; expected one or more, such as probes_of('he', 'none')")
    weights = _weights(weight, heads)
    return {
        name: (
            _geometric_mean([one.length(name) for one in probes]),
            _geometric_mean([one.length(name, *weights) for one in probes]),
        )
        for name in LAYERS
    }


def explore_gradient_rescue() -> widgets.VBox:
    """Make controls over the recorded grid: weights, norm, the heads' weight, which heads."""
    named = {"description_width": "96px"}
    return panel(
        lambda init, norm, weight, heads: draw_rescue(probes_of(init, norm), weight, heads),
        init=widgets.Dropdown(options=[(INIT_NAMES[one], one) for one in INITS], style=named,
                              description="weights"),
        norm=widgets.Dropdown(options=[(NORM_NAMES[one], one) for one in NORMS], style=named,
                              description="norm"),
        weight=widgets.FloatSlider(value=0.3, min=0, max=3, step=0.1, style=named,
                                   description="heads' weight"),
        heads=widgets.Dropdown(options=list(HEAD_CHOICES), style=named, description="heads"),
    )  # fmt: skip


def _mark_heads(axes: Axes, heads: str) -> None:
    for on, head in zip(HEAD_CHOICES[heads], HEADS, strict=True):
        colour = style.HEAD_COLOUR if on else style.LIGHT_GREY
        x = LAYERS.index(head.after) + 0.5
        axes.axvline(x, color=colour, linewidth=1.4, linestyle=DASHED, zorder=0.5)
        axes.annotate(
            f"{'head' if on else 'no head'} after {short_layer(head.after)}",
            (x, 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=12,
            color=colour if on else style.GREY,
        )


def _weights(weight: float, heads: str) -> tuple[float, float]:
    if heads not in HEAD_CHOICES:
        raise UsageError(f"{heads!r} came; expected one of {', '.join(HEAD_CHOICES)}")
    at_4a, at_4d = HEAD_CHOICES[heads]
    return at_4a * weight, at_4d * weight


def _factor(factor: float) -> str:
    if factor < 10:
        return f"{factor:.2f}×"
    return f"{float(f'{factor:.2g}'):,.0f}×"  # two digits: more would say too much


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


# ---- stuck at ln C -------------------------------------------------------------------------------


def draw_losses(lines: Mapping[str, Sequence[float]], classes: int = 10) -> Figure:
    """Plot losses over steps, each number a mean over ten steps, beside the level ln `classes`.

    Lines whose names begin with "head" have the heads' colour; others are black, then grey.
    """
    guessing = math.log(classes)
    with style.house_style():
        figure, axes = style.chart(350)
        axes.set(title="cross-entropy, mean over ten steps", xlabel="step")
        axes.axhline(guessing, color=style.LIGHT_GREY, linewidth=5, zorder=0)
        ends, plain = [], iter((style.INK, style.GREY) * len(lines))
        for name, losses in lines.items():
            colour = style.HEAD_COLOUR if name.startswith("head") else next(plain)
            steps = [WINDOW * (i + 1) for i in range(len(losses))]
            axes.plot(steps, losses, "-", color=colour)
            ends.append((losses[-1], f"{name}: {losses[-1]:.2f}", colour))
        lowest = min(min(losses) for losses in lines.values())
        axes.set_ylim(lowest - 0.1, guessing + 0.3)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
        axes.annotate(
            f"ln {classes} = {guessing:.3f}",
            (0.01, guessing),
            (0, 7),
            fontsize=12.5,
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=style.GREY,
        )
        style.label_ends(axes, ends)
    parts = [f"{name} from {losses[0]:.2f} to {losses[-1]:.2f}" for name, losses in lines.items()]
    figure.alt = (
        f"Lines of losses over training steps, with a grey level at ln {classes} = "
        f"{guessing:.3f}: {'; '.join(parts)}."
    )
    return figure
