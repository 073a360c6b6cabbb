"""The explorers of notebook 02 answer their controls, and their words say the number that moves."""

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from explorer_tools import assert_answered_at_once, parts

from googlenet_lib.course.nb02.bottleneck import MODULES, bottleneck, explore_bottleneck
from googlenet_lib.course.nb02.mixer import explore_mixer

SHARES = {name: torch.linspace(0.5, 1, 96) for name in MODULES}


def picture():
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 64, 96), generator=draw, dtype=torch.uint8)


def test_each_control_of_the_mixer_moves_picture_and_words():
    shown = picture()
    shown[:, 30, 50] = torch.tensor([255, 102, 51])
    controls, image, words = parts(explore_mixer(shown, (1.0, 0.0, 0.0), at=(50, 30)))
    assert "1.00 × 1.00 + 0.00 × 0.40 + 0.00 × 0.20 + 0.00 = 1.00" in words.value
    for name, value, says in (
        ("red", -1.0, "−1.00 × 1.00 + 0.00 × 0.40"),
        ("green", 0.5, "0.50 × 0.40"),
        ("blue", 2.0, "2.00 × 0.20"),
        ("bias", -0.5, "− 0.50 = −0.90"),
        ("ReLU", True, "= −0.90, ReLU: 0.00"),
    ):
        before = bytes(image.value)
        controls[name].value = value
        assert says in words.value, name
        assert bytes(image.value) != before, name


def test_the_dial_says_what_a_width_costs():
    controls, image, words = parts(explore_bottleneck(SHARES))
    assert "12,443,648 multiply-adds against 120,422,400 direct" in words.value
    before = bytes(image.value)
    controls["r"].value = 192
    assert "1.24 times more" in words.value
    assert bytes(image.value) != before


def test_another_module_brings_its_own_channels_and_width():
    controls, _, words = parts(explore_bottleneck(SHARES))
    for name in (*MODULES, "inception3a"):
        controls["module"].value = name
        lane = bottleneck(name)
        assert (controls["r"].max, controls["r"].value) == (lane.in_channels, lane.width)
        assert f"Module {name.removeprefix('inception')}, 5×5 lane" in words.value
        assert f"r = {lane.width} in front" in words.value
        controls["r"].value = lane.in_channels  # the widest, which the next may not have


@pytest.mark.parametrize(
    ("build", "control", "value"),
    [
        (lambda: explore_mixer(picture()), "red", 1.7),
        (lambda: explore_bottleneck(SHARES), "r", 77),
    ],
)
def test_a_movement_is_answered_at_once_and_leaves_no_figure_open(build, control, value):
    assert_answered_at_once(build(), control, value)
