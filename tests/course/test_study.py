"""Studies: what is missing is trained, what failed is named, what is recorded is found."""

from dataclasses import replace

import pytest

from googlenet_lib.course.kit import study as studies
from googlenet_lib.course.kit.study import SEEDS, Arm, Study, run
from googlenet_lib.network.variants import SMALL
from googlenet_lib.training.checkpoint import RUN_FILE
from googlenet_lib.training.recipes import QUICK

A = Arm("a", "A", replace(SMALL, width=0.25, stem_pools=(True, False)), replace(QUICK, lr=0.01))
B = Arm("b", "B", SMALL, QUICK, heads=False)
ONE = Study("one", (A, B), 30, 2)
TWO = Study("two", (B,), 40, 3)


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been run; those of seed 2 fail."""
    commands = []

    def run(command, check):
        commands.append(" ".join(command))
        return type("Done", (), {"returncode": int("--seed 2" in commands[-1])})

    monkeypatch.setattr(studies.subprocess, "run", run)
    return commands


def test_what_has_ended_is_not_repeated_and_what_fails_is_named(tmp_path, started, capsys):
    done = tmp_path / ONE.run_name(ONE.arms[1], 1)
    done.mkdir()
    (done / RUN_FILE).write_text("{}", encoding="utf-8")
    (tmp_path / ONE.run_name(ONE.arms[1], 0)).mkdir()  # it was stopped
    assert run(ONE, "about", ["--out", str(tmp_path), "--data", "digits"]) == 1
    assert len(started) == len(ONE.arms) * len(SEEDS) - 1
    assert not any("--seed 1" in command for command in started if "one-b-1" in command)
    assert started[0].endswith(
        "googlenet_lib train --recipe quick --variant small --vary stem_pools=true,false "
        "--vary width=0.25 --set lr=0.01 --data digits --limit 30 --epochs 2 --seed 0 "
        f"--out {tmp_path / 'one-a-0'}"
    )
    assert [command.endswith("one-b-0 --resume") for command in started[:3]] == [False, True, False]
    assert capsys.readouterr().err == "not finished: one-a-2, one-b-2\n"


def test_seeds_come_one_after_the_other_so_that_all_arms_are_compared_early(tmp_path, started):
    run(ONE, "about", ["--out", str(tmp_path)])
    seeds = [command.split("--seed ")[1][0] for command in started]
    assert seeds == ["0", "0", "1", "1", "2", "2"]


def test_recorded_runs_are_found_by_arm_and_seed(monkeypatch):
    names = ["one-b-10", "one-b-2", "one-b-0", "one-b-none-0", "other-b-0"]
    monkeypatch.setattr(studies, "list_runs", lambda: names)
    monkeypatch.setattr(studies, "find_run", lambda name: name)
    assert ONE.runs() == {"b": ("one-b-0", "one-b-2", "one-b-10")}
    assert TWO.runs() == {}
