"""Notebook 05: how far the gradient reaches, with heads and without."""

import math
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.nb05.gradients import INITS, LAYERS, NORMS, SEEDS, Probe, probe, probes_of
from googlenet_lib.course.nb05.plateau import Training, means
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import HEADS

LINES = (("-", style.INK), ("--", style.GREY), ("-.", style.GREY), (":", style.GREY))
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
    """Write a setting in words, such as "Xavier, BatchNorm"."""
    return f"{INIT_NAMES.get(init, init)}, {NORM_NAMES[norm]}"


def short_layer(name: str) -> str:
    """Write a layer as figures do: 4a for inception4a."""
    return name.removeprefix("inception")


# ---- through the depth ---------------------------------------------------------------------------


def draw_depth(probes: Sequence[Probe]) -> Figure:
    """Draw what arrives at each layer: activations forwards, the main loss' gradient backwards."""
    with style.house_style():
        figure, (left, right) = style.chart(340, 1, 2)
        left.set_title("activations: mean of |value|")
        right.set_title("gradient of the main loss: length")
        for one, (dashes, colour) in zip(probes, LINES, strict=False):
            left.plot([one.activations[name] for name in LAYERS], dashes, color=colour)
            right.plot([one.length(name) for name in LAYERS], dashes, color=colour)
        for axes in (left, right):
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")  # no slow mathtext
            axes.set_xticks(range(len(LAYERS)), map(_tick, LAYERS))
        names = [f"{INIT_NAMES[one.init]}\n{NORM_NAMES[one.norm]}" for one in probes]
        ends = [one.length(LAYERS[-1]) for one in probes]
        colours = [colour for _, colour in LINES][: len(probes)]
        style.label_ends(right, [*zip(ends, names, colours, strict=True)])
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
    at = range(len(LAYERS))
    with style.house_style():
        figure, axes = style.chart(400)
        setting = setting_name(probes[0].init, probes[0].norm)
        style.headline(figure, f"{setting}; {heads}, weighted by {weight:g}")
        axes.set_title(
            "length of the gradient: main loss alone (grey), with the heads (orange)",
            pad=22,
            fontsize=13,
            weight="normal",
        )
        axes.set(yscale="log", ylim=(LOWEST, HIGHEST), xlim=(-0.6, at[-1] + 0.6))
        chosen = LAYERS.index(layer)
        axes.axvspan(chosen - 0.5, chosen + 0.5, color=style.LIGHT_GREY, alpha=0.5, zorder=0)
        alone, both = zip(*pairs.values(), strict=True)
        axes.bar(at, alone, -0.36, align="edge", color=style.MIDDLE_GREY)
        axes.bar(at, both, 0.36, align="edge", color=style.HEAD_COLOUR)
        for one in fresh:
            lengths = [one.length(name) for name in LAYERS]
            rescued = [one.length(name, *_weights(weight, heads)) for name in LAYERS]
            for shift, values in ((-0.18, lengths), (0.18, rescued)):
                axes.plot([i + shift for i in at], values, "o", color=style.INK, markersize=4.5)
        for i, name in enumerate(LAYERS):
            top = max(*pairs[name], *(one.length(name) for one in fresh))
            axes.annotate(
                _factor(both[i] / alone[i]),
                (i, top),
                (0, 5),
                ha="center",
                fontsize=12,
                textcoords="offset points",
                weight="bold" if i == chosen else "normal",
            )
        _mark_heads(axes, heads)
        axes.set_xticks(at, map(short_layer, LAYERS))
        powers = range(-12, 6, 3)
        axes.set_yticks([10.0**n for n in powers], [f"1e{n:+03d}" for n in powers])
        axes.minorticks_off()
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
        f"{_factor(max(factors))} over {len(probes)} seeds). At 5b, after both heads, "
        f"{_factor(pairs['inception5b'][1] / pairs['inception5b'][0])}."
    )
    for one in fresh:
        text += f" Computed anew, seed {one.seed}: {_factor(one.rescue(layer, *weights))}."
    return text


def rescue_pairs(
    probes: Sequence[Probe], weight: float, heads: str = "both heads"
) -> dict[str, tuple[float, float]]:
    """Average each layer's length, alone and with the heads: geometric means over the probes."""
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
    with style.house_style():
        figure, axes = style.chart(350)
        axes.set(title="cross-entropy, mean over ten steps", xlabel="step")
        guessing = math.log(classes)
        axes.axhline(guessing, color=style.LIGHT_GREY, linewidth=5, zorder=0)
        ends = []
        for label, training in trainings.items():
            colour = style.HEAD_COLOUR if training.head_weight else style.GREY
            for part, dashes, name in _parts(training, label):
                line = averaged(training, part)
                axes.plot(_steps(training, line), line, dashes, color=colour)
                ends.append((line[-1], f"{name}: {line[-1]:.2f}", colour))
        axes.set_ylim(min(1.0, min(ends)[0] - 0.1), guessing + 0.25)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
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
    """Return "main", "aux1" or "aux2" as means over ten steps, however it was kept."""
    losses = getattr(training, part)
    return losses if training.every > 1 else means(losses)


# ---- parts ---------------------------------------------------------------------------------------


def _tick(name: str) -> str:
    """Write conv1 alone of the stem: there is no room for the others."""
    return {"conv1": "conv1", "conv2": "", "conv3": ""}.get(name, short_layer(name))


def _mark_heads(axes: Axes, heads: str) -> None:
    used = HEAD_CHOICES[heads]
    for on, head in zip(used, HEADS, strict=True):
        x = LAYERS.index(head.after) + 0.5
        axes.axvline(
            x,
            color=style.HEAD_COLOUR if on else style.LIGHT_GREY,
            linewidth=1.4,
            linestyle=(0, (4, 3)),
            zorder=0.5,
        )
        axes.annotate(
            "head" if on else "(no head)",
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=12,
            color=style.HEAD_COLOUR if on else style.GREY,
        )


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
    """List the losses that a training has: field, dashes, name."""
    parts = [("main", "-", label)]
    if training.aux1:
        parts += [("aux1", "--", "its head at 4a"), ("aux2", ":", "its head at 4d")]
    return parts


def _steps(training: Training, line: Sequence[float]) -> list[float]:
    window = training.every if training.every > 1 else len(training.main) // len(line)
    return [(i + 1) * window for i in range(len(line))]


def explore_gradient_rescue(width: float = 1.0) -> widgets.VBox:
    """Make controls over the recorded grid, and a button that computes the chosen setting anew.

    `width` scales the channels of what the button builds; the recorded grid has 1.
    """
    fresh: dict[tuple[str, str], list[Probe]] = {}

    def draw(init: str, norm: str, weight: float, heads: str, layer: str, _computed: int) -> Figure:
        probes = probes_of(init, norm)
        return draw_rescue(probes, weight, heads, layer, fresh.get((init, norm), ()))

    short, wide = widgets.Layout(width="250px"), widgets.Layout(width="380px")
    controls = {
        "init": _choice("weights", [(INIT_NAMES[one], one) for one in INITS], short),
        "norm": _choice("norm", [(NORM_NAMES[one], one) for one in NORMS], short),
        "weight": widgets.FloatSlider(
            value=0.3,
            min=0,
            max=3,
            step=0.1,
            description="heads' weight",
            layout=wide,
            style={"description_width": "96px"},
        ),
        "heads": _choice("heads", list(HEAD_CHOICES), short),
        "layer": _choice("layer", [(short_layer(name), name) for name in LAYERS], short),
        # counts what the button has computed, so that the panel draws again
        "_computed": widgets.IntText(value=0, layout=widgets.Layout(display="none")),
    }
    box = panel(draw, **controls)
    box.children[0].layout.flex_flow = "row wrap"
    button = widgets.Button(
        description="compute this setting anew", layout=widgets.Layout(width="250px")
    )

    def compute(_button: widgets.Button) -> None:
        setting = (controls["init"].value, controls["norm"].value)
        done = fresh.setdefault(setting, [])
        done.append(probe(*setting, seed=SEEDS[-1] + 1 + len(done), width=width))
        controls["_computed"].value += 1

    button.on_click(compute)
    box.children = (box.children[0], button, *box.children[1:])
    return box


def _choice(name: str, options: list, layout: widgets.Layout) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, description=name, layout=layout)
