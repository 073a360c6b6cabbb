"""Short trainings of designs, and a board that keeps what several designs cost and reach."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from googlenet_lib.course.kit.short_training import find_right, shuffle, train
from googlenet_lib.course.nb03.design import BRANCH_LAYERS, Design, paper_design
from googlenet_lib.data import Batches, ImageSet
from googlenet_lib.data.shapes import SHAPES, draw_random_shapes
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock

SHRINK = 8  # a trial has an eighth of the channels, and so a sixty-fourth of the cost of a place
STEPS, BATCH = 200, 64
RATE, PEAK = 6e-3, 0.3  # the highest rate of AdamW, and the part of the steps that lead up to it
PICTURES, TEST_PICTURES = 3000, 500
PICTURE_SEEDS = (20, 21)  # not those of load("shapes")


class Trial(NamedTuple):
    """One short training of a small network around a design."""

    seed: int
    steps: int
    accuracy: float  # on drawn shapes that it has not trained on


def small_network(design: Design, classes: int = len(SHAPES)) -> nn.Sequential:
    """Build a stem, one module of the design at an eighth of its channels, and a linear classifier.

    (N, 3, 32, 32) -> (N, classes); the module works on a map of 8x8. A width below 8 becomes 1.
    Raises UsageError for a design without any branch.
    """
    if not design.out_channels:
        raise UsageError("the design has no branch, so that nothing would come out; widen one")
    channels = design.place.in_channels // SHRINK
    module = _Stacked(channels, design)
    return nn.Sequential(
        ConvBlock(3, channels, kernel_size=3, stride=2, padding=1),  # (N, C, 16, 16)
        nn.MaxPool2d(2),  # (N, C, 8, 8)
        module,  # (N, the branches' channels, 8, 8)
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(module.out_channels, classes),
    )


class _Stacked(nn.Module):
    """The branches of a design that are not left out, as in `Inception`."""

    def __init__(self, in_channels: int, design: Design) -> None:
        super().__init__()
        self.branches, self.out_channels = nn.ModuleList(), 0
        for name, branch in design.branches.items():
            if not branch.channels:
                continue
            layers: list[nn.Module] = [nn.MaxPool2d(3, 1, 1)] if name == "pool" else []
            channels = in_channels
            for layer in BRANCH_LAYERS[name][0]:
                width = max(1, getattr(design.widths, layer) // SHRINK)
                kernel = branch.window if layer.startswith("out") else 1
                layers.append(ConvBlock(channels, width, kernel_size=kernel, padding=kernel // 2))
                channels = width
            self.branches.append(nn.Sequential(*layers))
            self.out_channels += channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def try_design(
    design: Design,
    *,
    seed: int = 0,
    steps: int = STEPS,
    tick: Callable[[], None] = lambda: None,
) -> Trial:
    """Train `small_network` for so many steps on drawn shapes, and test it on others.

    The seed decides weights and order; torch's own random state is left as it was. `tick` is
    called after each step. With one seed the result is one draw: it ranks nothing.
    """
    assert steps >= 1
    pictures, test = _pictures()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = small_network(design)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps + 1, pct_start=PEAK
    )
    for _ in train(network, shuffle(pictures, BATCH, seed), optimiser, steps, schedule=schedule):
        tick()
    right = find_right(network, Batches(test, 250))
    return Trial(seed, steps, right.float().mean().item())


@cache
def _pictures() -> tuple[ImageSet, ImageSet]:
    counts = zip((PICTURES, TEST_PICTURES), PICTURE_SEEDS, strict=True)
    return tuple(ImageSet(*draw_random_shapes(count, seed=seed)[:2]) for count, seed in counts)


@dataclass
class Entry:
    """A design on the board, under a name of its own, with its trials."""

    name: str
    design: Design
    trials: list[Trial] = field(default_factory=list)

    @property
    def accuracies(self) -> tuple[float, float] | None:
        """Return the lowest and the highest accuracy of its trials."""
        accuracies = [trial.accuracy for trial in self.trials]
        return (min(accuracies), max(accuracies)) if accuracies else None


class Board:
    """The designs that are kept for one place, the paper's own among them."""

    def __init__(self, module: str = "inception3a") -> None:
        self.entries = [Entry("the paper's", paper_design(module))]

    def find(self, design: Design) -> Entry | None:
        """Find the entry of a design; None if it is not kept."""
        return next((entry for entry in self.entries if entry.design == design), None)

    def keep(self, design: Design) -> Entry:
        """Keep a design, if it is not kept already, and return its entry."""
        entry = self.find(design)
        if entry is None:
            entry = Entry(f"yours {len(self.entries)}", design)
            self.entries.append(entry)
        return entry

    def standings(self) -> list[Entry]:
        """Sort those within the budget before those beyond it, then by channels out."""
        return sorted(self.entries, key=lambda e: (e.design.over > 0, -e.design.out_channels))

    def verdict(self) -> str:
        """Say what the trials decide, which is little, in one or two sentences."""
        tried = [entry for entry in self.entries if entry.trials]
        if not tried:
            return "No design has been tried yet."
        repeated = [entry.accuracies for entry in tried if entry.trials[1:]]
        if not repeated:
            return (
                "One short run with one seed decides nothing. Train a design again, with the next "
                "seed, to see how far luck alone goes."
            )
        luck = max(high - low for low, high in repeated)
        return (
            f"From seed to seed the same widths differ by up to {luck:.3f}: a lead of that size "
            "decides nothing, and none does for another network, or for a longer training."
        )
