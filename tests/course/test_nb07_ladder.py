"""The ladder: one change a rung, from the walkthrough to `small` by `quick`; runs as recorded."""

from dataclasses import replace

import pytest
from studied import assert_runs_are_of

from googlenet_lib.course.kit.study import list_changes
from googlenet_lib.course.nb07.ladder import LADDER, LADDER_STUDY
from googlenet_lib.network.variants import VARIANTS
from googlenet_lib.training.recipes import CLASSROOM, FAST, QUICK

ARMS = LADDER_STUDY.arms


def test_the_first_rung_is_the_walkthrough_s():
    assert (ARMS[0].variant, ARMS[0].recipe) == (VARIANTS["classroom"], CLASSROOM)


@pytest.mark.parametrize(("rung", "expected"), [("smoothing", QUICK), ("batch", FAST)])
def test_rungs_lead_to_small_by_quick_and_by_fast(rung, expected):
    (arm,) = (arm for arm in ARMS if arm.name.endswith(rung))
    assert replace(arm.variant, name="small") == VARIANTS["small"]
    unlike = dict(name="", source="", epochs=1, precision="")
    assert replace(arm.recipe, **unlike) == replace(expected, **unlike)
    assert ARMS[-1].name.endswith("batch")


def test_every_rung_changes_what_it_names_in_the_network_or_in_the_recipe():
    for before, after, rung in zip(ARMS, ARMS[1:], LADDER[1:], strict=False):
        for part in ("variant", "recipe"):
            changes = list_changes(getattr(before, part), getattr(after, part))
            assert [change.partition("=")[0] for change in changes] == sorted(
                getattr(rung, part), key=list(vars(getattr(after, part))).index
            )
        assert bool(rung.variant) != bool(rung.recipe)


def test_runs_are_called_by_their_rungs_and_sort_as_these_do():
    names = [LADDER_STUDY.run_name(arm, 0) for arm in ARMS]
    assert names == sorted(names)
    assert names[0] == "ladder-00-walkthrough-0"


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_recorded_runs_are_those_of_their_rung(arm):
    assert_runs_are_of(LADDER_STUDY, arm)
