"""Explorers answer their controls, at the size and in the place that they show."""

import html
import time

import ipywidgets as widgets
import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from googlenet_lib.course.kit.branches import branch_windows
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.course.kit.style import canvas
from googlenet_lib.course.nb00.growing import (
    LEAST_RADIUS,
    MOST_RADIUS,
    growing_view,
    middle_distances,
    radius_that_fills,
)
from googlenet_lib.data.shapes import SHAPES
from googlenet_lib.network.pretrained import load_network


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


def test_the_object_stands_in_the_middle_of_the_windows(network):
    view = growing_view(*network, "square", 6)
    column, row = view.middle
    inside = view.image[:, round(row - 0.5) - 2 : round(row - 0.5) + 3,
                        round(column - 0.5) - 2 : round(column - 0.5) + 3]  # fmt: skip
    outside = view.image[:, :3, :3]
    assert (inside.float().mean() - outside.float().mean()).abs() > 30
    assert view.guesses[0].label in SHAPES
    assert {branch: tuple(m.shape) for branch, m in view.maps.items()} == dict.fromkeys(
        ("1x1", "3x3", "5x5", "pool"), (16, 16)
    )


def test_the_same_seed_is_the_same_object_larger(network):
    a, b = growing_view(*network, "circle", 6, seed=4), growing_view(*network, "circle", 14, seed=4)
    middle = (slice(None), slice(13, 18), slice(13, 18))
    assert torch.equal(a.image[middle], b.image[middle])
    assert not torch.equal(a.image, b.image)


def test_a_branch_s_middle_answer_rests_once_its_window_is_filled(network):
    radii = [3, 4, 6, 9, 12, 14]
    distances = middle_distances(*network, "circle", radii)
    for branch, window in branch_windows(network[0]).items():
        full = radius_that_fills(window) + 0.5  # the edge is half a pixel soft
        for radius, distance in zip(radii, distances[branch], strict=True):
            if radius > full:
                assert distance < 1e-4, (branch, radius)
        assert distances[branch][0] > 0.1
    assert radius_that_fills(branch_windows(network[0])["1x1"]) == pytest.approx(3.5 * 2**0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_choice_can_be_drawn(network, shape):
    for radius in (LEAST_RADIUS, MOST_RADIUS):
        start = time.perf_counter()
        view = growing_view(*network, shape, radius)
        assert time.perf_counter() - start < 5  # a slider that hangs; benchmarks measure
        assert view.title == f"{shape}, radius {radius:g}"
