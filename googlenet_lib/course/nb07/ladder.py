"""The accuracy ladder: from the recipe of lesson 06 to ours, rung by rung, several seeds each.

    python -m googlenet_lib.course.nb07.ladder --data cifar10 --out runs

trains every rung with three seeds, by the command that each run records, and goes on where it was
stopped. More seeds of a rung are found as well.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from googlenet_lib.course.kit.study import Arm, Study, run
from googlenet_lib.network.variants import CLASSROOM as FIRST_VARIANT
from googlenet_lib.training.recipes import CLASSROOM as FIRST_RECIPE
from googlenet_lib.training.run import Run


@dataclass(frozen=True)
class Rung:
    """One change: its name, all that it changes in words, and the fields that it sets.

    It is compared with the rung before, or with the one that `after` names: a rung that takes the
    place of another begins where that one began.
    """

    name: str
    change: str
    variant: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""


LADDER: tuple[Rung, ...] = (
    Rung("walkthrough", "the recipe of lesson 06: Adam, 7x7 stem, float32"),
    Rung("width", "half the channels", variant={"width": 0.5}),
    # before the stem, which costs several times more: in float32 each run would take long
    Rung("precision", "bfloat16 instead of float32", recipe={"precision": "bfloat16"}),
    Rung(
        "stem",
        "3x3 stem with stride 1, and one pool before the modules instead of two",
        variant={"stem_kernel": 3, "stem_stride": 1, "stem_pools": (False, True), "min_size": 8},
    ),
    Rung(
        "layers",
        "four changes: no bias before BatchNorm, BatchNorm in the heads, dropout 0.2 instead of "
        "0.4, BatchNorm's eps 0.001",
        variant={"conv_bias": False, "head_batch_norm": True, "dropout": 0.2, "eps": 0.001},
    ),
    Rung(
        "optimiser",
        "SGD with Nesterov's momentum, learning rate 0.05 (Adam: 0.001), weight decay 0.0005",
        recipe={"optimiser": "sgd", "lr": 0.05, "weight_decay": 0.0005},
    ),
    Rung(
        "averaging",
        "a moving average of the weights, decay 0.99",
        recipe={"average_decay": 0.99},
    ),
    # the mean of a triangle is half its peak: the same as on the rung that it begins from
    Rung(
        "schedule",
        "instead of the average: a triangle up to a learning rate of 0.1",
        recipe={"schedule": "triangle", "lr": 0.1, "average_decay": 0},
        after="optimiser",
    ),
    Rung(
        "augmentation",
        "images mirrored, and shifted by up to 2 pixels",
        recipe={"flip": True, "shift": 2},
    ),
    Rung("smoothing", "labels smoothed by 0.1", recipe={"label_smoothing": 0.1}),
    Rung(
        "muon",
        "Muon for the convolutions; momentum 0.6; twice the rate for the rest",
        recipe={"optimiser": "muon", "momentum": 0.6},
    ),
    Rung("small-first", "images of 24 pixels in 60% of the steps", recipe={"shrink": 24}),
    Rung("batch", "batches of 256 images instead of 128", recipe={"batch_size": 256}),
)


def build_arms() -> tuple[Arm, ...]:
    """Build an arm for each rung, with its own change and those of all rungs below it."""
    arms, variant, recipe = [], FIRST_VARIANT, FIRST_RECIPE
    for number, rung in enumerate(LADDER):
        variant, recipe = replace(variant, **rung.variant), replace(recipe, **rung.recipe)
        arms.append(Arm(f"{number:02d}-{rung.name}", rung.change, variant, recipe))
    return tuple(arms)


LADDER_STUDY = Study(name="ladder", arms=build_arms())


def ladder_runs() -> dict[str, tuple[Run, ...]]:
    """Read the recorded runs of each rung that has any, by the rung's name."""
    runs = LADDER_STUDY.runs()
    names = {arm.name: rung.name for arm, rung in zip(LADDER_STUDY.arms, LADDER, strict=True)}
    return {names[arm]: found for arm, found in runs.items()}


if __name__ == "__main__":
    sys.exit(run(LADDER_STUDY, __doc__.splitlines()[0]))
