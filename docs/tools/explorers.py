"""Draw every state of the explorers whose controls have few, for pages without a kernel.

    python docs/tools/explorers.py docs/_static/explorers

For each explorer it writes a picture for every state, and `states.json`: the controls, the state to
begin with, and for each state its picture and its words, the last control changing fastest.
"""

import html
import io
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import ipywidgets as widgets
from PIL import Image

from googlenet_lib.course.kit.show import with_palette
from googlenet_lib.course.nb01.receptive_growth import explore_branch_fields, explore_stack
from googlenet_lib.course.nb03.steps import explore_module
from googlenet_lib.course.nb03.tower import explore_tower
from googlenet_lib.course.nb04.audit import explore_auditor
from googlenet_lib.course.nb04.pooling import explore_pooling

EXPLORERS: dict[str, Callable[[], widgets.VBox]] = {
    "explore_stack": explore_stack,
    "explore_branch_fields": explore_branch_fields,
    "explore_module": explore_module,
    "explore_tower": explore_tower,
    "explore_pooling": explore_pooling,
    "explore_auditor": explore_auditor,
}
MOST_STATES = 200  # more are another job: plain JavaScript


def list_values(control: widgets.Widget) -> list:
    """List what a control can be set to."""
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    if hasattr(control, "options"):
        return [value for _, value in control._options_full]
    steps = round((control.max - control.min) / control.step)
    return [round(control.min + i * control.step, 6) for i in range(steps + 1)]


def describe_control(control: widgets.Widget) -> dict:
    """Describe a control for the page: its label, its kind and the texts of its values."""
    if isinstance(control, widgets.Checkbox):
        return {"label": control.description, "kind": "check", "options": ["no", "yes"]}
    if hasattr(control, "options"):
        texts = [str(label) for label, _ in control._options_full]
        return {"label": control.description, "kind": "select", "options": texts}
    texts = [str(value) for value in list_values(control)]
    return {"label": control.description, "kind": "range", "options": texts}


def walk_states(box: widgets.VBox) -> Iterator[tuple[bytes, str]]:
    """Set the controls to every combination; yield the picture (PNG) and the words of each."""
    row, picture, words = box.children
    for values in itertools.product(*map(list_values, row.children)):
        for control, value in zip(row.children, values, strict=True):
            control.value = value
        text = html.unescape(words.value.removeprefix("<p>").removesuffix("</p>"))
        yield picture.value, text


def export(name: str, folder: Path) -> dict:
    """Write all states of one explorer into `folder`; return what `states.json` says."""
    box = EXPLORERS[name]()
    controls = box.children[0].children
    count = math.prod(len(list_values(control)) for control in controls)
    if count > MOST_STATES:
        raise ValueError(f"{name} has {count} states; at most {MOST_STATES} are drawn")
    first = [list_values(control).index(control.value) for control in controls]
    described = [describe_control(control) for control in controls]
    folder.mkdir(parents=True, exist_ok=True)
    states, size = [], None
    for number, (png, text) in enumerate(walk_states(box)):
        image = Image.open(io.BytesIO(png)).convert("RGB")
        if image.width > 900:
            image = image.resize((900, round(900 * image.height / image.width)))
        size = image.size
        with_palette(image).save(folder / f"{number}.png", optimize=True)
        states.append([f"{number}.png", text])
    told = {"controls": described, "first": first, "size": size, "states": states}
    text = json.dumps(told, ensure_ascii=False, indent=0)
    (folder / "states.json").write_text(text + "\n", encoding="utf-8")
    return told


if __name__ == "__main__":
    for explorer in EXPLORERS:
        written = export(explorer, Path(sys.argv[1]) / explorer)
        print(f"{explorer}: {len(written['states'])} states")
