"""Choose how a network begins and what its heads weigh, and see what reaches each layer."""

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.gradients import (
    HEAD_CHOICES,
    INIT_NAMES,
    NORM_NAMES,
    draw_rescue,
    short_layer,
)
from googlenet_lib.gradients import INITS, LAYERS, NORMS, SEEDS, Probe, probe, probes_of


def explore_gradient_rescue(width: float = 1.0) -> widgets.VBox:
    """Controls over the recorded grid, and a button that computes the chosen setting anew.

    `width` scales the channels of what the button builds; the recorded grid has 1.
    """
    fresh: dict[tuple[str, str], list[Probe]] = {}

    def draw(init: str, norm: str, weight: float, heads: str, layer: str, _computed: int) -> Figure:
        shown = (probes_of(init, norm), weight, heads, layer, fresh.get((init, norm), ()))
        return draw_rescue(*shown)

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
