"""Notebook 03's windows lie where gradients say, and answers are those of the branches."""

import pytest
import torch

from googlenet_lib import googlenet
from googlenet_lib.course.kit.branches import BRANCHES, branch_maps, branch_windows
from googlenet_lib.course.nb03.windows import nearest_place, window_view
from googlenet_lib.data.batches import normalise
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
    for branch, part in BRANCHES.items():
        seen = []
        block = getattr(getattr(model, module), part)
        hook = block.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        model(pictures)
        hook.remove()
        (gradient,) = torch.autograd.grad(seen[0][:, :, place[0], place[1]].sum(), pictures)
        touched = gradient.abs().sum((0, 1)).nonzero()  # (pixels, row and column)
        box = view.boxes[branch]
        spans = [[box.rows.first, box.columns.first], [box.rows.last, box.columns.last]]
        assert [touched.min(0).values.tolist(), touched.max(0).values.tolist()] == spans, branch


def test_answers_are_those_of_the_branches(network, image):
    model, info = network
    view = window_view(model, info, image, "inception4a", (5, 6))
    prepared = normalise(image, info.mean, info.std)
    for branch, maps in branch_maps(model, prepared[None], "inception4a").items():
        values, answer = maps[0, :, 5, 6], view.answers[branch]
        assert (answer.channels, answer.active) == (len(values), int((values > 0).sum()))
        assert answer.mean == pytest.approx(float(values.mean()), abs=1e-6)
        assert torch.allclose(view.maps[branch], maps[0].mean(0))


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
