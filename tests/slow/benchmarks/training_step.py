"""Ratios of training speed, measured in one run: our step against three ways of others.

    python tests/slow/benchmarks/training_step.py [--rounds 5] [--steps 8] [--json F]

The same batch on the same device everywhere; each block of the table has one network and compares
with its first line.

- The classroom walkthrough keeps its pictures in memory, makes a PIL image and a tensor of each
  one by one, as torchvision's CIFAR10 does, collects them in a DataLoader and trains in float32
  in the layout that PyTorch starts with. Ours keeps uint8 pictures on the device, and on the CPU
  keeps the memory that a step has freed.
- The ImageNet script, its errors mended, has picture files and worker processes that read, crop
  and mirror them; channels_last, mixed precision (float16 on a GPU), a moving average, a loss and
  accuracies read at every step. Left out are its prefetcher, whose copy of 1.5 MB is nothing here,
  and TensorBoard; its rate moves with every step, as ours does. It runs on the walkthrough's
  network: only the way differs.
- torchvision's own network in the plainest of loops: float32, its pictures ready on the device.

The ways take turns, so that a busy machine slows all of them alike: read the ratios, not the
seconds. "ratio" is the median over the rounds, between "least" and "most"; "waiting" the share of
the time that a step stood without a batch; "loss" the last step's, to show that it is finite. Steps
are too few for more: at the second block's rate of 0.1 neither way has learnt anything yet.

"GMAC/s" counts three times the multiply-adds of a forward pass, heads included: one for the pass,
two for gradients (a little too many: no picture needs its gradient). "of peak" divides them by
those of a large matrix product, timed in the same round in the precision of the way. Where a GPU
has TF32, PyTorch lets convolutions round float32 to it: such ways are marked and compared so.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn
from torch.utils.data import DataLoader, Dataset

from googlenet_lib import GoogLeNet, googlenet
from googlenet_lib.data import Data, load
from googlenet_lib.device import (
    DTYPES,
    describe_device,
    keep_freed_memory,
    list_versions,
    pick_device,
    pick_precision,
    seed_everything,
)
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.table1 import total
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import CLASSROOM, IMAGENET, Recipe

BATCH = CLASSROOM.batch_size
SIZE = 32
READY = 4  # batches that two workers prepare ahead: as many steps of each turn are not timed
PRODUCTS = 5  # matrix products timed in each round


@dataclass(frozen=True)
class Timing:
    """One step, or the steps of one turn."""

    waited: float  # seconds without a batch
    seconds: float  # in all
    pictures: int
    loss: float


@dataclass(frozen=True)
class Step:
    """A training step: take the next batch, and update the weights from it."""

    batches: Iterator
    update: Callable  # (images, labels) -> the loss
    device: torch.device
    model: nn.Module | None = None
    parts: dict[str, Any] = field(default_factory=dict)  # whose state a training goes on from

    def __call__(self) -> Timing:
        synchronise(self.device)
        start = time.perf_counter()
        images, labels = next(self.batches)
        ready = time.perf_counter()
        loss = self.update(images, labels)
        synchronise(self.device)
        end = time.perf_counter()
        return Timing(ready - start, end - start, len(labels), float(loss))


@dataclass
class Way:
    name: str
    variant: str
    precision: str
    channels_last: bool
    build: Callable[[], Step]
    step: Step | None = None
    turns: list[Timing] = field(default_factory=list)
    ours: bool = False

    def rates(self) -> list[float]:
        """Pictures a second, in each round."""
        return [turn.pictures / turn.seconds for turn in self.turns]


def forever(batches) -> Iterator:
    while True:
        yield from batches


def synchronise(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def one_turn(way: Way, steps: int, device: torch.device) -> Timing:
    # as `fit` does around all of a training
    with keep_freed_memory(device) if way.ours else nullcontext():
        for _ in range(READY):
            way.step()
        times = [way.step() for _ in range(steps)]
    waited, seconds = sum(t.waited for t in times), sum(t.seconds for t in times)
    return Timing(waited, seconds, sum(t.pictures for t in times), times[-1].loss)


class InMemory(Dataset):
    """Pictures in memory, made images and tensors one by one, as torchvision's CIFAR10 does."""

    def __init__(self, data: Data, transform: Callable) -> None:
        self.pictures = data.train.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels, self.transform = data.train.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pictures[number])), self.labels[number]


def save_pictures(data: Data, folder: Path) -> None:
    """Save the training pictures as files in class folders, as the ImageNet script reads them."""
    for number, (image, label) in enumerate(zip(data.train.images, data.train.labels, strict=True)):
        place = folder / data.classes[label]
        place.mkdir(exist_ok=True)
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        picture.save(place / f"{number:05}.jpg", quality=75)


def the_walkthroughs_way(
    data: Data, workers: int, batch: int, width: float, device: torch.device
) -> Step:
    # here: ways of our own need no torchvision
    from torchvision.transforms import Compose, Normalize, ToTensor

    transform = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
    loader = DataLoader(InMemory(data, transform), batch, shuffle=True, num_workers=workers)
    model = googlenet("classroom", 10, width=width).to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def update(images, labels):
        images, labels = images.to(device), labels.to(device)
        main, aux2, aux1 = model(images)
        loss = F.cross_entropy(main, labels)
        loss = loss + 0.3 * F.cross_entropy(aux1, labels) + 0.3 * F.cross_entropy(aux2, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        (main.argmax(1) == labels).sum().item()
        return loss.item()

    return Step(forever(loader), update, device, model, {"optimiser": optimiser})


def the_scripts_way(
    folder: Path, precision_name: str, batch: int, width: float, device: torch.device
) -> Step:
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import (
        Compose,
        Normalize,
        RandomHorizontalFlip,
        RandomResizedCrop,
        ToTensor,
    )

    crop = RandomResizedCrop(SIZE, scale=(0.08, 1.0))
    normalise = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    loader = DataLoader(
        ImageFolder(folder, Compose([crop, RandomHorizontalFlip(), ToTensor(), normalise])),
        batch,
        shuffle=True,
        num_workers=2,
        pin_memory=device.type == "cuda",
        drop_last=True,
        persistent_workers=True,
    )
    model = googlenet("classroom", 10, width=width)
    model = model.to(device, memory_format=torch.channels_last).train()
    average = AveragedModel(model, avg_fn=get_ema_avg_fn(0.99998))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-5)
    cycle = IMAGENET.epochs * len(loader) // 4
    scheduler = CosineAnnealingWarmRestarts(optimiser, cycle, eta_min=5e-5)
    precision = pick_precision(device, precision_name)
    scaler = torch.amp.GradScaler(device.type, enabled=precision.needs_scaler)

    def update(images, labels):
        images = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        labels = labels.to(device, non_blocking=True)
        optimiser.zero_grad()
        with precision.autocast():
            main, aux2, aux1 = model(images)
            loss = criterion(main, labels)
            loss = loss + 0.3 * criterion(aux2, labels) + 0.3 * criterion(aux1, labels)
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        scheduler.step()
        average.update_parameters(model)
        hits = main.topk(5).indices == labels.unsqueeze(1)
        hits[:, 0].sum().item(), hits.sum().item()
        return loss.item()

    parts = {"optimiser": optimiser, "scheduler": scheduler}
    return Step(forever(loader), update, device, model, parts)


def torchvisions_way(
    data: Data, batch: int, device: torch.device, *, init_weights: bool = False
) -> Step:
    from torchvision.models import googlenet as torchvisions_googlenet

    pictures = (data.train.images.to(device).float() / 255 - 0.5) / 0.5
    answers = data.train.labels.to(device)
    model = torchvisions_googlenet(
        weights=None, aux_logits=True, init_weights=init_weights, num_classes=10
    )
    model = model.to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def batches():
        while True:
            for which in torch.randperm(len(answers), device=device).split(batch):
                yield pictures[which], answers[which]

    def update(images, labels):
        main, aux2, aux1 = model(images)
        loss = F.cross_entropy(main, labels)
        loss = loss + 0.3 * F.cross_entropy(aux1, labels) + 0.3 * F.cross_entropy(aux2, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach()

    return Step(batches(), update, device, model, {"optimiser": optimiser})


def our_way(
    data: Data,
    recipe: Recipe,
    device: torch.device,
    variant: str,
    width: float,
    *,
    change: Callable[[Trainer], None] = lambda trainer: None,
) -> Step:
    model = googlenet(variant, 10, width=width)
    trainer = Trainer(model, data, recipe, seed=0, device=device)
    trainer.model.train()
    change(trainer)

    def update(images, labels):
        loss, _, _ = trainer.step(images, labels)
        return loss

    return Step(forever(trainer.train_batches), update, device, model)


def training_macs(model: nn.Module, size: int = SIZE) -> int:
    """Multiply-adds of a step for one picture: a pass forward, heads included, and two backward."""
    call = model.all_outputs if isinstance(model, GoogLeNet) else None
    _, macs = total(model_costs(model, (3, size, size), call))
    return 3 * macs


def float32_convolutions(device: torch.device) -> str:
    """What they multiply in: as PyTorch starts, a GPU that has TF32 rounds their factors to it."""
    has_tf32 = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return "tf32" if has_tf32 and torch.backends.cudnn.allow_tf32 else "float32"


def matrix_product(precision: str, device: torch.device) -> Callable[[], float]:
    size = 2048 if device.type == "cpu" else 8192
    dtype = DTYPES["float32" if precision == "tf32" else precision]
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def rate() -> float:
        """Multiply-adds a second."""
        if precision == "tf32":
            torch.set_float32_matmul_precision("high")
        _ = a @ b
        synchronise(device)
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            _ = a @ b
        synchronise(device)
        seconds = time.perf_counter() - start
        if precision == "tf32":
            torch.set_float32_matmul_precision("highest")
        return PRODUCTS * size**3 / seconds

    return rate


def all_ways(
    data: Data,
    folder: Path,
    device: torch.device,
    *,
    batch: int = BATCH,
    width: float = 1.0,
    precision: str = "auto",
) -> list[list[Way]]:
    """The blocks of the table; ways are compared with the first of their block."""
    plain, best = float32_convolutions(device), pick_precision(device, precision).name
    scripts = "float16" if device.type == "cuda" else best
    recipe = replace(CLASSROOM, batch_size=batch)
    contiguous = replace(recipe, channels_last=False)
    fastest = replace(recipe, precision=best)
    # the script's momentum is plain
    same = replace(IMAGENET, nesterov=False, batch_size=batch, precision=best)

    def walkthrough(workers: int) -> Way:
        build = partial(the_walkthroughs_way, data, workers, batch, width, device)
        return Way(f"walkthrough, {workers} workers", "classroom", plain, False, build)

    def ours(name: str, recipe: Recipe, precision: str, variant: str = "classroom") -> Way:
        build = partial(our_way, data, recipe, device, variant, width)
        return Way(f"ours, {name}", variant, precision, recipe.channels_last, build, ours=True)

    script = partial(the_scripts_way, folder, scripts, batch, width, device)
    loop = partial(torchvisions_way, data, batch, device)
    return [
        [
            walkthrough(0),
            walkthrough(2),
            ours("float32, contiguous", contiguous, plain),
            ours("float32 (the recipe)", recipe, plain),
            ours("fastest precision", fastest, best),
        ],
        [
            Way("ImageNet script, mended", "classroom", scripts, True, script),
            ours("the same recipe", same, best),
        ],
        [
            Way("torchvision's network, plain loop", "torchvision", plain, False, loop),
            ours("torchvision's network", fastest, best, "torchvision"),
        ],
    ]


def compare(way: Way, base: Way) -> dict[str, float]:
    """Pictures a second, and how many times those of `base` in the same round."""
    rates = way.rates()
    ratios = [rate / other for rate, other in zip(rates, base.rates(), strict=True)]
    return {
        "pictures/s": statistics.median(rates),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def row(way: Way, base: Way, peaks: list[float]) -> dict[str, str | float]:
    # our torchvision variant is torchvision's network
    rates, macs = way.rates(), training_macs(googlenet(way.variant, 10))
    shares = [rate * macs / peak for rate, peak in zip(rates, peaks, strict=True)]
    return {
        "way": way.name,
        "precision": way.precision,
        **compare(way, base),
        "waiting": sum(t.waited for t in way.turns) / sum(t.seconds for t in way.turns),
        "GMAC/s": statistics.median(rates) * macs / 1e9,
        "of peak": statistics.median(shares),
        "loss": way.turns[-1].loss,
    }


COLUMNS = {  # width, and how a number is written
    "way": ("<35", ""),
    "precision": ("<9", ""),
    "pictures/s": (">12", ",.0f"),
    "ratio": (">8", ".2f"),
    "least": (">8", ".2f"),
    "most": (">8", ".2f"),
    "waiting": (">9", ".2%"),
    "GMAC/s": (">10", ",.1f"),
    "of peak": (">9", ".1%"),
    "loss": (">8", ".2f"),
}


def table(report: dict) -> str:
    """What `--json` saved, in Markdown."""
    lines = [
        "| way | network | precision | images a second | times the first | waiting | of peak |",
        "|---|---|---|---|---|---|---|",
    ]
    for way in report["ways"]:
        cells = (
            *(way[name] for name in ("way", "network", "precision")),
            f"{way['pictures/s']:,.0f}",
            f"{way['ratio']:.2f} ({way['least']:.2f} to {way['most']:.2f})",
            f"{way['waiting']:.1%}",
            f"{way['of peak']:.0%}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    packages = ", ".join(f"{name} {report['versions'][name]}" for name in ("torch", "torchvision"))
    return "\n".join(
        (
            *lines,
            "",
            f"{report['rounds']} rounds of {report['steps']} steps, batch {report['batch']}, "
            f"images of {report['size']}x{report['size']}, {report['device']}, {packages}, "
            f"{report['date'][:10]}.",
        )
    )


def save_report(options: argparse.Namespace, device: torch.device, **found: Any) -> None:
    """Write what was found, and under what circumstances, to the file that --json names."""
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": describe_device(device),
        "versions": list_versions(),
        "batch": BATCH,
        "size": SIZE,
        "rounds": options.rounds,
        "steps": options.steps,
        **found,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--device", default="auto")
    options.add_argument("--precision", default="auto", help="of ours, where it is the fastest")
    options.add_argument("--json", type=Path, metavar="FILE", help="save what was measured")
    options = options.parse_args()
    device = pick_device(options.device)
    seed_everything(0)
    data = load("shapes")
    with tempfile.TemporaryDirectory() as folder:
        save_pictures(data, Path(folder))
        blocks = all_ways(data, Path(folder), device, precision=options.precision)
        ways = [way for block in blocks for way in block]
        for way in ways:
            way.step = way.build()
        used = dict.fromkeys(["float32", *(way.precision for way in ways)])
        products = {precision: matrix_product(precision, device) for precision in used}
        peaks: dict[str, list[float]] = {precision: [] for precision in products}
        for _ in range(options.rounds):
            for precision, product in products.items():
                peaks[precision].append(product())
            for way in ways:
                way.turns.append(one_turn(way, options.steps, device))
        for way in ways:
            del way.step  # and with it worker processes, before their files go

    print(f"pictures of {SIZE}x{SIZE}, batch {BATCH}, {describe_device(device)}")
    print(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    print()
    print("".join(f"{name:{width}}" for name, (width, _) in COLUMNS.items()))
    rows = []
    for block in blocks:
        for way in block:
            cells = row(way, block[0], peaks[way.precision])
            print(
                "".join(f"{cells[name]:{width}{form}}" for name, (width, form) in COLUMNS.items())
            )
            rows.append({**cells, "network": way.variant, "turns": [asdict(t) for t in way.turns]})
        print()
    for precision, rates in peaks.items():
        rate = statistics.median(rates) / 1e9
        print(f"matrix product in {precision}: {rate:,.1f} GMAC/s")

    if options.json:
        save_report(options, device, macs_per_second_of_matrix_products=peaks, ways=rows)


if __name__ == "__main__":
    main()
