"""Ablations: what the heads, BatchNorm, initialisation and the reductions' widths each change.

    python -m googlenet_lib.ablations --data cifar10 --out runs

trains every arm with every seed, by the command that each run records, and goes on where it was
stopped. The networks have half the width.
"""

import sys
from itertools import product

from googlenet_lib.studies import Arm, Study, run

NETWORK = ("--recipe", "classroom", "--variant", "classroom", "--vary", "width=0.5")

# The walkthrough's network and recipe, with BatchNorm or without, from three kinds of weights.
INITS = ("normal", "xavier", "he")
HEADS = Study(
    name="heads",
    arms=tuple(
        Arm(
            name=f"{init}-{'norm' if norm else 'plain'}-{'heads' if heads else 'none'}",
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
        Arm(f"x{factor:g}", f"{factor:g} times", (*NETWORK, "--vary", f"reduction={factor:g}"))
        for factor in FACTORS
    ),
)

if __name__ == "__main__":
    sys.exit(run([HEADS, REDUCTIONS], __doc__.splitlines()[0]))
