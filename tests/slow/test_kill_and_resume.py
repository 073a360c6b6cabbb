"""Killed at moments of chance and resumed, a run ends with the bits of one left alone.

So it does after a full disk, an interruption, and a second process that wanted its folder. What
came of a hundred kills stands in docs/reliability.md.
"""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from googlenet_lib import GoogLeNet
from googlenet_lib.__main__ import main
from googlenet_lib.data import load
from googlenet_lib.errors import UsageError
from googlenet_lib.network.variants import find_variant
from googlenet_lib.training.checkpoint import BEST, HISTORY, LAST, LOCK, RUN_FILE, load_checkpoint
from googlenet_lib.training.fit import fit
from googlenet_lib.training.recipes import find_recipe
from googlenet_lib.training.run import read_run

ROOT = Path(__file__).parents[2]
TINY = ["--data", "digits", "--limit", "32", "--width", "0.0625", "--set", "batch_size=8"]
TINY += ["--epochs", "6", "--seed", "2", "--device", "cpu"]
RECIPES = {
    "classroom": ["--recipe", "classroom"],
    "everything": ["--recipe", "quick", "--set", "average_decay=0.9", "--set", "precision=float32"],
}


def start(arguments):
    """A run in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "googlenet_lib", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )


def wait_for_an_epoch(process):
    """The line that a run prints after its first epoch."""
    printed = []
    for line in process.stdout:
        if line.startswith("epoch "):
            return line
        printed.append(line)
    return pytest.fail("no epoch was trained:\n" + "".join(printed))


def kill_after_an_epoch(arguments, most_epochs_later):
    """Start a run and kill it; what was going on is left to chance."""
    with start(arguments) as process:
        seconds = float(wait_for_an_epoch(process).split()[-2])
        delay = random.uniform(0, most_epochs_later * seconds)
        time.sleep(delay)
        process.kill()
    assert process.returncode != 0, f"it had ended by itself within {delay} s"
    return delay


def assert_same(one, other, where="state"):
    """Two checkpoints hold the same bits, the seconds that epochs took left aside."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for name in one.keys() - {"seconds"}:
            assert_same(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}[{number}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


@pytest.mark.parametrize(("recipe", "kills"), [("classroom", [0.5]), ("everything", [0.0, 1.5])])
def test_killed_and_resumed_run_ends_with_the_same_bits(tmp_path, recipe, kills):
    arguments = ["train", *TINY, *RECIPES[recipe], "--out"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*arguments, str(whole)]) == 0

    for most_epochs_later in kills:
        resume = ["--resume"] * killed.exists()
        delay = kill_after_an_epoch([*arguments, str(killed), *resume], most_epochs_later)
    epochs = len(load_checkpoint(killed / LAST)["history"])
    assert epochs < 6, "it was killed too late to have anything left to do"
    assert main([*arguments, str(killed), "--resume"]) == 0

    context = f"killed {delay:.3f} s after an epoch, resumed after {epochs} epochs"
    assert (killed / BEST).read_bytes() == (whole / BEST).read_bytes(), context
    assert_same(load_checkpoint(killed / LAST), load_checkpoint(whole / LAST), context)
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in killed.iterdir()) == names, context
    one, other = (read_run(folder / "run.json") for folder in (whole, killed))
    assert (one.test_accuracy, one.test_accuracy_last, one.best_epoch) == (
        other.test_accuracy,
        other.test_accuracy_last,
        other.best_epoch,
    )


# ---- two processes -------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot hold a process still")
def test_second_process_is_refused_and_the_first_goes_on_unharmed(tmp_path, capfd):
    arguments = ["train", *TINY, *RECIPES["classroom"], "--out", str(tmp_path / "run")]
    with start(arguments) as first:
        wait_for_an_epoch(first)
        first.send_signal(signal.SIGSTOP)
        codes = [main([*arguments, *resume]) for resume in ([], ["--resume"])]
        first.send_signal(signal.SIGCONT)  # before anything can fail, which would wait for it
        assert codes == [2, 2]
        for said in capfd.readouterr().err.splitlines():
            assert f"{tmp_path / 'run'} is in use: another process trains into it" in said
            assert "stop it, or choose another --out" in said
            assert "already holds a run" not in said
        first.stdout.read()
    assert first.returncode == 0
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [BEST, HISTORY, LAST, RUN_FILE]
    assert main(arguments) == 2
    assert "already holds a run; go on with it by --resume" in capfd.readouterr().err


# ---- in one process, as in a notebook ------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return load("digits").limit(32)


def train(digits, out, *, resume=False, report=lambda line: None):
    recipe = find_recipe("classroom").override(["epochs=3", "batch_size=16"])
    torch.manual_seed(0)
    model = GoogLeNet(find_variant("small"), len(digits.classes), width=0.0625)
    result = fit(model, digits, recipe, device="cpu", out=out, resume=resume, report=report)
    return model, result


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(digits, folder)
    return folder


def assert_ended_as(whole, folder):
    assert (folder / BEST).read_bytes() == (whole / BEST).read_bytes()
    assert_same(load_checkpoint(folder / LAST), load_checkpoint(whole / LAST))
    one, other = (
        json.loads((place / HISTORY).read_text(encoding="utf-8")) for place in (folder, whole)
    )
    assert_same(one, other)
    assert sorted(path.name for path in folder.iterdir()) == [BEST, HISTORY, LAST]


def test_fit_interrupted_from_the_keyboard_goes_on(digits, whole, tmp_path):
    def interrupt(line):
        assert (tmp_path / LOCK).exists()
        if line.startswith("epoch   2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(digits, tmp_path, report=interrupt)
    assert not (tmp_path / LOCK).exists()
    said = []
    train(digits, tmp_path, resume=True, report=said.append)
    assert said[0] == "going on after epoch 2 of 3"
    assert_ended_as(whole, tmp_path)


# ---- a full disk ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 6])  # of a write; an epoch makes three
def test_disk_full_at_any_write_and_resumed_after_room_was_made(
    digits, whole, tmp_path, monkeypatch, number
):
    rename, names = Path.replace, []

    def full(self, target):
        names.append(target.name)
        if len(names) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    expected = (LAST, BEST, HISTORY)[(number - 1) % 3]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(UsageError, match=rf"{expected} could not .* --resume"):
            train(digits, tmp_path)
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == sorted((LAST, BEST, HISTORY)[: number - 1])
    if LAST in there:
        assert len(load_checkpoint(tmp_path / LAST)["history"]) == (number + 1) // 3
    train(digits, tmp_path, resume=True)
    assert_ended_as(whole, tmp_path)


def test_disk_full_at_the_last_file_and_resumed(tmp_path, monkeypatch, capsys):
    arguments = ["train", *TINY, *RECIPES["classroom"], "--epochs", "1", "--out", str(tmp_path)]
    rename = Path.replace

    def full(self, target):
        if target.name == RUN_FILE:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert main(arguments) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / RUN_FILE} could not be written (No space left on device)" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [BEST, HISTORY, LAST]
    weights = (tmp_path / BEST).read_bytes()
    assert main([*arguments, "--resume"]) == 0
    assert read_run(tmp_path / RUN_FILE).epochs == 1
    assert (tmp_path / BEST).read_bytes() == weights
