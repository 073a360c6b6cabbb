"""The contenders cost the same, are trained and measured alike, and the record is complete."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from googlenet_lib.course.nb01 import kernel_sizes
from googlenet_lib.course.nb01.contenders import (
    BUDGET,
    CONTENDERS,
    SideBySide,
    branch_widths,
    build,
    field,
    find_contender,
    multiply_adds,
    network_costs,
)
from googlenet_lib.course.nb01.kernel_sizes import (
    EPOCHS,
    FACTOR,
    RATES,
    SEEDS,
    SIZE_EDGES,
    TUNING_SEEDS,
    ScaleData,
    SizeBin,
    Trial,
    best_rate,
    next_rate,
    recorded,
    scale_data,
    size_bins,
    train_contender,
    validation_by_rate,
)
from googlenet_lib.errors import UsageError

EACH = pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.name)

# ---- the contenders ------------------------------------------------------------------------------


@EACH
def test_all_cost_the_same_within_2_percent(contender):
    params, macs = network_costs(contender)
    assert params == sum(p.numel() for p in build(contender).parameters())
    assert macs == multiply_adds(contender, branch_widths(contender))
    assert macs == pytest.approx(BUDGET, rel=0.02)


def test_four_equal_branches_are_as_wide_and_as_expensive_as_one_of_3x3():
    mixed, single = find_contender("mixed"), find_contender("only 3x3")
    assert tuple(4 * width for width in branch_widths(mixed)) == branch_widths(single)
    assert network_costs(mixed) == network_costs(single)


def test_receptive_fields():
    assert [field(one) for one in CONTENDERS] == [7, 23, 39, 39, 39, 23]


@EACH
def test_branches_stand_side_by_side_over_the_same_input(contender):
    layer = SideBySide(5, contender, 3).eval()
    x = torch.randn(2, 5, 8, 8)
    for part, branch in zip(layer(x).split(3, dim=1), layer.branches, strict=True):
        assert torch.equal(part, branch(x))
    kernels = [module.kernel_size[0] for module in layer.modules() if isinstance(module, nn.Conv2d)]
    assert kernels == [*contender.kernels, *[1] * contender.pool]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: find_contender("only 7x7"), "'only 7x7' is unknown; expected one of only 1x1, "),
        (
            lambda: train_contender(CONTENDERS[0], None, rate=0.0, seed=0),
            r"rate=0\.0 came; expected 1 or more, and above 0",
        ),
    ],
)
def test_unusable_requests_are_refused(call, words):
    with pytest.raises(UsageError, match=words):
        call()


# ---- the pictures --------------------------------------------------------------------------------


def test_splits_share_no_picture_and_sizes_range_over_the_factor():
    data = scale_data()
    splits = (data.train, data.validation, data.test)
    seen = [{picture.numpy().tobytes() for picture in split.images} for split in splits]
    assert [len(split) for split in splits] == [1000, 2000, 4000]
    assert len(set.union(*seen)) == 7000
    smallest, largest = 2 * data.test_radii.min().item(), 2 * data.test_radii.max().item()
    assert (smallest, largest) == pytest.approx((SIZE_EDGES[0], SIZE_EDGES[-1]), rel=0.02)
    assert SIZE_EDGES[-1] / SIZE_EDGES[0] == pytest.approx(FACTOR)


def test_shapes_are_counted_in_the_bin_of_their_diameter():
    edges = torch.tensor(SIZE_EDGES)
    radii = (edges[:-1] * edges[1:]).sqrt().repeat(3) / 2  # one in each bin, three times
    bins = size_bins(torch.arange(len(radii)) % 5 == 2, radii)  # right: those of the third bin
    assert [one.count for one in bins] == [3] * 5
    assert [one.accuracy for one in bins] == [0, 0, 1, 0, 0]
    assert [(one.low, one.high) for one in bins] == [*pairwise(SIZE_EDGES)]


# ---- training ------------------------------------------------------------------------------------


def test_a_short_training_learns_and_repeats():
    data = scale_data(400, 200, 200)
    options = {"rate": 0.1, "seed": 0, "epochs": 2, "test": True}
    trial, again = (train_contender(find_contender("only 5x5"), data, **options) for _ in range(2))
    assert replace(trial, seconds=0) == replace(again, seconds=0)
    assert len(trial.losses) == 2
    assert trial.losses[1] < trial.losses[0] < 1.2 * math.log(10)
    assert sum(size.correct for size in trial.by_size) == round(200 * trial.test_accuracy)


def test_tuning_leaves_the_test_pictures_alone():
    data = scale_data(64, 64, 64)
    blind = ScaleData(data.train, data.validation, None, None)
    trial = train_contender(CONTENDERS[0], blind, rate=0.1, seed=0, epochs=1)
    assert (trial.test_accuracy, trial.by_size) == (None, ())


# ---- choosing a rate -----------------------------------------------------------------------------


def trial(rate, validation, seed=0):
    return Trial("mixed", rate, seed, 1, (2.3,), 0.5, validation, None, (), 1.0)


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


def test_every_contender_is_tuned_then_compared_and_recorded(tmp_path, monkeypatch):
    path, asked = tmp_path / "kernel_sizes.json", []

    def pretend(contender, data, *, rate, seed, test):
        asked.append((contender.name, rate, seed, test))
        good = 1 - abs(math.log2(rate / 0.2)) / 20
        bins = (SizeBin(5.0, 29.0, 4000, 2000),) if test else ()
        accuracy = 0.5 if test else None
        return Trial(contender.name, rate, seed, 1, (2.3,), good, good, accuracy, bins, 1.5)

    monkeypatch.setattr(kernel_sizes, "train_contender", pretend)
    monkeypatch.setattr(kernel_sizes, "RECORDED", path)
    kernel_sizes.record(path)
    every = len(CONTENDERS) * (len(RATES) * len(TUNING_SEEDS) + len(SEEDS))
    assert len(asked) == len({*asked}) == every
    assert all(test == (seed in SEEDS) for _, _, seed, test in asked)

    recording = recorded.__wrapped__()
    kept = [(one.contender, one.rate, one.seed) for one in recording.tuning + recording.final]
    assert sorted(kept) == sorted(one[:3] for one in asked)  # none twice, none left out
    assert {one.rate for one in recording.final} == {0.2}
    assert recording.final_of("mixed")[0].by_size == (SizeBin(5.0, 29.0, 4000, 2000),)
    assert recording.seconds == 1.5 * every


# ---- what was recorded ---------------------------------------------------------------------------


def test_the_record_is_of_these_settings_and_pictures():
    recording = recorded()
    assert recording.settings == kernel_sizes._settings()
    # without AVX2, torch draws normal numbers that differ in the last bit: a few pixels by 1
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        assert recording.data_checksum == scale_data().checksum()
    seconds = sum(one.seconds for one in recording.tuning + recording.final)
    assert recording.seconds == pytest.approx(seconds, 0.01)


@EACH
def test_every_contender_was_tuned_on_validation_then_compared_with_fresh_seeds(contender):
    recording, name = recorded(), contender.name
    entry, rate, tuning = recording.entry(name), recording.rate(name), recording.tuning_of(name)
    assert entry.widths == branch_widths(contender)
    assert (entry.params, entry.macs) == network_costs(contender)
    assert entry.field == field(contender)
    rates = sorted({one.rate for one in tuning})
    assert {*RATES} <= {*rates}
    assert rates[0] < rate < rates[-1]
    assert [(one.rate, one.seed) for one in tuning] == [(r, s) for r in rates for s in TUNING_SEEDS]
    means = validation_by_rate(tuning)
    assert means[rate] == max(means.values())
    final = [(one.seed, one.rate, one.epochs) for one in recording.final_of(name)]
    assert final == [(seed, rate, EPOCHS) for seed in SEEDS]
    assert not {*SEEDS} & {*TUNING_SEEDS}


def test_sizes_add_up_to_the_test_pictures():
    for one in recorded().final:
        assert sum(size.count for size in one.by_size) == 4000
        assert sum(size.correct for size in one.by_size) == round(4000 * one.test_accuracy)
        assert [(size.low, size.high) for size in one.by_size] == [*pairwise(SIZE_EDGES)]
