"""What tests of explorers share: the parts of a panel."""

import ipywidgets as widgets


def parts(box: widgets.VBox) -> tuple[dict[str, widgets.Widget], widgets.Image, widgets.HTML]:
    """A panel's controls by what stands beside them, its picture and its words."""
    controls, image, words = box.children
    return {control.description: control for control in controls.children}, image, words
