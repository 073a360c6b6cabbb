"""What tests of explorers share: the parts of a panel, and how fast it answers."""

import time

import ipywidgets as widgets
import matplotlib.pyplot as plt


def parts(box: widgets.VBox) -> tuple[dict[str, widgets.Widget], widgets.Image, widgets.HTML]:
    """A panel's controls by what stands beside them, its picture and its words."""
    controls, image, words = box.children
    return {control.description: control for control in controls.children}, image, words


def assert_answered_at_once(box: widgets.VBox, control: str, value: object) -> None:
    """A movement is answered within two seconds and leaves no figure open."""
    controls, *_ = parts(box)
    start = time.process_time()
    controls[control].value = value
    assert time.process_time() - start < 2  # a slider that hangs; it takes a tenth of a second
    assert plt.get_fignums() == []
