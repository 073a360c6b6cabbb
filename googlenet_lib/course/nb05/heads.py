"""The ablation of the heads: what they change, beside BatchNorm and initialisation.

    python -m googlenet_lib.course.nb05.heads --data cifar10 --out runs

trains every arm with every seed, by the command that each run records, and goes on where it was
stopped. The networks have half of the walkthrough's width.
"""

import sys
from dataclasses import replace
from itertools import product

from googlenet_lib.course.kit.study import Arm, Study, run
from googlenet_lib.network.variants import CLASSROOM as NETWORK
from googlenet_lib.training.recipes import CLASSROOM as RECIPE

INITS = ("normal", "xavier", "he")


def arm_name(init: str, norm: bool, heads: bool) -> str:
    """Return the name of an arm of HEADS, such as "he-norm-heads"."""
    return f"{init}-{'norm' if norm else 'plain'}-{'heads' if heads else 'none'}"


HEADS = Study(
    name="heads",
    arms=tuple(
        Arm(
            name=arm_name(init, norm, heads),
            says=f"{init}, {'BatchNorm' if norm else 'no BatchNorm'}, "
            f"{'heads' if heads else 'no heads'}",
            variant=replace(NETWORK, width=0.5, init=init, batch_norm=norm),
            recipe=RECIPE,
            heads=heads,
        )
        for init, norm, heads in product(INITS, (False, True), (True, False))
    ),
)


if __name__ == "__main__":
    sys.exit(run(HEADS, __doc__.splitlines()[0]))
