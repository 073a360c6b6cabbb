"""Studies: one question, several arms that differ in it alone, each trained with several seeds.

An arm is a network and a recipe, as data. The command that trains it is printed from them, and
its recorded runs are found by its name.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from googlenet_lib.network.variants import Variant, find_variant
from googlenet_lib.training.checkpoint import RUN_FILE
from googlenet_lib.training.recipes import Recipe, find_recipe
from googlenet_lib.training.run import Run, find_run, list_runs

SEEDS = (0, 1, 2)
# Without a GPU: a fifth of CIFAR-10's training pictures, half of the walkthrough's epochs.
PICTURES, EPOCHS = 10_000, 8


@dataclass(frozen=True)
class Arm:
    """One way of training: its name, its description, its network and its recipe."""

    name: str
    says: str
    variant: Variant
    recipe: Recipe
    heads: bool = True

    def options(self) -> list[str]:
        """Return the options of `train` that make this arm out of the named variant and recipe."""
        words = ["--recipe", self.recipe.name, "--variant", self.variant.name]
        for change in list_changes(find_variant(self.variant.name), self.variant):
            words += ["--vary", change]
        for change in list_changes(find_recipe(self.recipe.name), self.recipe):
            words += ["--set", change]
        return words if self.heads else [*words, "--no-heads"]


def list_changes(before: Any, after: Any) -> list[str]:
    """List the fields in which two dataclasses differ, as "name=value", as `train` takes them."""
    pairs = ((f.name, getattr(before, f.name), getattr(after, f.name)) for f in fields(before))
    return [f"{name}={_as_text(new)}" for name, old, new in pairs if new != old]


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_as_text, value))
    return str(value).lower() if isinstance(value, bool) else f"{value}"


@dataclass(frozen=True)
class Study:
    """Arms that are trained on the same pictures, for as many epochs, with the same seeds."""

    name: str
    arms: tuple[Arm, ...]
    pictures: int = PICTURES  # of CIFAR-10, at most, on each side
    epochs: int = EPOCHS

    def run_name(self, arm: Arm, seed: int | str) -> str:
        """Return the name of a run, such as "heads-he-norm-none-0"."""
        return f"{self.name}-{arm.name}-{seed}"

    def runs(self) -> dict[str, tuple[Run, ...]]:
        """Read the recorded runs of each arm that has any, by its name, in the order of seeds.

        An arm may have more seeds than the SEEDS that `train` begins with.
        """
        recorded, runs = list_runs(), {}
        for arm in self.arms:
            prefix = self.run_name(arm, "")
            ends = [name.removeprefix(prefix) for name in recorded if name.startswith(prefix)]
            if found := sorted(int(end) for end in ends if end.isdecimal()):
                runs[arm.name] = tuple(find_run(self.run_name(arm, seed)) for seed in found)
        return runs

    def train(self, data: str, out: Path) -> list[str]:
        """Train what is missing in `out`, seed by seed; return the names of runs that failed.

        A run that has ended is not repeated, and one that was stopped goes on. Several processes
        may work into one folder: a run of another process is left to it, and counts as failed.
        """
        failed = []
        for seed in SEEDS:
            for arm in self.arms:
                folder = out / self.run_name(arm, seed)
                if (folder / RUN_FILE).is_file():
                    continue
                words = [*arm.options(), "--data", data, "--limit", self.pictures]
                words += ["--epochs", self.epochs, "--seed", seed, "--out", folder]
                words += ["--resume"] * folder.is_dir()
                command = [sys.executable, "-m", "googlenet_lib", "train", *map(str, words)]
                if subprocess.run(command, check=False).returncode:
                    failed.append(folder.name)
        return failed


def run(study: Study, about: str, arguments: Sequence[str] | None = None) -> int:
    """Run the command line of a module that has a study: train it; return 1 if a run failed."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", default="cifar10", help="as train takes it; default: cifar10")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="default: runs")
    given = parser.parse_args(arguments)
    failed = study.train(given.data, given.out)
    if failed:
        print(f"not finished: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)
