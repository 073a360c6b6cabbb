"""Notebook 03's explorers answer their controls, and the windows lie where gradients say."""

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from googlenet_lib import googlenet
from googlenet_lib.course.kit.branches import BRANCHES, branch_maps, branch_windows
from googlenet_lib.course.nb03.pooling import DIGITS, MODES, MOST_CELLS, explore_pooling
from googlenet_lib.course.nb03.tower import explore_tower
from googlenet_lib.course.nb03.windows import explore_lanes_window, nearest_place, window_view
from googlenet_lib.errors import UsageError
from googlenet_lib.network.pretrained import load_network

SIDE = 64


@pytest.fixture(scope="module")
def network():
    return load_network("shapes")


@pytest.fixture(scope="module")
def image():
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, SIDE, SIDE), generator=draw, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("module", "place"),
    [("inception3a", (12, 9)), ("inception3a", (0, 31)), ("inception4a", (7, 8))],
)
def test_boxes_are_the_pixels_with_a_gradient(network, image, module, place):
    """Of many random pictures, since a max pool lets one pixel of each window through."""
    torch.manual_seed(0)
    model, info = googlenet("small", 10, heads=False, width=0.2).eval(), network[1]
    view = window_view(model, info, image, module, place)
    pictures = torch.randn(24, 3, SIDE, SIDE, requires_grad=True)
    for lane, branch in BRANCHES.items():
        seen = []
        block = getattr(getattr(model, module), branch)
        hook = block.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        model(pictures)
        hook.remove()
        (gradient,) = torch.autograd.grad(seen[0][:, :, place[0], place[1]].sum(), pictures)
        touched = gradient.abs().sum((0, 1)).nonzero()  # (pixels, row and column)
        box = view.boxes[lane]
        spans = [[box.rows.first, box.columns.first], [box.rows.last, box.columns.last]]
        assert [touched.min(0).values.tolist(), touched.max(0).values.tolist()] == spans, lane


def test_answers_are_those_of_the_lanes(network, image):
    model, info = network
    view = window_view(model, info, image, "inception4a", (5, 6))
    prepared = (image / 255 - torch.tensor(info.mean).view(3, 1, 1)) / torch.tensor(info.std).view(
        3, 1, 1
    )
    for lane, maps in branch_maps(model, prepared[None], "inception4a").items():
        values = maps[0, :, 5, 6]
        answer = view.answers[lane]
        assert answer.channels == len(values)
        assert answer.active == int((values > 0).sum())
        assert answer.mean == pytest.approx(float(values.mean()), abs=1e-6)
        assert torch.allclose(view.maps[lane], maps[0].mean(0))


def test_the_nearest_place_of_every_pixel(network):
    model, _ = network
    window = branch_windows(model, "inception4a")["1x1"]
    for pixel in range(SIDE):
        row, column = nearest_place(model, "inception4a", (pixel, 0), (16, 16))
        distances = [abs(window.centre(cell) - pixel) for cell in range(16)]
        assert distances[row] == min(distances)
        assert column == 0


def test_windows_that_make_no_sense_are_refused(network, image):
    model, info = network
    with pytest.raises(UsageError, match="map has 32 rows and 32 columns"):
        window_view(model, info, image, "inception3a", (32, 0))
    with pytest.raises(UsageError, match=r"came as torch\.float32 with shape"):
        window_view(model, info, image / 255, "inception3a", (0, 0))


def test_the_windows_follow_their_controls(network, image):
    box = explore_lanes_window(*network, image)
    (row, column, module), picture, words = box.children[0].children, *box.children[1:]
    assert (row.max, column.max) == (SIDE - 1, SIDE - 1)
    before, drawn = words.value, bytes(picture.value)
    row.value = 0
    assert "inception3a, row 0 and column" in words.value != before
    assert bytes(picture.value) != drawn
    module.value, column.value = "inception4a", SIDE - 1
    assert "inception4a, row 0 and column 15 of its 16×16 map" in words.value
    assert "(cut at the rim)" in words.value


def test_the_tower_follows_its_slider():
    box = explore_tower()
    slider, words = box.children[0].children[0], box.children[-1]
    assert (slider.min, slider.max, slider.value) == (0, 9, 0)
    assert "1,024 channels at the top" in words.value
    slider.value = 9
    assert "the first 9 without" in words.value
    assert "4,944 channels at the top" in words.value


def test_pooling_follows_its_controls():
    box = explore_pooling()
    (size, mode), words = box.children[0].children, box.children[-1]
    assert all(name in words.value for name in MODES)
    assert size.max == MOST_CELLS == len(DIGITS)
    size.value = 15
    assert "pad (padding=1, ceil_mode=False): 8 windows" in words.value
    mode.value = "ceil"
    assert "7 windows" in words.value
    assert "padding=1" not in words.value


def test_the_explorers_leave_no_figure_open(network, image):
    plt.close("all")
    for box in (explore_tower(), explore_pooling(), explore_lanes_window(*network, image)):
        box.children[0].children[0].value = 7
    assert plt.get_fignums() == []
