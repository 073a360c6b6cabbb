"""Every explorer answers each of its controls, and leaves no figure open."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

import ipywidgets as widgets
import matplotlib.pyplot as plt
import pytest
from gallery import photo

from googlenet_lib import course
from googlenet_lib.course.nb00.growing import explore_growing
from googlenet_lib.course.nb01.receptive_growth import explore_branch_fields, explore_stack
from googlenet_lib.course.nb02.bottleneck import explore_bottleneck
from googlenet_lib.course.nb02.mixer import explore_mixer
from googlenet_lib.course.nb03.branches import explore_branches
from googlenet_lib.course.nb03.design_explorer import explore_design
from googlenet_lib.course.nb03.steps import explore_module
from googlenet_lib.course.nb03.tower import explore_tower
from googlenet_lib.course.nb04.audit import explore_auditor
from googlenet_lib.course.nb04.pooling import explore_pooling
from googlenet_lib.course.nb05.gradient_charts import explore_gradient_rescue
from googlenet_lib.course.nb07.charts import explore_schedule
from googlenet_lib.network.pretrained import load_network

EXPLORERS: dict[str, Callable[[], widgets.VBox]] = {
    "explore_growing": lambda: explore_growing(*load_network("shapes")),
    "explore_stack": explore_stack,
    "explore_branch_fields": explore_branch_fields,
    "explore_mixer": lambda: explore_mixer(photo(96, 64), at=(50, 30)),
    "explore_bottleneck": explore_bottleneck,
    "explore_tower": explore_tower,
    "explore_pooling": explore_pooling,
    "explore_module": explore_module,
    "explore_branches": lambda: explore_branches(*load_network("shapes"), photo()),
    "explore_design": lambda: explore_design(steps=2),
    "explore_auditor": explore_auditor,
    "explore_gradient_rescue": explore_gradient_rescue,
    "explore_schedule": explore_schedule,
}


def list_controls(box: widgets.Box) -> Iterator[widgets.Widget]:
    """List what a reader can move or click, in boxes within boxes."""
    for child in box.children:
        if isinstance(child, widgets.Box):
            yield from list_controls(child)
        elif not isinstance(child, widgets.HTML | widgets.Image) and child.layout.display != "none":
            yield child


def move(control: widgets.Widget) -> Iterator[None]:
    """Click a button; move anything else to its first value and to its last."""
    if isinstance(control, widgets.Button):
        yield control.click()
    elif hasattr(control, "options"):
        for index in (0, len(control.options) - 1):
            yield setattr(control, "index", index)
    else:
        ends = (True, False) if isinstance(control.value, bool) else (control.min, control.max)
        for value in ends:
            yield setattr(control, "value", value)


def read_words(box: widgets.VBox) -> str:
    """Read the picture's alt text, and whatever else stands below it."""
    return " ".join(part.value for part in box.children if isinstance(part, widgets.HTML))


def test_every_explorer_of_the_course_is_here():
    names = set()
    for module in pkgutil.walk_packages(course.__path__, "googlenet_lib.course."):
        names |= {name for name in vars(importlib.import_module(module.name))}
    assert {name for name in names if name.startswith("explore_")} == {*EXPLORERS}


@pytest.mark.parametrize("name", EXPLORERS)
def test_each_control_changes_the_words(name):
    plt.close("all")
    box = EXPLORERS[name]()
    for control in list_controls(box):
        words = {read_words(box), *(read_words(box) for _ in move(control))}
        assert len(words) > 1, control.description
    assert plt.get_fignums() == []
