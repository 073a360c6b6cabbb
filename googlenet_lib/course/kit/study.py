"""Studies: one question, several arms that differ in it alone, each trained with several seeds.

What is run and what is read back is the same data: a study's arms give the commands that train
them, and the recorded runs are found by the arms' names.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from googlenet_lib.training.checkpoint import RUN_FILE
from googlenet_lib.training.run import Run, find_run, list_runs

SEEDS = (0, 1, 2)
# Where no GPU is at hand: a fifth of CIFAR-10's training pictures, half the walkthrough's epochs.
PICTURES, EPOCHS = 10_000, 8


@dataclass(frozen=True)
class Arm:
    """One way of training: what it is called, what it says, and the options that `train` takes."""

    name: str
    says: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Arms that are trained alike but for their options."""

    name: str
    arms: tuple[Arm, ...]
    pictures: int = PICTURES  # of CIFAR-10, at most, on each side
    epochs: int = EPOCHS

    def folder(self, arm: Arm, seed: int) -> str:
        """What a run is called: "heads-he-norm-none-0"."""
        return f"{self.name}-{arm.name}-{seed}"

    def runs(self) -> dict[str, tuple[Run, ...]]:
        """The recorded runs of each arm that has any, by its name, in the order of seeds."""
        recorded = set(list_runs())
        runs = {}
        for arm in self.arms:
            names = [self.folder(arm, seed) for seed in SEEDS]
            if found := tuple(find_run(name) for name in names if name in recorded):
                runs[arm.name] = found
        return runs

    def train(self, data: str, out: Path) -> list[str]:
        """Train what is missing in `out`, seed by seed; the names of runs that failed.

        Runs that have ended are not repeated and those that were stopped go on. Several processes
        may work into one folder: a run that another has is left to it, and counts as failed here.
        """
        failed = []
        for seed in SEEDS:
            for arm in self.arms:
                folder = out / self.folder(arm, seed)
                if (folder / RUN_FILE).is_file():
                    continue
                words = [*arm.options, "--data", data, "--limit", self.pictures]
                words += ["--epochs", self.epochs, "--seed", seed, "--out", folder]
                words += ["--resume"] * folder.is_dir()
                command = [sys.executable, "-m", "googlenet_lib", "train", *map(str, words)]
                if subprocess.run(command, check=False).returncode:
                    failed.append(folder.name)
        return failed


def run(studies: Sequence[Study], about: str, arguments: Sequence[str] | None = None) -> int:
    """The command line of a module that has studies: train them; 1 if a run failed."""
    parser = argparse.ArgumentParser(description=about)
    names = [study.name for study in studies]
    if len(names) > 1:
        parser.add_argument("study", nargs="*", metavar="STUDY", help=f"of {', '.join(names)}")
    parser.add_argument("--data", default="cifar10", help="as train takes it; default: cifar10")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="default: runs")
    given = parser.parse_args(arguments)
    wanted = getattr(given, "study", None) or names
    if unknown := set(wanted) - set(names):
        parser.error(f"study {min(unknown)!r} is unknown; expected {', '.join(names)}")
    failed = [
        name
        for study in studies
        if study.name in wanted
        for name in study.train(given.data, given.out)
    ]
    if failed:
        print(f"not finished: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)
