"""Notebook 03: module 3a with and without its 1x1 convolutions, one drawing after the other."""

import html
import io

import ipywidgets as widgets
from PIL import Image

from googlenet_lib.course.kit.show import DRAWINGS

# By whether the reductions are kept, and the projection.
DRAWN = {
    (True, True): "inception3a",
    (True, False): "inception3a_no_projection",
    (False, True): "inception3a_no_reductions",
    (False, False): "inception3a_naive",
}


def explore_module() -> widgets.VBox:
    """Make two boxes that take the 1x1 convolutions out of module 3a and put them back."""
    boxes = [
        widgets.Checkbox(value=True, description=f"keep the {name}", indent=False)
        for name in ("reductions", "projection")
    ]
    picture, words = widgets.Image(format="png"), widgets.HTML()
    picture.layout.max_width = "100%"

    def redraw(_change: object = None) -> None:
        content = (DRAWINGS / f"{DRAWN[boxes[0].value, boxes[1].value]}.png").read_bytes()
        alt = Image.open(io.BytesIO(content)).text["Description"]
        picture.value, words.value = content, f"<p>{html.escape(alt)}</p>"

    for box in boxes:
        box.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox(boxes), picture, words])
