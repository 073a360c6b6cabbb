"""Ablations: arms that differ in what they ask about, and recorded runs that are theirs."""

from dataclasses import replace

import pytest
from studied import assert_runs_are_of, settled

from googlenet_lib.course.kit.ablations import HEADS, REDUCTIONS
from googlenet_lib.network.initialisation import INITIALISATIONS
from googlenet_lib.network.variants import VARIANTS

BOTH = [(study, arm) for study in (HEADS, REDUCTIONS) for arm in study.arms]


def test_heads_norm_and_initialisation_are_crossed():
    arms = {arm.name: settled(arm) for arm in HEADS.arms}
    assert len(arms) == 12
    half = replace(VARIANTS["classroom"], width=0.5)
    for name, (variant, heads) in arms.items():
        init, norm, with_heads = name.split("-")
        assert init in INITIALISATIONS
        assert variant == replace(half, init=init, batch_norm=norm == "norm")
        assert heads == (with_heads == "heads")


def test_reductions_change_nothing_else():
    for arm in REDUCTIONS.arms:
        variant, heads = settled(arm)
        factor = float(arm.name.removeprefix("x"))
        assert variant == replace(VARIANTS["classroom"], width=0.5, reduction=factor)
        assert heads
    assert [arm.name for arm in REDUCTIONS.arms] == ["x0.25", "x0.5", "x1", "x2", "x4"]


@pytest.mark.parametrize(("study", "arm"), BOTH, ids=[study.folder(arm, "") for study, arm in BOTH])
def test_recorded_runs_are_those_of_their_arm(study, arm):
    if arm.name not in study.runs():
        pytest.skip("not run yet")
    assert_runs_are_of(study, arm)
