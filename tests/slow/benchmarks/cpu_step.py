"""What could make a training step sooner on a CPU, each in turn with the step as it is.

    python tests/slow/benchmarks/cpu_step.py --rounds 7 --json cpu_step.json

All train the same network on the same images with the same arithmetic. A ratio is that of images a
second in one round; its median stands between the least and the most of all rounds.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from training_step import BATCH, Way, compare, one_turn, our_way, save_report

from googlenet_lib.data import Data, load
from googlenet_lib.device import seed_everything
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import CLASSROOM, Recipe

CPU = torch.device("cpu")


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


def make_way(name: str, recipe: Recipe, data: Data) -> Way:
    build = partial(our_way, data, recipe, CPU, "classroom", 1.0, change=WAYS[name])
    way = Way(name, "classroom", recipe.precision, recipe.channels_last, build, ours=True)
    step = way.build()
    # whole ones: torch.compile begins anew for another size
    whole = (batch for batch in step.batches if len(batch[1]) == BATCH)
    way.step = replace(step, batches=whole)
    return way


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
        first = {way.name: way.step().seconds for way in ways}
        for _ in range(options.rounds):
            for way in ways:
                way.turns.append(one_turn(way, options.steps, CPU))
        for way in ways:
            told = {"first": first[way.name], "rates": way.rates()}
            row = {"way": way.name, "precision": precision, **compare(way, ways[0]), **told}
            found.append(row)
            print(
                f"{row['way']:36}{precision:10}{row['pictures/s']:6,.0f} images a second, "
                f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f}) times the first, "
                f"first step {row['first']:.1f} s",
                flush=True,
            )
    if options.json:
        save_report(options, CPU, ways=found)


if __name__ == "__main__":
    main()
