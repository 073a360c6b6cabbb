"""The accuracy ladder: from the walkthrough's way to ours, one change a rung, three seeds each.

    python -m googlenet_lib.course.nb07.ladder --data cifar10 --out runs

trains every rung with every seed, by the command that each run records, and goes on where it was
stopped.
"""

import sys
from dataclasses import dataclass
from functools import cache

from googlenet_lib.course.kit.study import Arm, Study, run
from googlenet_lib.training.run import Run


@dataclass(frozen=True)
class Rung:
    """One change: what it is called, what it says, and the options that it adds to those below."""

    name: str
    change: str
    vary: tuple[str, ...] = ()  # of the network, as --vary takes them
    set: tuple[str, ...] = ()  # of the recipe, as --set takes them


LADDER: tuple[Rung, ...] = (
    Rung("walkthrough", "as published: 7x7 stem, Adam"),
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
    Rung("averaging", "a moving average of the weights", set=("average_decay=0.99",)),
    # the mean rate of a triangle is half its peak: the same as on the rung below
    Rung(
        "schedule",
        "in the average's place, the rate up and down a triangle",
        set=("schedule=triangle", "lr=0.1", "average_decay=0"),
    ),
    Rung("augmentation", "mirrored, shifted by up to 2 pixels", set=("flip=true", "shift=2")),
    Rung("smoothing", "labels smoothed by 0.1", set=("label_smoothing=0.1",)),
    Rung(
        "muon",
        "Muon turns the convolutions; SGD keeps the rest",
        set=("optimiser=muon", "momentum=0.6"),
    ),
    Rung("small-first", "24 pixels for 60% of the steps", set=("shrink=24",)),
    Rung("rate", "half the rate, for longer trainings", set=("lr=0.05",)),
)


def options(rung: Rung) -> list[str]:
    """The command-line options of a rung: its own and those of all rungs below it."""
    below = LADDER[: LADDER.index(rung) + 1]
    words = ["--recipe", "classroom", "--variant", "classroom"]
    for option in ("vary", "set"):
        for setting in [setting for one in below for setting in getattr(one, option)]:
            words += [f"--{option}", setting]
    return words


LADDER_STUDY = Study(
    name="ladder",
    arms=tuple(
        Arm(f"{number:02d}-{rung.name}", rung.change, tuple(options(rung)))
        for number, rung in enumerate(LADDER)
    ),
)


@cache
def ladder_runs() -> dict[str, tuple[Run, ...]]:
    """The recorded runs of each rung that has any, by its name."""
    runs = LADDER_STUDY.runs()
    names = {arm.name: rung.name for arm, rung in zip(LADDER_STUDY.arms, LADDER, strict=True)}
    return {names[arm]: found for arm, found in runs.items()}


if __name__ == "__main__":
    sys.exit(run([LADDER_STUDY], __doc__.splitlines()[0]))
