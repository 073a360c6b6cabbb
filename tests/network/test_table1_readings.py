"""Table 1 under other readings: as printed it is the audit, otherwise what each guess changes."""

from itertools import product

import pytest
from torch import nn

from googlenet_lib.network.blocks import Inception
from googlenet_lib.network.table1 import PRINTED, ROWS, Reading, audit, count_matches, read_rows

OPTIONS = ((False, True), (1024, 1000), (5, 3), (False, True), (False, True))


def by_name(**choices):
    return {row.name: row for row in audit(Reading(**choices))}


def test_as_printed_it_is_the_audit():
    assert audit() == audit(PRINTED) == audit()


def test_biases_add_one_a_channel_and_no_work():
    plain, biased = by_name(), by_name(bias=True)
    assert sum(row.params.computed for row in biased.values()) == 6_998_552
    for name, row in biased.items():
        assert row.ops == plain[name].ops
        assert row.params.computed > plain[name].params.computed


def test_k_changes_what_is_printed_alone():
    assert by_name(thousand=1000)["conv2"].params.printed == 112_000
    assert by_name(thousand=1000)["conv2"].ops == by_name()["conv2"].ops


def test_a_kernel_of_3_is_what_the_module_has():
    row = ROWS["inception3a"]
    module = Inception(192, row.widths, large_kernel=3)
    convs = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    counted = by_name(large_kernel=3)["inception3a"].params.computed
    assert counted == sum(layer.weight.numel() for layer in convs)


@pytest.mark.parametrize("bias", [False, True])
def test_a_separable_conv1_is_what_pytorch_has(bias):
    depthwise, pointwise = nn.Conv2d(3, 24, 7, groups=3, bias=bias), nn.Conv2d(24, 64, 1, bias=bias)
    counted = sum(p.numel() for layer in (depthwise, pointwise) for p in layer.parameters())
    row = by_name(separable_conv1=True, bias=bias)["conv1"]
    assert row.params.computed == counted
    assert row.ops.computed == 2_712 * 112 * 112


def test_released_widths_reach_the_next_module():
    rows = {row.name: row for row in read_rows(Reading(released_widths=True))}
    assert rows["inception4a"].channels == 508
    assert ROWS["inception4a"].channels == 512, "the table itself stays"
    changed = by_name(released_widths=True, bias=True)
    kilo = {name[-2:]: round(row.params.computed / 1024, 2) for name, row in changed.items()}
    assert (kilo["4a"], kilo["4b"], kilo["5a"]) == (363.98, 437.23, 1082.02)
    before = by_name(bias=True)
    others = [n for n in before if n[-2:] not in ("4a", "4b", "5a")]
    assert all(before[name] == changed[name] for name in others)


def test_the_best_reading_explains_18_of_24():
    found = {one: count_matches(audit(Reading(*one))) for one in product(*OPTIONS)}
    assert count_matches(audit()) == (5, 10)
    best = max(found, key=lambda one: sum(found[one]))
    assert Reading(*best) == Reading(separable_conv1=True, released_widths=True)
    assert found[best] == (6, 12)
    assert max(sum(count) for one, count in found.items() if one[2] == 3) == 6
