"""The explorers of notebook 01 answer their controls, and their words say the width that moves."""

import matplotlib
import pytest

matplotlib.use("Agg")

from explorer_tools import assert_answered_at_once, parts

from googlenet_lib.course.kit.branches import BRANCHES
from googlenet_lib.course.nb01.receptive_fields import (
    DEPTHS,
    KERNELS,
    MODULES,
    STRIDED,
    Stack,
    recorded,
)
from googlenet_lib.course.nb01.receptive_growth import explore_lane_fields, explore_stack


def test_each_control_of_the_stack_moves_picture_and_words():
    controls, image, words = parts(explore_stack())
    for name, value, stack in (
        ("layers", 8, Stack(8, 3)),
        ("kernel", 5, Stack(8, 5)),
        ("strided", 2, Stack(8, 5, 2)),
        ("layers", 1, Stack(1, 5, 1)),  # two strided layers asked for: there is one
    ):
        before = bytes(image.value)
        controls[name].value = value
        assert f"the field is {stack.field} pixels wide" in words.value
        assert bytes(image.value) != before, name


def test_the_stack_s_controls_end_where_the_record_does():
    controls, *_ = parts(explore_stack())
    assert (controls["layers"].min, controls["layers"].max) == (DEPTHS[0], DEPTHS[-1])
    assert controls["kernel"].options == KERNELS
    assert (controls["strided"].min, controls["strided"].max) == (STRIDED[0], STRIDED[-1])


@pytest.mark.parametrize("lane", BRANCHES)
def test_the_slider_goes_through_all_modules(lane):
    controls, _, words = parts(explore_lane_fields())
    controls["lane"].value = lane
    for module in MODULES[::4]:
        controls["module"].value = module
        one = recorded().lane(module, lane)
        assert words.value.startswith(f"<p>{module.removeprefix('inception')}, ")
        assert f"the field is {one.window.field} pixels wide" in words.value
        assert f"within {one.width:g}," in words.value


@pytest.mark.parametrize(
    ("build", "control", "value"),
    [(explore_stack, "kernel", 7), (explore_lane_fields, "module", "inception5b")],
)
def test_a_movement_is_answered_at_once_and_leaves_no_figure_open(build, control, value):
    assert_answered_at_once(build(), control, value)
