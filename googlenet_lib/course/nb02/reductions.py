"""The ablation of the reductions: the 1x1s before 3x3 and 5x5, narrower and wider than Table 1's.

    python -m googlenet_lib.course.nb02.reductions --data cifar10 --out runs

trains every arm with every seed, by the command that each run records, and goes on where it was
stopped. The networks have half of the walkthrough's width.
"""

import sys
from dataclasses import replace
from functools import cache

import torch

from googlenet_lib.course.kit.study import Arm, Study, run
from googlenet_lib.data import CIFAR10_CLASSES
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import total
from googlenet_lib.network.variants import CLASSROOM as NETWORK
from googlenet_lib.network.variants import Variant, find_variant
from googlenet_lib.network.weights import with_tuples
from googlenet_lib.training.recipes import CLASSROOM as RECIPE
from googlenet_lib.training.run import Run

PICTURE = (3, 32, 32)  # CIFAR-10's
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the paper's widths


def arm_name(factor: float) -> str:
    """Return the name of an arm of REDUCTIONS, such as "x0.25"."""
    return f"x{factor:g}"


REDUCTIONS = Study(
    name="reductions",
    arms=tuple(
        Arm(
            name=arm_name(factor),
            says=f"{factor:g} times",
            variant=replace(NETWORK, width=0.5, reduction=factor),
            recipe=RECIPE,
        )
        for factor in FACTORS
    ),
)


def multiply_adds(run: Run) -> int:
    """Count those of the network that was trained, without heads, for a picture of CIFAR-10."""
    variant = replace(find_variant(run.variant), **with_tuples(run.variant_settings))
    return _multiply_adds(variant, run.width)


@cache  # a figure and its alt text ask for the same
def _multiply_adds(variant: Variant, width: float) -> int:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        network = GoogLeNet(variant, len(CIFAR10_CLASSES), heads=False, width=width)
    return total(model_costs(network, PICTURE))[1]


if __name__ == "__main__":
    sys.exit(run(REDUCTIONS, __doc__.splitlines()[0]))
