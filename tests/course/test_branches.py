"""The windows of an Inception module's branches, and their maps."""

import pytest
import torch

from googlenet_lib import googlenet
from googlenet_lib.course.kit.branches import (
    BRANCHES,
    MODULES,
    Window,
    branch_maps,
    branch_windows,
    window_after,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import table_costs


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return googlenet("small", 10, heads=False, width=0.25).eval()


def test_maps_are_the_modules_output_taken_apart(small):
    images = torch.randn(2, 3, 32, 32)
    outputs = []
    hook = small.inception4a.register_forward_hook(lambda *call: outputs.append(call[2]))
    maps = branch_maps(small, images, "inception4a")
    hook.remove()
    assert list(maps) == list(BRANCHES) == ["1x1", "3x3", "5x5", "pool"]
    assert torch.equal(torch.cat(list(maps.values()), dim=1), outputs[0])
    assert not any(module._forward_hooks for module in small.modules()), "no hook stays"


@pytest.mark.parametrize("module", ["inception3a", "inception4a"])
def test_windows_are_those_that_the_gradient_measures(small, module):
    """What a value depends on: the pixels that have a gradient in any of many pictures."""
    for name, window in branch_windows(small, module).items():
        side = 32 if module == "inception3a" else 96
        at = side // window.jump // 2
        images = torch.randn(48, 3, side, side, requires_grad=True)
        outputs = []
        branch = getattr(getattr(small, module), BRANCHES[name])
        hook = branch.register_forward_hook(lambda *call, outputs=outputs: outputs.append(call[2]))
        small(images)
        hook.remove()
        outputs[0][:, :, at, at].sum().backward()
        touched = images.grad.abs().sum((0, 1)).nonzero()  # (pixels, row and column)
        reach = (window.field - 1) / 2
        assert touched.min(0).values.tolist() == [window.centre(at) - reach] * 2, name
        assert touched.max(0).values.tolist() == [window.centre(at) + reach] * 2, name


def test_windows_of_the_paper_are_those_of_its_table():
    windows = {
        module: branch_windows(googlenet("paper", heads=False), module) for module in MODULES
    }
    fields = {cost.name: cost.field for cost in table_costs()}
    for module, of_branches in windows.items():
        assert of_branches["5x5"].field == fields[module]
        assert of_branches["pool"] == of_branches["3x3"]
    # after a 7x7/2 padded by 3 and two pools 3/2 without padding, 3a's first centre is pixel 6
    assert windows["inception3a"]["1x1"] == Window(27, 8, 6)
    assert windows["inception5b"]["5x5"].field == 715


@pytest.mark.parametrize("name", ["torchvision", "classroom", "small"])
def test_windows_of_other_variants_are_those_that_a_running_network_has(name):
    model = googlenet(name, 10, heads=False, width=0.1)
    costs = model_costs(model)
    for module in ("inception3a", "inception4c", "inception5b"):
        for branch, window in branch_windows(model, module).items():
            prefix = f"{module}.{BRANCHES[branch]}."
            last = [cost for cost in costs if cost.name.startswith(prefix)][-1]
            assert (window.field, window.jump) == (last.field, last.jump), branch


def test_no_layer_sees_its_own_pixel():
    assert window_after([]) == Window(1, 1, 0.0)
    assert window_after([(3, 2, 1), (3, 1, 1)]) == Window(7, 2, 0.0)


@pytest.mark.parametrize(
    "function", [branch_windows, lambda model, name: branch_maps(model, torch.zeros(1), name)]
)
def test_an_unknown_module_is_refused(small, function):
    with pytest.raises(UsageError, match=r"module 'inception6a' came; .* inception3a"):
        function(small, "inception6a")
