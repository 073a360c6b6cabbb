"""The accuracy ladder: from the walkthrough's way to ours, one change a rung, three seeds each.

    python -m googlenet_lib.ladder --data cifar10 --out runs

trains every rung with every seed, by the command that each run records. Runs that have ended are
not repeated and those that were stopped go on. Several of these may work into one folder.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from googlenet_lib.runs import RUN_FILE, Run, recorded_names, recorded_run

# Where no GPU is at hand: a sixth of CIFAR-10, for half as many epochs as the walkthrough.
PICTURES, EPOCHS = 10_000, 8
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Rung:
    """One change: what it is called, what it says, and the options that it adds to those below."""

    name: str
    change: str
    vary: tuple[str, ...] = ()  # of the network, as --vary takes them
    set: tuple[str, ...] = ()  # of the recipe, as --set takes them


LADDER: tuple[Rung, ...] = (
    Rung("walkthrough", "as published: 7x7 stem, Adam, a constant rate, nothing else"),
    Rung("width", "half the channels", vary=("width=0.5",)),
    # before the stem, which costs several times more: in float32 each run would take long
    Rung("precision", "bfloat16", set=("precision=bfloat16",)),
    Rung(
        "stem",
        "3x3 stem, one late pooling: stage 3 sees 16x16",
        vary=("stem_kernel=3", "stem_stride=1", "stem_pools=false,true", "min_size=8"),
    ),
    Rung(
        "layers",
        "no bias before BatchNorm, BatchNorm in the heads, half the dropout",
        vary=("conv_bias=false", "head_batch_norm=true", "dropout=0.2", "eps=0.001"),
    ),
    Rung(
        "optimiser",
        "SGD with Nesterov's momentum and weight decay",
        set=("optimiser=sgd", "lr=0.05", "weight_decay=0.0005"),
    ),
    # the mean rate of a triangle is half its peak: the same as on the rung below
    Rung("schedule", "the rate up and down a triangle", set=("schedule=triangle", "lr=0.1")),
    Rung("augmentation", "mirrored, and shifted by up to 2 pixels", set=("flip=true", "shift=2")),
    Rung("smoothing", "labels smoothed by 0.1", set=("label_smoothing=0.1",)),
    Rung("averaging", "a moving average of the weights", set=("average_decay=0.99",)),
)


def options(rung: Rung) -> list[str]:
    """The command-line options of a rung: its own and those of all rungs below it."""
    below = LADDER[: LADDER.index(rung) + 1]
    words = ["--recipe", "classroom", "--variant", "classroom"]
    for option in ("vary", "set"):
        for setting in [setting for one in below for setting in getattr(one, option)]:
            words += [f"--{option}", setting]
    return words


def folder_name(rung: Rung, seed: int) -> str:
    """What a run is called: "ladder-04-layers-0"."""
    return f"ladder-{LADDER.index(rung):02d}-{rung.name}-{seed}"


@cache
def ladder_runs() -> dict[str, tuple[Run, ...]]:
    """The recorded runs of each rung that has any, by its name."""
    recorded = set(recorded_names())
    runs = {}
    for rung in LADDER:
        names = [folder_name(rung, seed) for seed in SEEDS]
        if found := tuple(recorded_run(name) for name in names if name in recorded):
            runs[rung.name] = found
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, seed by seed; 1 if a run failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="cifar10", help="as train takes it; default: cifar10")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="default: runs")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"default: {EPOCHS}")
    parser.add_argument("--limit", type=int, default=PICTURES, help=f"default: {PICTURES}")
    given = parser.parse_args(arguments)
    failed = []
    for seed in SEEDS:
        for rung in LADDER:
            out = given.out / folder_name(rung, seed)
            if (out / RUN_FILE).is_file():
                continue
            words = [*options(rung), "--data", given.data, "--limit", given.limit]
            words += ["--epochs", given.epochs, "--seed", seed, "--out", out, "--resume"]
            command = [sys.executable, "-m", "googlenet_lib", "train", *map(str, words)]
            if subprocess.run(command, check=False).returncode:
                failed.append(out.name)
    if failed:
        print(f"not finished: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
