"""Explorers answer their controls, at the size and in the place that they show."""

import html
import time

import ipywidgets as widgets
import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.kit.photographs import load_photographs
from googlenet_lib.course.kit.style import canvas
from googlenet_lib.course.nb00.growing import (
    LEAST_RADIUS,
    MOST_RADIUS,
    draw_changes,
    draw_object,
    growing_view,
)
from googlenet_lib.course.nb00.photographs import draw_photographs
from googlenet_lib.data.shapes import SHAPES
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.prediction import predict


@pytest.fixture(scope="module")
def network():
    return load_network("shapes")


def test_a_panel_redraws_when_a_control_moves():
    seen = []

    def draw(number):
        seen.append(number)
        figure, _ = canvas(20)
        figure.alt = f"a < {number}"
        return figure

    slider = widgets.IntSlider(value=1, max=5)
    box = panel(draw, number=slider)
    controls, picture, words = box.children
    assert controls.children == (slider,)
    assert bytes(picture.value).startswith(b"\x89PNG")
    slider.value = 4
    assert seen == [1, 4]
    assert html.unescape(words.value) == "<p>a < 4</p>"
    assert words.value == "<p>a &lt; 4</p>"  # what a picture says is text, never markup


def test_the_object_lies_in_the_middle_of_the_receptive_fields(network):
    view = growing_view(*network, "square", 6)
    window = view.windows["1x1"]
    assert view.middle == (window.centre(7) + 0.5,) * 2  # position 7 of 16, from the image's edge
    inside, outside = view.image[:, 13:18, 13:18], view.image[:, :3, :3]
    assert (inside.float().mean() - outside.float().mean()).abs() > 30
    assert view.guesses[0].label in SHAPES
    assert {branch: tuple(m.shape) for branch, m in view.maps.items()} == dict.fromkeys(
        ("1x1", "3x3", "5x5", "pool"), (16, 16)
    )


def test_the_same_seed_is_the_same_object_larger():
    small, large = draw_object("circle", [6, 14], seed=4)
    middle = (slice(None), slice(13, 18), slice(13, 18))
    assert torch.equal(small[middle], large[middle])
    assert not torch.equal(small, large)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_choice_can_be_drawn(network, shape):
    for radius in (LEAST_RADIUS, MOST_RADIUS):
        start = time.perf_counter()
        view = growing_view(*network, shape, radius)
        assert time.perf_counter() - start < 5  # a slider that hangs; benchmarks measure
        assert view.title == f"{shape}, radius {radius:g}"


def test_the_figure_of_changes_names_what_it_draws():
    lines = {"1x1": [2.0, 0.0], "3x3": [3.0, 1.0]}
    figure = draw_changes([3, 9], lines, {"1x1": 5.0, "3x3": 8.0})
    assert "1x1 from 2.00 to 0.00, its receptive field covered from radius 5.0" in figure.alt
    assert [list(line.get_ydata()) for line in figure.axes[0].lines[:2]] == [*lines.values()]


def test_photographs_stand_beside_what_the_network_gets():
    model, info = load_network("cifar10")
    photos = load_photographs()
    figure = draw_photographs(photos, info, predict(model, info, photos))
    assert figure.axes[1].images[0].get_array().shape == (32, 32, 3)
    assert len(figure.axes) == 2 * len(photos) == 4
    assert "32×32 pixels" in figure.alt
