"""A figure that is drawn anew whenever one of its controls moves."""

import html
import io
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

Draw = Callable[..., tuple[Figure, str]]


def panel(draw: Draw, **controls: widgets.Widget) -> widgets.VBox:
    """Controls above the figure that `draw(**values)` returns, its words underneath.

    `draw` gets every control's value by name and returns the figure and what it says in words:
    the number that changes, for those who cannot see the picture, and for tests.
    """
    picture, words = widgets.Image(format="png"), widgets.HTML()
    picture.layout.max_width = "100%"

    def redraw(_change: object = None) -> None:
        figure, text = draw(**{name: control.value for name, control in controls.items()})
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        plt.close(figure)
        picture.value, words.value = drawn.getvalue(), f"<p>{html.escape(text)}</p>"

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox(list(controls.values())), picture, words])
