"""Activations and gradients through the depth, the heads' share in them, and losses that stay."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from googlenet_lib.errors import UsageError
from googlenet_lib.figures.style import (
    GREY,
    HEAD_COLOUR,
    INK,
    LIGHT_GREY,
    MIDDLE_GREY,
    WIDTH,
    axes_at,
    house_style,
    page,
    px,
    spread,
)
from googlenet_lib.gradients import LAYERS, Probe
from googlenet_lib.paper import HEADS
from googlenet_lib.plateau import Training, means

# All in pixels of a page that is as wide as a README.
DEPTH_HEIGHT, DEPTH_LEFTS, DEPTH_WIDTH, TOP, BOTTOM = 340, (62, 446), 300, 48, 44
RESCUE_HEIGHT, RESCUE_LEFT, RESCUE_WIDTH, RESCUE_TOP = 400, 62, 826, 92
PLATEAU_HEIGHT, PLATEAU_LEFT, PLATEAU_WIDTH = 350, 62, 610
LABEL = 17
LINES = ("-", "--", "-.", ":")
INKS = (INK, GREY, GREY, GREY)
LOWEST, HIGHEST = 1e-12, 1e5  # of gradients, the same for all settings so that they compare

INIT_NAMES = {
    "normal": "normal, std 0.01",
    "xavier": "Xavier",
    "he": "He",
    "torch": "PyTorch's default",
}
NORM_NAMES = {"none": "no BatchNorm", "batch": "BatchNorm"}
HEAD_CHOICES = {"both heads": (1, 1), "the head at 4a": (1, 0), "the head at 4d": (0, 1)}


def setting_name(init: str, norm: str) -> str:
    """A setting in words, such as "Xavier, BatchNorm"."""
    return f"{INIT_NAMES.get(init, init)}, {NORM_NAMES[norm]}"


def short_layer(name: str) -> str:
    """A layer as figures write it: 4a for inception4a."""
    return name.removeprefix("inception")


# ---- through the depth ---------------------------------------------------------------------------


def draw_depth(probes: Sequence[Probe]) -> Figure:
    """Draw what arrives at each layer: activations forwards, the main loss' gradient backwards."""
    with house_style():
        figure = page(DEPTH_HEIGHT)
        room = DEPTH_HEIGHT - TOP - BOTTOM
        panels = (
            ("activations: mean of |value|", [_activations(one) for one in probes]),
            ("gradient of the main loss: length", [_lengths(one) for one in probes]),
        )
        for left, (title, lines) in zip(DEPTH_LEFTS, panels, strict=True):
            axes = axes_at(figure, left, TOP, DEPTH_WIDTH, room)
            axes.set_yscale("log")
            axes.set_title(title, pad=px(10))
            for i, line in enumerate(lines):
                axes.plot(range(len(LAYERS)), line, LINES[i % 4], color=INKS[i % 4],
                          linewidth=px(2.4), gid=f"{left}.{i}")  # fmt: skip
            axes.set_xticks(range(len(LAYERS)), map(_tick, LAYERS))
            axes.yaxis.set_minor_locator(NullLocator())
            names = [f"{INIT_NAMES[one.init]}\n{NORM_NAMES[one.norm]}" for one in probes]
            if left == DEPTH_LEFTS[-1]:
                _label_ends(axes, [line[-1] for line in lines], names, room)
    figure.alt = _describe_depth(probes)
    return figure


def _describe_depth(probes: Sequence[Probe]) -> str:
    """Return the alt text of `draw_depth`, from the same data."""
    parts = [
        f"{setting_name(one.init, one.norm)}: activations from {one.activations['conv1']:.0e} "
        f"(conv1) to {one.activations['inception5b']:.0e} (5b), gradient "
        f"{one.length('conv1'):.0e} at conv1 and {one.length('inception5b'):.0e} at 5b"
        for one in probes
    ]
    return "Two charts over the layers from conv1 to 5b, on log scales. " + "; ".join(parts) + "."


# ---- with the heads and without ------------------------------------------------------------------


def draw_rescue(
    probes: Sequence[Probe],
    weight: float,
    heads: str = "both heads",
    layer: str = "conv1",
    fresh: Sequence[Probe] = (),
) -> Figure:
    """Draw gradient lengths per layer, of the main loss alone and with the heads' losses.

    Bars are geometric means over `probes`, which have one setting and differ in the seed; dots
    are `fresh` ones. Above each pair stands how many times longer the heads make it.
    """
    pairs = rescue_pairs(probes, weight, heads)
    _check_layer(layer)
    first, last = LAYERS.index(layer), len(LAYERS) - 1
    with house_style():
        figure = page(RESCUE_HEIGHT)
        title = f"{setting_name(probes[0].init, probes[0].norm)}; "
        title += f"{heads}, weighted by {weight:g}"
        figure.text(14 / WIDTH, 1 - 24 / RESCUE_HEIGHT, title, fontsize=px(17), weight="bold",
                    va="center")  # fmt: skip
        room = RESCUE_HEIGHT - RESCUE_TOP - BOTTOM
        axes = axes_at(figure, RESCUE_LEFT, RESCUE_TOP, RESCUE_WIDTH, room)
        axes.set(yscale="log", ylim=(LOWEST, HIGHEST), xlim=(-0.6, last + 0.6))
        axes.axvspan(first - 0.5, first + 0.5, color=LIGHT_GREY, alpha=0.5, linewidth=0,
                     gid="chosen", zorder=0)  # fmt: skip
        for i, name in enumerate(LAYERS):
            for x, value, shade, who in zip(
                (i - 0.36, i), pairs[name], (MIDDLE_GREY, HEAD_COLOUR), ("alone", "heads"),
                strict=True,
            ):  # fmt: skip
                height = max(value, LOWEST) - LOWEST
                axes.bar(x, height, 0.36, LOWEST, align="edge", color=shade, linewidth=0,
                         gid=f"{who}.{name}")  # fmt: skip
            factor = pairs[name][1] / pairs[name][0]
            top = max(*pairs[name], *(one.length(name) for one in fresh))
            axes.annotate(_factor(factor), (i, top), xytext=(0, px(5)), ha="center",
                          textcoords="offset points", fontsize=px(12),
                          weight="bold" if name == layer else "normal")  # fmt: skip
        for one in fresh:
            both = [(one.length(n), one.length(n, *_weights(weight, heads))) for n in LAYERS]
            for shift, values in zip((-0.18, 0.18), zip(*both, strict=True), strict=True):
                axes.plot([i + shift for i in range(len(LAYERS))], values, "o", color=INK,
                          markersize=px(4.5), gid=f"fresh.{one.seed}")  # fmt: skip
        _mark_heads(axes, heads)
        axes.set_xticks(range(len(LAYERS)), map(short_layer, LAYERS))
        axes.yaxis.set_major_locator(FixedLocator([10.0**n for n in range(-12, 6, 3)]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")  # no mathtext: it is slow
        axes.set_title("length of the gradient: main loss alone (grey), with the heads (orange)",
                       pad=px(24), fontsize=px(13), weight="normal")  # fmt: skip
    figure.alt = _describe_rescue(probes, weight, heads, layer, fresh)
    return figure


def _describe_rescue(
    probes: Sequence[Probe],
    weight: float,
    heads: str = "both heads",
    layer: str = "conv1",
    fresh: Sequence[Probe] = (),
) -> str:
    """Return the alt text of `draw_rescue`, from the same data."""
    pairs = rescue_pairs(probes, weight, heads)
    _check_layer(layer)
    alone, with_heads = pairs[layer]
    weights = _weights(weight, heads)
    factors = [one.rescue(layer, *weights) for one in probes]
    text = (
        f"{setting_name(probes[0].init, probes[0].norm)}; {heads}, weighted by {weight:g}. At "
        f"{short_layer(layer)} the main loss alone has a gradient of {alone:.1e}, with the heads "
        f"{with_heads:.1e}: {_factor(with_heads / alone)} ({_factor(min(factors))} to "
        f"{_factor(max(factors))} over {len(probes)} seeds). At 5b, behind both heads, "
        f"{_factor(pairs['inception5b'][1] / pairs['inception5b'][0])}."
    )
    for one in fresh:
        text += f" Computed anew, seed {one.seed}: {_factor(one.rescue(layer, *weights))}."
    return text


def rescue_pairs(
    probes: Sequence[Probe], weight: float, heads: str = "both heads"
) -> dict[str, tuple[float, float]]:
    """For each layer the length alone and with the heads, geometric means over the probes."""
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


# ---- stuck at ln C -------------------------------------------------------------------------------


def draw_plateau(trainings: Mapping[str, Training], classes: int = 10) -> Figure:
    """Plot losses over steps, averaged over ten: solid the main ones, dashed those of the heads."""
    with house_style():
        figure = page(PLATEAU_HEIGHT)
        room = PLATEAU_HEIGHT - TOP - BOTTOM
        axes = axes_at(figure, PLATEAU_LEFT, TOP, PLATEAU_WIDTH, room)
        axes.set_title("cross-entropy, mean over ten steps", pad=px(10))
        axes.axhline(math.log(classes), color=LIGHT_GREY, linewidth=px(5), zorder=0, gid="ln C")
        ends, names, inks = [], [], []
        for label, training in trainings.items():
            shade = HEAD_COLOUR if training.head_weight else GREY
            for part, dashes, name in _parts(training, label):
                line = averaged(training, part)
                axes.plot(_steps(training, line), line, dashes, color=shade,
                          linewidth=px(2.6 if part == "main" else 1.8),
                          gid=f"{label}.{part}")  # fmt: skip
                ends.append(line[-1])
                names.append(f"{name}: {line[-1]:.2f}")
                inks.append(shade)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        lowest = min(ends)
        axes.set_ylim(min(1.0, lowest - 0.1), math.log(classes) + 0.25)
        axes.annotate(f"ln {classes} = {math.log(classes):.3f}", (0.01, math.log(classes)),
                      xycoords=("axes fraction", "data"), xytext=(0, px(7)), color=GREY,
                      textcoords="offset points", fontsize=px(12.5))  # fmt: skip
        _label_ends(axes, ends, names, room, inks)
    figure.alt = _describe_plateau(trainings, classes)
    return figure


def _describe_plateau(trainings: Mapping[str, Training], classes: int = 10) -> str:
    """Return the alt text of `draw_plateau`, from the same data."""
    parts = []
    for label, training in trainings.items():
        for part, _, name in _parts(training, label):
            line = averaged(training, part)
            parts.append(f"{name} from {line[0]:.2f} to {line[-1]:.2f}")
    return (
        f"Lines of losses over training steps, with a grey level at ln {classes} = "
        f"{math.log(classes):.3f}: " + "; ".join(parts) + "."
    )


def averaged(training: Training, part: str) -> tuple[float, ...]:
    """One of "main", "aux1", "aux2" as means over ten steps, however it was kept."""
    losses = getattr(training, part)
    return losses if training.every > 1 else means(losses)


# ---- parts ---------------------------------------------------------------------------------------


def _activations(one: Probe) -> list[float]:
    return [one.activations[name] for name in LAYERS]


def _lengths(one: Probe) -> list[float]:
    return [one.length(name) for name in LAYERS]


def _tick(name: str) -> str:
    """Every second layer of the stem is left out: there is no room."""
    return {"conv1": "conv1", "conv2": "", "conv3": ""}.get(name, short_layer(name))


def _label_ends(
    axes: Axes, ends: Sequence[float], names: Sequence[str], room: float, inks: Sequence[str] = ()
) -> None:
    """Write names beside the last values, in pixels apart so that none overlaps."""
    lines = max(name.count("\n") for name in names) + 1
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        places = [math.log(end / low) / math.log(high / low) * room for end in ends]
    else:
        places = [(end - low) / (high - low) * room for end in ends]
    heights = spread(places, [LABEL * lines] * len(ends))
    for i, (name, y) in enumerate(zip(names, heights, strict=True)):
        axes.annotate(name, (1, y / room), xycoords="axes fraction", xytext=(px(8), 0),
                      va="center", textcoords="offset points", fontsize=px(12.5),
                      color=inks[i] if inks else INKS[i % 4], linespacing=1.1)  # fmt: skip


def _mark_heads(axes: Axes, heads: str) -> None:
    used = HEAD_CHOICES[heads]
    for on, head in zip(used, HEADS, strict=True):
        x = LAYERS.index(head.after) + 0.5
        axes.axvline(x, color=HEAD_COLOUR if on else LIGHT_GREY, linewidth=px(1.4),
                     linestyle=(0, (4, 3)), gid=f"head.{head.after}", zorder=0.5)  # fmt: skip
        axes.annotate("head" if on else "(no head)", (x, 1), xycoords=("data", "axes fraction"),
                      xytext=(0, px(3)), textcoords="offset points", ha="center",
                      fontsize=px(12), color=HEAD_COLOUR if on else GREY)  # fmt: skip


def _weights(weight: float, heads: str) -> tuple[float, float]:
    if heads not in HEAD_CHOICES:
        raise UsageError(f"{heads!r} came; expected one of {', '.join(HEAD_CHOICES)}")
    at_4a, at_4d = HEAD_CHOICES[heads]
    return at_4a * weight, at_4d * weight


def _check_layer(layer: str) -> None:
    if layer not in LAYERS:
        raise UsageError(f"layer {layer!r} is unknown; use one of {', '.join(LAYERS)}")


def _factor(factor: float) -> str:
    return f"{factor:,.0f}×" if factor >= 10 else f"{factor:.2f}×"


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _parts(training: Training, label: str) -> list[tuple[str, str, str]]:
    """The losses that a training has: field, dashes, name."""
    parts = [("main", "-", label)]
    if training.aux1:
        parts += [("aux1", "--", "its head at 4a"), ("aux2", ":", "its head at 4d")]
    return parts


def _steps(training: Training, line: Sequence[float]) -> list[float]:
    window = training.every if training.every > 1 else len(training.main) // len(line)
    return [(i + 1) * window for i in range(len(line))]
