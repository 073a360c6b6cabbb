"""Table 1 against a second transcription of it, its arithmetic against PyTorch, and the audit."""

import csv
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn

from googlenet_lib.network.blocks import Inception
from googlenet_lib.network.table1 import (
    DROPOUT,
    HEADS,
    INCEPTION_ROWS,
    ROWS,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    Comparison,
    Reading,
    Widths,
    audit,
    conv_macs,
    conv_params,
    count_matches,
    linear_macs,
    linear_params,
    output_size,
    parse_figure,
    read_rows,
    receptive_field,
    row_convs,
    row_cost,
    table_costs,
    total,
)

WIDTH_COLUMNS = {
    "n1x1": "out_1x1",
    "n3x3_reduce": "reduce_3x3",
    "n3x3": "out_3x3",
    "n5x5_reduce": "reduce_5x5",
    "n5x5": "out_5x5",
    "pool_proj": "pool_proj",
}
KINDS = {"convolution": "conv", "max pool": "maxpool", "avg pool": "avgpool"}

with (Path(__file__).with_name("table1.csv")).open(newline="", encoding="utf-8") as file:
    CSV_ROWS = list(csv.DictReader(file))


def number(text):
    return int(text) if text else None


def test_table_1_has_19_rows_with_names_of_their_own():
    assert len(TABLE_1) == len(CSV_ROWS) == len(ROWS) == 19


@pytest.mark.parametrize(("row", "printed"), list(zip(TABLE_1, CSV_ROWS, strict=True)))
def test_row_is_the_printed_one(row, printed):
    kind = printed["type"].split(" (")[0]
    assert row.kind == KINDS.get(kind, kind)
    if row.kind == "inception":
        assert row.name == "inception" + printed["type"][-3:-1]

    size = f"{row.size}x{row.size}x{row.channels}"
    assert size == printed["output_size"]
    window = f"{row.kernel}x{row.kernel}/{row.stride}" if row.kernel else ""
    assert window == printed["patch_stride"]
    assert row.depth == (number(printed["depth"]) or 0)
    assert row.params == (printed["params_paper"] or None)
    assert row.ops == (printed["ops_paper"] or None)

    widths = {name: number(printed[column]) for column, name in WIDTH_COLUMNS.items()}
    if row.widths is None:
        assert row.reduce == widths["reduce_3x3"]
        assert row.channels == (widths["out_3x3"] or row.channels)
    else:
        assert row.widths == Widths(**widths)


def test_dropout_row_names_the_rate_of_the_classifier():
    assert f"dropout ({DROPOUT:.0%})" in [printed["type"] for printed in CSV_ROWS]


def test_22_layers_on_the_longest_path_and_27_with_pools():
    pools = [row for row in TABLE_1 if row.kind in ("maxpool", "avgpool")]
    assert sum(row.depth for row in TABLE_1) == 22
    assert sum(row.depth for row in TABLE_1) + len(pools) == 27


def test_heads_sit_after_the_third_and_the_sixth_module():
    assert [head.after for head in HEADS] == [INCEPTION_ROWS[2].name, INCEPTION_ROWS[5].name]
    assert all(ROWS[head.after].size == 14 for head in HEADS)


def test_table_2_ends_with_the_winner_and_never_gets_worse():
    errors = [contestant.top5_error for contestant in TABLE_2]
    assert errors == sorted(errors, reverse=True)
    assert (TABLE_2[-1].team, TABLE_2[-1].year, TABLE_2[-1].place) == ("GoogLeNet", 2014, "1st")


def test_table_2_and_3_agree_on_the_submission():
    assert TABLE_3[-1].top5_error == TABLE_2[-1].top5_error
    assert (TABLE_3[-1].models, TABLE_3[-1].crops) == (7, 144)


def test_table_3_cost_is_models_times_crops():
    assert all(ensemble.cost == ensemble.models * ensemble.crops for ensemble in TABLE_3)


def test_only_the_last_difference_of_table_3_does_not_add_up():
    base = TABLE_3[0]
    assert (base.models, base.crops, base.compared_to_base) == (1, 1, None)
    wrong = {
        (ensemble.models, ensemble.crops): (ensemble.compared_to_base, difference)
        for ensemble in TABLE_3[1:]
        if ensemble.compared_to_base
        != (difference := round(ensemble.top5_error - base.top5_error, 2))
    }
    assert wrong == {(7, 144): (-3.45, -3.40)}


# ---- the arithmetic ------------------------------------------------------------------------------


def real_size(layer, size):
    """The width that PyTorch's layer gives, or None where it refuses."""
    try:
        return layer(torch.zeros(1, 1, size, size)).shape[-1]
    except RuntimeError:
        return None


def our_size(*args, **kwargs):
    try:
        return output_size(*args, **kwargs)
    except ValueError:
        return None


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_output_size_is_that_of_max_pooling(kernel, ceil_mode):
    for stride in (1, 2, 3, 4):
        for padding in range(kernel // 2 + 1):
            pool = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil_mode)
            for size in range(1, 16):
                expected = real_size(pool, size)
                assert our_size(size, kernel, stride, padding, ceil_mode) == expected, (pool, size)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7])
def test_output_size_is_that_of_convolution(kernel):
    for stride in (1, 2, 3):
        for padding in (0, 1, 3):
            conv = nn.Conv2d(1, 1, kernel, stride, padding)
            for size in range(1, 16):
                expected = real_size(conv, size)
                assert our_size(size, kernel, stride, padding) == expected, (conv, size)


@pytest.mark.parametrize(
    "arguments", [(0, 1, 1, 1), (5, 0), (5, 3, 0), (5, 3, 1, -1), (-5, 3), (2, 3), (2, 7, 1, 2)]
)
def test_output_size_refuses_what_makes_no_sense(arguments):
    size, kernel = arguments[:2]
    with pytest.raises(ValueError, match=f"size={size}, kernel={kernel}"):
        output_size(*arguments)


def shape_chain(kernel, **how):
    """Sizes after conv1 and after the four max pools, from 224 pixels."""
    sizes = [output_size(224, 7, stride=2, padding=3)]
    for _ in range(4):
        sizes.append(output_size(sizes[-1], kernel, stride=2, **how))
    return sizes


def test_sizes_of_the_paper_need_ceil_mode_or_padding():
    assert shape_chain(3, ceil_mode=True) == [112, 56, 28, 14, 7]
    assert shape_chain(3, padding=1) == [112, 56, 28, 14, 7]
    assert shape_chain(3) == [112, 55, 27, 13, 6]


@pytest.mark.parametrize("bias", [False, True])
def test_params_are_those_of_the_layers(bias):
    def count(layer):
        return sum(p.numel() for p in layer.parameters())

    assert conv_params(3, 64, 7, bias) == count(nn.Conv2d(3, 64, 7, bias=bias))
    assert conv_params(1, 24, 7, bias) == count(nn.Conv2d(3, 24, 7, groups=3, bias=bias))
    assert linear_params(1024, 1000, bias) == count(nn.Linear(1024, 1000, bias=bias))


def test_macs_count_every_product():
    image, weight = torch.ones(1, 3, 9, 9), torch.ones(4, 3, 5, 5)
    products = nn.functional.conv2d(image, weight).sum()  # ones times ones, added up
    assert conv_macs(3, 4, 5, out_size=5) == products
    assert linear_macs(6, 7) == (torch.ones(7, 6) @ torch.ones(6)).sum()


def test_one_by_one_reduction_of_the_5x5_branch_of_3a():
    widths, channels, size = ROWS["inception3a"].widths, 192, 28
    naive = conv_macs(channels, widths.out_5x5, 5, size)
    reduction = conv_macs(channels, widths.reduce_5x5, 1, size)
    reduced = reduction + conv_macs(widths.reduce_5x5, widths.out_5x5, 5, size)
    assert (naive, reduced) == (120_422_400, 12_443_648)


def test_receptive_field_of_the_stem_by_hand():
    assert receptive_field(1, 1, kernel=7, stride=2) == (7, 2)
    assert receptive_field(7, 2, kernel=3, stride=2) == (11, 4)
    assert receptive_field(11, 4, kernel=1) == (11, 4)


# ---- what the table costs ------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [False, True])
def test_table_costs_are_those_of_the_csv(bias):
    costs = table_costs(bias)
    column = "params_bias" if bias else "params_nobias"
    for cost, row, expected in zip(costs, TABLE_1, CSV_ROWS, strict=True):
        assert (cost.name, cost.kind) == (row.name, row.kind)
        assert cost.params == int(expected[column] or 0), cost.name
        assert cost.macs == int(expected["macs"] or 0), cost.name
        channels, height, width = cost.shape
        assert f"{height}x{width}x{channels}" == expected["output_size"], cost.name


def test_totals_of_table_1():
    assert total(table_costs()) == (6_990_272, 1_582_671_872)
    assert total(table_costs(bias=True)) == (6_998_552, 1_582_671_872)


def test_57_convolutions_and_one_linear_layer():
    convs = sum(len(row_convs(row, in_channels=1)) for row in TABLE_1)
    linear = sum(row.kind == "linear" for row in TABLE_1)
    assert (convs, linear) == (57, 1)


def test_receptive_fields_of_table_1():
    fields = {cost.name: cost.field for cost in table_costs()}
    assert (fields["inception4a"], fields["inception4d"], fields["inception5b"]) == (171, 363, 715)


def test_one_row_alone():
    cost = row_cost(ROWS["inception4a"], in_channels=480, in_size=8, field=11, jump=4)
    assert cost.shape == (512, 8, 8)
    assert cost.params == 375_552
    assert cost.macs == cost.params * 8 * 8
    assert (cost.field, cost.jump) == (11 + 4 * 4, 4)


# ---- the audit, as printed and in other readings -------------------------------------------------


def test_figures_are_read_in_the_units_of_the_table():
    assert parse_figure("159K") == 159 * 1024
    assert parse_figure("2.7K") == pytest.approx(2764.8)
    assert parse_figure("34M") == 34_000_000


def test_tolerance_of_half_a_percent_or_whole_millions():
    assert Comparison(printed=995_100, computed=1_000_000).matches
    assert Comparison(printed=1_004_900, computed=1_000_000).matches
    assert not Comparison(printed=994_900, computed=1_000_000).matches
    assert Comparison(printed=73e6, computed=73_999_999).matches  # cut, not rounded
    assert not Comparison(printed=74e6, computed=73_600_000).matches
    assert Comparison(printed=990, computed=1000).error == pytest.approx(-0.01)


def test_audit_finds_what_the_csv_found():
    expected = {
        cost.name: (printed["params_match"] == "yes", printed["ops_match"] == "yes")
        for cost, printed in zip(table_costs(), CSV_ROWS, strict=True)
        if printed["params_paper"]
    }
    assert {row.name: (row.params.matches, row.ops.matches) for row in audit()} == expected


def test_errors_are_those_of_the_csv():
    printed = [row for row in CSV_ROWS if row["params_paper"]]
    for row, expected in zip(audit(), printed, strict=True):
        assert f"{row.params.error:+.1%}"[:-1] == expected["params_err_pct_vs_K1024"], row.name
        assert f"{row.ops.error:+.1%}"[:-1] == expected["ops_err_pct"], row.name


def test_printed_figures_add_up_to_the_1_5_billion_of_the_text():
    rows = audit()
    assert sum(row.ops.printed for row in rows) == 1502e6
    assert sum(row.params.printed for row in rows) == pytest.approx(6797.7 * 1024)


OPTIONS = ((False, True), (1024, 1000), (5, 3), (False, True), (False, True))


def by_name(**choices):
    return {row.name: row for row in audit(Reading(**choices))}


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
