"""What one change to recipe `fast` gains or loses, in short trainings.

The recipe is `fast` as it was then, with batches of 128 images and a rate of 0.05, so that every
try has the same base. What they led to is `fast` as it is: "batch-256-0.1" below.

    python tests/slow/benchmarks/tries.py --data cifar10 --out runs/tries --seeds 0 1
    python tests/slow/benchmarks/tries.py --data cifar10 --out runs/tries --only heads-0 warmup-0.05

Each try trains `small` on 40,000 images twice, about half of what ten minutes of two cores train
on, and is written at once as OUT/try-NAME-SEED.json. With `--hour` it sees 45,000 images 22 times,
which takes two cores about an hour, and is written as OUT/hour-NAME-SEED.json. The same command
again goes on with those that are missing. `python docs/tools/records.py OUT/*.json` puts them into
docs/records.json, and the page of measurements has a line for each.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.data import Data, load
from googlenet_lib.device import keep_freed_memory, seed_everything
from googlenet_lib.network import googlenet as network_module
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import INCEPTION_ROWS, ROWS, Row, Widths
from googlenet_lib.network.variants import SMALL, Variant
from googlenet_lib.training.describe import describe_run
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import FAST
from googlenet_lib.training.run import Result, find_best_epoch

CPU = torch.device("cpu")
BASE = replace(FAST, batch_size=128, lr=0.05)
SHORT, HOUR = (40_000, 2), (45_000, 22)  # images, epochs


def build(variant: Variant) -> GoogLeNet:
    return GoogLeNet(variant, 10)


@dataclass(frozen=True)
class Change:
    """One change: other settings, another network, or something done to one of its parts."""

    says: str
    recipe: dict[str, Any] = field(default_factory=dict)
    variant: dict[str, Any] = field(default_factory=dict)
    build: Callable[[Variant], GoogLeNet] = build
    network: Callable[[GoogLeNet, Data], None] = lambda model, data: None
    rates: Callable[[Trainer], None] = lambda trainer: None
    images: Callable[[Tensor, float], Tensor] = lambda images, done: images  # done: of the steps
    sizes: Sequence[tuple[float, int]] = ()  # until which share of the steps, pixels a side


class Attempt(Trainer):
    """A training with one change."""

    def __init__(self, change: Change, data: Data, seed: int, epochs: int) -> None:
        seed_everything(seed)
        model = change.build(replace(SMALL, **change.variant))
        change.network(model, data)
        recipe = replace(BASE, epochs=epochs, **change.recipe)
        super().__init__(model, data, recipe, seed=seed, device=CPU)
        self.change = change
        change.rates(self)

    def step(self, images: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Change images that the loop has shrunk already."""
        done = self.scheduler.last_epoch / self.steps
        return super().step(self.change.images(images, done), *rest)

    def size_at(self, step: int) -> int:
        if not self.change.sizes:
            return super().size_at(step)
        due = (size for until, size in self.change.sizes if step < until * self.steps)
        return next(due, self.image_size)


# ---- changes that settings do not reach ------------------------------------------------------


def with_widths(variant: Variant, **factors: float) -> GoogLeNet:
    """Build the network with some branches of all modules wider or narrower, by eights."""
    scale = network_module._scaled_widths

    def scaled(*arguments):
        widths = scale(*arguments)
        wide = {n: max(8, round(getattr(widths, n) * f / 8) * 8) for n, f in factors.items()}
        return replace(widths, **wide)

    with patch.object(network_module, "_scaled_widths", scaled):
        return build(variant)


def with_stages(variant: Variant, *, without: str = "", **factors: float) -> GoogLeNet:
    """Build the network with some stages wider or narrower, by sixteens of Table 1.

    `factors` has a factor for each stage, by names such as `stage3` for modules 3a and 3b. The
    module called `without` is left out.
    """

    def scaled(row: Row) -> Row:
        factor = factors.get(f"stage{row.name[-2]}", 1.0)
        widths = {n: max(16, round(w * factor / 16) * 16) for n, w in vars(row.widths).items()}
        return replace(row, widths=Widths(**widths)) if factor != 1 else row

    rows = tuple(scaled(row) for row in INCEPTION_ROWS if row.name != without)
    with patch.object(network_module, "INCEPTION_ROWS", rows):
        model = build(variant)
    if without:
        model.add_module(without, nn.Identity())
    return model


def with_stem(variant: Variant, channels: int) -> GoogLeNet:
    """Build the network with `channels` of conv3, its costliest layer."""
    row = replace(ROWS["conv2"], channels=round(channels / variant.width))
    with patch.object(network_module, "ROWS", {**ROWS, "conv2": row}):
        return build(variant)


def whiten(model: GoogLeNet, data: Data) -> None:
    """Let conv1 begin with the principal components of patches, and with their negatives."""
    images = (data.train.images[:5000].float() / 255 - 0.5) / 0.5
    patches = F.unfold(images[:, :, 4:28, 4:28], 3, stride=2).transpose(1, 2).flatten(0, 1)
    patches = patches - patches.mean(0)  # (N, 27)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    rows = vectors.flip(1).T / (values.flip(0)[:, None] + 0.01 * values.mean()).sqrt()
    weights = model.conv1.conv.weight
    with torch.no_grad():
        weights.copy_(torch.cat([rows, -rows])[: len(weights)].view_as(weights))


def orthogonal(model: GoogLeNet, data: Data) -> None:
    for block in model.modules():
        if isinstance(block, ConvBlock):
            nn.init.orthogonal_(block.conv.weight)


def faster_biases(trainer: Trainer, *, factor: float) -> None:
    """Let BatchNorm's biases move `factor` times as fast, and decay as before."""
    norms = [module for module in trainer.model.modules() if isinstance(module, nn.BatchNorm2d)]
    biases, optimiser = {id(norm.bias) for norm in norms}, trainer.optimiser
    for group in list(optimiser.param_groups):
        group["lr"] = group.pop("initial_lr")  # as before the scheduler
        mine = [p for p in group["params"] if id(p) in biases]
        if mine:
            group["params"] = [p for p in group["params"] if id(p) not in biases]
            rate, decay = group["lr"] * factor, group["weight_decay"] / factor
            optimiser.add_param_group({**group, "params": mine, "lr": rate, "weight_decay": decay})
    schedule = trainer.scheduler.lr_lambdas[0]
    trainer.scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule)


def fall_early(trainer: Trainer) -> None:
    """Let the rate fall as the square of what is left, so that the end has longer at low rates."""
    (triangle, *_), peak = trainer.scheduler.lr_lambdas, trainer.recipe.warmup * trainer.steps

    def squared(step: int) -> float:
        factor = triangle(step)
        return factor if step < peak else factor**2

    trainer.scheduler.lr_lambdas = [squared] * len(trainer.scheduler.lr_lambdas)


def remember(model: GoogLeNet, data: Data, *, momentum: float) -> None:
    """Let a batch change BatchNorm's running statistics by a share of `momentum`."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum


def scale_logits(model: GoogLeNet, data: Data, *, factor: float) -> None:
    model.fc.register_forward_hook(lambda module, inputs, logits: logits * factor)


def cut_out(images: Tensor, done: float, *, side: int, grows: bool = False) -> Tensor:
    """Grey out a square around a random pixel of each image.

    With `grows`, its side is 0 pixels at first, and comes to `side` at the last step.
    """
    side = side * done if grows else side
    count, _, height, width = images.shape
    centres = torch.rand(2, count, 1, 1)
    rows = (torch.arange(height).view(1, -1, 1) - centres[0] * height).abs() <= side / 2
    columns = (torch.arange(width).view(1, 1, -1) - centres[1] * width).abs() <= side / 2
    return images.masked_fill((rows & columns)[:, None], 0)


LARGER = {"batch_size": 256, "lr": 0.1}
CHANGES = {
    "base": Change("none: batches of 128 at a rate of 0.05"),
    "warmup-0.05": Change("the rate rises for 5% of the steps, not 20%", {"warmup": 0.05}),
    "lr-0.035": Change("a rate of 0.035, not 0.05", {"lr": 0.035}),
    "momentum-0.8": Change("a momentum of 0.8, not 0.6", {"momentum": 0.8}),
    "rest-4": Change("what SGD trains beside Muon has 4 times the rate, not twice", {"rest": 4}),
    "rest-8": Change("what SGD trains beside Muon has 8 times the rate, not twice", {"rest": 8}),
    "bias-16": Change(
        "BatchNorm's biases move 16 times as fast", rates=partial(faster_biases, factor=16)
    ),
    "decay-2e-3": Change("four times the weight decay", {"weight_decay": 2e-3}),
    "decay-weights": Change("no decay of biases and of BatchNorm", {"decay_norms": False}),
    "average-0.9": Change("the moving average of the weights is used", {"average_decay": 0.9}),
    "average-0.99": Change("a slower moving average of the weights", {"average_decay": 0.99}),
    "batch-256-0.07": Change("batches of 256 at a rate of 0.07", {"batch_size": 256, "lr": 0.07}),
    "batch-256-0.1": Change("batches of 256 at a rate of 0.1", LARGER),
    "batch-512-0.2": Change("batches of 512 at a rate of 0.2", {"batch_size": 512, "lr": 0.2}),
    "batch-256-rest-4": Change(
        "batches of 256 at a rate of 0.1, and rest=4", {**LARGER, "rest": 4}
    ),
    "batch-256-momentum-0.8": Change(
        "batches of 256 at a rate of 0.1, and a momentum of 0.8",
        {**LARGER, "momentum": 0.8},
    ),
    "batch-256-sizes": Change(
        "batches of 256 at a rate of 0.1, and images of 16, 24 and 32 pixels a side",
        LARGER,
        sizes=((0.3, 16), (0.7, 24)),
    ),
    "batch-256-cutout-8": Change(
        "batches of 256 at a rate of 0.1, and a square of 8x8 pixels greyed out",
        LARGER,
        images=partial(cut_out, side=8),
    ),
    "batch-256-shift-4": Change(
        "batches of 256 at a rate of 0.1, and shifts of up to 4 pixels, not 2",
        {**LARGER, "shift": 4},
    ),
    "batch-256-shift-4-cutout-8": Change(
        "batches of 256 at a rate of 0.1, shifts of up to 4 pixels, a square of 8x8 greyed out",
        {**LARGER, "shift": 4},
        images=partial(cut_out, side=8),
    ),
    "fall-2": Change("the rate falls along a parabola, not a straight line", rates=fall_early),
    "shift-0": Change("no shifts", {"shift": 0}),
    "shift-1": Change("shifts of up to 1 pixel, not 2", {"shift": 1}),
    "shift-4": Change("shifts of up to 4 pixels, not 2", {"shift": 4}),
    "bn-momentum-0.3": Change(
        "BatchNorm's running statistics change by 0.3 a batch, not 0.1",
        network=partial(remember, momentum=0.3),
    ),
    "heads-0": Change("no auxiliary heads", {"aux_weights": (0.0, 0.0)}),
    "heads-0.5": Change(
        "losses of the heads weighted by 0.5, not 0.3", {"aux_weights": (0.5, 0.5)}
    ),
    "dropout-0": Change("no dropout before the classifier", variant={"dropout": 0.0}),
    "dropout-0.4": Change("dropout of 0.4, not 0.2", variant={"dropout": 0.4}),
    "smooth-0.2": Change("labels smoothed by 0.2, not 0.1", {"label_smoothing": 0.2}),
    "cutout-8": Change("a square of 8x8 pixels greyed out", images=partial(cut_out, side=8)),
    "cutout-grows": Change(
        "a square greyed out that grows to 8x8 pixels",
        images=partial(cut_out, side=8, grows=True),
    ),
    "batch-256-cutout-grows": Change(
        "batches of 256 at a rate of 0.1, and a square greyed out that grows to 12x12 pixels",
        LARGER,
        images=partial(cut_out, side=12, grows=True),
    ),
    "cutout-12": Change("a square of 12x12 pixels greyed out", images=partial(cut_out, side=12)),
    "eps-1e-5": Change("BatchNorm's epsilon 0.00001, not 0.001", variant={"eps": 1e-5}),
    "logit-0.25": Change("logits divided by 4", network=partial(scale_logits, factor=0.25)),
    "whiten": Change("conv1 begins with the principal components of patches", network=whiten),
    "ortho": Change("convolutions begin orthogonal", network=orthogonal),
    "small-for-0.75": Change(
        "images of 24x24 pixels for 75% of the steps, not 60%", {"shrink_for": 0.75}
    ),
    "sizes-16-24-32": Change("images of 16, 24 and 32 pixels a side", sizes=((0.3, 16), (0.7, 24))),
    "sizes-24-28-32": Change(
        "images of 24, 28 and 32 pixels a side", sizes=((0.5, 24), (0.85, 28))
    ),
    "sizes-16-20-24-32": Change(
        "images of 16, 20, 24 and 32 pixels a side", sizes=((0.25, 16), (0.5, 20), (0.75, 24))
    ),
    "stem-pool1": Change(
        "the stem's pooling before conv2, not after conv3", variant={"stem_pools": (True, False)}
    ),
    "stem-64": Change("64 channels of conv3, not 96", build=partial(with_stem, channels=64)),
    "late-wide": Change(
        "modules 3a and 3b of 0.75 times the width, 5a and 5b of 1.5 times",
        build=partial(with_stages, stage3=0.75, stage5=1.5),
    ),
    "early-wide": Change(
        "modules 3a and 3b of 1.125 times the width, 4a to 4e of 0.9 times",
        build=partial(with_stages, stage3=1.125, stage4=0.9),
    ),
    "without-4c": Change(
        "no module 4c, the others of the fourth stage 1.1 times as wide",
        build=partial(with_stages, without="inception4c", stage4=1.1),
    ),
    "large-half": Change(
        "5x5 branches of half the width",
        build=partial(with_widths, reduce_5x5=0.5, out_5x5=0.5),
    ),
    "pool-half": Change(
        "pooling branches of half the width", build=partial(with_widths, pool_proj=0.5)
    ),
}


def attempt(name: str, data: Data, seed: int, epochs: int, path: Path, command: str) -> None:
    """Train with the change called `name`, and write what came of it into `path`."""
    begun = time.perf_counter()
    trainer = Attempt(CHANGES[name], data, seed, epochs)
    with keep_freed_memory(CPU):
        while len(trainer.history) < epochs:
            trainer.run_epoch()
        accuracy = trainer.test_accuracy(data.test)
    best = find_best_epoch(trainer.history)
    result = Result(trainer.history, best, accuracy, accuracy)
    run = describe_run(
        trainer.model, data, trainer.recipe, result, seed=seed, device=CPU, command=command
    )
    run.save(path)
    minutes = (time.perf_counter() - begun) / 60
    print(f"{name} {seed}: {run.validation_accuracy:.4f} in {minutes:.1f} minutes", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="cifar10")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--only", nargs="+", default=list(CHANGES), choices=CHANGES)
    options.add_argument("--seeds", nargs="+", type=int, default=[0])
    options.add_argument("--note", default="", help="on the data, as train takes it")
    options.add_argument("--hour", action="store_true", help="as long as an hour of two cores")
    options.add_argument("--limit", type=int, help="of images, for a rehearsal")
    options = options.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures, epochs = HOUR if options.hour else SHORT
    family, flag = ("hour", " --hour") if options.hour else ("try", "")
    data = load(options.data).limit(options.limit or pictures)
    data = data.with_note(options.note) if options.note else data
    for seed in options.seeds:
        for name in options.only:
            path = options.out / f"{family}-{name}-{seed}.json"
            if not path.is_file():
                words = f"--data {options.data} --out {options.out} --only {name} --seeds {seed}"
                command = f"python tests/slow/benchmarks/tries.py {words}{flag}"
                attempt(name, data, seed, epochs, path, command)


if __name__ == "__main__":
    main()
