"""What keeping freed memory saves: the same steps with and without it, in turns.

    python tests/slow/benchmarks/allocator.py [--rounds 5] [--steps 10]

Recipe `fast` trains `small` on one core. "pages" are those that the system hands out in each step,
"ratio" the seconds without over those with it, the median over the rounds, between the least and
the most.
"""

import argparse
import resource
import statistics
import time
from contextlib import nullcontext

import torch
from training_step import forever

from googlenet_lib import googlenet
from googlenet_lib.data import load
from googlenet_lib.device import describe_device, keep_freed_memory, list_versions
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import FAST

CPU = torch.device("cpu")
UNTIMED = 3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=10)
    options = options.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    trainer = Trainer(googlenet("small", 10), load("shapes"), FAST, seed=0, device=CPU)
    trainer.model.train()
    batches = forever(trainer.train_batches)

    def turn() -> tuple[float, float]:
        """Seconds and pages of each step."""
        for _ in range(UNTIMED):
            trainer.step(*next(batches))
        pages, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
        for _ in range(options.steps):
            trainer.step(*next(batches))
        seconds = time.perf_counter() - start
        pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - pages
        return seconds / options.steps, pages / options.steps

    ways = {"given back": nullcontext, "kept": lambda: keep_freed_memory(CPU)}
    turns = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, around in ways.items():
            with around():
                turns[name].append(turn())

    print(
        describe_device(CPU),
        ", ".join(f"{name} {version}" for name, version in list_versions().items()),
    )
    for name, found in turns.items():
        seconds, pages = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:11} {seconds:.3f} s a step, {pages:,.0f} pages")
    ratios = [
        without / kept
        for (without, _), (kept, _) in zip(turns["given back"], turns["kept"], strict=True)
    ]
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
