"""Exercises and predictions of lesson 05: weights that begin, gradients, losses, outputs."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, slips
from googlenet_lib.course.kit.losses import (
    criterion_slips,
    same_gradients,
    some_outputs,
    weighted_loss,
)
from googlenet_lib.course.kit.networks import Lent
from googlenet_lib.network.googlenet import GoogLeNetOutput

# ---- 05.1 ----------------------------------------------------------------------------------------


def leaky_std(fan_in: int, slope: float) -> float:
    """The standard deviation that keeps the mean square through a leaky ReLU."""
    return math.sqrt(2 / ((1 + slope**2) * fan_in))


LEAKY = Exercise(
    "05.1",
    "He for a leaky ReLU",
    solution=leaky_std,
    cases=[(64, 0.0), (576, 0.0), (64, 1.0), (1152, 0.1), (147, 0.25)],
    slips=slips(
        "That is a variance. Asked is the standard deviation, its square root.",
        lambda fan_in, slope: leaky_std(fan_in, slope) ** 2,
        "The slope is not in it: negative inputs come through, times `slope`.",
        lambda fan_in, slope: leaky_std(fan_in, 0.0),
        "The mean square is what has to stay: a factor of `slope` counts as its square.",
        lambda fan_in, slope: math.sqrt(2 / ((1 + slope) * fan_in)),
        "Half of the inputs are multiplied by `slope` and half by 1. You left one half out.",
        lambda fan_in, slope: math.sqrt(2 / (slope**2 * fan_in)) if slope else 0.0,
        "With a slope of 1 nothing is lost, so that the 2 has to cancel.",
        lambda fan_in, slope: math.sqrt(2 * (1 + slope**2) / fan_in),
        lambda fan_in, slope: math.sqrt(1 / ((1 + slope**2) * fan_in)),
    ),
    look="After the layer and its leaky ReLU, the mean square has to be what it was before.",
    hints=(
        "A ReLU keeps half of the mean square. How much does a leaky one keep?",
        "Half of the values stay; the others become `slope` times as large, and their squares "
        "`slope**2` times.",
        "It keeps (1 + slope²)/2. Now solve fan-in · variance · (1 + slope²)/2 = 1.",
    ),
    why="the same half page works for every activation: ask what it does to the mean square.",
)

# ---- 05.2 ----------------------------------------------------------------------------------------


class _Layers(nn.Module):
    """Layers by name, with gradients that a test has put there. Some names hold another one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv10 = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1)
        self.block = nn.Sequential()
        self.block.conv1 = nn.Linear(4, 4)
        self.block.deep = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2, bias=False))
        self.partly = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        self.unused = nn.Linear(2, 2)
        draw = torch.Generator().manual_seed(3)
        for name, parameter in self.named_parameters():
            if not name.startswith(("unused", "partly.1", "partly.0.bias")):
                parameter.grad = torch.randn(parameter.shape, generator=draw)


def _gradients(network: nn.Module, name: str) -> list[Tensor]:
    return [p.grad for p in network.get_submodule(name).parameters() if p.grad is not None]


def _length(tensors: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.detach().pow(2).sum()) for tensor in tensors))


def gradient_norm(network: nn.Module, name: str) -> float:
    """The Euclidean norm of the gradient of the layer called `name`."""
    return _length(_gradients(network, name))


INSIDE = "A layer may hold layers of its own; its `parameters()` are all of theirs."
PATH = "A name may be a path with dots: `network.get_submodule(name)` follows it."
NO_GRADIENT = "Some parameters have no gradient yet: their `.grad` is None, and they count as 0."

GRADIENT = Exercise(
    "05.2",
    "A layer's gradient norm",
    solution=gradient_norm,
    cases=[
        Case((Lent(_Layers), "conv1"), 'network, "conv1"'),
        Case((Lent(_Layers), "block"), 'network, "block"', INSIDE),
        Case((Lent(_Layers), "block.deep"), 'network, "block.deep"', PATH),
        Case((Lent(_Layers), "block.deep.1"), 'network, "block.deep.1"', PATH),
        Case((Lent(_Layers), "partly"), 'network, "partly"', NO_GRADIENT),
        Case((Lent(_Layers), "unused"), 'network, "unused"', NO_GRADIENT),
    ],
    slips=slips(
        "The norms of several tensors don't add up: their squares do.",
        lambda network, name: sum(float(g.norm()) for g in _gradients(network, name)),
        "The root is missing.",
        lambda network, name: gradient_norm(network, name) ** 2,
        "Those are the weights; asked are their gradients, `.grad`.",
        lambda network, name: _length(network.get_submodule(name).parameters()),
        "That is the whole network. Take the layer called `name`: `network.get_submodule(name)`.",
        lambda network, name: gradient_norm(network, ""),
        "Biases are parameters as well, and theirs are missing.",
        lambda network, name: _length(g for g in _gradients(network, name) if g.dim() > 1),
    ),
    look="Square every entry of every gradient of that layer, add up, take the root.",
    hints=(
        "`network.get_submodule(name).parameters()` are the layer's weights and biases.",
        "After `backward`, each has its gradient in `.grad`, or None if it got none.",
        "Sum `grad.pow(2).sum()` over them, take the root, hand back a float.",
    ),
    why="one number per layer, and you see where a training stalls.",
)

# ---- 05.3 ----------------------------------------------------------------------------------------

BOTH, LABELS = some_outputs(6, 10)
OTHERS, THEIR_LABELS = some_outputs(9, 7)
NONE_TOLD = "A head may be None: ask `is not None` before you take its loss."
LOSS_CASES = [
    Case((BOTH, LABELS, (0.5, 0.1)), "outputs of both heads, labels, (0.5, 0.1)"),
    Case((OTHERS, THEIR_LABELS), "outputs of both heads, labels"),
    Case(
        (GoogLeNetOutput(BOTH.logits, None, None), LABELS, (0.5, 0.1)),
        "outputs without heads, labels, (0.5, 0.1)",
        NONE_TOLD,
    ),
    Case(
        (BOTH._replace(aux_logits2=None), LABELS, (0.5, 0.1)),
        "outputs with the head at 4a alone, labels, (0.5, 0.1)",
        NONE_TOLD,
    ),
    Case(
        (BOTH._replace(aux_logits1=None), LABELS, (0.5, 0.1)),
        "outputs with the head at 4d alone, labels, (0.5, 0.1)",
        NONE_TOLD,
    ),
]

LOSS = Exercise(
    "05.3",
    "Find the bugs: the loss with two heads",
    solution=weighted_loss,
    cases=LOSS_CASES,
    test=same_gradients(weighted_loss, LOSS_CASES),
    slips=slips(
        "The weights are swapped: the first belongs to `aux_logits1`, the head at 4a, which is the "
        "LAST of the three outputs. Take them by name.",
        lambda outputs, labels, weights=(0.3, 0.3): weighted_loss(outputs, labels, weights[::-1]),
        "The heads are not in it.",
        lambda outputs, labels, weights=(0.3, 0.3): F.cross_entropy(outputs.logits, labels),
        "The heads count in full. Use `weights`.",
        lambda outputs, labels, weights=(0.3, 0.3): weighted_loss(outputs, labels, (1.0, 1.0)),
        "It is 0.3 whatever `weights` says.",
        lambda outputs, labels, weights=(0.3, 0.3): weighted_loss(outputs, labels),
    )
    | criterion_slips(weighted_loss),
    look="The main loss in full, each head's times its weight: 0.3 where no weights are given.",
    hints=(
        "Begin with `F.cross_entropy(outputs.logits, labels)`.",
        "`weights[0]` belongs to `outputs.aux_logits1`, `weights[1]` to `aux_logits2`.",
        "`zip(weights, (outputs.aux_logits1, outputs.aux_logits2))`, and skip what is None.",
    ),
    why="by name, no order of outputs can be mistaken, whoever defined it.",
)

EXERCISES = (LEAKY, GRADIENT, LOSS)

PREDICTIONS = (
    Prediction(
        "05.a",
        "Weights with a standard deviation of 0.01: how large are the activations after 5b, "
        "compared with those after conv1?",
        choices=("a tenth", "a thousandth", "less than a millionth"),
    ),
    Prediction(
        "05.b",
        "What percentage of the parameters in training belongs to the heads?",
        tolerance=5,
        least=0,
        most=100,
    ),
    Prediction(
        "05.c",
        "Standard deviation 0.01, no BatchNorm: how many times larger do the heads make conv1's "
        "gradient?",
        choices=("twice", "ten times", "thousands of times"),
    ),
    Prediction(
        "05.d",
        "And with BatchNorm after every convolution?",
        choices=("hardly at all", "ten times", "thousands of times"),
    ),
    Prediction(
        "05.e",
        "Xavier's weights, 200 steps on digits: which networks leave ln 10?",
        choices=("with heads", "without heads", "both", "neither"),
    ),
    Prediction(
        "05.f",
        "Without BatchNorm, with which first weights do the heads add most to the test accuracy?",
        choices=("std 0.01", "Xavier", "He"),
    ),
)
