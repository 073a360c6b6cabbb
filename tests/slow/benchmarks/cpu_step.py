"""What could make a training step sooner on a CPU, each in turn with the step as it is.

    python tests/slow/benchmarks/cpu_step.py --rounds 7 --json cpu_step.json

All train the same network on the same images with the same arithmetic. A ratio is that of images a
second in one round; its median stands between the least and the most of all rounds.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from training_step import BATCH, SIZE, forever

from googlenet_lib import googlenet
from googlenet_lib.data import Data, load
from googlenet_lib.device import describe_device, keep_freed_memory, list_versions, seed_everything
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.training.checkpoint import write_atomically
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import CLASSROOM, Recipe

CPU = torch.device("cpu")
UNTIMED = 2  # steps before each measurement


class NormAndReLU(torch.autograd.Function):
    """BatchNorm and ReLU as one function, which keeps one map less for the way back."""

    @staticmethod
    def forward(ctx, x: Tensor, norm: nn.BatchNorm2d, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.norm = norm
        y, *statistics_of_batch = torch.native_batch_norm(
            x, weight, bias, norm.running_mean, norm.running_var, True, norm.momentum, norm.eps
        )
        y.relu_()
        ctx.save_for_backward(x, weight, y, *statistics_of_batch)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y, mean, inverse = ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradient, y, 0)
        norm = ctx.norm
        found = torch.ops.aten.native_batch_norm_backward(
            gradient,
            x,
            weight,
            norm.running_mean,
            norm.running_var,
            mean,
            inverse,
            True,
            norm.eps,
            [True, True, True],
        )
        return found[0], None, found[1], found[2]


def as_it_is(trainer: Trainer) -> None:
    pass


def other_adam(trainer: Trainer, **options: bool) -> None:
    """Update all weights in one call of torch's, not weight by weight."""
    trainer.optimiser = torch.optim.Adam(trainer.model.parameters(), CLASSROOM.lr, **options)
    trainer.scheduler = torch.optim.lr_scheduler.LambdaLR(trainer.optimiser, lambda step: 1.0)


def one_function(trainer: Trainer) -> None:
    def forward(block: ConvBlock, x: Tensor) -> Tensor:
        norm = block.bn
        return NormAndReLU.apply(block.conv(x), norm, norm.weight, norm.bias)

    for block in trainer.model.modules():
        if isinstance(block, ConvBlock) and isinstance(block.bn, nn.BatchNorm2d):
            block.forward = partial(forward, block)


def compiled(trainer: Trainer) -> None:
    trainer.network = torch.compile(trainer.model, dynamic=False)


WAYS: dict[str, Callable[[Trainer], None]] = {
    "as it is": as_it_is,
    "Adam with foreach=True": partial(other_adam, foreach=True),
    "Adam with fused=True": partial(other_adam, fused=True),
    "BatchNorm and ReLU in one function": one_function,
    "torch.compile of the network": compiled,
}


@dataclass
class Way:
    """A trainer that was changed, and how fast it was in each round."""

    name: str
    trainer: Trainer
    batches: object
    first: float = 0.0  # seconds of its first step
    rates: list[float] = field(default_factory=list)  # images a second

    def measure(self, steps: int) -> None:
        with keep_freed_memory(CPU):
            for _ in range(UNTIMED):
                self.step()
            self.rates.append(BATCH * steps / sum(self.step() for _ in range(steps)))

    def step(self) -> float:
        begun = time.perf_counter()
        self.trainer.step(*next(self.batches))
        return time.perf_counter() - begun


def make_way(name: str, recipe: Recipe, data: Data) -> Way:
    trainer = Trainer(googlenet("classroom", 10), data, recipe, seed=0, device=CPU)
    trainer.model.train()
    WAYS[name](trainer)
    # whole ones: torch.compile begins anew for another size
    whole = (batch for batch in forever(trainer.train_batches) if len(batch[1]) == BATCH)
    way = Way(name, trainer, whole)
    way.first = way.step()
    return way


def compare(way: Way, base: Way) -> dict[str, object]:
    ratios = [rate / other for rate, other in zip(way.rates, base.rates, strict=True)]
    return {
        "way": way.name,
        "precision": way.trainer.precision.name,
        "pictures/s": statistics.median(way.rates),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "first": way.first,
        "rates": way.rates,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--only", nargs="+", default=list(WAYS), choices=WAYS)
    options.add_argument("--precision", nargs="+", default=["float32", "bfloat16"])
    options.add_argument("--json", type=Path, metavar="FILE", help="save what was measured")
    options = options.parse_args()
    seed_everything(0)
    data, found = load("shapes"), []
    for precision in options.precision:
        recipe = replace(CLASSROOM, precision=precision)
        ways = [make_way(name, recipe, data) for name in options.only]
        for _ in range(options.rounds):
            for way in ways:
                way.measure(options.steps)
        for way in ways:
            row = compare(way, ways[0])
            found.append(row)
            print(
                f"{row['way']:36}{precision:10}{row['pictures/s']:6,.0f} images a second, "
                f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f}) times the first, "
                f"first step {row['first']:.1f} s",
                flush=True,
            )
    if options.json:
        report = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": describe_device(CPU),
            "versions": list_versions(),
            "batch": BATCH,
            "size": SIZE,
            "rounds": options.rounds,
            "steps": options.steps,
            "ways": found,
        }
        write_atomically(options.json, (json.dumps(report, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
