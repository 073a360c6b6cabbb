"""The explorer of lesson 07, and its recorded trainings."""

import matplotlib
import pytest

matplotlib.use("Agg")

from explorer_tools import parts

from googlenet_lib.course.nb07 import changes
from googlenet_lib.course.nb07.charts import explore_schedule
from googlenet_lib.training.recipes import SCHEDULES

MOVES = [
    (explore_schedule, "cycles", 2, "It jumps back up once."),
    (explore_schedule, "floor", 0.5, "on average 75% of 0.1"),
    (explore_schedule, "warm-up", 0.5, "at step 200"),
    (explore_schedule, "schedule", "stairs", "It never falls far"),
]


@pytest.mark.parametrize(("build", "name", "value", "says"), MOVES, ids=[m[1] for m in MOVES])
def test_each_control_moves_picture_and_words(build, name, value, says):
    controls, image, words = parts(build())
    if name == "warm-up":  # which restarts do not have
        controls["schedule"].value = "triangle"
    assert says not in words.value
    before = bytes(image.value)
    controls[name].value = value
    assert says in words.value
    assert bytes(image.value) != before


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_makes_no_difference_is_said_and_makes_none(schedule):
    controls, image, words = parts(explore_schedule())
    controls["schedule"].value = schedule
    for name, value in (("warm-up", 0.55), ("cycles", 6), ("floor", 0.35)):
        before, said = bytes(image.value), words.value
        controls[name].value = value
        assert words.value != said
        unused = words.value.split("Makes no difference to it: ")[1]
        assert (f"{name} {value}" in unused) == (bytes(image.value) == before), name


def test_it_begins_with_the_script_s_schedule():
    _, _, words = parts(explore_schedule())
    assert "restarts over 400 steps: begins at 0.1, highest 0.1 at step 1" in words.value
    assert "It jumps back up 3 times." in words.value


def test_the_recorded_changes_are_what_the_training_gives_and_none_is_missing():
    jobs = [
        (arm, n, seed) for n in changes.LENGTHS for arm in changes.ARMS for seed in changes.SEEDS
    ]
    found = [(one.arm, one.steps, one.seed) for one in changes.recorded_trainings()]
    assert sorted(found) == sorted(jobs)
    for arm in ("plain", "momentum", "all five"):
        recorded = changes.accuracies(arm, 40)[0]
        assert changes.train(0, changes.ARMS[arm], 40) == pytest.approx(recorded, abs=0.1)
