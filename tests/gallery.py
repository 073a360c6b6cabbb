"""Every figure that a notebook or the README shows, drawn with its usual data.

    PYTHONPATH=images/draw python tests/gallery.py FOLDER [NAME ...]

writes them into the folder as PNG files, to look at.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from cost_bars import draw_branch_costs, draw_table_costs
from four_branches import draw_four_branches, temple_view
from head import draw_head
from inception import draw_inception
from matplotlib.figure import Figure
from network import draw_network
from torch.nn import functional as F

from googlenet_lib.course.kit import pictures as of_pictures
from googlenet_lib.course.kit.photographs import load_photographs, load_temple
from googlenet_lib.course.nb00 import growing
from googlenet_lib.course.nb00 import photographs as of_photographs
from googlenet_lib.course.nb01 import convolution as of_convolution
from googlenet_lib.course.nb01 import kernel_size_charts as of_kernel_sizes
from googlenet_lib.course.nb01 import kernel_sizes, receptive_fields, scales
from googlenet_lib.course.nb01 import receptive_growth as of_receptive_growth
from googlenet_lib.course.nb01.receptive_fields import Stack, stack_gradient
from googlenet_lib.course.nb02 import bottleneck as of_bottleneck
from googlenet_lib.course.nb02 import mixer as of_mixer
from googlenet_lib.course.nb02 import reductions_chart
from googlenet_lib.course.nb02.bottleneck import bottleneck
from googlenet_lib.course.nb02.reductions import REDUCTIONS
from googlenet_lib.course.nb03 import branches as of_nb03_branches
from googlenet_lib.course.nb03 import design_figure as of_design
from googlenet_lib.course.nb03 import tower as of_tower
from googlenet_lib.course.nb03.design import Design
from googlenet_lib.course.nb04 import audit as of_audit
from googlenet_lib.course.nb04 import pooling as of_pooling
from googlenet_lib.course.nb04 import receptive_field as of_receptive
from googlenet_lib.course.nb04.pooling import DIGITS
from googlenet_lib.course.nb05 import gradient_charts as of_gradients
from googlenet_lib.course.nb05 import heads_chart
from googlenet_lib.course.nb05.gradients import probes_of
from googlenet_lib.course.nb05.heads import HEADS
from googlenet_lib.course.nb06 import figures as of_06
from googlenet_lib.course.nb07 import charts as of_recipes
from googlenet_lib.course.nb07 import ladder_chart as of_ladder
from googlenet_lib.course.nb07.ladder import ladder_runs
from googlenet_lib.course.nb08 import charts as of_speed
from googlenet_lib.data import Augmentation
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.shapes import SHAPES, draw_random_shapes, draw_shapes
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.network.table1 import ROWS, Widths, audit
from googlenet_lib.prediction import predict
from googlenet_lib.training.recipes import CLASSROOM_PUBLISHED, IMAGENET, SCHEDULES
from googlenet_lib.training.run import find_run

UPRIGHT = torch.tensor([[-1.0, 0, 1]] * 3)
CORNER = F.pad(torch.full((4, 3), 5.0), (2, 0, 1, 0))  # (5, 5)
EDGES, FRAMED = F.conv2d(CORNER[None], UPRIGHT[None, None])[0], [(0, 0), (1, 1), (2, 2)]
MODULE = ROWS["inception3a"], ROWS["maxpool2"].channels
LOSSES = {"with heads": 0.8, "head after 4a": 1.3, "without heads": 0.0}


photo = cache(load_temple)


def star() -> torch.Tensor:
    """A drawing in colour: (3, 24, 24)."""
    return draw_shapes(torch.tensor([7]), torch.tensor([9.5]), size=24)[0] / 255


def filter_maps() -> dict[str, torch.Tensor]:
    """What four filters of three channels make of a drawing, by name."""
    blur = torch.full((3, 3), 1 / 9)
    filters = {
        "vertical edges": torch.stack([UPRIGHT] * 3),
        "horizontal edges": torch.stack([UPRIGHT.T] * 3),
        "red − green": torch.stack([blur, -blur, 0 * blur]),
        "blur": torch.stack([blur] * 3) / 3,
    }
    maps = F.conv2d(star()[None], torch.stack([*filters.values()]), padding=1)[0]
    return dict(zip(filters, maps, strict=True))


def mixes() -> dict[str, torch.Tensor]:
    """Three output channels of 1x1 convolutions over a photograph."""
    rows = {"brightness": (0.3, 0.6, 0.1), "red − green": (2.0, -2.0, 0.0)}
    found = {name: of_mixer.Mix(photo(96, 64), row).sums for name, row in rows.items()}
    return {**found, "the same, ReLU": found["red − green"].relu()}


def shares() -> dict[str, torch.Tensor]:
    """Shares of variance, as they are measured of what enters a module."""
    powers = {
        "trained on shapes": 0.1,
        "untrained": 0.2,
        "trained on CIFAR-10": 0.25,
        "shuffled": 0.5,
    }
    return {name: torch.linspace(0.01, 1, 96) ** power for name, power in powers.items()}


def augmented() -> dict[str, torch.Tensor]:
    """Six drawings as they are, and changed by chance."""
    drawings = draw_shapes(torch.arange(6), torch.full((6,), 11.0), seed=3)
    generator, rows = torch.Generator().manual_seed(1), {"as it is": drawings}
    for name, change in {
        "shifted, up to 4 pixels": Augmentation(shift=4),
        "colours, up to 40%": Augmentation(colour=0.4),
    }.items():
        rows[name] = change(drawings, change.draw(6, generator))
    return rows


def grown() -> list[growing.BranchView]:
    """An object of three sizes as the branches see it."""
    network = load_network("shapes")
    return [growing.growing_view(*network, "circle", radius, 3) for radius in (4, 8, 14)]


def changes() -> Figure:
    """Numbers as of branches that stop changing, each at its own radius."""
    radii = np.arange(3, 15.5, 0.5)
    covered = {"1x1": 4.9, "3x3": 7.8, "5x5": 10.6, "pool": 7.8}
    starts = {"1x1": 1.4, "3x3": 2, "5x5": 2.6, "pool": 4.8}
    lines = {b: starts[b] * (1 - (radii - 3) / (r - 3)).clip(0) for b, r in covered.items()}
    return growing.draw_changes(radii, lines, covered)


def photographs() -> Figure:
    """Two photographs as a network of ten classes gets them."""
    model, info = load_network("cifar10")
    photos = load_photographs()
    return of_photographs.draw_photographs(photos, info, predict(model, info, photos))


def predicted() -> Figure:
    """Pictures with their classes, one of them taken for another."""
    images, labels, _ = draw_random_shapes(8, seed=100)
    guesses = [*labels.tolist()[:-1], (int(labels[-1]) + 1) % len(SHAPES)]
    return of_pictures.draw_pictures(images, labels, SHAPES, predicted=guesses)


def digits() -> Figure:
    """Sixteen digits with their classes."""
    some = read_digits()[:16]
    return of_pictures.draw_pictures(some.images, some.labels, [str(i) for i in range(10)])


def curves() -> Figure:
    """The course of a recorded training."""
    run = find_run("classroom-0")
    return of_06.draw_curves(run.history, source=run.source(), reference=CLASSROOM_PUBLISHED)


def branch_fields() -> Figure:
    """What two branches see at the beginning and at the end."""
    recording = receptive_fields.recorded()
    places = [
        (module, branch) for module in ("inception3a", "inception5b") for branch in ("3x3", "5x5")
    ]
    return of_receptive_growth.draw_branch_fields([recording.branch(*place) for place in places])


def design() -> Design:
    """A design of notebook 03."""
    return Design("inception3a", Widths(64, 64, 128, 32, 64, 32))


def sizes() -> tuple[dict, dict]:
    """Activations through the depth: as they are recorded, and from a formula."""
    recorded = {init: probes_of(init, "none")[0].activations for init in ("normal", "xavier", "he")}
    steps = {"normal": 0.1, "xavier": 0.7, "he": 1.0}
    return recorded, {
        init: {name: step**i for i, name in enumerate(recorded[init])}
        for init, step in steps.items()
    }


def valley() -> dict[str, torch.Tensor]:
    """Two walks through a valley, one of which oscillates."""
    step = torch.arange(20.0)
    straight = torch.stack([-10 + step / 2, 2 * 0.5**step], 1)
    return {"plain": straight, "momentum": straight * torch.tensor([1.0, -1.0])}


def gradients() -> torch.Tensor:
    """Numbers of the sizes of gradients."""
    normal = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    return 10 ** (normal - 6.5) * normal.sign()


FIGURES: dict[str, Callable[[], Figure]] = {
    "00_pictures": predicted,
    "00_growth": lambda: growing.draw_growth(grown()),
    "00_branch_view": lambda: growing.draw_branch_view(grown()[2]),
    "00_changes": changes,
    "00_photographs": photographs,
    "00_network": draw_network,
    "01_sizes": lambda: scales.draw_sizes("star"),
    "01_slide": lambda: of_convolution.draw_slide(CORNER, UPRIGHT, FRAMED, EDGES),
    "01_slide_open": lambda: of_convolution.draw_slide(CORNER, UPRIGHT, FRAMED, None),
    "01_sum": lambda: of_convolution.draw_sum(CORNER[1:4, 1:4], UPRIGHT),
    "01_steps": lambda: of_convolution.draw_steps(7, 3),
    "01_steps_open": lambda: of_convolution.draw_steps(7, 3, answered=False),
    "01_channels_in": lambda: of_convolution.draw_channels_in(
        star(), torch.stack([UPRIGHT, UPRIGHT.T, -UPRIGHT])
    ),
    "01_channels_out": lambda: of_convolution.draw_channels_out(star(), filter_maps()),
    "01_kernels": scales.draw_kernels,
    "01_rates": lambda: of_kernel_sizes.draw_rates(kernel_sizes.recorded()),
    "01_contenders": lambda: of_kernel_sizes.draw_contenders(kernel_sizes.recorded()),
    "01_by_size": lambda: of_kernel_sizes.draw_by_size(kernel_sizes.recorded()),
    "01_pyramids": lambda: of_receptive_growth.draw_pyramids(
        [[(5, 1)], [(3, 1), (3, 1)], [(3, 2), (3, 1)]]
    ),
    "01_stack": lambda: of_receptive_growth.draw_stack(
        Stack(5, 3, 0),
        stack_gradient(Stack(5, 3, 0)),
        receptive_fields.recorded(),
    ),
    "01_branch_field": lambda: of_receptive_growth.draw_branch_field(
        receptive_fields.recorded(), "inception4c", "5x5"
    ),
    "01_branch_fields": branch_fields,
    "02_mix": lambda: of_mixer.draw_mix(photo(96, 64), (2.0, -2.0, 0.0), relu=True, at=(40, 30)),
    "02_mixes": lambda: of_mixer.draw_mixes(photo(96, 64), mixes()),
    "02_shares": lambda: of_bottleneck.draw_shares(shares(), mark=8),
    "02_dial": lambda: of_bottleneck.draw_dial(bottleneck("inception3a"), 16),
    "02_reductions": lambda: reductions_chart.draw_reductions(REDUCTIONS.runs()),
    "03_naive": lambda: draw_inception(*MODULE, reductions=False, projection=False),
    "03_inception": lambda: draw_inception(*MODULE),
    "03_tower": lambda: of_tower.draw_tower(of_tower.build_tower(9), "nine naive modules"),
    "03_branches": lambda: of_nb03_branches.draw_branches(
        *load_network("cifar10"), photo(), "inception3a", (44, 30)
    ),
    "03_design": lambda: of_design.draw_design(design()),
    "04_audit": lambda: of_audit.draw_audit(audit()),
    "04_fields": lambda: of_receptive.draw_receptive_fields(of_receptive.compare_fields()),
    "04_pooling": lambda: of_pooling.draw_pooling(DIGITS[:14]),
    "05_head": draw_head,
    "05_sizes": lambda: of_gradients.draw_sizes(*sizes()),
    "05_rescue": lambda: of_gradients.draw_rescue(probes_of("normal", "none"), 0.3),
    "05_losses": lambda: of_gradients.draw_losses(
        {name: [2.3 - k * i / 8 for i in range(8)] for name, k in LOSSES.items()}
    ),
    "05_heads": lambda: heads_chart.draw_heads(HEADS.runs()),
    "06_pictures": digits,
    "06_curves": curves,
    "06_descents": lambda: of_06.draw_descents(
        {0.01: [0.96**step for step in range(10)], 1.05: [1.21**step for step in range(10)]}
    ),
    "06_seeds": lambda: of_06.draw_seeds(
        [find_run(f"classroom-{seed}") for seed in range(3)], (0.734, 0.76), CLASSROOM_PUBLISHED
    ),
    "06_four_runs": of_06.draw_four_runs,
    "07_recipes": of_recipes.draw_recipes,
    "07_augmented": lambda: of_recipes.draw_augmented(augmented(), SHAPES[:6]),
    "07_smoothing": lambda: of_recipes.draw_smoothing([0, 0.1, 0.3]),
    "07_paths": lambda: of_recipes.draw_paths(valley(), steepness=25),
    "07_singular_values": lambda: of_recipes.draw_singular_values(
        [torch.linspace(1, 0.1 * n, 30) for n in range(1, 5)]
    ),
    "07_schedules": lambda: of_recipes.draw_schedules(
        [replace(IMAGENET, schedule=name, epochs=60) for name in SCHEDULES]
    ),
    "07_learning_rate": lambda: of_recipes.draw_learning_rate(IMAGENET),
    "07_first_shares": lambda: of_recipes.draw_first_shares([0.99, 0.999, 0.99998], 20_000),
    "07_changes": of_recipes.draw_changes,
    "07_ladder": lambda: of_ladder.draw_ladder(ladder_runs()),
    "08_times": lambda: of_speed.draw_times({"forward": 0.02, "backward": 0.045}),
    "08_formats": lambda: of_speed.draw_formats({"gradients": gradients()}, 2.0**16),
    "08_layouts": of_speed.draw_layouts,
    "08_timeline": lambda: of_speed.draw_timeline(load=2, compute=3),
    "readme_branch_costs": lambda: draw_branch_costs(*MODULE),
    "readme_table_costs": draw_table_costs,
    "readme_four_branches": lambda: draw_four_branches(temple_view()),
}


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for name in names or FIGURES:
        figure = FIGURES[name]()
        figure.savefig(Path(folder) / f"{name}.png", dpi=72)
        print(name, figure.alt, sep=": ")
