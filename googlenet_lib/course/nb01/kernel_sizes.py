"""One kernel size or several? Six small networks of equal cost learn shapes of unequal size.

    python -m googlenet_lib.course.nb01.kernel_sizes --overwrite

trains all of them anew, about 25 minutes on one core, and writes `kernel_sizes.json`, or
with `--out FILE` another file.
"""

import datetime
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from operator import mul
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from googlenet_lib.course.kit import recorder
from googlenet_lib.course.kit.short_training import find_right, shuffle, train
from googlenet_lib.course.nb01.contenders import (
    BUDGET,
    CONTENDERS,
    SIZE,
    STAGES,
    Contender,
    branch_widths,
    build,
    field,
    find_contender,
    network_costs,
)
from googlenet_lib.data import Batches, ImageSet
from googlenet_lib.data.imageset import combine_checksums
from googlenet_lib.data.shapes import draw_random_shapes
from googlenet_lib.device import describe_device, list_versions, progress_bar
from googlenet_lib.errors import UsageError

RECORDED = Path(__file__).with_name("kernel_sizes.json")

# ---- 1. The pictures -----------------------------------------------------------------------------

FACTOR = 6.0  # the largest shape is so many times as large as the smallest
PICTURE_SEEDS = (10, 11, 13)  # of training, validation and test pictures
LARGEST = 0.9 * SIZE  # pixels across, as `draw_random_shapes` has it
BINS = 5
# Diameters are drawn evenly on a log scale: bins of one ratio hold about equally many.
SIZE_EDGES = tuple(LARGEST * FACTOR ** (i / BINS - 1) for i in range(BINS + 1))


@dataclass(frozen=True)
class ScaleData:
    """Shapes of unequal size, in three parts, and the radii of the test shapes in pixels."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    test_radii: Tensor

    def checksum(self) -> str:
        """Return the sha256 of all pixels and labels."""
        return combine_checksums(self.train, self.validation, self.test)


@cache
def scale_data(train: int = 1000, validation: int = 2000, test: int = 4000) -> ScaleData:
    """Draw shapes whose diameters range over a factor of six, always the same pictures."""
    sides, radii = [], None
    for count, seed in zip((train, validation, test), PICTURE_SEEDS, strict=True):
        images, labels, radii = draw_random_shapes(count, size=SIZE, factor=FACTOR, seed=seed)
        sides.append(ImageSet(images, labels))
    return ScaleData(*sides, radii)


# ---- 2. Training ---------------------------------------------------------------------------------

EPOCHS = 20
BATCH = 32  # with 64 there were too few steps: two seeds of one rate lay ten points apart
MOMENTUM = 0.9
WARMUP = 0.2  # the share of the steps in which the rate goes up; then it goes down to 0
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class SizeBin:
    """Test shapes from `low` to `high` pixels across, and how many were classified correctly."""

    low: float
    high: float
    count: int
    correct: int

    @property
    def accuracy(self) -> float:
        """Return the share of them that was classified correctly."""
        return self.correct / self.count


@dataclass(frozen=True)
class Trial:
    """One training. Accuracies are those of the last epoch, in evaluation mode, as shares of 1."""

    contender: str
    rate: float
    seed: int
    epochs: int
    losses: tuple[float, ...]  # means over each epoch
    train_accuracy: float
    validation_accuracy: float
    test_accuracy: float | None  # None: the test pictures were left alone
    by_size: tuple[SizeBin, ...]  # of the test pictures
    seconds: float  # of processor time


def train_contender(
    contender: Contender,
    data: ScaleData,
    *,
    rate: float,
    seed: int,
    epochs: int = EPOCHS,
    test: bool = False,
) -> Trial:
    """Train one contender by SGD, its learning rate rising to `rate` and falling to 0; measure it.

    Without `test`, the test pictures are left alone.
    """
    if epochs < 1 or rate <= 0:
        raise UsageError(f"epochs={epochs}, rate={rate} came; expected 1 or more, and above 0")
    started = time.process_time()
    # a layout in memory: the same arithmetic, sooner done
    network = build(contender, seed).to(memory_format=torch.channels_last)
    batches = shuffle(data.train, BATCH, seed, channels_last=True)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=rate, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    steps, sizes = epochs * len(batches), batches.sizes()
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, steps, pct_start=WARMUP, anneal_strategy="linear", cycle_momentum=False
    )
    losses = [loss for (loss,) in train(network, batches, optimiser, steps, schedule=schedule)]
    by_epoch = [
        sum(map(mul, losses[start : start + len(sizes)], sizes)) / len(data.train)
        for start in range(0, steps, len(sizes))
    ]
    right = {
        name: find_right(network, Batches(getattr(data, name), 500, channels_last=True))
        for name in ("train", "validation", *(["test"] if test else []))
    }
    accuracy = {name: named.double().mean().item() for name, named in right.items()}
    return Trial(
        contender.name, rate, seed, epochs, tuple(by_epoch),
        accuracy["train"], accuracy["validation"], accuracy.get("test"),
        by_size=size_bins(right["test"], data.test_radii) if test else (),
        seconds=time.process_time() - started,
    )  # fmt: skip


def size_bins(right: Tensor, radii: Tensor) -> tuple[SizeBin, ...]:
    """Count right answers (N,) by the diameters of the shapes, twice `radii` (N,)."""
    # the outermost edges are those of the drawing itself, up to rounding: nothing lies outside
    which = torch.bucketize(2 * radii, torch.tensor(SIZE_EDGES[1:-1]))
    return tuple(
        SizeBin(low, high, int((which == i).sum()), int(right[which == i].sum()))
        for i, (low, high) in enumerate(pairwise(SIZE_EDGES))
    )


# ---- 3. The record -------------------------------------------------------------------------------

TUNING_SEEDS = (100, 101, 102)  # others than those that are compared
SEEDS = (0, 1, 2, 3, 4)
RATES = (0.05, 0.1, 0.2, 0.4)  # all are tried; more where the best lies at an end
LOWEST_RATE, HIGHEST_RATE = 0.005, 10.0


@dataclass(frozen=True)
class Entry:
    """What a contender is, in numbers."""

    name: str
    widths: tuple[int, ...]  # of each branch, layer by layer
    params: int
    macs: int  # for one picture
    field: int  # pixels


@dataclass(frozen=True)
class Circumstances:
    """What the recorded trainings have in common."""

    settings: dict[str, Any]
    device: str
    versions: dict[str, str]
    date: str
    seconds: float  # of processor time, of all trainings together
    command: str
    data_checksum: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Recording(Circumstances):
    """All trainings of all contenders: TUNING_SEEDS at every rate, then SEEDS at the best."""

    tuning: tuple[Trial, ...]
    final: tuple[Trial, ...]

    def entry(self, name: str) -> Entry:
        """Return the numbers of the contender called `name`."""
        return next(one for one in self.entries if one.name == find_contender(name).name)

    def tuning_of(self, name: str) -> tuple[Trial, ...]:
        """Return the trainings of all seeds at all rates that were tried, the lowest rate first."""
        mine = (one for one in self.tuning if one.contender == find_contender(name).name)
        return tuple(sorted(mine, key=lambda one: (one.rate, one.seed)))

    def final_of(self, name: str) -> tuple[Trial, ...]:
        """Return the trainings of other seeds at the best rate."""
        return tuple(one for one in self.final if one.contender == find_contender(name).name)

    def rate(self, name: str) -> float:
        """Return the rate that did best on validation, on average over the seeds."""
        return best_rate(self.tuning_of(name))

    def source(self) -> str:
        """Say where a figure's numbers come from, in one line to print below it."""
        return (
            f"recorded: {len(self.tuning)} trainings to choose rates, {len(self.final)} to "
            f"compare, {self.seconds / 60:.0f} minutes on {self.device}, "
            f"torch {self.versions['torch']}, {self.date}"
        )


def validation_by_rate(trials: Iterable[Trial]) -> dict[float, float]:
    """Average the validation accuracy over the seeds, for each rate from the lowest up."""
    by_rate: dict[float, list[float]] = {}
    for one in sorted(trials, key=lambda one: one.rate):
        by_rate.setdefault(one.rate, []).append(one.validation_accuracy)
    return {rate: mean(values) for rate, values in by_rate.items()}


def best_rate(trials: Iterable[Trial]) -> float:
    """Find the rate with the best mean validation accuracy; of two that tie, the lower."""
    means = validation_by_rate(trials)
    return max(means, key=means.get)


def next_rate(trials: Collection[Trial]) -> float | None:
    """Choose the rate to try next: one of RATES, then one beyond an end that is the best so far."""
    tried = {one.rate for one in trials}
    for rate in RATES:
        if rate not in tried:
            return rate
    best = best_rate(trials)
    if best == min(tried) and best > LOWEST_RATE:
        return best / 2
    if best == max(tried) and best < HIGHEST_RATE:
        return best * 2
    return None


@cache
def recorded() -> Recording:
    """Load what this module's command has recorded."""
    circumstances, trials = recorder.load(RECORDED, Trial, Circumstances)
    tuning, final = (
        tuple(one for one in trials if (one.test_accuracy is not None) == tested)
        for tested in (False, True)
    )
    return Recording(**vars(circumstances), tuning=tuning, final=final)


def record(path: Path) -> None:
    """Tune and train every contender, and write all trainings to `path`."""
    data = scale_data()

    def try_rate(
        contender: Contender, rate: float, seeds: Iterable[int], test: bool
    ) -> list[Trial]:
        options = {"rate": rate, "test": test}
        return [_round(train_contender(contender, data, seed=seed, **options)) for seed in seeds]

    tuning, final = [], []
    for contender in progress_bar(CONTENDERS, desc="contenders"):
        mine: list[Trial] = []
        while (rate := next_rate(mine)) is not None:
            mine += try_rate(contender, rate, TUNING_SEEDS, test=False)
        tuning += mine
        final += try_rate(contender, best_rate(mine), SEEDS, test=True)
    circumstances = Circumstances(
        settings=_settings(),
        device=describe_device(torch.device("cpu")),
        versions=list_versions(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seconds=round(sum(one.seconds for one in tuning + final), 1),
        command=recorder.command_of(record),
        data_checksum=data.checksum(),
        entries=tuple(
            Entry(one.name, branch_widths(one), *network_costs(one), field(one))
            for one in CONTENDERS
        ),
    )
    recorder.save(path, circumstances, tuning + final)


def _settings() -> dict[str, Any]:
    data = scale_data()
    return {
        "data": "shapes",
        "size": SIZE,
        "factor": FACTOR,
        "training_pictures": len(data.train),
        "validation_pictures": len(data.validation),
        "test_pictures": len(data.test),
        "budget": BUDGET,
        "stages": list(STAGES),
        "epochs": EPOCHS,
        "batch": BATCH,
        "momentum": MOMENTUM,
        "warmup": WARMUP,
        "weight_decay": WEIGHT_DECAY,
        "tuning_seeds": list(TUNING_SEEDS),
        "seeds": list(SEEDS),
        "rates": list(RATES),
    }


def _round(trial: Trial) -> Trial:
    """Round losses to four digits and seconds to one: the rest says nothing."""
    losses = tuple(round(loss, 4) for loss in trial.losses)
    return replace(trial, losses=losses, seconds=round(trial.seconds, 1))


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
