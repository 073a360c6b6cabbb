"""Ablations: what the heads, BatchNorm, initialisation and the reductions' widths each change.

    python -m googlenet_lib.course.kit.ablations --data cifar10 --out runs

trains every arm with every seed, by the command that each run records, and goes on where it was
stopped. The networks have half the width.
"""

import sys
from dataclasses import replace
from functools import cache
from itertools import product

import torch

from googlenet_lib.course.kit.study import Arm, Study, run
from googlenet_lib.data import CIFAR10_CLASSES
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import total
from googlenet_lib.network.variants import Variant, find_variant
from googlenet_lib.network.weights import with_tuples
from googlenet_lib.training.run import Run

NETWORK = ("--recipe", "classroom", "--variant", "classroom", "--vary", "width=0.5")
PICTURE = (3, 32, 32)  # CIFAR-10's


def heads_arm(init: str, norm: bool, heads: bool) -> str:
    """What an arm of HEADS is called, such as "he-norm-heads"."""
    return f"{init}-{'norm' if norm else 'plain'}-{'heads' if heads else 'none'}"


def reductions_arm(factor: float) -> str:
    """What an arm of REDUCTIONS is called, such as "x0.25"."""
    return f"x{factor:g}"


# The walkthrough's network and recipe, with BatchNorm or without, from three kinds of weights.
INITS = ("normal", "xavier", "he")
HEADS = Study(
    name="heads",
    arms=tuple(
        Arm(
            name=heads_arm(init, norm, heads),
            says=f"{init}, {'BatchNorm' if norm else 'no BatchNorm'}, "
            f"{'heads' if heads else 'no heads'}",
            options=(
                *NETWORK,
                *("--vary", f"init={init}", "--vary", f"batch_norm={str(norm).lower()}"),
                *(() if heads else ("--no-heads",)),
            ),
        )
        for init, norm, heads in product(INITS, (False, True), (True, False))
    ),
)

# The 1x1s in front of 3x3 and 5x5, as multiples of the paper's.
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
REDUCTIONS = Study(
    name="reductions",
    arms=tuple(
        Arm(
            reductions_arm(factor),
            f"{factor:g} times",
            (*NETWORK, "--vary", f"reduction={factor:g}"),
        )
        for factor in FACTORS
    ),
)


def multiply_adds(run: Run) -> int:
    """Of the network that was trained, without its heads, for one picture of CIFAR-10."""
    variant = replace(find_variant(run.variant), **with_tuples(run.variant_settings))
    return _multiply_adds(variant, run.width)


@cache  # a figure and its alt text ask for the same
def _multiply_adds(variant: Variant, width: float) -> int:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        network = GoogLeNet(variant, len(CIFAR10_CLASSES), heads=False, width=width)
    return total(model_costs(network, PICTURE))[1]


if __name__ == "__main__":
    sys.exit(run([HEADS, REDUCTIONS], __doc__.splitlines()[0]))
