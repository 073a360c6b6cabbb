"""What differs between two variants, and what their rows cost."""

import pytest

from googlenet_lib import googlenet
from googlenet_lib.course.nb04.comparison import (
    CHOICES,
    ROWS_WITH_WEIGHTS,
    choices,
    differences,
    variant_costs,
)
from googlenet_lib.errors import UsageError
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import table_costs, total
from googlenet_lib.network.variants import VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_every_choice_of_a_variant_is_said(name):
    said = choices(name)
    assert {*CHOICES} == {*vars(VARIANTS[name])} - {"name"}
    assert list(said) == list(CHOICES.values())
    assert all(said.values())


def test_choices_in_words():
    paper, small = choices("paper"), choices("small")
    assert (paper["BatchNorm"], paper["its epsilon"], small["its epsilon"]) == ("no", "–", "0.001")
    assert (paper["pools in the stem"], small["pools in the stem"]) == ("both", "second only")
    assert choices("torchvision")['the branch called "5x5"'] == "3x3"


def test_differences_are_both_values():
    found = differences("paper", "torchvision")
    assert found["maxpool4"] == ("3x3", "2x2")
    assert "conv1's kernel" not in found
    assert differences("torchvision", "paper")["maxpool4"] == ("2x2", "3x3")
    assert differences("small", "small") == {}


def test_an_unknown_variant_is_refused():
    with pytest.raises(UsageError, match="vgg"):
        choices("vgg")


@pytest.mark.parametrize("name", VARIANTS)
def test_costs_of_the_rows_are_those_of_the_network(name):
    costs = variant_costs(name, 64)
    assert [cost.name for cost in costs] == list(ROWS_WITH_WEIGHTS)
    network = googlenet(name, heads=False)
    assert total(costs)[0] == sum(p.numel() for p in network.parameters())
    assert total(costs)[1] == total(model_costs(network, (3, 64, 64)))[1]


def test_the_paper_s_are_those_of_table_1():
    table = {cost.name: cost for cost in table_costs(bias=True) if cost.params}
    for cost in variant_costs("paper"):
        expected = table[cost.name]
        assert (cost.params, cost.macs) == (expected.params, expected.macs)
        assert cost.shape == expected.shape[: len(cost.shape)]
