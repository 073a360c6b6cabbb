"""The windows of an Inception module's lanes, and what the lanes answer."""

import pytest
import torch

from googlenet_lib import googlenet
from googlenet_lib.course.kit.branches import LANES, Window, lane_maps, lane_windows
from googlenet_lib.errors import UsageError


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return googlenet("small", 10, heads=False, width=0.25).eval()


def test_maps_are_the_modules_output_taken_apart(small):
    images = torch.randn(2, 3, 32, 32)
    outputs = []
    small.inception4a.register_forward_hook(lambda *call: outputs.append(call[2]))
    maps = lane_maps(small, images, "inception4a")
    assert list(maps) == list(LANES) == ["1x1", "3x3", "5x5", "pool"]
    assert torch.equal(torch.cat(list(maps.values()), dim=1), outputs[0])


def test_no_hook_stays_behind(small):
    lane_maps(small, torch.randn(1, 3, 32, 32))
    assert not any(module._forward_hooks for module in small.inception3a.modules())


def test_windows_are_those_that_the_gradient_measures(small):
    """What a value depends on: the pixels that have a gradient in any of many pictures."""
    for lane, window in lane_windows(small).items():
        images = torch.randn(64, 3, 32, 32, requires_grad=True)
        seen = []
        branch = getattr(small.inception3a, LANES[lane])
        hook = branch.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        small(images)
        hook.remove()
        seen[0][:, :, 8, 8].sum().backward()
        touched = images.grad.abs().sum((0, 1)).nonzero()  # (pixels, row and column)
        extent = touched.max(0).values - touched.min(0).values + 1
        assert extent.tolist() == [window.field, window.field], lane
        assert window.jump == 2


def test_windows_of_the_paper():
    network = googlenet("paper", heads=False)
    # 3a of the paper lies behind two convolutions and two pools: 27 pixels, 8 apart
    windows = lane_windows(network, "inception3a", 224)
    assert windows["1x1"].jump == 8
    assert windows["3x3"].field - windows["1x1"].field == 2 * 8
    assert windows["5x5"] == Window(windows["1x1"].field + 4 * 8, 8)
    assert windows["pool"] == windows["3x3"]


@pytest.mark.parametrize("function", [lane_windows, lambda m, n: lane_maps(m, torch.zeros(1), n)])
def test_an_unknown_module_is_refused(small, function):
    with pytest.raises(UsageError, match=r"module 'inception6a' is unknown; .* inception3a"):
        function(small, "inception6a")
