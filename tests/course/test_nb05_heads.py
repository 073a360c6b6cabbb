"""The two ablations: arms that differ in what they ask about, and recorded runs that are theirs."""

from dataclasses import replace

import pytest
from studied import assert_runs_are_of

from googlenet_lib.course.nb02.reductions import REDUCTIONS
from googlenet_lib.course.nb05.heads import HEADS
from googlenet_lib.network.initialisation import INITIALISATIONS
from googlenet_lib.network.variants import CLASSROOM
from googlenet_lib.training.recipes import CLASSROOM as RECIPE

BOTH = [(study, arm) for study in (HEADS, REDUCTIONS) for arm in study.arms]
HALF = replace(CLASSROOM, width=0.5)


def test_heads_norm_and_initialisation_are_crossed():
    assert len({arm.name for arm in HEADS.arms}) == 12
    for arm in HEADS.arms:
        init, norm, heads = arm.name.split("-")
        assert init in INITIALISATIONS
        assert arm.variant == replace(HALF, init=init, batch_norm=norm == "norm")
        assert (arm.recipe, arm.heads) == (RECIPE, heads == "heads")


def test_reductions_change_nothing_else():
    for arm in REDUCTIONS.arms:
        factor = float(arm.name.removeprefix("x"))
        assert arm.variant == replace(HALF, reduction=factor)
        assert (arm.recipe, arm.heads) == (RECIPE, True)


@pytest.mark.parametrize(
    ("study", "arm"), BOTH, ids=[study.run_name(arm, "") for study, arm in BOTH]
)
def test_recorded_runs_are_those_of_their_arm(study, arm):
    assert_runs_are_of(study, arm)
