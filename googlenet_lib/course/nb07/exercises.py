"""Exercises and predictions of notebook 07: labels, crops, decay, rates, averages, hours."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, slips
from googlenet_lib.course.kit.networks import Lent

# ---- 07.1 ----------------------------------------------------------------------------------------


def smoothed(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels as distributions (N, classes): part of the right class is shared among all."""
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes


def _share_of_wrong(labels: Tensor, classes: int, smoothing: float, ways: int) -> Tensor:
    right = F.one_hot(labels, classes).float()
    return right * (1 - smoothing) + (1 - right) * smoothing / ways


SMOOTHED = Exercise(
    "07.1",
    "Smoothed labels",
    solution=smoothed,
    cases=[
        Case((torch.tensor([2, 0, 3]), 4, 0.2), "labels [2, 0, 3], 4 classes, smoothing 0.2"),
        Case((torch.tensor([2, 0, 3]), 4, 0.0), "labels [2, 0, 3], 4 classes, smoothing 0"),
        Case((torch.tensor([1, 7]), 10, 0.1), "labels [1, 7], 10 classes, smoothing 0.1"),
    ],
    slips=slips(
        "The smoothing went to the wrong classes alone. PyTorch shares it among all classes, the "
        "right one too.",
        lambda y, c, s: _share_of_wrong(y, c, s, c - 1),
        "The rows do not add up to 1: the right class gets its part of the share as well.",
        lambda y, c, s: _share_of_wrong(y, c, s, c),
        "The rows add up to more than 1. What is given to all was taken from the right one.",
        lambda y, c, s: F.one_hot(y, c) + s / c,
        "Every class got the whole of the smoothing. It is shared among the classes.",
        lambda y, c, s: F.one_hot(y, c) * (1 - s) + s,
        "`smoothing` is what the labels lose; you kept that and gave away the rest.",
        lambda y, c, s: F.one_hot(y, c) * s + (1 - s) / c,
        "Those are the labels as they were.",
        lambda y, c, s: F.one_hot(y, c).float(),
    ),
    look="One row a label; 1 - smoothing for the right class, and smoothing / classes for all.",
    hints=(
        "`F.one_hot(labels, classes)` gives 1 for the right class and 0 for the others.",
        "Take `smoothing` of it away, and give `smoothing / classes` to every class.",
        "`F.one_hot(labels, classes) * (1 - smoothing) + ...`: the sum of a row stays 1.",
    ),
    why="a label is now a distribution, and the loss cannot fall below that one's entropy.",
)

# ---- 07.2 ----------------------------------------------------------------------------------------

Box = tuple[float, float, float, float]


def _sides(area: float, ratio: float) -> tuple[float, float]:
    return math.sqrt(area / ratio), math.sqrt(area * ratio)


def _placed(height: float, width: float, down: float, right: float) -> Box:
    return down * (1 - height), right * (1 - width), height, width


def box_of(area: float, ratio: float, down: float, right: float) -> Box:
    """Top, left, height and width of a crop, as shares of the picture's sides."""
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


def _changed(change: Callable[..., Box]) -> Callable[..., Box]:
    """The right box, changed: by top, left, height, width."""
    return lambda *args: change(*box_of(*args))


def _old_room(area: float, ratio: float, down: float, right: float) -> Box:
    top, left, *_ = _placed(*_sides(area, ratio), down, right)
    return top, left, *box_of(area, ratio, down, right)[2:]


BOX = Exercise(
    "07.2",
    "The box of a crop",
    solution=box_of,
    cases=[
        (0.5, 4 / 3, 0.5, 0.25),
        (0.25, 1.0, 0.0, 1.0),
        (0.9, 4 / 3, 0.5, 0.5),
        (0.9, 3 / 4, 1.0, 0.25),
        (1.0, 1.0, 0.7, 0.7),
    ],
    slips=slips(
        "A box of that shape is larger than the picture: no side may pass 1, and the corner "
        "follows from the side as it is then.",
        _with_sides(_sides),
        "You kept the form, and made the other side smaller, too. Here each side is cut to 1 on "
        "its own: the other one stays as it was.",
        *map(_with_sides, (_keeps_form, _by_height, _by_width)),
        "You kept the area, and made the other side longer. Here each side is cut to 1 on its own: "
        "the other one stays as it was.",
        *map(_with_sides, (_keeps_area, _height_first, _width_first)),
        "`ratio` is width over height; yours is height over width.",
        lambda area, ratio, down, right: box_of(area, 1 / ratio, down, right),
        "That corner may push the box out of the picture. There is 1 minus the side left to choose "
        "from.",
        lambda area, ratio, down, right: (down, right, *box_of(area, ratio, down, right)[2:]),
        "The corner follows from the side as it is after the cut: it is below 0.",
        _old_room,
        "height times width is to be `area`: sides of area / ratio and area * ratio give its "
        "square.",
        _with_sides(lambda area, ratio: (min(1.0, area / ratio), min(1.0, area * ratio))),
        "The box sits in the middle, whatever `down` and `right` say.",
        lambda area, ratio, down, right: box_of(area, ratio, 0.5, 0.5),
        "`down` moves the top, `right` the left.",
        lambda area, ratio, down, right: box_of(area, ratio, right, down),
        "`down` and `right` at 0 leave the box at the top and at the left.",
        lambda area, ratio, down, right: box_of(area, ratio, 1 - down, 1 - right),
        "The last two are height and width, not the other corner.",
        _changed(lambda top, left, height, width: (top, left, top + height, left + width)),
        "The order is top, left, height, width.",
        _changed(lambda top, left, height, width: (height, width, top, left)),
        _changed(lambda top, left, height, width: (top, left, width, height)),
        _changed(lambda top, left, height, width: (left, top, height, width)),
        _changed(lambda top, left, height, width: (left, top, width, height)),
    ),
    look="Two equations, height * width = area and width / height = ratio; then a cut at 1.",
    hints=(
        "height * width = area and width / height = ratio: solve for both.",
        "height is the root of area / ratio, width the root of area * ratio; neither above 1.",
        "A box that is `height` high leaves 1 - height to place its top in: times `down`.",
    ),
    why="area, form and place are drawn apart from each other, as the paper says.",
)

# ---- 07.3 ----------------------------------------------------------------------------------------


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


def decaying_names(model: nn.Module) -> list[str]:
    """The parameters of more than one dimension."""
    return [name for name, parameter in model.named_parameters() if parameter.dim() > 1]


def _names(model: nn.Module, dims: range = range(9)) -> list[str]:
    return [name for name, p in model.named_parameters() if p.dim() in dims]


def _twice(model: nn.Module) -> list[str]:
    named = model.named_parameters(remove_duplicate=False)
    return [name for name, p in named if p.dim() > 1]


DECAYING = Exercise(
    "07.3",
    "What decays",
    solution=decaying_names,
    cases=[
        Case((Lent(_modern),), "a convolution, a BatchNorm and a linear layer"),
        Case((Lent(_bare),), "a BatchNorm and a linear layer without bias"),
        Case((Lent(_Nested),), "nested layers, two of which share their weights, and a buffer"),
    ],
    slips=slips(
        "That is every parameter.",
        _names,
        'BatchNorm calls its scale "weight", too. How do its dimensions differ?',
        lambda model: [name for name in _names(model) if name.endswith("weight")],
        "Those are the ones that do not decay.",
        lambda model: _names(model, range(2)),
        "A linear layer's weights decay as well; they have two dimensions.",
        lambda model: _names(model, range(4, 5)),
        "A convolution's weights decay as well; they have four dimensions.",
        lambda model: _names(model, range(2, 3)),
        "Those are the tensors; asked are their names.",
        lambda model: [p for p in model.parameters() if p.dim() > 1],
        "Those are pairs of a name and a tensor; asked are the names alone.",
        lambda model: [(name, p) for name, p in model.named_parameters() if p.dim() > 1],
        'Those are layers. A parameter\'s name ends in "weight" or "bias".',
        lambda model: [name.removesuffix(".weight") for name in decaying_names(model)],
        "Layers that lie inside of other layers are missing.",
        lambda model: [name for name in _twice(model) if name.count(".") == 1],
        "Weights that two layers share are one parameter: `named_parameters` names it once.",
        _twice,
        "`state_dict` also holds buffers, which are no parameters, and names twice what two layers "
        "share.",
        lambda model: [name for name, tensor in model.state_dict().items() if tensor.dim() > 1],
        "Those are the names, in another order: keep that of `named_parameters`.",
        lambda model: decaying_names(model)[::-1],
        lambda model: sorted(decaying_names(model)),
    ),
    look="Go over `model.named_parameters()`; ask each parameter for its `dim()`.",
    hints=(
        "A convolution's weights have four dimensions, a linear layer's two.",
        "Biases, and the scale and shift of BatchNorm, have one.",
        "`[name for name, parameter in model.named_parameters() if ...]`",
    ),
    why="a name does not tell the weights of layers from BatchNorm's scale; dimensions do.",
)

# ---- 07.4 ----------------------------------------------------------------------------------------


def rate(step: int, steps: int, top: float, floor: float, cycles: int) -> float:
    """The learning rate at `step`: in each cycle half a cosine from `top` to `floor`."""
    return cosine(step * cycles / steps % 1, top, floor)


def cosine(share: float, top: float, floor: float) -> float:
    """Half a cosine from `top` to `floor`, of which `share` has passed."""
    return floor + (top - floor) * (1 + math.cos(math.pi * share)) / 2


def _by_share(change: Callable[[float, float, float], float]) -> Callable[..., float]:
    """A rate that `change` makes of the share of its cycle, the top and the floor."""
    return lambda step, steps, top, floor, cycles: change(step * cycles / steps % 1, top, floor)


RATE = Exercise(
    "07.4",
    "A cosine with restarts",
    solution=rate,
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
        lambda step, steps, top, floor, cycles: rate(step, steps, top, floor, 1),
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

# ---- 07.5 ----------------------------------------------------------------------------------------

AVERAGE, WEIGHTS = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([3.0, 0.0, 0.5])
TABLE = torch.arange(6.0).view(2, 3)


def ramp(update: int) -> float:
    """What the average keeps at most, so early in training."""
    return (1 + update) / (10 + update)


def _averaged(kept: Callable[[int, float], float]) -> Callable[..., Tensor]:
    """A step of the average, of which `kept` says how much of itself it keeps."""

    def averaged(average: Tensor, weights: Tensor, update: int, decay: float) -> Tensor:
        share = kept(update, decay)
        return share * average + (1 - share) * weights

    return averaged


AVERAGED = Exercise(
    "07.5",
    "One step of the moving average",
    solution=_averaged(lambda update, decay: min(decay, ramp(update))),
    cases=[
        *(
            Case((AVERAGE, WEIGHTS, update, decay), f"average, weights, {update}, {decay}")
            for update, decay in ((1, 0.999), (1000, 0.5), (40, 0.9), (100_000, 0.999))
        ),
        Case((TABLE, TABLE.flip(1), 2, 0.9), "average and weights of shape (2, 3), 2, 0.9"),
    ],
    slips=slips(
        "That is the wrong way round: `decay` is what the average keeps of itself.",
        _averaged(lambda update, decay: 1 - min(decay, ramp(update))),
        "That is the wrong way round, and not ramped.",
        _averaged(lambda update, decay: 1 - decay),
        "That keeps `decay`, and here the other of the two is smaller: early updates would keep "
        "too much of untrained weights.",
        _averaged(lambda update, decay: decay),
        "That is more than `decay`: the ramp ends there.",
        _averaged(lambda update, decay: ramp(update)),
        "The two shares do not add up to 1, so that the average grows and grows.",
        lambda average, weights, update, decay: min(decay, ramp(update)) * average + weights,
    ),
    look="Which of the two is smaller: the decay, or (1 + update) / (10 + update)?",
    hints=(
        "The average keeps a share of itself, and takes the rest from the weights.",
        "What it keeps is the smaller of `decay` and `(1 + update) / (10 + update)`.",
        "`kept * average + (1 - kept) * weights`",
    ),
    why="early on it forgets fast, later it remembers long.",
)


def hours_on(
    pictures_per_second: float, gpus: float, efficiency: float, epochs: int, pictures: int
) -> float:
    """How long a training takes."""
    return epochs * pictures / (pictures_per_second * gpus * efficiency) / 3600


HOURS = Exercise(
    "07.6",
    "Hours on N GPUs",
    solution=hours_on,
    cases=[
        (500.0, 8, 0.8, 90, 1_281_167),
        (100.0, 1, 1.0, 1, 1_281_167),
        (100.0, 64, 1.0, 90, 1_281_167),
        (500, 1, 0.5, 2, 50_000),
    ],
    slips=slips(
        "That is in seconds.",
        lambda speed, gpus, share, epochs, n: 3600 * hours_on(speed, gpus, share, epochs, n),
        "That is in minutes.",
        lambda speed, gpus, share, epochs, n: 60 * hours_on(speed, gpus, share, epochs, n),
        "For one GPU `efficiency` was left out. It counts as it is given.",
        lambda speed, gpus, *given: hours_on(speed, gpus, given[0] if gpus > 1 else 1, *given[1:]),
        "`efficiency` is not in it: GPUs that wait for each other compute less.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, gpus, 1, epochs, n),
        "A lower efficiency made it faster: divide by it.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, gpus, 1 / share, epochs, n),
        "More GPUs made it slower: they share the pictures.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, 1 / gpus, share, epochs, n),
        "The number of GPUs is not in it.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, 1, share, epochs, n),
        "That is one epoch.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, gpus, share, 1, n),
        "That is in days.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, gpus, share, epochs, n) / 24,
        "Parts of an hour count: no `//`, and no rounding.",
        lambda speed, gpus, share, epochs, n: hours_on(speed, gpus, share, epochs, n) // 1,
        lambda speed, gpus, share, epochs, n: math.ceil(hours_on(speed, gpus, share, epochs, n)),
        "`efficiency` holds for all GPUs, the first as well.",
        lambda speed, gpus, share, *given: hours_on(speed, 1 + (gpus - 1) * share, 1, *given),
    ),
    look="All pictures of all epochs, over what all GPUs do in an hour.",
    hints=(
        "How many pictures go through the network in all?",
        "All GPUs together do `pictures_per_second * gpus * efficiency`.",
        "Pictures over pictures a second gives seconds; an hour has 3,600.",
    ),
    why="throughput is measured, efficiency is measured, the rest is division.",
)

EXERCISES = (SMOOTHED, BOX, DECAYING, RATE, AVERAGED, HOURS)

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
