"""Widths of your own in the place of a module of Table 1: what they cost, and a short trial.

The budget is what the paper's own widths take at that place, in multiply-adds for one picture.
Biases are not counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, islice, pairwise, repeat
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.branches import MODULES
from googlenet_lib.data import Batches, ImageSet
from googlenet_lib.data.shapes import SHAPES, draw_random_shapes
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.table1 import (
    ROWS,
    Widths,
    conv_params,
    receptive_field,
    row_convs,
    table_costs,
)

# The convolutions of each lane by the names of Widths, and the widest window in it. The pool's
# window is its own: the 1x1 behind it adds nothing.
LANES: dict[str, tuple[tuple[str, ...], int]] = {
    "1x1": (("out_1x1",), 1),
    "3x3": (("reduce_3x3", "out_3x3"), 3),
    "5x5": (("reduce_5x5", "out_5x5"), 5),
    "pool": (("pool_proj",), 3),
}


class Place(NamedTuple):
    """What a module of Table 1 finds: channels and pixels a side, and the window of one value."""

    in_channels: int
    size: int
    field: float  # in pixels of a 224x224 picture
    jump: float


class Lane(NamedTuple):
    """One lane of a design. A lane that is left out has no window and costs nothing."""

    params: tuple[int, ...]  # of each of its convolutions, the reduction first
    macs: tuple[int, ...]
    channels: int
    window: int  # pixels a side, of the map that the module reads


@dataclass(frozen=True)
class Design:
    """Six widths in the place of a module of Table 1.

    A lane with a width of 0 is left out, all of it. Raises UsageError for a module that is not
    there and for widths that are no whole numbers of 0 or more.
    """

    module: str
    widths: Widths

    def __post_init__(self) -> None:
        place_of(self.module)
        wrong = {k: v for k, v in vars(self.widths).items() if not isinstance(v, int) or v < 0}
        if wrong:
            raise UsageError(f"widths {wrong} came; expected whole numbers, 0 for no such lane")

    @property
    def place(self) -> Place:
        """What the module finds."""
        return place_of(self.module)

    @property
    def lanes(self) -> dict[str, Lane]:
        """The four lanes in the order in which they are stacked."""
        place, lanes = self.place, {}
        row = replace(ROWS[self.module], widths=self.widths)
        convs = {conv.name: conv for conv in row_convs(row, place.in_channels)}
        for name, (layers, window) in LANES.items():
            widths = [getattr(self.widths, layer) for layer in layers]
            if 0 in widths:
                lanes[name] = Lane((0,) * len(layers), (0,) * len(layers), 0, 0)
                continue
            params = tuple(conv_params(*convs[layer][1:]) for layer in layers)
            macs = tuple(count * place.size**2 for count in params)
            lanes[name] = Lane(params, macs, widths[-1], window)
        return lanes

    @property
    def params(self) -> int:
        """Weights of all lanes."""
        return sum(sum(lane.params) for lane in self.lanes.values())

    @property
    def macs(self) -> int:
        """Multiply-adds of all lanes for one picture."""
        return sum(sum(lane.macs) for lane in self.lanes.values())

    @property
    def out_channels(self) -> int:
        """Channels after the lanes are stacked."""
        return sum(lane.channels for lane in self.lanes.values())

    @property
    def window(self) -> int:
        """The largest window, in pixels a side of the map that the module reads; 0 for no lane."""
        return max(lane.window for lane in self.lanes.values())

    @property
    def field(self) -> int:
        """The largest window, in pixels a side of a 224x224 picture; 0 for no lane."""
        place = self.place
        if not self.window:
            return 0
        return round(receptive_field(place.field, place.jump, self.window)[0])

    @property
    def budget(self) -> int:
        """Multiply-adds of the paper's own widths in this place."""
        return paper_design(self.module).macs

    @property
    def over(self) -> int:
        """Multiply-adds beyond the budget; below 0, that many are left."""
        return self.macs - self.budget


def paper_design(module: str = "inception3a") -> Design:
    """The design that Table 1 has in the place of `module`."""
    place_of(module)
    return Design(module, ROWS[module].widths)


def place_of(module: str) -> Place:
    """What `module` of Table 1 finds, or UsageError."""
    if module not in MODULES:
        raise UsageError(f"module {module!r} came; expected one of {', '.join(MODULES)}")
    return _places()[module]


@cache
def _places() -> dict[str, Place]:
    costs = {cost.name: (before, cost) for before, cost in pairwise(table_costs())}
    return {
        name: Place(before.shape[0], cost.shape[1], before.field, before.jump)
        for name, (before, cost) in costs.items()
        if name in MODULES
    }


# ---- A short trial -------------------------------------------------------------------------------

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
    """A stem, one module of the design at an eighth of its channels, and a linear classifier.

    (N, 3, 32, 32) -> (N, classes); the module works on a map of 8x8. A width that an eighth
    leaves nothing of becomes 1. Raises UsageError for a design without any lane.
    """
    if not design.out_channels:
        raise UsageError("the design has no lane, so that nothing would come out; widen one")
    channels = design.place.in_channels // SHRINK
    module = _Stacked(channels, design)
    return nn.Sequential(
        ConvBlock(3, channels, kernel_size=3, stride=2, padding=1),  # (N, C, 16, 16)
        nn.MaxPool2d(2),  # (N, C, 8, 8)
        module,  # (N, the lanes' channels, 8, 8)
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(module.out_channels, classes),
    )


class _Stacked(nn.Module):
    """The lanes of a design that are not left out, as in `Inception`."""

    def __init__(self, in_channels: int, design: Design) -> None:
        super().__init__()
        self.lanes, self.out_channels = nn.ModuleList(), 0
        for name, lane in design.lanes.items():
            if not lane.channels:
                continue
            layers: list[nn.Module] = [nn.MaxPool2d(3, 1, 1)] if name == "pool" else []
            channels = in_channels
            for layer in LANES[name][0]:
                width = max(1, getattr(design.widths, layer) // SHRINK)
                kernel = lane.window if layer.startswith("out") else 1
                layers.append(ConvBlock(channels, width, kernel_size=kernel, padding=kernel // 2))
                channels = width
            self.lanes.append(nn.Sequential(*layers))
            self.out_channels += channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([lane(x) for lane in self.lanes], dim=1)


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
    if steps < 1:
        raise UsageError(f"steps={steps} came; expected 1 or more")
    train, test = _pictures()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = small_network(design).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps + 1, pct_start=PEAK
    )
    order = torch.Generator().manual_seed(seed)
    batches = Batches(train, BATCH, shuffle=True, generator=order)
    for images, labels in islice(chain.from_iterable(repeat(batches)), steps):
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()
        schedule.step()
        tick()
    network.eval()
    with torch.inference_mode():
        right = [network(x).argmax(1) == labels for x, labels in Batches(test, 250)]
    return Trial(seed, steps, torch.cat(right).float().mean().item())


@cache
def _pictures() -> tuple[ImageSet, ImageSet]:
    counts = zip((PICTURES, TEST_PICTURES), PICTURE_SEEDS, strict=True)
    train, test = (ImageSet(*draw_random_shapes(count, seed=seed)[:2]) for count, seed in counts)
    return train, test


# ---- What several designs say beside each other --------------------------------------------------


@dataclass
class Entry:
    """A design on the board, under a name of its own, with its trials."""

    name: str
    design: Design
    trials: list[Trial] = field(default_factory=list)

    @property
    def accuracies(self) -> tuple[float, float] | None:
        """The lowest and the highest of its trials."""
        found = [trial.accuracy for trial in self.trials]
        return (min(found), max(found)) if found else None


class Board:
    """The designs that are kept for one place, the paper's own among them."""

    def __init__(self, module: str = "inception3a") -> None:
        self.entries = [Entry("the paper's", paper_design(module))]

    def find(self, design: Design) -> Entry | None:
        """The entry of a design, or None if it is not kept."""
        return next((one for one in self.entries if one.design == design), None)

    def keep(self, design: Design) -> Entry:
        """The entry of a design, which is made if there is none."""
        entry = self.find(design)
        if entry is None:
            entry = Entry(f"yours {len(self.entries)}", design)
            self.entries.append(entry)
        return entry

    def standings(self) -> list[Entry]:
        """Those within the budget before those beyond it, by channels out."""
        return sorted(self.entries, key=lambda e: (e.design.over > 0, -e.design.out_channels))

    def verdict(self) -> str:
        """What the trials decide, which is little, in one or two sentences."""
        tried = [one for one in self.entries if one.trials]
        if not tried:
            return "No design has been tried yet."
        repeated = [one.accuracies for one in tried if one.trials[1:]]
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
