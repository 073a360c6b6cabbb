"""Answers to the exercises of lesson 07: wrong ones that no slip makes, and right ones."""

import math

import torch


def in_place(images, chosen):
    images[chosen] = images[chosen].flip(3)
    return images


def mirrored(images, chosen):
    return torch.stack(
        [one.flip(2) if some else one for one, some in zip(images, chosen, strict=True)]
    )


def by_scatter(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[range(len(labels)), labels] += 1 - smoothing
    return targets


def shared(labels, classes, smoothing):
    return torch.full((len(labels), classes), 1 / classes)


def cosine(share, top, floor):
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def by_remainder(step, steps, top, floor, cycles):
    length = steps / cycles
    return cosine((step % length) / length, top, floor)


WRONG = (
    ("07.1", in_place, "no `x[...] = ...`"),
    ("07.1", lambda images, chosen: images[:, :, :, ::1], "have their width turned"),
    ("07.2", shared, "Which entry is the largest"),
    ("07.3", lambda s, n, top, floor, c: by_remainder(s, 80, top, floor, c), "of its own cycle"),
)

RIGHT = (
    ("07.1", mirrored),
    (
        "07.1",
        lambda images, chosen: torch.where(chosen[:, None, None, None], images.flip(-1), images),
    ),
    ("07.2", by_scatter),
    ("07.2", lambda labels, classes, share: by_scatter(labels, classes, share).double()),
    ("07.3", by_remainder),
)
