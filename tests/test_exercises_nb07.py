"""Notebook 07's exercises refuse plausible wrong answers, each with a message of its own."""

import math

import pytest
import torch
from exercise_tools import assert_refused, assert_several_wrong_answers
from torch import nn
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


def cut_by(sides):
    """A box whose sides come from `sides`, called with height and width as they would be."""
    return lambda area, ratio, down, right: placed(
        *sides(*(side(area, ratio) for side in (height_of, width_of))), down, right
    )


def height_of(area, ratio):
    return math.sqrt(area / ratio)


def width_of(area, ratio):
    return math.sqrt(area * ratio)


def form_kept(height, width):
    largest = max(height, width, 1)
    return height / largest, width / largest


def area_kept(height, width):
    if height > 1:
        return 1, height * width
    return (height * width, 1) if width > 1 else (height, width)


def area_kept_by_height(height, width):
    return min(1, height), min(1, height * width / min(1, height))


def form_kept_by_width(height, width):
    return min(1, height / width * min(1, width)), min(1, width)


def room_before_the_cut(area, ratio, down, right):
    return (*unclamped(area, ratio, down, right)[:2], *clamped(area, ratio, down, right)[2:])


def two_corners(area, ratio, down, right):
    top, left, height, width = clamped(area, ratio, down, right)
    return top, left, top + height, left + width


def in_order(*places):
    return lambda *given: tuple(clamped(*given)[place] for place in places)


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


def is_layer(module):
    return isinstance(module, nn.Conv2d | nn.Linear)


def of_children(model):
    return [f"{name}.weight" for name, one in model.named_children() if is_layer(one)]


def of_modules(model):
    return [f"{name}.weight" for name, one in model.named_modules() if is_layer(one)]


def of_sequential(model):
    return [f"{place}.weight" for place, one in enumerate(model) if is_layer(one)]


def many_dims_in_state(model):
    return [name for name, tensor in model.state_dict().items() if tensor.dim() > 1]


def pairs(model):
    return [(name, p) for name, p in model.named_parameters() if p.dim() > 1]


def decaying(model):
    return [name for name, p in model.named_parameters() if len(p.shape) >= 2]


def seen_once(model):
    names = {id(one.weight): f"{name}.weight" for name, one in reversed([*model.named_modules()])
             if is_layer(one)}  # fmt: skip
    return [*names.values()][::-1]


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


def whole_steps(step, steps, top, floor, cycles):
    return cosine(step % (steps // cycles) / (steps // cycles), top, floor)


def whole_wave(step, steps, top, floor, cycles):
    return cosine(2 * (step * cycles / steps % 1), top, floor)


def without_pi(step, steps, top, floor, cycles):
    return cosine((step * cycles / steps % 1) / math.pi, top, floor)


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
    ("07.1", lambda y, c, s: gathered(y, c, s).double(), "Its type is torch.float64"),
    ("07.1", lambda y, c, s: gathered(y, c, s).tolist(), "Expected is a tensor"),
    ("07.1", lambda y, c, s: gathered(y, c, 0.2), "1 - smoothing for the right class"),
    ("07.1", lambda y, c, s: gathered(y, int(y.max()) + 1, s), "Its shape is"),
    ("07.2", unclamped, "no side may pass 1"),
    ("07.2", cut_by(form_kept), "You kept the form"),
    ("07.2", cut_by(form_kept_by_width), "You kept the form"),
    ("07.2", cut_by(area_kept), "You kept the area"),
    ("07.2", cut_by(area_kept_by_height), "You kept the area"),
    ("07.2", room_before_the_cut, "as it is after the cut"),
    ("07.2", two_corners, "not the other corner"),
    ("07.2", in_order(0, 1, 3, 2), "The order is top, left"),
    ("07.2", in_order(1, 0, 2, 3), "The order is top, left"),
    ("07.2", lambda a, r, down, right: clamped(a, r, right, down), "`right` the left"),
    ("07.2", lambda a, r, down, right: clamped(a, r, 1 - down, 1 - right), "at the top and at the"),
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
    ("07.3", many_dims_in_state, "holds buffers"),
    ("07.3", of_children, "inside of other layers are missing"),
    ("07.3", of_modules, "`named_parameters` names it once"),
    ("07.3", of_sequential, "object is not iterable"),
    ("07.3", pairs, "the names alone"),
    ("07.3", lambda model: decaying(model.eval()), "afterwards the modes of the network"),
    ("07.3", lambda model: [name[:-7] for name in decaying(model)], "Those are layers"),
    ("07.3", lambda model: sorted(decaying(model)), "in another order"),
    ("07.3", lambda model: [n for n, p in model.named_parameters() if p.dim() == 2], "four dim"),
    ("07.4", one_cycle, "It goes down once"),
    ("07.4", no_jump, "climbs back along the cosine"),
    ("07.4", quarter_wave, "from 1 to -1"),
    ("07.4", to_zero, "`floor` is where a cycle ends"),
    ("07.4", above_the_top, "begins above `top`"),
    ("07.4", straight, "a straight line"),
    ("07.4", rising, "begins at the floor"),
    ("07.4", whole_steps, "loses a remainder"),
    ("07.4", whole_wave, "a whole wave"),
    ("07.4", without_pi, "counts in radians"),
    ("07.4", lambda s, n, top, floor, c: max(floor, to_zero(s, n, top, floor, c)), "top` and 0"),
    ("07.4", lambda s, n, top, floor, c: by_remainder(s, 80, top, floor, c), "of its own cycle"),
    ("07.5", inverted, "the wrong way round: `decay`"),
    ("07.5", inverted_plain, "the wrong way round, and not ramped"),
    ("07.5", not_ramped, "the other of the two is smaller"),
    ("07.5", ramp_alone, "more than `decay`"),
    ("07.5", the_larger, "the other of the two is smaller"),
    ("07.5", lambda *given: by_lerp(*given).flatten(), "expected is (2, 3)"),
    ("07.5", lambda *given: by_lerp(*given).tolist(), "Expected is a tensor"),
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
    ("07.6", lambda s, g, e, n, k: hours(s, 1 + (g - 1) * e, 1, n, k), "the first as well"),
    ("07.6", lambda *given: hours(*given) // 1, "Parts of an hour count"),
    ("07.6", lambda *given: math.ceil(hours(*given)), "Parts of an hour count"),
    ("07.6", lambda *given: hours(*given) / 24, "That is in days"),
    ("07.6", lambda s, g, e, n, k: hours(s, g, e, n, 1_281_167), "All pictures of all epochs"),
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
        ("07.2", lambda *given: [*clamped(*given)]),
        ("07.3", decaying),
        ("07.3", seen_once),
        ("07.4", by_remainder),
        ("07.5", by_lerp),
        ("07.6", hours),
    ],
)
def test_another_way_is_right_as_well(id, given):
    verdict = judge(BY_ID[id], given)
    assert verdict.outcome == "right", verdict.says
