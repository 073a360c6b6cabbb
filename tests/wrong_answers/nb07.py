"""Answers to the exercises of notebook 07: wrong ones that no slip makes, and right ones."""

import math

import torch
from torch import nn


def sides(area, ratio):
    return math.sqrt(area / ratio), math.sqrt(area * ratio)


def placed(height, width, down, right):
    return down * (1 - height), right * (1 - width), height, width


def clamped(area, ratio, down, right):
    return placed(*(min(1.0, side) for side in sides(area, ratio)), down, right)


def is_layer(module):
    return isinstance(module, nn.Conv2d | nn.Linear)


def of_sequential(model):
    return [f"{place}.weight" for place, one in enumerate(model) if is_layer(one)]


def decaying(model):
    return [name for name, p in model.named_parameters() if len(p.shape) >= 2]


def seen_once(model):
    names = {id(one.weight): f"{name}.weight" for name, one in reversed([*model.named_modules()])
             if is_layer(one)}  # fmt: skip
    return [*names.values()][::-1]


def cosine(share, top, floor):
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def ramp(update):
    return (1 + update) / (10 + update)


def hours(speed, gpus, efficiency, epochs, pictures):
    return epochs * pictures / (speed * gpus * efficiency) / 3600


def gathered(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[torch.arange(len(labels)), labels] += 1 - smoothing
    return targets


def by_lerp(average, weights, update, decay):
    return torch.lerp(weights, average, min(decay, ramp(update)))


def by_remainder(step, steps, top, floor, cycles):
    length = steps / cycles
    return cosine((step % length) / length, top, floor)


WRONG = (
    ("07.1", lambda y, c, s: gathered(y, c, 0.2), "1 - smoothing for the right class"),
    ("07.3", of_sequential, "object is not iterable"),
    ("07.3", lambda model: decaying(model.eval()), "afterwards the modes of the network"),
    ("07.4", lambda s, n, top, floor, c: by_remainder(s, 80, top, floor, c), "of its own cycle"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, e, n, 1_281_167), "All pictures of all epochs"),
)

RIGHT = (
    ("07.1", gathered),
    ("07.2", clamped),
    ("07.2", lambda *given: [*clamped(*given)]),
    ("07.3", decaying),
    ("07.3", seen_once),
    ("07.4", by_remainder),
    ("07.5", by_lerp),
    ("07.6", hours),
)
