"""What a 1x1 in front of a large kernel costs at any width, and what the best one could keep."""

import pytest
import torch
from torch import nn

from googlenet_lib.course.nb02.bottleneck import MODULES, bottleneck, module_inputs, variance_shares
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import ROWS, table_costs
from googlenet_lib.network.variants import SMALL


def test_the_example_of_the_course():
    lane = bottleneck("inception3a")
    assert lane.direct_macs == 120_422_400
    assert lane.macs(16) == (2_408_448, 10_035_200)
    assert (lane.direct_params, lane.params(16)) == (153_600, (3_072, 12_800))
    assert lane.break_even == pytest.approx(154.84, abs=0.005)
    assert sum(bottleneck("inception3a", kernel=3).params(96)) == 129_024


@pytest.mark.parametrize("name", MODULES)
def test_lanes_are_those_of_table_1(name):
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
    lane = bottleneck(name)
    below, above = int(lane.break_even), int(lane.break_even) + 1
    assert sum(lane.macs(below)) <= lane.direct_macs < sum(lane.macs(above))
    assert sum(lane.params(below)) <= lane.direct_params < sum(lane.params(above))


@pytest.mark.parametrize("arguments", [("inception3c",), ("conv1",), ("inception3a", 7)])
def test_what_is_no_lane_is_refused(arguments):
    with pytest.raises(UsageError, match="expected one of inception3a"):
        bottleneck(*arguments)


def test_variance_of_few_directions_is_found():
    draw = torch.Generator().manual_seed(0)
    mixes = torch.randn(12, 3, generator=draw)
    maps = nn.functional.conv2d(torch.randn(2, 3, 8, 8, generator=draw), mixes[:, :, None, None])
    shares = variance_shares(maps + 7)  # a constant is no variance
    assert shares.shape == (12,)
    assert shares[1] < 0.99
    assert shares[2] == pytest.approx(1, abs=1e-5)
    assert (shares.diff() >= -1e-6).all()


def test_variance_shares_are_those_of_the_singular_values():
    maps = torch.randn(3, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    vectors = maps.permute(0, 2, 3, 1).reshape(-1, 5)
    squares = torch.linalg.svdvals(vectors - vectors.mean(0)) ** 2
    torch.testing.assert_close(variance_shares(maps), squares.cumsum(0) / squares.sum())


def test_inputs_are_what_enters_each_module():
    torch.manual_seed(0)
    model = GoogLeNet(SMALL, 10, width=0.25, heads=False).eval()
    images = torch.randn(2, 3, 32, 32)
    inputs = module_inputs(model, images)
    assert tuple(inputs) == MODULES
    with torch.inference_mode():
        torch.testing.assert_close(model.inception3a(inputs["inception3a"]), inputs["inception3b"])
    assert not any(module._forward_hooks for module in model.modules())
