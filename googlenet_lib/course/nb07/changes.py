"""Five changes of lesson 07, each alone and all together, in a training of a second.

    python -m googlenet_lib.course.nb07.changes --overwrite

trains every arm anew and writes the accuracies into `changes.json`, or with `--out FILE` into
another file. It takes four minutes on one core.

The training is that of section 9, made of PyTorch's parts: equal draws, so nearly equal numbers.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from googlenet_lib.course.kit import recorder
from googlenet_lib.data import load
from googlenet_lib.data.augment import shift
from googlenet_lib.device import progress_bar
from googlenet_lib.training.optim import MovingAverage

RECORDED = Path(__file__).with_name("changes.json")

CHANGES = ("shift", "smoothing", "momentum", "cosine", "average")
ARMS = {"plain": (), **{name: (name,) for name in CHANGES}, "all five": CHANGES}
LENGTHS = (40, 200)
SEEDS = range(10)
IMAGES, BATCH, RATE = 300, 60, 0.1


@dataclass(frozen=True)
class Training:
    """One short training: which arm, how many steps, which seed, and its test accuracy."""

    arm: str
    steps: int
    seed: int
    accuracy: float


def train(seed: int, changes: tuple[str, ...] = (), steps: int = 40) -> float:
    """Train a small network on 300 digits with some of CHANGES; return its test accuracy."""
    images, labels, test_images, test_labels = _read_digits()
    torch.manual_seed(seed)
    network = make_network()
    sgd = torch.optim.SGD(network.parameters(), lr=RATE)
    if "momentum" in changes:
        sgd = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, nesterov=True)
    average = MovingAverage(network, decay=0.99 if "average" in changes else 0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, steps)
    smoothing = 0.1 if "smoothing" in changes else 0
    for _ in range(steps):
        chosen = torch.randint(IMAGES, (BATCH,))
        x = images[chosen]
        if "shift" in changes:
            x = shift(x, torch.randint(-2, 3, (BATCH, 2)))
        sgd.zero_grad()
        F.cross_entropy(network(x), labels[chosen], label_smoothing=smoothing).backward()
        sgd.step()
        if "cosine" in changes:
            schedule.step()
        average.update_parameters(network)
    update_bn([images], average.module)
    with torch.no_grad():
        guesses = average.module.eval()(test_images).argmax(dim=1)
    return float((guesses == test_labels).float().mean())


def load_digits() -> tuple[Tensor, ...]:
    """Load 300 scanned digits and their labels, then all test images and their labels."""
    return tuple(part.clone() for part in _read_digits())  # whatever a reader does to them


@cache
def _read_digits() -> tuple[Tensor, ...]:
    digits = load("digits")
    images, test = (part.images[:, :1].float() / 255 for part in (digits.train, digits.test))
    return images[:IMAGES], digits.train.labels[:IMAGES], test, digits.test.labels


def make_network() -> nn.Sequential:
    """Make a network of three convolutions and a linear layer."""
    layers, channels = [], 1
    for width in (16, 32, 64):
        conv = nn.Conv2d(channels, width, kernel_size=3, stride=2, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


@cache
def recorded_trainings() -> tuple[Training, ...]:
    """Load the recorded trainings: every arm at every length with ten seeds."""
    return recorder.load(RECORDED, Training)[1]


def accuracies(arm: str, steps: int) -> list[float]:
    """List the recorded accuracies of one arm, a seed each."""
    return [one.accuracy for one in recorded_trainings() if (one.arm, one.steps) == (arm, steps)]


def record(path: Path) -> None:
    """Train every arm at every length with every seed, and write the accuracies to `path`."""
    jobs = [(arm, steps, seed) for steps in LENGTHS for arm in ARMS for seed in SEEDS]
    rows = [
        Training(arm, steps, seed, round(train(seed, ARMS[arm], steps), 4))
        for arm, steps, seed in progress_bar(jobs, desc="trainings")
    ]
    recorder.save(path, {"images": IMAGES, "batch": BATCH, "lr": RATE}, rows)


if __name__ == "__main__":
    recorder.run(record, RECORDED, __doc__)
