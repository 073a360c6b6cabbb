"""One kernel size or several? Six small networks of equal cost learn shapes of unequal size.

    python -m googlenet_lib.course.nb01.kernel_sizes --overwrite

trains all of them anew, about 25 minutes on one core, and writes `kernel_sizes.json`, or
with `--out FILE` elsewhere. Finished trainings are kept beside it until then, so that a second
start goes on where the first one was stopped.
"""

import datetime
import json
import math
import time
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit import recorder
from googlenet_lib.data import SHAPES, Batches, ImageSet
from googlenet_lib.data.imageset import combine_checksums
from googlenet_lib.data.shapes import draw_random_shapes
from googlenet_lib.device import describe_device, list_versions, progress_bar
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import total
from googlenet_lib.training.checkpoint import write_atomically

RECORDED = Path(__file__).with_name("kernel_sizes.json")
COMMAND = "python -m googlenet_lib.course.nb01.kernel_sizes"

# ---- 1. The contenders ---------------------------------------------------------------------------

SIZE = 32  # pixels a side
STEM = 16  # channels
STAGES = (1.0, 1.0, 1.5)  # widths of the three layers, relative to the first
BUDGET = 2_820_000  # multiply-adds for one picture: 3x3 layers of 24, 24 and 36 channels
TOLERANCE = 0.05  # by which a network may miss it
WIDEST = 1000  # channels of a lane


@dataclass(frozen=True)
class Contender:
    """A choice of what stands side by side in every layer."""

    name: str
    kernels: tuple[int, ...]
    pool: bool = False  # one more lane: a 3x3 max pool, then its 1x1 projection

    @property
    def lanes(self) -> int:
        """How many parts a layer has."""
        return len(self.kernels) + self.pool


CONTENDERS = (
    Contender("only 1x1", (1,)),
    Contender("only 3x3", (3,)),
    Contender("only 5x5", (5,)),
    Contender("mixed", (1, 3, 5), pool=True),
    Contender("mixed, no pool", (1, 3, 5)),
    Contender("3x3 and pool", (3,), pool=True),  # is it the mix of kernels, or the pool lane?
)


class SideBySide(nn.Module):
    """One layer: every lane sees the same input, and gives `width` channels.

    (N, in_channels, H, W) -> (N, lanes * width, H, W).
    """

    def __init__(self, in_channels: int, contender: Contender, width: int) -> None:
        super().__init__()
        self.lanes = nn.ModuleList(
            ConvBlock(in_channels, width, kernel_size=kernel, padding=kernel // 2)
            for kernel in contender.kernels
        )
        if contender.pool:
            pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
            self.lanes.append(nn.Sequential(pool, ConvBlock(in_channels, width, kernel_size=1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([lane(x) for lane in self.lanes], dim=1)  # (N, lanes * width, H, W)


class KernelSizeNet(nn.Module):
    """A stem, two layers of lanes, a max pool, a third layer, an average over the map, ten logits.

    (N, 3, 32, 32) -> (N, 10). `widths` are the channels of each lane, layer by layer. The stem is
    the same for all: without it, a network of 1x1 kernels could not tell an edge's direction.
    """

    def __init__(self, contender: Contender, widths: tuple[int, ...]) -> None:
        super().__init__()
        outputs = [contender.lanes * width for width in widths]
        inputs = [STEM, *outputs[:-1]]
        self.stem = ConvBlock(3, STEM, kernel_size=3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            SideBySide(channels, contender, width)
            for channels, width in zip(inputs, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.classifier = nn.Linear(outputs[-1], len(SHAPES))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = self.layers
        x = self.stem(x)  # (N, 16, 16, 16)
        x = self.pool(second(first(x)))  # (N, C, 8, 8)
        x = third(x)  # (N, C', 8, 8)
        return self.classifier(x.mean(dim=(2, 3)))  # (N, C'), (N, 10)


def find_contender(name: str) -> Contender:
    """The contender called `name`."""
    for one in CONTENDERS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in CONTENDERS)
    raise UsageError(f"contender {name!r} is unknown; use one of {names}")


@cache
def lane_widths(contender: Contender, budget: int = BUDGET) -> tuple[int, ...]:
    """Channels of each lane, layer by layer, with which multiply-adds come nearest to `budget`.

    All lanes of a layer are as wide as each other; the layers keep to STAGES within two channels.
    Raises UsageError for a budget that whole channels miss by more than 5%.
    """

    def macs(widths: tuple[int, ...]) -> int:
        return _costs(contender, widths)[1]

    def in_proportion(first: int) -> tuple[int, ...]:
        return tuple(round(first * stage) for stage in STAGES)

    # the widest that keeps within the budget, then all that lie between it and the next one
    first = bisect_right(range(1, WIDEST), budget, key=lambda n: macs(in_proportion(n))) or 1
    between = [
        range(math.floor(first * stage), math.ceil((first + 1) * stage) + 1) for stage in STAGES
    ]
    best = min(product(*between), key=lambda widths: abs(macs(widths) - budget))
    if abs(macs(best) / budget - 1) > TOLERANCE:
        raise UsageError(
            f"a budget of {budget:,} multiply-adds came; {contender.name} comes no nearer than "
            f"{macs(best):,}; give another, such as {BUDGET:,}"
        )
    return best


@cache
def _costs(contender: Contender, widths: tuple[int, ...]) -> tuple[int, int]:
    with torch.device("meta"):
        return total(model_costs(KernelSizeNet(contender, widths), (3, SIZE, SIZE)))


def build(contender: Contender, seed: int = 0) -> KernelSizeNet:
    """The contender's network at the common budget, its weights drawn from `seed`."""
    torch.manual_seed(seed)
    return KernelSizeNet(contender, lane_widths(contender))


def network_costs(contender: Contender) -> tuple[int, int]:
    """Parameters, and multiply-adds for one picture."""
    return _costs(contender, lane_widths(contender))


def field(contender: Contender) -> int:
    """Receptive field of one value behind the last layer, in pixels of the picture."""
    with torch.device("meta"):
        network = KernelSizeNet(contender, lane_widths(contender))
        costs = model_costs(network, (3, SIZE, SIZE))
    return int(max(cost.field for cost in costs if cost.kind == "Conv2d"))


# ---- 2. The pictures -----------------------------------------------------------------------------

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
        """sha256 of all pixels and labels."""
        return combine_checksums(self.train, self.validation, self.test)


@cache
def scale_data(train: int = 1000, validation: int = 2000, test: int = 4000) -> ScaleData:
    """So many pictures of shapes whose diameters range over a factor of six, always the same."""
    sides, radii = [], None
    for count, seed in zip((train, validation, test), PICTURE_SEEDS, strict=True):
        images, labels, radii = draw_random_shapes(count, size=SIZE, factor=FACTOR, seed=seed)
        sides.append(ImageSet(images, labels))
    return ScaleData(*sides, radii)


# ---- 3. Training ---------------------------------------------------------------------------------

EPOCHS = 20
BATCH = 32  # with 64 there were too few steps: two seeds of one rate lay ten points apart
MOMENTUM = 0.9
WARMUP = 0.2  # the share of the steps in which the rate goes up; then it goes down to 0
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class SizeBin:
    """Test shapes from `low` to `high` pixels across, and how many of them were named rightly."""

    low: float
    high: float
    count: int
    correct: int

    @property
    def accuracy(self) -> float:
        """As a share of 1."""
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
    """Train one contender by SGD, its rate rising to `rate` and falling to 0; then measure it."""
    if epochs < 1 or rate <= 0:
        raise UsageError(f"epochs={epochs}, rate={rate} came; expected 1 or more, and above 0")
    started = time.process_time()
    # a layout in memory: the same arithmetic, sooner done
    network = build(contender, seed).train().to(memory_format=torch.channels_last)
    order = torch.Generator().manual_seed(seed)
    batches = Batches(data.train, BATCH, shuffle=True, generator=order, channels_last=True)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=rate, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, epochs * len(batches), pct_start=WARMUP, anneal_strategy="linear",
        cycle_momentum=False,
    )  # fmt: skip
    losses = []
    for _ in range(epochs):
        summed = 0.0
        for pictures, labels in batches:
            loss = F.cross_entropy(network(pictures), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            summed += loss.item() * len(labels)
        losses.append(summed / len(data.train))
    right = {side: _right(network, getattr(data, side)) for side in ("train", "validation")}
    on_test = _right(network, data.test) if test else None
    return Trial(
        contender.name, rate, seed, epochs, tuple(losses),
        *(side.double().mean().item() for side in right.values()),
        test_accuracy=None if on_test is None else on_test.double().mean().item(),
        by_size=() if on_test is None else size_bins(on_test, data.test_radii),
        seconds=time.process_time() - started,
    )  # fmt: skip


@torch.no_grad()
def _right(network: nn.Module, images: ImageSet) -> Tensor:
    """For each picture, whether the network names it rightly: (N,), bool."""
    network.eval()
    batches = Batches(images, 500, channels_last=True)
    return torch.cat([network(pictures).argmax(1) == labels for pictures, labels in batches])


def size_bins(right: Tensor, radii: Tensor) -> tuple[SizeBin, ...]:
    """Count right answers (N,) by the diameters of the shapes, twice `radii` (N,)."""
    # the outermost edges are those of the drawing itself, up to rounding: nothing lies outside
    which = torch.bucketize(2 * radii, torch.tensor(SIZE_EDGES[1:-1]))
    return tuple(
        SizeBin(low, high, int((which == i).sum()), int(right[which == i].sum()))
        for i, (low, high) in enumerate(pairwise(SIZE_EDGES))
    )


# ---- 4. What was recorded ------------------------------------------------------------------------

TUNING_SEEDS = (100, 101, 102)  # others than those that are compared
SEEDS = (0, 1, 2, 3, 4)
RATES = (0.05, 0.1, 0.2, 0.4)  # all are tried; more where the best lies at an end
LOWEST_RATE, HIGHEST_RATE = 0.005, 10.0
UNFINISHED = "kernel_sizes.unfinished.jsonl"


@dataclass(frozen=True)
class Entry:
    """What a contender is, in numbers."""

    name: str
    widths: tuple[int, ...]  # of each lane, layer by layer
    params: int
    macs: int  # for one picture
    field: int  # pixels


@dataclass(frozen=True)
class Recording:
    """All trainings of all contenders: TUNING_SEEDS at every rate, then SEEDS at the best."""

    settings: dict[str, Any]
    device: str
    versions: dict[str, str]
    date: str
    seconds: float  # of processor time, of all trainings together
    command: str
    data_checksum: str
    entries: tuple[Entry, ...]
    tuning: tuple[Trial, ...]
    final: tuple[Trial, ...]

    def entry(self, name: str) -> Entry:
        """The numbers of the contender called `name`."""
        return next(one for one in self.entries if one.name == find_contender(name).name)

    def tuning_of(self, name: str) -> tuple[Trial, ...]:
        """Trainings of every seed at every rate that was tried, from the lowest rate up."""
        mine = (one for one in self.tuning if one.contender == find_contender(name).name)
        return tuple(sorted(mine, key=lambda one: (one.rate, one.seed)))

    def final_of(self, name: str) -> tuple[Trial, ...]:
        """Trainings of other seeds at the best rate."""
        return tuple(one for one in self.final if one.contender == find_contender(name).name)

    def rate(self, name: str) -> float:
        """The rate that did best on validation, on average over the seeds."""
        return best_rate(self.tuning_of(name))

    def source(self) -> str:
        """Where a figure's numbers come from, in one line to print below it."""
        return (
            f"recorded: {len(self.tuning)} trainings to choose rates, {len(self.final)} to "
            f"compare, {self.seconds / 60:.0f} minutes on {self.device}, "
            f"torch {self.versions['torch']}, {self.date}"
        )


def validation_by_rate(trials: Iterable[Trial]) -> dict[float, float]:
    """For each rate, from the lowest up, the mean validation accuracy over the seeds."""
    by_rate: dict[float, list[float]] = {}
    for one in sorted(trials, key=lambda one: one.rate):
        by_rate.setdefault(one.rate, []).append(one.validation_accuracy)
    return {rate: mean(values) for rate, values in by_rate.items()}


def best_rate(trials: Iterable[Trial]) -> float:
    """The rate with the best mean validation accuracy; of two that tie, the lower."""
    means = validation_by_rate(trials)
    return max(means, key=means.get)


def next_rate(trials: Collection[Trial]) -> float | None:
    """The rate to try next: one of RATES, then one beyond an end that is the best so far."""
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
    """What `python -m googlenet_lib.course.nb01.kernel_sizes` has written."""
    told = json.loads(RECORDED.read_text(encoding="utf-8"))
    entries = tuple(Entry(**one | {"widths": tuple(one["widths"])}) for one in told["entries"])
    trials = {part: tuple(map(_trial, told[part])) for part in ("tuning", "final")}
    return Recording(**told | {"entries": entries} | trials)


def _trial(told: dict[str, Any]) -> Trial:
    by_size = tuple(SizeBin(**one) for one in told["by_size"])
    return Trial(**told | {"losses": tuple(told["losses"]), "by_size": by_size})


def record(path: Path) -> None:
    """Tune and train every contender, and write what came of it to `path`."""
    data, settings = scale_data(), _settings()
    kept = _Kept(path.with_name(UNFINISHED), settings)
    tuning, final = [], []
    for contender in progress_bar(CONTENDERS, desc="contenders"):
        mine: list[Trial] = []
        while (rate := next_rate(mine)) is not None:
            mine += [kept.trial(contender, data, rate=rate, seed=s) for s in TUNING_SEEDS]
        tuning += mine
        rate = best_rate(mine)
        final += [kept.trial(contender, data, rate=rate, seed=s, test=True) for s in SEEDS]
    entries = [
        Entry(one.name, lane_widths(one), *network_costs(one), field(one)) for one in CONTENDERS
    ]
    head = {
        "settings": settings,
        "device": describe_device(torch.device("cpu")),
        "versions": list_versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": round(sum(one.seconds for one in tuning + final), 1),
        "command": COMMAND,
        "data_checksum": data.checksum(),
    }
    parts = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    for name, rows in (("entries", entries), ("tuning", tuning), ("final", final)):
        lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
        parts.append(f'"{name}": [\n{lines}\n]')
    write_atomically(path, ("{" + ",\n".join(parts) + "}\n").encode())
    kept.path.unlink()


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


class _Kept:
    """Finished trainings in a file, one a line, below the settings that they were run with."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        first = json.dumps(settings)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if not lines or lines[0] != first:  # other settings: those trainings count for nothing
            path.write_text(first + "\n", encoding="utf-8")
        self.trials = [_trial(json.loads(line)) for line in lines[1:] if lines[0] == first]

    def trial(self, contender: Contender, data: ScaleData, **options: Any) -> Trial:
        """The training that was kept, or a new one."""
        asked = (contender.name, options["rate"], options["seed"])
        for one in self.trials:
            if (one.contender, one.rate, one.seed) == asked:
                return one
        one = _rounded(train_contender(contender, data, **options))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(one)) + "\n")
        print(
            f"{one.contender}, rate {one.rate:g}, seed {one.seed}: training "
            f"{one.train_accuracy:.1%}, validation {one.validation_accuracy:.1%}, "
            f"{one.seconds:.0f} s",
            flush=True,
        )
        return one


def _rounded(trial: Trial) -> Trial:
    """Losses to four digits and seconds to one: what is beyond says nothing."""
    losses = tuple(round(loss, 4) for loss in trial.losses)
    return replace(trial, losses=losses, seconds=round(trial.seconds, 1))


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
