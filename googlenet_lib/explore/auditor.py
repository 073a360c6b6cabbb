"""The auditor of Table 1: read it in another way and watch the verdicts flip."""

import ipywidgets as widgets
from matplotlib.figure import Figure

from googlenet_lib.explore.panel import panel
from googlenet_lib.figures.audit import draw_verdicts
from googlenet_lib.readings import Reading, audit_under


def explore_auditor() -> widgets.VBox:
    """Five switches, each a question of how the table was counted, above the table of verdicts."""

    def draw(**choices: bool | int) -> Figure:
        reading = Reading(**choices)
        rows = audit_under(reading)
        return draw_verdicts(rows, reading)

    return panel(
        draw,
        bias=_choice("biases", {"not counted": False, "counted": True}),
        thousand=_choice("K is", {"1024": 1024, "1000": 1000}),
        large_kernel=_choice('the "5x5"', {"5x5": 5, "3x3": 3}),
        separable_conv1=_choice("conv1", {"as drawn": False, "separable": True}),
        released_widths=_choice("4a and 5a", {"as printed": False, "as released": True}),
    )


def _choice(text: str, options: dict[str, bool | int]) -> widgets.Dropdown:
    layout = widgets.Layout(width="180px")
    style = {"description_width": "74px"}
    return widgets.Dropdown(
        options=list(options.items()), description=text, layout=layout, style=style
    )
