"""Exercises and predictions of notebook 05: losses, a head, a layer's gradient, fading weights."""

import math
from collections.abc import Callable, Iterable
from functools import partial

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
from googlenet_lib.course.kit.modules import Build, convs, same_layers
from googlenet_lib.course.kit.networks import Lent
from googlenet_lib.network.googlenet import GoogLeNet, GoogLeNetOutput
from googlenet_lib.network.table1 import HEADS
from googlenet_lib.network.variants import VARIANTS

TINY = 1 / 16  # of the channels: a check takes no time

UNIFORM = Exercise(
    "05.1",
    "The loss of not knowing",
    solution=math.log,
    cases=[(1000,), (10,), (2,), (1,)],
    slips=slips(
        "A loss is not negative: minus the logarithm of 1/C.",
        lambda c: -math.log(c),
        "PyTorch's cross-entropy takes the natural logarithm.",
        *(math.log2, math.log10),
        "That is the probability of the right class. Its loss?",
        lambda c: 1 / c,
        "That is how often it errs. Cross-entropy is something else.",
        lambda c: 1 - 1 / c,
    ),
    look="Each class gets 1/C; cross-entropy is minus the log of what the right one got.",
    hints=(
        "Each of the C classes gets the probability 1/C, and so does the right one.",
        "Cross-entropy is minus the natural logarithm of what the right class got.",
        "`math.log` is the natural logarithm; -log(1/C) can be written shorter.",
    ),
    why="a loss that rests at this value says that the network tells no two pictures apart.",
)

# ---- 05.2 ----------------------------------------------------------------------------------------

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
    "05.2",
    "Two heads with weights of their own",
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

# ---- 05.3 ----------------------------------------------------------------------------------------


def _build(channels: int, classes: int) -> Build:
    head = HEADS[0]
    steps = [
        nn.AvgPool2d(head.pool_kernel, head.pool_stride),
        *convs(channels, (head.conv_channels, 1)),
        nn.Flatten(),
        nn.Linear(head.conv_channels * head.pooled_size**2, head.hidden),
        nn.ReLU(),
        nn.Dropout(head.dropout),
        nn.Linear(head.hidden, classes),
    ]
    shapes = ((2, channels, 14, 14), (1, channels, 14, 14))
    return Build((channels, classes), f"{channels}, {classes}", {"": steps}, shapes, biases=True)


HEAD = Exercise(
    "05.3",
    "A head as a module",
    kind="class",
    test=same_layers(_build(32, 10), _build(20, 7)),
    hints=(
        "Make the layers in `__init__`: nn.AvgPool2d(5, 3), nn.Conv2d, two nn.Linear, dropout.",
        "The 1x1 gives 128 channels on a 4x4 map: the first linear layer reads 4 * 4 * 128.",
        "ReLU after the 1x1 and after the first linear layer, dropout 0.7 before the last.",
    ),
    why="a small classifier on a map from the middle: nothing in it knows of the rest.",
)

# ---- 05.4 ----------------------------------------------------------------------------------------


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
    """The Euclidean length of the gradient of the layer called `name`."""
    return _length(_gradients(network, name))


def _norm_of(network: nn.Module, counts: Callable[[str], bool]) -> float:
    """Over all parameters whose full name `counts`."""
    named = [(name, p.grad) for name, p in network.named_parameters() if p.grad is not None]
    return _length(gradient for name, gradient in named if counts(name))


def _counted_twice(network: nn.Module, name: str) -> float:
    parts = network.get_submodule(name).modules()
    return _length(gradient for part in parts for gradient in _gradients(part, ""))


def _all_or_nothing(network: nn.Module, name: str) -> float:
    parameters = [*network.get_submodule(name).parameters()]
    return _length(p.grad for p in parameters if all(one.grad is not None for one in parameters))


INSIDE = "A layer may hold layers of its own; its `parameters()` are all of theirs."
PATH = "A name may be a path with dots: `network.get_submodule(name)` follows it."
NO_GRADIENT = "Some parameters have no gradient yet: their `.grad` is None, and they count as 0."

GRADIENT = Exercise(
    "05.4",
    "How long is a layer's gradient?",
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
        "The lengths of several tensors don't add up: their squares do.",
        lambda network, name: sum(float(g.norm()) for g in _gradients(network, name)),
        "The root is missing.",
        lambda network, name: gradient_norm(network, name) ** 2,
        "Those are the weights; asked are their gradients, `.grad`.",
        lambda network, name: _length(network.get_submodule(name).parameters()),
        "That is the whole network. Take the layer called `name`: `network.get_submodule(name)`.",
        lambda network, name: gradient_norm(network, ""),
        "That is the sum of absolute values; asked is the Euclidean length.",
        lambda network, name: sum(float(g.abs().sum()) for g in _gradients(network, name)),
        "Biases are parameters as well, and theirs are missing.",
        lambda network, name: _length(g for g in _gradients(network, name) if g.dim() > 1),
        "Some were counted twice: `parameters()` holds those of the layers inside as well.",
        _counted_twice,
        "Parameters of the layers inside this one are missing.",
        lambda network, name: _length(
            p.grad for p in network.get_submodule(name).parameters(recurse=False)
        ),
        "Some of its parameters have a gradient, and these count.",
        _all_or_nothing,
        "Layers were counted whose names only begin with this one, or hold it. "
        "`network.get_submodule(name)` is the one that is meant.",
        lambda network, name: _norm_of(network, lambda full: full.startswith(name)),
        lambda network, name: _norm_of(network, lambda full: name in full),
        lambda network, name: _norm_of(network, lambda full: f"{name}." in full),
    ),
    look="Square every entry of every gradient of that layer, add up, take the root.",
    hints=(
        "`network.get_submodule(name).parameters()` are the layer's weights and biases.",
        "After `backward`, each has its gradient in `.grad`, or None if it got none.",
        "Sum `grad.pow(2).sum()` over them, take the root, hand back a float.",
    ),
    why="one number per layer, and you see where a training stalls.",
)

# ---- 05.5 ----------------------------------------------------------------------------------------

Count = Callable[[nn.Module | None], int]


def _count(part: nn.Module | None) -> int:
    return 0 if part is None else sum(p.numel() for p in part.parameters())


def _count_state(part: nn.Module | None) -> int:
    return 0 if part is None else sum(tensor.numel() for tensor in part.state_dict().values())


def _count_tensors(part: nn.Module | None) -> int:
    return 0 if part is None else len([*part.parameters()])


def head_share(model: GoogLeNet, heads: Count = _count, whole: Count = _count) -> float:
    """What part of all parameters lies in the heads."""
    return (heads(model.aux1) + heads(model.aux2)) / whole(model)


def _narrow(variant: str, classes: int, heads: bool = True) -> GoogLeNet:
    return GoogLeNet(VARIANTS[variant], classes, heads=heads, width=TINY)


SHARE = Exercise(
    "05.5",
    "The heads' share",
    solution=head_share,
    cases=[
        Case((Lent(partial(_narrow, "paper", 1000)),), "a narrow network"),
        Case((Lent(partial(_narrow, "torchvision", 10)),), "a narrow network with BatchNorm"),
        Case(
            (Lent(partial(_narrow, "paper", 10, heads=False)),),
            "a network without heads",
            "Without heads, `aux1` and `aux2` are None.",
        ),
    ],
    slips=slips(
        "That is one head, and there are two.",
        lambda model: _count(model.aux1) / _count(model),
        lambda model: _count(model.aux2) / _count(model),
        "The two heads are not equally large: they read maps of 512 and 528 channels.",
        lambda model: 2 * _count(model.aux1) / _count(model),
        lambda model: 2 * _count(model.aux2) / _count(model),
        "Divided by the network without heads. The share is of all that training holds.",
        lambda model: 1 / (1 / head_share(model) - 1),
        "A share is a number from 0 to 1, no percentage.",
        lambda model: 100 * head_share(model),
        "That is how many. Of how many?",
        lambda model: _count(model.aux1) + _count(model.aux2),
        "That is the share of everything else.",
        lambda model: 1 - head_share(model),
        "Tensors were counted. A tensor holds `numel()` numbers.",
        lambda model: head_share(model, _count_tensors, _count_tensors),
        "Buffers were counted as well: BatchNorm's running statistics are in the `state_dict`, and "
        "are no parameters.",
        lambda model: head_share(model, _count_state, _count_state),
        lambda model: head_share(model, _count_state),
        lambda model: head_share(model, _count, _count_state),
    ),
    look="Parameters of both heads over all parameters.",
    hints=(
        "`sum(p.numel() for p in part.parameters())` counts any part.",
        "`model.aux1` and `model.aux2` are None in a network without heads.",
        "Both heads together, over all parameters of the model, the heads included.",
    ),
    why="what training carries and test throws away.",
)

# ---- 05.6 ----------------------------------------------------------------------------------------

Output = GoogLeNetOutput | Tensor


def main_logits(output: Output) -> Tensor:
    """Those of the classifier, whichever mode the output came from."""
    return output.logits if isinstance(output, GoogLeNetOutput) else output


def _vote(output: Output, each: Callable[[Tensor], Tensor]) -> Tensor:
    if not isinstance(output, GoogLeNetOutput):
        return output.argmax(1)
    return sum(each(one) for one in output if one is not None).argmax(1)


MAIN = torch.tensor([[0.0, 1.0, 0.5], [2.0, 0.0, 1.9], [-3.0, -2.0, -1.0], [0.0, 0.3, -0.5]])
AUX = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]])
OTHER = torch.cat([AUX[:3], torch.tensor([[0.0, 0.0, 0.5]])])  # a head of its own mind
FIVE = torch.tensor([[0.1, 0.3, 0.2, 0.5, 0.4], [0.5, -0.9, 0.1, 0.0, 0.2]])

PREDICTED = Exercise(
    "05.6",
    "Which output predicts?",
    solution=lambda output: main_logits(output).argmax(1),
    cases=[
        Case((GoogLeNetOutput(MAIN, AUX, OTHER),), "outputs of both heads"),
        Case((GoogLeNetOutput(MAIN, None, None),), "outputs without heads"),
        Case(
            (MAIN,),
            "a tensor of logits",
            "In evaluation mode the network returns a tensor, which has no `.logits`.",
        ),
        Case(
            (MAIN[:3],),
            "a tensor of logits of three pictures",
            "A GoogLeNetOutput is told by its type: a tensor may have three rows as well.",
        ),
        Case((MAIN[:1],), "a tensor of logits of one picture"),
        Case((FIVE,), "a tensor of logits of five classes"),
    ],
    slips=slips(
        "The heads voted. At test they are discarded: the main output decides alone.",
        lambda output: _vote(output, lambda logits: logits.softmax(1)),
        lambda output: _vote(output, lambda logits: logits),
        "That is what the head at 4a says.",
        lambda output: output.aux_logits1.argmax(1),
        "`output[0]` of a tensor is its first picture. Look at what came first: "
        "`isinstance(output, torch.Tensor)`.",
        lambda output: output[0].argmax(-1),
        "That is the best picture for each class; asked is the best class for each picture.",
        lambda output: main_logits(output).argmax(0),
        "Those are the largest logits; asked is which class they belong to.",
        lambda output: main_logits(output).amax(1),
        "Those are the logits. Which class has the largest?",
        main_logits,
    ),
    look="One class for each picture, by the main output.",
    hints=(
        "A GoogLeNetOutput has `.logits`; a tensor is the logits.",
        "`isinstance(output, torch.Tensor)` tells which of the two came.",
        "`.argmax(1)` of the main logits, and of nothing else.",
    ),
    why="the heads are there to train, the classifier is there to answer.",
)


def head_weight(step: float, steps: int, first: float = 0.3) -> float:
    """What a head's loss counts: `first`, in a straight line to 0 in the middle of training."""
    return first * max(0.0, 1 - 2 * step / steps)


FADING = Exercise(
    "05.7",
    "Heads that fade out",
    solution=head_weight,
    cases=[
        (0, 100),
        (75, 100),
        (40, 100),
        (50, 100),
        (100, 100),
        (25, 100, 1.0),
        (3, 7, 0.3),
        (120, 1000),
    ],
    slips=slips(
        "Below 0 the heads would be trained to be wrong. From the middle on the weight is 0.",
        lambda step, steps, first=0.3: first * (1 - 2 * step / steps),
        "From the middle on the weight is 0; yours rises again.",
        lambda step, steps, first=0.3: first * abs(1 - 2 * step / steps),
        "That reaches 0 at the end; asked is the middle.",
        lambda step, steps, first=0.3: first * (1 - step / steps),
        "That is a switch. In a straight line: half-way to the middle it is half of `first`.",
        lambda step, steps, first=0.3: first if 2 * step < steps else 0.0,
        "It begins at 0.3 whatever `first` says.",
        lambda step, steps, first=0.3: head_weight(step, steps),
        "Its slope is the same for every `first`, so that a small one is 0 too soon.",
        lambda step, steps, first=0.3: max(0.0, first - 2 * step / steps),
        "That begins at 0 and rises.",
        lambda step, steps, first=0.3: first * min(1.0, 2 * step / steps),
        "That never changes.",
        lambda step, steps, first=0.3: first,
        "`steps // 2` is not the middle where `steps` is odd: `//` drops what follows the point.",
        lambda step, steps, first=0.3: head_weight(step, steps // 2 * 2, first),
        "The middle lies at half of `steps`: steps are counted from 0.",
        lambda step, steps, first=0.3: head_weight(step, steps - 1, first),
    ),
    look="What part of the way to the middle lies behind you? So much of `first` is gone.",
    hints=(
        "At the middle, `step` is half of `steps`: `2 * step / steps` goes from 0 to 1.",
        "What is left of `first` is 1 minus that, until the middle.",
        "`max(0.0, ...)` keeps it from falling below 0.",
    ),
    why="the weight is a number of your own: the loss takes another one at every step.",
)

EXERCISES = (UNIFORM, LOSS, HEAD, GRADIENT, SHARE, PREDICTED, FADING)

PREDICTIONS = (
    Prediction(
        "05.a",
        "Weights of deviation 0.01: what is left of an activation of 0.05 after conv1 when it "
        "comes out of 5b?",
        choices=("a tenth", "a thousandth", "less than a millionth"),
    ),
    Prediction(
        "05.b",
        "How many times longer do the heads make conv1's gradient there, about?",
        choices=("twice", "ten times", "thousands of times"),
    ),
    Prediction(
        "05.c",
        "And with BatchNorm after every convolution?",
        choices=("hardly at all", "ten times", "thousands of times"),
    ),
    Prediction(
        "05.d",
        "What percentage of the parameters in training belongs to the heads?",
        tolerance=5,
        least=0,
        most=100,
    ),
    Prediction(
        "05.e",
        "Eighty steps on digits: which network's main loss leaves ln 10?",
        choices=("with heads", "without heads", "both", "neither"),
    ),
)
