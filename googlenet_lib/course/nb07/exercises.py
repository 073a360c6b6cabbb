"""Exercises and predictions of lesson 07 and its deep dive: images, labels, schedules, seeds."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, slips

# ---- 07.1 ----------------------------------------------------------------------------------------


def mirror_some(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen images of (N, C, H, W) from left to right."""
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)


def _batch(count: int, height: int, width: int, *chosen: bool) -> Case:
    images = torch.arange(float(count * 3 * height * width)).view(count, 3, height, width)
    told = f"{count} images of {height}x{width}, chosen {[*map(bool, chosen)]}"
    return Case((images, torch.tensor(chosen, dtype=torch.bool)), told)


MIRROR = Exercise(
    "07.1",
    "Mirror some images",
    solution=mirror_some,
    cases=[
        _batch(3, 4, 5, 1, 0, 1),
        _batch(4, 5, 3, 1, 0, 1, 1),
        _batch(2, 4, 4, 0, 0),
    ],
    slips=slips(
        "All images were mirrored; `chosen` says which.",
        lambda images, chosen: images.flip(3),
        "That turns images upside down: dimension 2 is the height.",
        lambda images, chosen: torch.where(chosen.view(-1, 1, 1, 1), images.flip(2), images),
        "The images that were not chosen are missing. The batch keeps its size and its order.",
        lambda images, chosen: images[chosen].flip(3),
        "The others were mirrored, and the chosen ones were not.",
        lambda images, chosen: mirror_some(images, ~chosen),
        "The channels were reversed: dimension 1. From left to right is another dimension.",
        lambda images, chosen: torch.where(chosen.view(-1, 1, 1, 1), images.flip(1), images),
        "The whole batch follows the first entry of `chosen`. Each image has its own.",
        lambda images, chosen: images.flip(3) if chosen[0] else images,
    ),
    look="Each image keeps its position; only the chosen ones have their width turned.",
    hints=(
        "In (N, C, H, W), from left to right is dimension 3.",
        "`images[chosen]` picks the chosen images; `.flip(3)` mirrors them.",
        "Work on `images.clone()`, so that the batch that came in stays as it was.",
    ),
    why="each image follows its own draw, in one call for the whole batch.",
)

# ---- 07.2 ----------------------------------------------------------------------------------------


def smooth_labels(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Return the targets (N, classes): the share `smoothing` goes to all classes equally."""
    return (1 - smoothing) * one_hot(labels, classes) + smoothing / classes


SMOOTH = Exercise(
    "07.2",
    "Smooth the labels",
    solution=smooth_labels,
    any_float=True,
    cases=[
        (torch.tensor([2, 0, 1]), 3, 0.3),
        (torch.tensor([7, 7, 0, 9]), 10, 0.1),
        (torch.tensor([4, 1]), 5, 0.0),
        (torch.tensor([0]), 2, 0.5),
    ],
    slips=slips(
        "The share goes to all classes equally, so the right class gets a part of it back.",
        lambda labels, classes, smoothing: torch.where(
            one_hot(labels, classes) == 1, 1 - smoothing, smoothing / (classes - 1)
        ),
        lambda labels, classes, smoothing: torch.where(
            one_hot(labels, classes) == 1, 1 - smoothing, smoothing / classes
        ),
        "Every class got the whole share. All classes together get it.",
        lambda labels, classes, smoothing: (1 - smoothing) * one_hot(labels, classes) + smoothing,
        "The right class kept all of its 1. The share is taken away from it.",
        lambda labels, classes, smoothing: one_hot(labels, classes) + smoothing / classes,
        "That smooths the other way round: `smoothing` is the share that is taken away.",
        lambda labels, classes, smoothing: smooth_labels(labels, classes, 1 - smoothing),
        "These are the smoothed numbers of the classes. A target has an entry for every class.",
        lambda labels, classes, smoothing: (1 - smoothing) * labels + smoothing / classes,
    ),
    look="Each row of the targets adds up to 1. Which entry is the largest, and how large is it?",
    hints=(
        "Begin with the targets that are not smoothed: a row for each label, with a single 1.",
        "`F.one_hot(labels, classes)` makes these rows.",
        "Take the share away from them, and give an equal part of it to every entry.",
    ),
    why="the right class gets a part of the share back, as in PyTorch's `label_smoothing`.",
)

# ---- 07.3 ----------------------------------------------------------------------------------------


def learning_rate_at(step: int, steps: int, top: float, floor: float, cycles: int) -> float:
    """Return the learning rate at `step`: in each cycle half a cosine from `top` to `floor`."""
    return cosine(step * cycles / steps % 1, top, floor)


def cosine(share: float, top: float, floor: float) -> float:
    """Return half a cosine from `top` to `floor`, of which `share` has passed."""
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def _by_share(change: Callable[[float, float, float], float]) -> Callable[..., float]:
    """Make a learning rate that `change` makes of the share of its cycle, the top and the floor."""
    return lambda step, steps, top, floor, cycles: change(step * cycles / steps % 1, top, floor)


RATE = Exercise(
    "07.3",
    "A cosine with restarts",
    solution=learning_rate_at,
    cases=[
        (5, 80, 0.1, 0.01, 4),
        (26, 80, 0.1, 0.01, 4),
        (20, 80, 0.1, 0.01, 4),
        (0, 80, 0.1, 0.01, 1),
        (30, 80, 0.1, 0.01, 1),
        (70, 80, 1.0, 0.0, 2),
        (7, 11, 0.5, 0.2, 4),
        (130, 200, 0.1, 0.0, 5),
    ],
    slips=slips(
        "It goes down once, over the whole training. Where is it in its own cycle?",
        lambda step, steps, top, floor, cycles: learning_rate_at(step, steps, top, floor, 1),
        "After one cycle it climbs back along the cosine. A restart jumps: only the part of the "
        "cycle that has passed counts.",
        lambda step, steps, top, floor, cycles: cosine(step * cycles / steps, top, floor),
        "The cosine is to go from 1 to -1, and to be brought to 1 to 0.",
        _by_share(lambda share, top, floor: floor + (top - floor) * math.cos(share * math.pi / 2)),
        "The cosine lies between `top` and 0. `floor` is where a cycle ends.",
        _by_share(lambda share, top, floor: cosine(share, top, 0.0)),
        "It begins above `top`: what swings is top minus floor.",
        _by_share(lambda share, top, floor: floor + cosine(share, top, 0.0)),
        "That is a straight line. Asked is half a cosine.",
        _by_share(lambda share, top, floor: floor + (top - floor) * (1 - share)),
        "It begins at the floor and rises.",
        _by_share(lambda share, top, floor: cosine(1 - share, top, floor)),
        "`steps // cycles` loses a remainder. A cycle need not be a whole number of steps.",
        lambda step, steps, top, floor, cycles: cosine(
            step % (steps // cycles) / (steps // cycles), top, floor
        ),
        "`math.cos` counts in radians: half a wave is `math.pi`.",
        _by_share(lambda share, top, floor: cosine(share / math.pi, top, floor)),
        "That is a whole wave, down and up again. Asked is half of one.",
        _by_share(lambda share, top, floor: cosine(2 * share, top, floor)),
    ),
    look="Which share of its own cycle has passed? `%` drops the cycles that are over.",
    hints=(
        "`step * cycles / steps` counts the cycles that have passed, with their parts.",
        "`% 1` leaves the part of the present one, from 0 up to 1.",
        "`(1 + math.cos(math.pi * share)) / 2` falls from 1 to 0; bring it to top and floor.",
    ),
    why="every cycle is a whole training in small, and only its end is a place to stop.",
)

EXERCISES = (MIRROR, SMOOTH, RATE)

PREDICTIONS = (
    Prediction(
        "07.a",
        "A transform crops a batch of 64 equal images at random. How many different ones come out?",
        least=1,
        most=64,
    ),
    Prediction(
        "07.b",
        "Labels of ten classes are smoothed by 0.1. What is the loss of a perfect network?",
        tolerance=0.1,
        least=0,
        most=3,
    ),
    Prediction(
        "07.c",
        "How many percent of a weight does decay alone leave after the ImageNet training?",
        tolerance=10,
        least=0,
        most=100,
    ),
    Prediction(
        "07.d",
        "Decay 0.99998, 1,000 updates: how many percent of the average are the first weights?",
        tolerance=5,
        least=0,
        most=100,
    ),
    Prediction(
        "07.e",
        "Which of these five rungs gained most: stem, optimiser, augmentation, smoothing or Muon?",
        choices=("stem", "optimiser", "augmentation", "smoothing", "muon"),
    ),
    Prediction(
        "07.f",
        "Two groups of three results have the same true mean. In how many percent of such cases "
        "do their ranges not overlap?",
        tolerance=3,
        least=0,
        most=100,
    ),
    Prediction(
        "07.g",
        "How many seeds must each of two groups have, so that a permutation test can give a "
        "p-value below 0.05?",
        tolerance=0,
        least=2,
        most=100,
    ),
)
