"""Stuck at ln C: a narrow network of the paper's shape learns digits, or doesn't wake up.

    python -m googlenet_lib.course.nb05.plateau --overwrite

computes the recorded runs anew and writes them into `plateau.json`, or with `--out FILE` into
another file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from googlenet_lib.course.kit import recorder
from googlenet_lib.course.kit.short_training import shuffle, train
from googlenet_lib.course.nb05.gradients import set_norm
from googlenet_lib.data import ImageSet, load
from googlenet_lib.device import progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import PAPER

RECORDED = Path(__file__).with_name("plateau.json")

WIDTH = 1 / 8  # of the paper's channels
BATCH = 32
RATE, MOMENTUM = 0.1, 0.9
CLIP = 1.0  # the longest gradient: one large step can't throw back a network that just woke up
WINDOW = 10  # steps that are averaged: one batch of 32 says little
AWAKE = 0.1  # below ln C by this much, on average over a window

# The paper's layers for pictures of 32x32. No dropout and no LRN: nothing but depth and scale.
NARROW = replace(
    PAPER,
    name="narrow",
    stem_kernel=3,
    stem_pools=(False, True),
    adaptive_head_pool=True,
    local_response_norm=False,
    dropout=0.0,
    head_dropout=0.0,
)

# What is recorded: initialisation, normalisation, and the weight of the heads (0: no heads).
SETTINGS = (
    ("normal", "none", 0.3),
    ("xavier", "none", 0.0),
    ("xavier", "none", 0.3),
    ("he", "none", 0.0),
    ("he", "none", 0.3),
    ("xavier", "batch", 0.0),
)
SEEDS = (0, 1, 2)
STEPS = 200


@dataclass(frozen=True)
class Training:
    """A short training: losses on each step's own batch before its update, means over ten steps."""

    init: str
    norm: str
    head_weight: float  # 0: the network has no heads
    seed: int
    main: tuple[float, ...]
    aux1: tuple[float, ...] = ()
    aux2: tuple[float, ...] = ()
    every: int = WINDOW  # steps that one entry is the mean of


def narrow_network(init: str, norm: str = "none", *, heads: bool = True) -> GoogLeNet:
    """Build the paper's layers, narrow, for (N, 3, 32, 32). Seed torch before, to have it again."""
    return GoogLeNet(set_norm(replace(NARROW, init=init), norm), 10, heads=heads, width=WIDTH)


def train_narrow(
    images: ImageSet,
    *,
    init: str = "xavier",
    norm: str = "none",
    head_weight: float = 0.3,
    steps: int = 80,
    seed: int = 0,
) -> Training:
    """Train on `images` for so many steps, and keep the losses. With a weight of 0, no heads."""
    if steps < WINDOW:
        raise UsageError(f"steps={steps} came; expected {WINDOW} or more, which are averaged")
    torch.manual_seed(seed)
    network = narrow_network(init, norm, heads=head_weight > 0)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    batches = shuffle(images, BATCH, seed)
    losses = train(network, batches, optimiser, steps, head_weight=head_weight, clip=CLIP)
    averages = [means(part) for part in zip(*losses, strict=True)]
    return Training(init, norm, head_weight, seed, *averages)


def means(losses: Sequence[float], window: int = WINDOW) -> tuple[float, ...]:
    """Average over `window` steps each; a shorter rest at the end is left out."""
    starts = range(0, len(losses) - window + 1, window)
    return tuple(sum(losses[start : start + window]) / window for start in starts)


def wake_up(training: Training, classes: int = 10) -> int | None:
    """Find the step by which the main loss has left ln C for good, or None if it has not.

    "Left" is a mean over ten steps that lies 0.1 below, as do all that follow.
    """
    asleep = [i for i, loss in enumerate(training.main) if not loss < math.log(classes) - AWAKE]
    first = asleep[-1] + 1 if asleep else 0
    return (first + 1) * training.every if first < len(training.main) else None


@cache
def recorded_trainings() -> tuple[Training, ...]:
    """Load the recorded trainings, whose losses are means over ten steps."""
    return recorder.load(RECORDED, Training)[1]


def trainings_of(init: str, norm: str, head_weight: float) -> list[Training]:
    """List the recorded trainings of one of SETTINGS, in the order of seeds."""
    wanted = (init, norm, head_weight)
    return [r for r in recorded_trainings() if (r.init, r.norm, r.head_weight) == wanted]


def record(path: Path) -> None:
    """Train all settings with all seeds, and write them to `path`."""
    images = load("digits").train
    jobs = [(*setting, seed) for setting in SETTINGS for seed in SEEDS]
    trainings = []
    for init, norm, weight, seed in progress_bar(jobs, desc="trainings"):
        options = {"init": init, "norm": norm, "head_weight": weight, "seed": seed}
        training = train_narrow(images, steps=STEPS, **options)
        parts = ("main", "aux1", "aux2")
        rounded = {part: tuple(round(x, 4) for x in getattr(training, part)) for part in parts}
        trainings.append(replace(training, **rounded))
    settings = {
        "batch": BATCH,
        "rate": RATE,
        "momentum": MOMENTUM,
        "clip": CLIP,
        "width": WIDTH,
        "data": "digits",
    }
    recorder.save(path, settings, trainings)


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
