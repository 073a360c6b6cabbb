"""Notebook 03's squares lie where gradients say, and its maps are those of the branches."""

import matplotlib.pyplot as plt
import pytest
import torch

from googlenet_lib import googlenet
from googlenet_lib.course.kit.branches import BRANCHES, branch_maps, branch_windows
from googlenet_lib.course.nb03.branches import draw_branches, find_position, find_span
from googlenet_lib.data.batches import normalise
from googlenet_lib.errors import UsageError
from googlenet_lib.network.pretrained import load_network

SIDE = 64


@pytest.fixture(scope="module")
def image():
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, SIDE, SIDE), generator=draw, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("module", "position"),
    [("inception3a", (12, 9)), ("inception3a", (0, 31)), ("inception4a", (7, 8))],
)
def test_squares_are_the_pixels_with_a_gradient(module, position):
    """Of many random images, since a max pool lets one pixel of each window through."""
    torch.manual_seed(0)
    model = googlenet("small", 10, heads=False, width=0.2).eval()
    images = torch.randn(24, 3, SIDE, SIDE, requires_grad=True)
    row, column = position
    for branch, window in branch_windows(model, module).items():
        seen = []
        part = getattr(getattr(model, module), BRANCHES[branch])
        hook = part.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        model(images)
        hook.remove()
        (gradient,) = torch.autograd.grad(seen[0][:, :, row, column].sum(), images)
        touched = gradient.abs().sum((0, 1)).nonzero()  # (pixels, row and column)
        first, last = touched.min(0).values.tolist(), touched.max(0).values.tolist()
        rows, columns = find_span(window, row, SIDE), find_span(window, column, SIDE)
        assert list(zip(first, last, strict=True)) == [rows, columns], branch


def test_maps_are_those_of_the_branches(image):
    model, info = load_network("shapes")
    figure = draw_branches(model, info, image, "inception4a", (5, 6))
    maps = branch_maps(model, normalise(image, info.mean, info.std)[None], "inception4a")
    for axes, values in zip(figure.axes[1:], maps.values(), strict=True):
        assert torch.allclose(torch.tensor(axes.images[0].get_array()), values[0].mean(0))
    plt.close(figure)


def test_the_nearest_position_of_every_pixel():
    window = branch_windows(load_network("shapes")[0], "inception4a")["1x1"]
    for pixel in range(SIDE):
        distances = [abs(window.centre(position) - pixel) for position in range(16)]
        assert distances[find_position(window, pixel, 16)] == min(distances)


def test_an_image_that_is_none_is_refused(image):
    with pytest.raises(UsageError, match=r"came as torch\.float32 with shape"):
        draw_branches(*load_network("shapes"), image / 255, "inception3a", (0, 0))
