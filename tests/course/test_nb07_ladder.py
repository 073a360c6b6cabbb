"""The ladder: one change a rung, from the walkthrough to `small` by `quick`; runs as recorded."""

from dataclasses import asdict, replace

import pytest
from studied import assert_runs_are_of

from googlenet_lib.course.nb07.ladder import LADDER, LADDER_STUDY, ladder_runs, options
from googlenet_lib.network.variants import VARIANTS
from googlenet_lib.settings import apply_overrides
from googlenet_lib.training.recipes import CLASSROOM, FAST, QUICK


def settled(rung):
    """The variant and the recipe that a rung's options come to."""
    words = options(rung)
    given = {
        option: [words[i + 1] for i, word in enumerate(words) if word == f"--{option}"]
        for option in ("vary", "set")
    }
    variant = apply_overrides(VARIANTS["classroom"], given["vary"], "--vary")
    return variant, CLASSROOM.override(given["set"])


def test_the_first_rung_is_the_walkthrough_s():
    assert settled(LADDER[0]) == (VARIANTS["classroom"], CLASSROOM)


def test_the_last_rung_is_small_by_fast_and_one_below_is_by_quick():
    for name, expected in (("smoothing", QUICK), (LADDER[-1].name, FAST)):
        variant, recipe = settled(next(rung for rung in LADDER if rung.name == name))
        assert replace(variant, name="small") == VARIANTS["small"]
        mine = dict(name="", source="", epochs=1, precision="")
        assert replace(recipe, **mine) == replace(expected, **mine)


def test_every_rung_changes_what_it_names():
    before = [asdict(part) for part in settled(LADDER[0])]
    for rung in LADDER[1:]:
        after = [asdict(part) for part in settled(rung)]
        changed_fields = [
            name
            for old, new in zip(before, after, strict=True)
            for name in old
            if old[name] != new[name]
        ]
        named = [setting.partition("=")[0] for setting in (*rung.vary, *rung.set)]
        assert sorted(changed_fields) == sorted(named), rung.name
        assert bool(rung.vary) != bool(rung.set)
        before = after


def test_runs_are_called_by_their_rungs_and_sort_as_these_do():
    names = [LADDER_STUDY.folder(arm, 0) for arm in LADDER_STUDY.arms]
    assert names == sorted(names)
    assert names[0] == "ladder-00-walkthrough-0"
    assert [arm.options for arm in LADDER_STUDY.arms] == [(*options(rung),) for rung in LADDER]


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_recorded_runs_are_those_of_their_rung(rung):
    if rung.name not in ladder_runs():
        pytest.skip("not run yet")
    assert_runs_are_of(LADDER_STUDY, LADDER_STUDY.arms[LADDER.index(rung)])
