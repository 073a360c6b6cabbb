"""Exercises and predictions of notebook 07: labels, crops, decay, rates, averages, hours."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.exercises.exercise import Exercise, Prediction
from googlenet_lib.exercises.networks import same_on_networks
from googlenet_lib.exercises.tools import Case, Slip, same_as

# ---- 07.1 Smoothed labels ------------------------------------------------------------------------


def _smoothed(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes


def _test_smoothed(answer: Any) -> None:
    def shared(labels: Tensor, classes: int, smoothing: float, ways: int) -> Tensor:
        right = F.one_hot(labels, classes).float()
        return right * (1 - smoothing) + (1 - right) * smoothing / ways

    slips = (
        Slip(lambda y, c, s: shared(y, c, s, c - 1),
             "The smoothing went to the wrong classes alone. PyTorch shares it among all classes, "
             "the right one too."),
        Slip(lambda y, c, s: shared(y, c, s, c),
             "The rows do not add up to 1: the right class gets its part of the share as well."),
        Slip(lambda y, c, s: F.one_hot(y, c) + s / c,
             "The rows add up to more than 1. What is given to all was taken from the right one."),
        Slip(lambda y, c, s: F.one_hot(y, c) * (1 - s) + s,
             "Every class got the whole of the smoothing. It is shared among the classes."),
        Slip(lambda y, c, s: F.one_hot(y, c) * s + (1 - s) / c,
             "`smoothing` is what the labels lose; you kept that and gave away the rest."),
        Slip(lambda y, c, s: F.one_hot(y, c).float(), "Those are the labels as they were."),
    )  # fmt: skip
    labels = torch.tensor([2, 0, 3])
    cases = [
        Case((labels, 4, 0.2), "labels [2, 0, 3], 4 classes, smoothing 0.2"),
        Case((labels, 4, 0.0), "labels [2, 0, 3], 4 classes, smoothing 0"),
        Case((torch.tensor([1, 7]), 10, 0.1), "labels [1, 7], 10 classes, smoothing 0.1"),
    ]
    look = "One row a label; 1 - smoothing for the right class, and smoothing / classes for all."
    same_as(answer, _smoothed, cases, slips, look)


# ---- 07.2 A crop box -----------------------------------------------------------------------------

Box = tuple[float, float, float, float]


def _sides(area: float, ratio: float) -> tuple[float, float]:
    return math.sqrt(area / ratio), math.sqrt(area * ratio)


def _placed(height: float, width: float, down: float, right: float) -> Box:
    return down * (1 - height), right * (1 - width), height, width


def _box(area: float, ratio: float, down: float, right: float) -> Box:
    height, width = _sides(area, ratio)
    return _placed(min(1.0, height), min(1.0, width), down, right)


def _with_sides(sides: Callable[[float, float], tuple[float, float]]) -> Callable[..., Box]:
    """The box whose height and width are `sides` of area and ratio."""
    return lambda area, ratio, down, right: _placed(*sides(area, ratio), down, right)


def _keeps_form(area: float, ratio: float) -> tuple[float, float]:
    height, width = _sides(area, ratio)
    return height / max(height, width, 1.0), width / max(height, width, 1.0)


def _keeps_area(area: float, ratio: float) -> tuple[float, float]:
    height, width = _sides(area, ratio)
    return (1.0, area) if height > 1 else (area, 1.0) if width > 1 else (height, width)


def _height_first(area: float, ratio: float) -> tuple[float, float]:
    height = min(1.0, math.sqrt(area / ratio))
    return height, min(1.0, area / height)


def _width_first(area: float, ratio: float) -> tuple[float, float]:
    width = min(1.0, math.sqrt(area * ratio))
    return min(1.0, area / width), width


def _by_height(area: float, ratio: float) -> tuple[float, float]:
    height = min(1.0, math.sqrt(area / ratio))
    return height, min(1.0, height * ratio)


def _by_width(area: float, ratio: float) -> tuple[float, float]:
    width = min(1.0, math.sqrt(area * ratio))
    return min(1.0, width / ratio), width


def _test_box(answer: Any) -> None:
    def swapped(area: float, ratio: float, down: float, right: float) -> Box:
        return _box(area, 1 / ratio, down, right)

    def any_corner(area: float, ratio: float, down: float, right: float) -> Box:
        return down, right, *_box(area, ratio, down, right)[2:]

    def centred(area: float, ratio: float, down: float, right: float) -> Box:
        return _box(area, ratio, 0.5, 0.5)

    def crossed(area: float, ratio: float, down: float, right: float) -> Box:
        return _box(area, ratio, right, down)

    def other_way(area: float, ratio: float, down: float, right: float) -> Box:
        return _box(area, ratio, 1 - down, 1 - right)

    def old_room(area: float, ratio: float, down: float, right: float) -> Box:
        return *_placed(*_sides(area, ratio), down, right)[:2], *_box(area, ratio, down, right)[2:]

    def corners(area: float, ratio: float, down: float, right: float) -> Box:
        top, left, height, width = _box(area, ratio, down, right)
        return top, left, top + height, left + width

    def ordered(*places: int) -> Callable[..., Box]:
        return lambda *args: tuple(_box(*args)[place] for place in places)

    order = "The order is top, left, height, width."
    form = ("You kept the form, and made the other side smaller, too. Here each side is cut to 1 "
            "on its own: the other one stays as it was.")  # fmt: skip
    size = ("You kept the area, and made the other side longer. Here each side is cut to 1 on its "
            "own: the other one stays as it was.")  # fmt: skip
    slips = (
        Slip(_with_sides(_sides), "A box of that shape is larger than the picture: no side may "
             "pass 1, and the corner follows from the side as it is then."),
        *(Slip(_with_sides(sides), form) for sides in (_keeps_form, _by_height, _by_width)),
        *(Slip(_with_sides(sides), size) for sides in (_keeps_area, _height_first, _width_first)),
        Slip(swapped, "`ratio` is width over height; yours is height over width."),
        Slip(any_corner, "That corner may push the box out of the picture. There is 1 minus the "
             "side left to choose from."),
        Slip(old_room, "The corner follows from the side as it is after the cut: it is below 0."),
        Slip(_with_sides(lambda area, ratio: (min(1.0, area / ratio), min(1.0, area * ratio))),
             "height times width is to be `area`: sides of area / ratio and area * ratio "
             "give its square."),
        Slip(centred, "The box sits in the middle, whatever `down` and `right` say."),
        Slip(crossed, "`down` moves the top, `right` the left."),
        Slip(other_way, "`down` and `right` at 0 leave the box at the top and at the left."),
        Slip(corners, "The last two are height and width, not the other corner."),
        *(Slip(ordered(*places), order)
          for places in ((2, 3, 0, 1), (0, 1, 3, 2), (1, 0, 2, 3), (1, 0, 3, 2))),
    )  # fmt: skip
    cases = [
        Case((0.5, 4 / 3, 0.5, 0.25)),
        Case((0.25, 1.0, 0.0, 1.0)),
        Case((0.9, 4 / 3, 0.5, 0.5)),
        Case((0.9, 3 / 4, 1.0, 0.25)),
        Case((1.0, 1.0, 0.7, 0.7)),
    ]
    look = "Two equations, height * width = area and width / height = ratio; then a cut at 1."
    same_as(answer, _box, cases, slips, look)


# ---- 07.3 What decays ----------------------------------------------------------------------------


def _modern() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def _bare() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, 1, bias=False))


class _Nested(nn.Module):
    """Layers inside of layers, weights that two of them share, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.body = nn.ModuleDict({"deep": nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))})
        self.body["again"] = nn.Conv2d(4, 4, 1, bias=False)
        self.body["again"].weight = self.body["deep"][0].weight
        self.classifier = nn.Linear(4, 2, bias=False)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))


def _decaying(model: nn.Module) -> list[str]:
    return [name for name, parameter in model.named_parameters() if parameter.dim() > 1]


def _names(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_parameters()]


def _test_decaying(answer: Any) -> None:
    def of_dims(*dims: int) -> Callable[[nn.Module], list[str]]:
        return lambda model: [n for n, p in model.named_parameters() if p.dim() in dims]

    def layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
        named = model.named_modules()
        return [(name, one) for name, one in named if isinstance(one, nn.Conv2d | nn.Linear)]

    def in_state(model: nn.Module) -> list[str]:
        return [name for name, tensor in model.state_dict().items() if tensor.dim() > 1]

    twice = "Weights that two layers share are one parameter: `named_parameters` names it once."
    order = "Those are the names, in another order: keep that of `named_parameters`."
    slips = (
        Slip(_names, "That is every parameter."),
        Slip(lambda model: [n for n in _names(model) if n.endswith("weight")],
             'BatchNorm calls its scale "weight", too. How do its dimensions differ?'),
        Slip(lambda model: [n for n in _names(model) if n not in _decaying(model)],
             "Those are the ones that do not decay."),
        Slip(of_dims(4), "A linear layer's weights decay as well; they have two dimensions."),
        Slip(of_dims(2), "A convolution's weights decay as well; they have four dimensions."),
        Slip(lambda model: [n for n in _names(model) if not n.endswith("bias")],
             "Biases are out, and BatchNorm's scale is still in."),
        Slip(lambda model: [p for p in model.parameters() if p.dim() > 1],
             "Those are the tensors; asked are their names."),
        Slip(lambda model: [(n, p) for n, p in model.named_parameters() if p.dim() > 1],
             "Those are pairs of a name and a tensor; asked are the names alone."),
        Slip(lambda model: [n.removesuffix(".weight") for n in _decaying(model)],
             'Those are layers. A parameter\'s name ends in "weight" or "bias".'),
        Slip(lambda model: [f"{n}.weight" for n, one in layers(model) if "." not in n],
             "Layers that lie inside of other layers are missing."),
        Slip(lambda model: [n for n, p in model.named_parameters(remove_duplicate=False)
                            if p.dim() > 1], twice),
        Slip(in_state, "`state_dict` also holds buffers, which are no parameters, and names "
             "twice what two layers share."),
        Slip(lambda model: _decaying(model)[::-1], order),
        Slip(lambda model: sorted(_decaying(model)), order),
    )  # fmt: skip
    cases = [
        Case((_modern,), "a convolution, a BatchNorm and a linear layer"),
        Case((_bare,), "a BatchNorm and a linear layer without bias"),
        Case((_Nested,), "nested layers, two of which share their weights, and a buffer"),
    ]
    look = "Go over `model.named_parameters()`; ask each parameter for its `dim()`."
    same_on_networks(answer, _decaying, cases, slips, look)


# ---- 07.4 A cosine with restarts -----------------------------------------------------------------


def _rate(step: int, steps: int, top: float, floor: float, cycles: int) -> float:
    share = (step * cycles / steps) % 1
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def _test_rate(answer: Any) -> None:
    def half_down(step: int, steps: int, top: float, floor: float, cycles: int) -> float:
        return floor + (top - floor) * math.cos(math.pi / 2 * (step * cycles / steps % 1))

    def waves(step: int, steps: int, top: float, floor: float, cycles: int) -> float:
        return floor + (top - floor) * (1 + math.cos(math.pi * step * cycles / steps)) / 2

    slips = (
        Slip(lambda step, steps, top, floor, cycles: _rate(step, steps, top, floor, 1),
             "It goes down once, over the whole training. Where is it in its own cycle?"),
        Slip(waves, "After one cycle it climbs back along the cosine. A restart jumps: only the "
             "part of the cycle that has passed counts."),
        Slip(half_down, "The cosine is to go from 1 to -1, and to be brought to 1 to 0."),
        Slip(lambda step, steps, top, floor, cycles: _rate(step, steps, top, 0.0, cycles),
             "The cosine lies between `top` and 0. `floor` is where a cycle ends."),
        Slip(lambda step, steps, top, floor, cycles: (
            floor + top * (1 + math.cos(math.pi * (step * cycles / steps % 1))) / 2),
             "It begins above `top`: what swings is top minus floor."),
        Slip(lambda step, steps, top, floor, cycles: (
            floor + (top - floor) * (1 - step * cycles / steps % 1)),
             "That is a straight line. Asked is half a cosine."),
        Slip(lambda step, steps, top, floor, cycles: (
            floor + (top - floor) * (1 - math.cos(math.pi * (step * cycles / steps % 1))) / 2),
             "It begins at the floor and rises."),
        Slip(lambda step, steps, top, floor, cycles: (
            _rate(step % (steps // cycles), steps // cycles, top, floor, 1)),
             "`steps // cycles` loses a remainder. A cycle need not be a whole number of steps."),
        Slip(lambda step, steps, top, floor, cycles: (
            floor + (top - floor) * (1 + math.cos(step * cycles / steps % 1)) / 2),
             "`math.cos` counts in radians: half a wave is `math.pi`."),
        Slip(lambda step, steps, top, floor, cycles: (
            floor + (top - floor) * (1 + math.cos(2 * math.pi * (step * cycles / steps % 1))) / 2),
             "That is a whole wave, down and up again. Asked is half of one."),
    )  # fmt: skip
    cases = [
        Case(args)
        for args in (
            *((5, 80, 0.1, 0.01, 4), (26, 80, 0.1, 0.01, 4), (20, 80, 0.1, 0.01, 4)),
            *((0, 80, 0.1, 0.01, 1), (30, 80, 0.1, 0.01, 1), (70, 80, 1.0, 0.0, 2)),
            *((7, 11, 0.5, 0.2, 4), (130, 200, 0.1, 0.0, 5)),
        )
    ]
    look = "Which share of its own cycle has passed? `%` drops the cycles that are over."
    same_as(answer, _rate, cases, slips, look)


# ---- 07.5 One step of the average ----------------------------------------------------------------


def _averaged(average: Tensor, weights: Tensor, update: int, decay: float) -> Tensor:
    kept = min(decay, (1 + update) / (10 + update))
    return kept * average + (1 - kept) * weights


def _test_averaged(answer: Any) -> None:
    def with_kept(kept: Any) -> Any:
        return lambda average, weights, update, decay: (
            kept(update, decay) * average + (1 - kept(update, decay)) * weights
        )

    def ramp(update: int, decay: float) -> float:
        return min(decay, (1 + update) / (10 + update))

    slips = (
        Slip(with_kept(lambda update, decay: 1 - ramp(update, decay)),
             "That is the wrong way round: `decay` is what the average keeps of itself."),
        Slip(with_kept(lambda update, decay: 1 - decay),
             "That is the wrong way round, and not ramped."),
        Slip(with_kept(lambda update, decay: decay),
             "That keeps `decay`, and here the other of the two is smaller: early updates would "
             "keep too much of untrained weights."),
        Slip(with_kept(lambda update, decay: (1 + update) / (10 + update)),
             "That is more than `decay`: the ramp ends there."),
        Slip(lambda average, weights, update, decay: (
            ramp(update, decay) * average + weights),
             "The two shares do not add up to 1, so that the average grows and grows."),
    )  # fmt: skip
    average, weights = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([3.0, 0.0, 0.5])
    table = torch.arange(6.0).view(2, 3)
    cases = [
        Case((average, weights, update, decay), f"average, weights, {update}, {decay}")
        for update, decay in ((1, 0.999), (1000, 0.5), (40, 0.9), (100_000, 0.999))
    ]
    cases += [Case((table, table.flip(1), 2, 0.9), "average and weights of shape (2, 3), 2, 0.9")]
    look = "Which of the two is smaller: the decay, or (1 + update) / (10 + update)?"
    same_as(answer, _averaged, cases, slips, look)


# ---- 07.6 Hours on N GPUs ------------------------------------------------------------------------


def _hours(
    pictures_per_second: float, gpus: int, efficiency: float, epochs: int, pictures: int
) -> float:
    return epochs * pictures / (pictures_per_second * gpus * efficiency) / 3600


def _test_hours(answer: Any) -> None:
    slips = (
        Slip(lambda p, g, e, n, k: 3600 * _hours(p, g, e, n, k), "That is in seconds."),
        Slip(lambda p, g, e, n, k: 60 * _hours(p, g, e, n, k), "That is in minutes."),
        Slip(lambda p, g, e, n, k: _hours(p, g, e if g > 1 else 1.0, n, k),
             "For one GPU `efficiency` was left out. It counts as it is given."),
        Slip(lambda p, g, e, n, k: _hours(p, g, 1.0, n, k),
             "`efficiency` is not in it: GPUs that wait for each other compute less."),
        Slip(lambda p, g, e, n, k: _hours(p, g, 1 / e, n, k),
             "A lower efficiency made it faster: divide by it."),
        Slip(lambda p, g, e, n, k: g * g * _hours(p, g, e, n, k),
             "More GPUs made it slower: they share the pictures."),
        Slip(lambda p, g, e, n, k: _hours(p, 1, e, n, k), "The number of GPUs is not in it."),
        Slip(lambda p, g, e, n, k: _hours(p, g, e, 1, k), "That is one epoch."),
        Slip(lambda p, g, e, n, k: _hours(p, g, e, n, k) / 24, "That is in days."),
        Slip(lambda p, g, e, n, k: _hours(p, g, e, n, k) // 1,
             "Parts of an hour count: no `//`, and no rounding."),
        Slip(lambda p, g, e, n, k: math.ceil(_hours(p, g, e, n, k)),
             "Parts of an hour count: no `//`, and no rounding."),
        Slip(lambda p, g, e, n, k: _hours(p, 1 + (g - 1) * e, 1.0, n, k),
             "`efficiency` holds for all GPUs, the first as well."),
    )  # fmt: skip
    cases = [
        Case(args)
        for args in (
            *((500.0, 8, 0.8, 90, 1_281_167), (100.0, 1, 1.0, 1, 1_281_167)),
            *((100.0, 64, 1.0, 90, 1_281_167), (500, 1, 0.5, 2, 50_000)),
        )
    ]
    look = "All pictures of all epochs, over what all GPUs do in an hour."
    same_as(answer, _hours, cases, slips, look)


EXERCISES = (
    Exercise(
        "07.1",
        "Smoothed labels",
        _test_smoothed,
        (
            "`F.one_hot(labels, classes)` gives 1 for the right class and 0 for the others.",
            "Take `smoothing` of it away, and give `smoothing / classes` to every class.",
            "`F.one_hot(labels, classes) * (1 - smoothing) + ...`: the sum of a row stays 1.",
        ),
        "a label is now a distribution, and the loss cannot fall below that one's entropy.",
    ),
    Exercise(
        "07.2",
        "The box of a crop",
        _test_box,
        (
            "height * width = area and width / height = ratio: solve for both.",
            "height is the root of area / ratio, width the root of area * ratio; neither above 1.",
            "A box that is `height` high leaves 1 - height to place its top in: times `down`.",
        ),
        "area, form and place are drawn apart from each other, as the paper says.",
    ),
    Exercise(
        "07.3",
        "What decays",
        _test_decaying,
        (
            "A convolution's weights have four dimensions, a linear layer's two.",
            "Biases, and the scale and shift of BatchNorm, have one.",
            "`[name for name, parameter in model.named_parameters() if ...]`",
        ),
        "a name does not tell the weights of layers from BatchNorm's scale; dimensions do.",
    ),
    Exercise(
        "07.4",
        "A cosine with restarts",
        _test_rate,
        (
            "`step * cycles / steps` counts the cycles that have passed, with their parts.",
            "`% 1` leaves the part of the present one, from 0 up to 1.",
            "`(1 + math.cos(math.pi * share)) / 2` falls from 1 to 0; bring it to top and floor.",
        ),
        "every cycle is a whole training in small, and only its end is a place to stop.",
    ),
    Exercise(
        "07.5",
        "One step of the moving average",
        _test_averaged,
        (
            "The average keeps a share of itself, and takes the rest from the weights.",
            "What it keeps is the smaller of `decay` and `(1 + update) / (10 + update)`.",
            "`kept * average + (1 - kept) * weights`",
        ),
        "early on it forgets fast, later it remembers long.",
    ),
    Exercise(
        "07.6",
        "Hours on N GPUs",
        _test_hours,
        (
            "How many pictures go through the network in all?",
            "All GPUs together do `pictures_per_second * gpus * efficiency`.",
            "Pictures over pictures a second gives seconds; an hour has 3,600.",
        ),
        "throughput is measured, efficiency is measured, the rest is division.",
    ),
)

PREDICTIONS = (
    Prediction(
        "07.a",
        "A transform crops a batch of 64 pictures at random. How many different crops are there?",
        least=1,
        most=64,
    ),
    Prediction(
        "07.b",
        "Labels of ten classes are smoothed by 0.1. What is the least loss that is possible?",
        tolerance=0.1,
        least=0,
        most=3,
    ),
    Prediction(
        "07.c",
        "Decay 0.99998, 1,000 updates: how many percent of the average are the first weights?",
        tolerance=5,
        least=0,
        most=100,
    ),
    Prediction(
        "07.d",
        "0.0001 times 0.0001 in float16: what comes out?",
        choices=("1e-8", "zero", "an error"),
    ),
    Prediction(
        "07.e",
        "A batch in four parts, with BatchNorm: are the gradients those of the whole batch?",
        choices=("the same", "others"),
    ),
)
