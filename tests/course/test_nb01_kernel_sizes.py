"""The contenders cost the same, are trained and measured alike, and the record is complete."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from googlenet_lib.course.nb01 import kernel_sizes
from googlenet_lib.course.nb01.kernel_sizes import (
    BUDGET,
    CONTENDERS,
    EPOCHS,
    FACTOR,
    RATES,
    SEEDS,
    SIZE_EDGES,
    STEM,
    TUNING_SEEDS,
    ScaleData,
    SideBySide,
    SizeBin,
    Trial,
    best_rate,
    build,
    field,
    find_contender,
    lane_widths,
    network_costs,
    next_rate,
    recorded,
    scale_data,
    size_bins,
    train_contender,
    validation_by_rate,
)
from googlenet_lib.data import SHAPES
from googlenet_lib.errors import UsageError

NAMES = [one.name for one in CONTENDERS]
EACH = pytest.mark.parametrize("contender", CONTENDERS, ids=NAMES)
CHANCE = 1 / len(SHAPES)


# ---- the contenders ------------------------------------------------------------------------------


def multiply_adds_by_hand(contender, widths):
    """The stem gives maps of 16x16, as the first two layers do; the third has 8x8."""
    weights = sum(kernel**2 for kernel in contender.kernels) + contender.pool
    total, channels = 3 * 9 * STEM * 16**2, STEM
    for width, side in zip(widths, (16, 16, 8), strict=True):
        total += channels * weights * width * side**2
        channels = contender.lanes * width
    return total + channels * len(SHAPES)


@EACH
def test_all_cost_the_same_within_5_percent(contender):
    macs = network_costs(contender)[1]
    assert macs == multiply_adds_by_hand(contender, lane_widths(contender))
    assert abs(macs / BUDGET - 1) <= 0.05
    every = [network_costs(one)[1] for one in CONTENDERS]
    assert max(every) / min(every) <= 1.05


@EACH
def test_parameters_are_those_of_the_built_network(contender):
    built = sum(p.numel() for p in build(contender).parameters())
    assert network_costs(contender)[0] == built


def test_four_equal_lanes_are_as_wide_and_as_dear_as_one_of_3x3():
    mixed, single = find_contender("mixed"), find_contender("only 3x3")
    assert tuple(4 * width for width in lane_widths(mixed)) == lane_widths(single)
    assert network_costs(mixed) == network_costs(single)
    assert (1 + 9 + 25 + 1) / 4 == 9  # weights for a pair of channels, on average over the lanes


def test_receptive_fields():
    assert [field(one) for one in CONTENDERS] == [7, 23, 39, 39, 39, 23]


@EACH
def test_lanes_stand_side_by_side_over_the_same_input(contender):
    layer = SideBySide(5, contender, 3).eval()
    x = torch.randn(2, 5, 8, 8)
    parts = layer(x).split(3, dim=1)
    assert len(parts) == contender.lanes == len(layer.lanes)
    for part, lane in zip(parts, layer.lanes, strict=True):
        assert torch.equal(part, lane(x))
    convs = [module for module in layer.modules() if isinstance(module, nn.Conv2d)]
    pools = [module for module in layer.modules() if isinstance(module, nn.MaxPool2d)]
    expected = [(size, size) for size in contender.kernels] + [(1, 1)] * contender.pool
    assert [conv.kernel_size for conv in convs] == expected
    assert len(pools) == contender.pool
    assert sum(isinstance(module, nn.BatchNorm2d) for module in layer.modules()) == len(convs)


@EACH
def test_ten_logits_for_each_picture(contender):
    assert build(contender)(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_a_seed_gives_its_weights_again():
    mixed = find_contender("mixed")
    one, again, other = (build(mixed, seed).stem.conv.weight for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_unusable_requests_are_refused():
    with pytest.raises(UsageError, match=r"'only 7x7' is unknown; use one of only 1x1, "):
        find_contender("only 7x7")
    with pytest.raises(UsageError, match=r"a budget of 130,000 .*comes no nearer than [\d,]+; "):
        lane_widths(find_contender("mixed"), 130_000)
    data = scale_data(64, 64, 64)
    for wrong in ({"epochs": 0, "rate": 0.1}, {"epochs": 1, "rate": 0.0}):
        with pytest.raises(UsageError, match="expected 1 or more, and above 0"):
            train_contender(CONTENDERS[0], data, seed=0, **wrong)


# ---- the pictures --------------------------------------------------------------------------------


def test_sides_share_no_picture_and_sizes_range_over_the_factor():
    data = scale_data()
    sides = (data.train, data.validation, data.test)
    seen = [{picture.numpy().tobytes() for picture in side.images} for side in sides]
    assert [len(side) for side in seen] == [1000, 2000, 4000]
    assert len(set.union(*seen)) == 7000
    low, high = 2 * data.test_radii.min().item(), 2 * data.test_radii.max().item()
    assert SIZE_EDGES[0] <= low < 1.02 * SIZE_EDGES[0]
    assert 0.98 * SIZE_EDGES[-1] < high <= SIZE_EDGES[-1] * (1 + 1e-6)
    assert SIZE_EDGES[-1] / SIZE_EDGES[0] == pytest.approx(FACTOR)


def test_shapes_are_counted_in_the_bin_of_their_diameter():
    edges = torch.tensor(SIZE_EDGES)
    radii = (edges[:-1] * edges[1:]).sqrt().repeat(3) / 2  # one in each bin, three times
    right = torch.arange(len(radii)) % 5 == 2  # those of the third bin
    bins = size_bins(right, radii)
    assert [one.count for one in bins] == [3] * 5
    assert [one.accuracy for one in bins] == [0, 0, 1, 0, 0]
    assert [(one.low, one.high) for one in bins] == [*pairwise(SIZE_EDGES)]


# ---- training ------------------------------------------------------------------------------------


def test_a_short_training_learns_and_repeats():
    data = scale_data(400, 200, 200)
    options = {"rate": 0.1, "seed": 0, "epochs": 3, "test": True}
    one, again = (train_contender(find_contender("only 5x5"), data, **options) for _ in range(2))
    assert replace(one, seconds=0) == replace(again, seconds=0)
    assert one.losses[-1] < one.losses[0] < 1.2 * math.log(len(SHAPES))
    assert len(one.losses) == 3
    assert sum(size.correct for size in one.by_size) == round(one.test_accuracy * len(data.test))
    assert 0 < one.seconds < 60


def test_tuning_leaves_the_test_pictures_alone():
    data = scale_data(64, 64, 64)
    blind = ScaleData(data.train, data.validation, None, None)
    trial = train_contender(CONTENDERS[0], blind, rate=0.1, seed=0, epochs=1)
    assert trial.test_accuracy is None
    assert trial.by_size == ()


# ---- choosing a rate -----------------------------------------------------------------------------


def trial(rate, validation, seed=0, name="mixed"):
    return Trial(name, rate, seed, 1, (2.3,), 0.5, validation, None, (), 1.0)


def test_the_mean_over_seeds_decides():
    trials = [trial(0.1, 0.9, 0), trial(0.1, 0.5, 1), trial(0.2, 0.8, 0), trial(0.2, 0.7, 1)]
    assert validation_by_rate(trials) == {0.1: pytest.approx(0.7), 0.2: pytest.approx(0.75)}
    assert best_rate(trials) == 0.2
    assert best_rate([trial(0.4, 0.6), trial(0.2, 0.6)]) == 0.2  # a tie


@pytest.mark.parametrize("best", [0.0125, 0.1, 3.2])
def test_rates_are_added_until_the_best_has_neighbours(best):
    trials = []
    while (rate := next_rate(trials)) is not None:
        trials.append(trial(rate, 1 - abs(math.log2(rate / best)) / 20))
    tried = sorted(one.rate for one in trials)
    assert {*RATES} <= {*tried}
    assert best_rate(trials) == pytest.approx(best)
    assert tried[0] < best_rate(trials) < tried[-1]


# ---- recording -----------------------------------------------------------------------------------


@pytest.fixture
def instant(monkeypatch):
    """Trainings that take no time, and a list of those that were asked for."""
    asked = []

    def pretend(contender, data, *, rate, seed, test=False):
        asked.append((contender.name, rate, seed, test))
        count = len(data.test)
        by_size = (SizeBin(5.0, 29.0, count, count // 2),) if test else ()
        accuracy = 0.5 if test else None
        good = 1 - abs(math.log2(rate / 0.2)) / 20
        return Trial(contender.name, rate, seed, 1, (2.3,), good, good, accuracy, by_size, 1.5)

    monkeypatch.setattr(kernel_sizes, "train_contender", pretend)
    return asked


def test_a_stopped_recording_goes_on_where_it_was(tmp_path, monkeypatch, instant):
    path = tmp_path / "kernel_sizes.json"
    pretend = kernel_sizes.train_contender

    def stopped(*args, **options):
        if len(instant) == 20:
            raise KeyboardInterrupt
        return pretend(*args, **options)

    monkeypatch.setattr(kernel_sizes, "train_contender", stopped)
    with pytest.raises(KeyboardInterrupt):
        kernel_sizes.record(path)
    assert not path.exists()
    monkeypatch.setattr(kernel_sizes, "train_contender", pretend)
    kernel_sizes.record(path)
    every = len(CONTENDERS) * (len(RATES) * len(TUNING_SEEDS) + len(SEEDS))
    assert len(instant) == len(set(instant)) == every
    assert all(test == (seed in SEEDS) for _, _, seed, test in instant)
    assert {rate for _, rate, _, test in instant if test} == {0.2}
    assert [one.name for one in tmp_path.iterdir()] == [path.name]

    monkeypatch.setattr(kernel_sizes, "RECORDED", path)
    read = recorded.__wrapped__()
    kept = [(one.contender, one.rate, one.seed) for one in read.tuning + read.final]
    assert sorted(kept) == sorted(one[:3] for one in instant)  # none twice, none left out
    assert len(read.final) == len(CONTENDERS) * len(SEEDS)
    assert read.final_of("mixed")[0].by_size == (SizeBin(5.0, 29.0, 4000, 2000),)
    assert read.seconds == 1.5 * every
    assert read.entry("mixed").widths == lane_widths(find_contender("mixed"))


def test_what_was_kept_with_other_settings_counts_for_nothing(tmp_path, monkeypatch, instant):
    path = tmp_path / "kernel_sizes.json"
    kept = path.with_name(kernel_sizes.UNFINISHED)
    other = kernel_sizes._Kept(kept, {"epochs": 1})
    other.trial(CONTENDERS[0], scale_data(), rate=RATES[0], seed=TUNING_SEEDS[0])
    assert len(kernel_sizes._Kept(kept, {"epochs": 1}).trials) == 1
    assert kernel_sizes._Kept(kept, {"epochs": 2}).trials == []
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 1


# ---- what was recorded ---------------------------------------------------------------------------


def test_the_record_is_of_these_settings_and_pictures():
    read = recorded()
    assert read.settings == kernel_sizes._settings()
    # without AVX2, torch draws normal numbers that differ in the last bit: a few pixels by 1
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        assert read.data_checksum == scale_data().checksum()
    assert {"python", "torch"} <= {*read.versions}
    assert read.command.endswith("kernel_sizes")
    assert read.seconds == pytest.approx(sum(one.seconds for one in read.tuning + read.final), 0.01)
    assert all(word in read.source() for word in (read.device, read.date, read.versions["torch"]))


@EACH
def test_the_record_holds_the_networks_that_are_built_here(contender):
    entry = recorded().entry(contender.name)
    assert entry.widths == lane_widths(contender)
    assert (entry.params, entry.macs) == network_costs(contender)
    assert entry.field == field(contender)


@EACH
def test_every_contender_was_tuned_on_validation_and_inside_its_grid(contender):
    trials = recorded().tuning_of(contender.name)
    rates = sorted({one.rate for one in trials})
    assert {*RATES} <= {*rates}
    assert [(one.rate, one.seed) for one in trials] == [(r, s) for r in rates for s in TUNING_SEEDS]
    means = {
        rate: sum(one.validation_accuracy for one in trials if one.rate == rate) for rate in rates
    }
    chosen = recorded().rate(contender.name)
    assert means[chosen] == max(means.values())
    assert rates[0] < chosen < rates[-1]
    assert all(one.test_accuracy is None and one.by_size == () for one in trials)


@EACH
def test_every_contender_was_compared_with_the_same_fresh_seeds_at_its_rate(contender):
    trials = recorded().final_of(contender.name)
    assert [one.seed for one in trials] == [*SEEDS]
    assert len(SEEDS) >= 3
    assert not {*SEEDS} & {*TUNING_SEEDS}
    assert {one.rate for one in trials} == {recorded().rate(contender.name)}
    assert {one.epochs for one in trials} == {EPOCHS}


@EACH
def test_nobody_sits_at_chance_and_nobody_at_the_ceiling(contender):
    for one in recorded().final_of(contender.name):
        assert 4 * CHANCE < one.test_accuracy < 0.97
        assert one.train_accuracy > one.test_accuracy
        assert one.losses[-1] < 0.75 * one.losses[0]


def test_sizes_add_up_to_the_test_set():
    for one in recorded().final:
        assert sum(size.count for size in one.by_size) == recorded().settings["test_pictures"]
        right = sum(size.correct for size in one.by_size)
        assert right / recorded().settings["test_pictures"] == pytest.approx(one.test_accuracy)
        assert [(size.low, size.high) for size in one.by_size] == [*pairwise(SIZE_EDGES)]
        assert min(size.count for size in one.by_size) > 500


def test_the_file_is_small():
    assert len(json.dumps(json.loads(kernel_sizes.RECORDED.read_text(encoding="utf-8")))) < 100_000
