"""The ladder: one change a rung, from the walkthrough to `small` by `quick`; runs as recorded."""

from dataclasses import asdict, replace

import pytest

from googlenet_lib import ladder
from googlenet_lib.ladder import LADDER, SEEDS, folder_name, ladder_runs, main, options
from googlenet_lib.recipes import CLASSROOM, QUICK
from googlenet_lib.runs import RUN_FILE
from googlenet_lib.settings import changed
from googlenet_lib.variants import VARIANTS


def settled(rung):
    """The variant and the recipe that a rung's options come to."""
    words = options(rung)
    given = {
        option: [words[i + 1] for i, word in enumerate(words) if word == f"--{option}"]
        for option in ("vary", "set")
    }
    variant = changed(VARIANTS["classroom"], given["vary"], "--vary")
    return variant, CLASSROOM.changed(given["set"])


def test_the_first_rung_is_the_walkthrough_s():
    assert settled(LADDER[0]) == (VARIANTS["classroom"], CLASSROOM)


def test_the_last_rung_is_small_by_quick_and_an_average():
    variant, recipe = settled(LADDER[-1])
    assert replace(variant, name="small") == VARIANTS["small"]
    mine = dict(name="", source="", epochs=1, precision="", average_decay=0.0)
    assert replace(recipe, **mine) == replace(QUICK, **mine)


def test_every_rung_changes_something_and_nothing_is_changed_back():
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


def test_names_sort_as_the_rungs_do():
    names = [folder_name(rung, 0) for rung in LADDER]
    assert names == sorted(names)
    assert names[0] == "ladder-00-walkthrough-0"


def test_what_has_ended_is_not_repeated_and_what_fails_is_named(tmp_path, monkeypatch, capsys):
    started = []

    def run(command, check):
        started.append(command)
        return type("Done", (), {"returncode": int("--seed 2" in " ".join(command))})

    monkeypatch.setattr(ladder.subprocess, "run", run)
    done = tmp_path / folder_name(LADDER[3], 1)
    done.mkdir()
    (done / RUN_FILE).write_text("{}")
    assert main(["--out", str(tmp_path), "--data", "digits", "--epochs", "1"]) == 1
    assert len(started) == len(LADDER) * len(SEEDS) - 1
    words = " ".join(started[0])
    assert "googlenet_lib train --recipe classroom --variant classroom --data digits" in words
    assert words.endswith(f"--out {tmp_path / 'ladder-00-walkthrough-0'} --resume")
    said = capsys.readouterr().err
    assert folder_name(LADDER[0], 2) in said
    assert folder_name(LADDER[0], 1) not in said


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_recorded_runs_are_those_of_their_rung(rung):
    if rung.name not in ladder_runs():
        pytest.skip("not run yet")
    runs = ladder_runs()[rung.name]
    assert [run.seed for run in runs] == list(SEEDS)
    for run in runs:
        said = " ".join(options(rung))
        assert said in run.command
        assert run.training_pictures == ladder.PICTURES
        assert run.epochs == ladder.EPOCHS
    assert len({run.data_checksum for run in runs}) == 1
