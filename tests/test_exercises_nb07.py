"""Notebook 07's exercises refuse plausible wrong answers, each with a message of its own."""

import math

import pytest
import torch
from exercise_tools import assert_refused, assert_several_wrong_answers
from torch.nn import functional as F

from googlenet_lib.exercises.checks import judge
from googlenet_lib.exercises.nb07 import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}

# ---- 07.1 ----------------------------------------------------------------------------------------


def to_the_wrong_alone(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / (classes - 1))
    targets[torch.arange(len(labels)), labels] = 1 - smoothing
    return targets


def right_gets_no_share(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[torch.arange(len(labels)), labels] = 1 - smoothing
    return targets


def nothing_taken(labels, classes, smoothing):
    return F.one_hot(labels, classes) + smoothing / classes


def not_shared(labels, classes, smoothing):
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing


def the_rest_given(labels, classes, smoothing):
    return F.one_hot(labels, classes) * smoothing + (1 - smoothing) / classes


def one_hot(labels, classes, smoothing):
    return F.one_hot(labels, classes)


def first_label(labels, classes, smoothing):
    return (F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes)[0]


# ---- 07.2 ----------------------------------------------------------------------------------------


def sides(area, ratio):
    return math.sqrt(area / ratio), math.sqrt(area * ratio)


def placed(height, width, down, right):
    return down * (1 - height), right * (1 - width), height, width


def unclamped(area, ratio, down, right):
    return placed(*sides(area, ratio), down, right)


def clamped(area, ratio, down, right):
    return placed(*(min(1.0, side) for side in sides(area, ratio)), down, right)


def ratio_swapped(area, ratio, down, right):
    return clamped(area, 1 / ratio, down, right)


def corner_anywhere(area, ratio, down, right):
    return (down, right, *clamped(area, ratio, down, right)[2:])


def no_root(area, ratio, down, right):
    return placed(min(1.0, area / ratio), min(1.0, area * ratio), down, right)


def in_the_middle(area, ratio, down, right):
    return clamped(area, ratio, 0.5, 0.5)


def sides_first(area, ratio, down, right):
    top, left, height, width = clamped(area, ratio, down, right)
    return height, width, top, left


# ---- 07.3 ----------------------------------------------------------------------------------------


def every_name(model):
    return [name for name, _ in model.named_parameters()]


def by_name(model):
    return [name for name in every_name(model) if "weight" in name]


def the_others(model):
    return [name for name, p in model.named_parameters() if p.dim() < 2]


def convolutions(model):
    return [name for name, p in model.named_parameters() if p.dim() > 2]


def tensors(model):
    return [p for p in model.parameters() if p.dim() > 1]


def from_the_state(model):
    return [name for name, t in model.state_dict().items() if "running" not in name and t.dim()]


# ---- 07.4 ----------------------------------------------------------------------------------------


def cosine(share, top, floor):
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def one_cycle(step, steps, top, floor, cycles):
    return cosine(step / steps, top, floor)


def no_jump(step, steps, top, floor, cycles):
    return cosine(step * cycles / steps, top, floor)


def quarter_wave(step, steps, top, floor, cycles):
    return floor + (top - floor) * math.cos(math.pi / 2 * (step * cycles / steps % 1))


def to_zero(step, steps, top, floor, cycles):
    return cosine(step * cycles / steps % 1, top, 0.0)


def above_the_top(step, steps, top, floor, cycles):
    return floor + cosine(step * cycles / steps % 1, top, 0.0)


def straight(step, steps, top, floor, cycles):
    return top - (top - floor) * (step * cycles / steps % 1)


def rising(step, steps, top, floor, cycles):
    return cosine(1 - step * cycles / steps % 1, top, floor)


# ---- 07.5 ----------------------------------------------------------------------------------------


def mixed(kept, average, weights):
    return kept * average + (1 - kept) * weights


def ramp(update):
    return (1 + update) / (10 + update)


def inverted(average, weights, update, decay):
    return mixed(1 - min(decay, ramp(update)), average, weights)


def inverted_plain(average, weights, update, decay):
    return (1 - decay) * average + decay * weights


def not_ramped(average, weights, update, decay):
    return mixed(decay, average, weights)


def ramp_alone(average, weights, update, decay):
    return mixed(ramp(update), average, weights)


def the_larger(average, weights, update, decay):
    return mixed(max(decay, ramp(update)), average, weights)


def growing(average, weights, update, decay):
    return min(decay, ramp(update)) * average + weights


def in_place(average, weights, update, decay):
    return average.lerp_(weights, 1 - min(decay, ramp(update)))


# ---- 07.6 ----------------------------------------------------------------------------------------


def hours(speed, gpus, efficiency, epochs, pictures):
    return epochs * pictures / (speed * gpus * efficiency) / 3600


WRONG = (
    ("07.1", to_the_wrong_alone, "to the wrong classes alone"),
    ("07.1", right_gets_no_share, "do not add up to 1"),
    ("07.1", nothing_taken, "add up to more than 1"),
    ("07.1", not_shared, "the whole of the smoothing"),
    ("07.1", the_rest_given, "gave away the rest"),
    ("07.1", one_hot, "Its type is torch.int64"),
    ("07.1", first_label, "Its shape is (4,)"),
    ("07.2", unclamped, "no side may pass 1"),
    ("07.2", ratio_swapped, "yours is height over width"),
    ("07.2", corner_anywhere, "push the box out"),
    ("07.2", no_root, "give its square"),
    ("07.2", in_the_middle, "sits in the middle"),
    ("07.2", sides_first, "The order is top, left"),
    ("07.3", every_name, "That is every parameter"),
    ("07.3", by_name, 'its scale "weight"'),
    ("07.3", the_others, "that do not decay"),
    ("07.3", convolutions, "linear layer's weights decay as well"),
    ("07.3", tensors, "asked are their names"),
    ("07.3", from_the_state, "That is every parameter"),
    ("07.4", one_cycle, "It goes down once"),
    ("07.4", no_jump, "climbs back along the cosine"),
    ("07.4", quarter_wave, "from 1 to -1"),
    ("07.4", to_zero, "`floor` is where a cycle ends"),
    ("07.4", above_the_top, "begins above `top`"),
    ("07.4", straight, "a straight line"),
    ("07.4", rising, "begins at the floor"),
    ("07.5", inverted, "the wrong way round: `decay`"),
    ("07.5", inverted_plain, "the wrong way round, and not ramped"),
    ("07.5", not_ramped, "not ramped: early"),
    ("07.5", ramp_alone, "The ramp never ends"),
    ("07.5", the_larger, "not ramped: early"),
    ("07.5", growing, "do not add up to 1"),
    ("07.5", in_place, "changed its input"),
    ("07.6", lambda *given: 3600 * hours(*given), "That is in seconds"),
    ("07.6", lambda *given: 60 * hours(*given), "That is in minutes"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, 1.0, n, k), "`efficiency` is not in it"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, 1 / e, n, k), "made it faster"),
    ("07.6", lambda s, g, e, n, k: hours(s, 1 / g, e, n, k), "made it slower"),
    ("07.6", lambda s, g, e, n, k: hours(s, 1, e, n, k), "number of GPUs is not in it"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, e, 1, k), "That is one epoch"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, e if g > 1 else 1, n, k), "For one GPU"),
)


@pytest.mark.parametrize(("id", "given", "says"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_answer_is_refused_for_its_mistake(id, given, says):
    assert_refused(BY_ID[id], given, says)


def test_every_exercise_has_several_wrong_answers():
    assert_several_wrong_answers(BY_ID, WRONG)


def gathered(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[torch.arange(len(labels)), labels] += 1 - smoothing
    return targets


def by_lerp(average, weights, update, decay):
    return torch.lerp(weights, average, min(decay, ramp(update)))


def by_remainder(step, steps, top, floor, cycles):
    length = steps / cycles
    return cosine((step % length) / length, top, floor)


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("07.1", gathered),
        ("07.2", clamped),
        ("07.3", lambda model: [n for n, p in model.named_parameters() if len(p.shape) >= 2]),
        ("07.4", by_remainder),
        ("07.5", by_lerp),
        ("07.6", hours),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
