"""Pictures a second in training: our loop against the classroom walkthrough's way of doing it.

    python tests/benchmarks/training_step.py [--rounds 5] [--steps 8] [--device auto]

The same network, batch and optimiser. The walkthrough's way reads picture files one by one with
PIL, turns each into a tensor, collects them in a DataLoader and trains in float32 in the layout
that PyTorch starts with. Ours keeps uint8 pictures on the device. The ways take turns, so that a
busy machine slows all of them alike: read the ratios, not the seconds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Normalize, ToTensor

from googlenet_lib import googlenet
from googlenet_lib.data import Data, load
from googlenet_lib.platforms import device_name, pick_device, versions
from googlenet_lib.recipes import CLASSROOM, Recipe
from googlenet_lib.training import Trainer

BATCH = CLASSROOM.batch_size
Step = Callable[[], tuple[float, float]]  # seconds waited for data, seconds in all


def forever(batches) -> Iterator:
    while True:
        yield from batches


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(batches: Iterator, update: Callable, device: torch.device) -> Step:
    def step() -> tuple[float, float]:
        synchronise(device)
        start = time.perf_counter()
        images, labels = next(batches)
        ready = time.perf_counter()
        update(images, labels)
        synchronise(device)
        return ready - start, time.perf_counter() - start

    return step


def save_pictures(data: Data, folder: Path) -> None:
    for number, (image, label) in enumerate(zip(data.train.images, data.train.labels, strict=True)):
        place = folder / data.classes[label]
        place.mkdir(exist_ok=True)
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        picture.save(place / f"{number:05}.jpg", quality=75)


def the_walkthroughs_way(folder: Path, workers: int, device: torch.device) -> Step:
    transform = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
    loader = DataLoader(ImageFolder(folder, transform), BATCH, shuffle=True, num_workers=workers)
    model = googlenet("classroom", 10).to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def update(images, labels):
        images, labels = images.to(device), labels.to(device)
        main, aux2, aux1 = model(images)
        loss = F.cross_entropy(main, labels)
        loss = loss + 0.3 * F.cross_entropy(aux1, labels) + 0.3 * F.cross_entropy(aux2, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item(), (main.argmax(1) == labels).sum().item()

    return timed(forever(loader), update, device)


def our_way(data: Data, recipe: Recipe, device: torch.device) -> Step:
    trainer = Trainer(googlenet("classroom", 10), data, recipe, seed=0, device=device)
    trainer.model.train()
    return timed(forever(trainer.train_batches), trainer.step, device)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--device", default="auto")
    options = options.parse_args()
    device = pick_device(options.device)
    data = load("shapes")
    with tempfile.TemporaryDirectory() as folder:
        save_pictures(data, Path(folder))
        plain = replace(CLASSROOM, channels_last=False)
        ways = {
            "walkthrough, 0 workers": the_walkthroughs_way(Path(folder), 0, device),
            "walkthrough, 2 workers": the_walkthroughs_way(Path(folder), 2, device),
            "ours, float32, contiguous": our_way(data, plain, device),
            "ours, float32 (the recipe)": our_way(data, CLASSROOM, device),
            "ours, fastest precision": our_way(data, replace(CLASSROOM, precision="auto"), device),
        }
        waited: dict[str, list[float]] = {name: [] for name in ways}
        took: dict[str, list[float]] = {name: [] for name in ways}
        for round_number in range(options.rounds + 1):
            for name, step in ways.items():
                times = [step() for _ in range(options.steps)]
                if round_number > 0:  # the first round warms up
                    waited[name].append(sum(w for w, _ in times))
                    took[name].append(sum(t for _, t in times))

    print(f"classroom network at 32x32, batch {BATCH}, {device_name(device)}")
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    base = took["walkthrough, 0 workers"]
    print(f"\n{'way':28}{'pictures/s':>12}{'ratio':>8}{'least':>8}{'most':>8}{'waiting':>10}")
    for name, seconds in took.items():
        ratios = [b / s for b, s in zip(base, seconds, strict=True)]
        rate = options.steps * BATCH / statistics.median(seconds)
        share = sum(waited[name]) / sum(seconds)
        print(
            f"{name:28}{rate:12.0f}{statistics.median(ratios):8.2f}"
            f"{min(ratios):8.2f}{max(ratios):8.2f}{share:10.2%}"
        )


if __name__ == "__main__":
    main()
