"""What a 1x1 before a large kernel costs at any width."""

import pytest

from googlenet_lib.course.nb02.bottleneck import bottleneck, explore_bottleneck
from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import MODULES, ROWS, table_costs


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


def test_another_branch_brings_its_own_channels_and_width():
    box = explore_bottleneck()
    r, module, branch = box.children[0].children
    for name, kernel in (("inception5b", 5), ("inception3a", 5), ("inception3a", 3)):
        module.value, branch.value, chosen = name, kernel, bottleneck(name, kernel)
        assert (r.max, r.value) == (chosen.in_channels, chosen.width)
        r.value = chosen.in_channels  # the widest, which the next may not have
