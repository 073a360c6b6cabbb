"""A figure that is drawn anew whenever one of its controls moves."""

import html
import io
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def panel(draw: Callable[..., Figure], **controls: widgets.Widget) -> widgets.VBox:
    """Controls above the figure that `draw(**values)` returns, its alt text underneath.

    `draw` gets every control's value by name and returns the figure. Its alt text holds the
    number that changes, for those who cannot see the picture, and for tests.
    """
    picture, words = widgets.Image(format="png"), widgets.HTML()
    picture.layout.max_width = "100%"

    shown: dict[str, object] = {}

    def redraw(_change: object = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        if values == shown:  # one control has moved another, and that has drawn already
            return
        shown.update(values)
        figure = draw(**values)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        plt.close(figure)
        picture.value, words.value = drawn.getvalue(), f"<p>{html.escape(figure.alt)}</p>"

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox(list(controls.values())), picture, words])
