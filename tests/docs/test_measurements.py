"""The page of measurements says what the records say, of all of them."""

import measurements
import pytest

from googlenet_lib.network.variants import find_variant
from googlenet_lib.training.recipes import FAST
from googlenet_lib.training.run import find_run

GROUPS = measurements.GROUPS


@pytest.mark.parametrize("page", [measurements.README, measurements.PAGE], ids=lambda p: p.name)
def test_it_is_up_to_date(page):
    text = page.read_text(encoding="utf-8")
    new = measurements.refresh(text, measurements.make_blocks())
    assert text == new, "run python docs/tools/measurements.py"


def test_every_recorded_run_and_every_block_has_its_place():
    text = measurements.PAGE.read_text(encoding="utf-8")
    for group, runs in GROUPS.items():
        for run in runs:
            assert f"`{run.name}`" in text or f"`{group}`" in text, run.name
    for block in measurements.make_blocks():
        assert f"<!-- {block} -->" in text or block == "result"


def test_runs_of_a_group_differ_in_their_seed_alone():
    for group, runs in GROUPS.items():
        assert len({run.seed for run in runs}) == len(runs)
        alike = {(run.recipe, run.epochs, run.training_pictures, run.data) for run in runs}
        assert len(alike) == 1, group


def test_what_is_said_of_the_design_runs_holds():
    def accuracies(name):
        return [run.validation_accuracy for run in GROUPS[f"design-{name}"]]

    others = ("stem-pool1", "stem-pool2", "stem-both")
    assert max(accuracies("stem-seven")) < min(min(accuracies(name)) for name in others)
    assert min(accuracies("init-torch")) > max(accuracies("stem-pool2"))
    assert find_variant("small").stem_pools == (False, True)
    assert find_variant("small").init == "torch"


def test_the_rate_of_fast_is_for_each_image_the_best_of_those_recorded():
    runs = [runs[0] for group, runs in GROUPS.items() if group.startswith("rate-")]
    best = max(runs, key=lambda run: run.validation_accuracy)
    assert best.name.startswith("rate-0.05-")
    assert (FAST.batch_size, FAST.lr) == (2 * 128, 2 * 0.05)


def test_what_is_said_of_time_holds():
    """Ten minutes, and an hour, of two cores that do nothing else."""
    for group, most in (("fast-10min", 610), ("batch128-60min", 3600)):
        alone = [run.seconds for run in GROUPS[group] if "2 threads" in run.device]
        assert alone
        assert max(alone) < most
    (ten,) = (run for run in GROUPS["fast-10min"] if "2 threads" in run.device)
    hour = GROUPS["fast-60min"][0]
    images = hour.epochs * hour.training_pictures
    assert ten.seconds * images / (ten.epochs * ten.training_pictures) < 3600
    (longer,), (shorter,) = GROUPS["small-60min"], GROUPS["small-10min"]
    pace = longer.fastest_epoch
    assert 16 * pace < 3600
    # training and a third as much work for validation
    pictures = shorter.training_pictures + shorter.validation_pictures / 3
    assert shorter.epochs * pictures / (45_000 + 5_000 / 3) * pace < 600


def test_the_committed_weights_are_of_the_best_seed_on_validation():
    best = max(GROUPS["batch128-60min"], key=lambda run: run.validation_accuracy)
    assert find_run(best.name).weights == "cifar10"


def test_no_way_to_a_sooner_step_was_left_out_that_gains_more_than_a_tenth():
    reports = [measurements.read_report(name) for name in ("cpu_step", "cpu_step_avx2")]
    assert max(way["ratio"] for report in reports for way in report["ways"]) < 1.1
