"""Table 1 against a second transcription of it, and what the paper's tables say of each other."""

import csv
import math
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from googlenet_lib.network.table1 import (
    DROPOUT,
    HEADS,
    IMAGE_SIZE,
    INCEPTION_ROWS,
    ROWS,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TRAINING,
    Widths,
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


def test_branches_add_up_to_the_channels_of_their_row():
    concatenated = [row.widths.out_channels for row in INCEPTION_ROWS]
    assert concatenated == [row.channels for row in INCEPTION_ROWS]
    assert concatenated == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_rows_can_be_looked_up_by_name():
    assert [ROWS[row.name] for row in TABLE_1] == list(TABLE_1)
    assert " ".join(row.name[-2:] for row in INCEPTION_ROWS) == "3a 3b 4a 4b 4c 4d 4e 5a 5b"


def test_22_layers_on_the_longest_path_and_27_with_pools():
    pools = [row for row in TABLE_1 if row.kind in ("maxpool", "avgpool")]
    assert sum(row.depth for row in TABLE_1) == 22
    assert sum(row.depth for row in TABLE_1) + len(pools) == 27


def test_only_pools_and_conv1_shrink_the_map():
    size = IMAGE_SIZE
    for row in TABLE_1:
        assert row.size <= size
        if row.size < size:
            assert row.kind in ("maxpool", "avgpool") or row.name == "conv1"
        size = row.size


def test_rows_cannot_be_changed_by_accident():
    with pytest.raises(FrozenInstanceError):
        ROWS["inception3a"].widths.out_1x1 = 65


def test_heads_sit_behind_the_third_and_the_sixth_module():
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


def test_learning_rate_halves_in_136_epochs():
    drops = math.ceil(math.log(0.5) / math.log(1 - TRAINING.rate_drop))
    assert drops * TRAINING.rate_drop_every == 136
