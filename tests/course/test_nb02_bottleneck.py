"""What a 1x1 in front of a large kernel costs at any width, and what the best one could keep."""

import pytest
import torch

from googlenet_lib.course.nb02.bottleneck import (
    bottleneck,
    explore_bottleneck,
    module_inputs,
    variance_shares,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import MODULES, ROWS, table_costs
from googlenet_lib.network.variants import SMALL


def test_the_example_of_the_course():
    branch = bottleneck("inception3a")
    assert branch.direct_macs == 120_422_400
    assert branch.macs(16) == (2_408_448, 10_035_200)
    assert (branch.direct_params, branch.params(16)) == (153_600, (3_072, 12_800))
    assert branch.break_even == pytest.approx(154.84, abs=0.005)
    assert sum(bottleneck("inception3a", kernel=3).params(96)) == 129_024


@pytest.mark.parametrize("name", MODULES)
def test_branches_are_those_of_table_1(name):
    widths = ROWS[name].widths
    five, three = bottleneck(name), bottleneck(name, kernel=3)
    assert (five.width, five.out_channels) == (widths.reduce_5x5, widths.out_5x5)
    assert (three.width, three.out_channels) == (widths.reduce_3x3, widths.out_3x3)
    # with the two 1x1s that stand beside them, they make up the module's cost
    cost = next(cost for cost in table_costs() if cost.name == name)
    others = five.in_channels * (widths.out_1x1 + widths.pool_proj)
    assert sum(five.params(five.width)) + sum(three.params(three.width)) + others == cost.params


@pytest.mark.parametrize("name", MODULES)
def test_break_even_is_where_both_ways_cost_the_same(name):
    branch = bottleneck(name)
    below, above = int(branch.break_even), int(branch.break_even) + 1
    assert sum(branch.macs(below)) <= branch.direct_macs < sum(branch.macs(above))


def test_what_is_no_module_is_refused():
    with pytest.raises(UsageError, match="'conv1' is unknown; expected one of inception3a"):
        bottleneck("conv1")


def test_another_module_brings_its_own_channels_and_width():
    box = explore_bottleneck({name: torch.linspace(0.5, 1, 96) for name in MODULES})
    r, module = box.children[0].children
    for name in ("inception5b", "inception3a"):
        module.value, branch = name, bottleneck(name)
        assert (r.max, r.value) == (branch.in_channels, branch.width)
        r.value = branch.in_channels  # the widest, which the next may not have


def test_variance_shares_are_those_of_the_singular_values():
    maps = torch.randn(3, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    vectors = maps.permute(0, 2, 3, 1).reshape(-1, 5)
    squares = torch.linalg.svdvals(vectors - vectors.mean(0)) ** 2
    expected = squares.cumsum(0) / squares.sum()
    torch.testing.assert_close(variance_shares(maps + 7), expected)  # a constant is no variance


def test_inputs_are_what_enters_each_module():
    torch.manual_seed(0)
    model = GoogLeNet(SMALL, 10, width=0.25, heads=False).eval()
    images = torch.randn(2, 3, 32, 32)
    inputs = module_inputs(model, images)
    assert tuple(inputs) == MODULES
    with torch.inference_mode():
        torch.testing.assert_close(model.inception3a(inputs["inception3a"]), inputs["inception3b"])
    assert not any(module._forward_hooks for module in model.modules())
