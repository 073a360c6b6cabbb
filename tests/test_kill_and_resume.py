"""Killed at moments of chance and resumed, a run ends with the bits of one left alone."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from googlenet_lib.__main__ import main
from googlenet_lib.checkpoints import BEST, LAST, load_checkpoint
from googlenet_lib.runs import read_run

ROOT = Path(__file__).parents[1]
TINY = ["--data", "digits", "--limit", "32", "--width", "0.0625", "--set", "batch_size=8"]
TINY += ["--epochs", "6", "--seed", "2", "--device", "cpu"]
RECIPES = {
    "classroom": ["--recipe", "classroom"],
    "everything": ["--recipe", "quick", "--set", "average_decay=0.9", "--set", "precision=float32"],
}


def kill_after_an_epoch(arguments, most_epochs_later):
    """Start a run in a process of its own and kill it; what was going on is left to chance."""
    process = subprocess.Popen(
        [sys.executable, "-m", "googlenet_lib", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    with process:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("epoch "):
                break
        else:
            pytest.fail("no epoch was trained:\n" + "".join(printed))
        seconds = float(line.split()[-2])
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
        delay = kill_after_an_epoch([*arguments, str(killed), "--resume"], most_epochs_later)
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
