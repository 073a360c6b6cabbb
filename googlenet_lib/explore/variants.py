"""Choose two networks called GoogLeNet and see what differs."""

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.differences import variant_costs
from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.variants import draw_variants
from googlenet_lib.paper import IMAGE_SIZE
from googlenet_lib.variants import VARIANTS

SIZES = (IMAGE_SIZE, 32)  # ImageNet's and CIFAR-10's


def explore_variants() -> widgets.VBox:
    """Two choices of a variant and one of the pictures' size, above what differs."""
    for name in VARIANTS:  # now, so that no movement waits for a network to be built
        for size in SIZES:
            variant_costs(name, size)

    def draw(one: str, other: str, size: int) -> Figure:
        return draw_variants(one, other, size)

    return panel(
        draw,
        one=widgets.Dropdown(options=list(VARIANTS), value="paper", description="this one"),
        other=widgets.Dropdown(options=list(VARIANTS), value="torchvision", description="that one"),
        size=widgets.Dropdown(
            options=[(f"{size} pixels", size) for size in SIZES], description="pictures"
        ),
    )
