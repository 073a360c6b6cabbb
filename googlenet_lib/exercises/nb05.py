"""Exercises and predictions of notebook 05: losses, a head, a layer's gradient, fading weights."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.exercises.exercise import Exercise, Prediction
from googlenet_lib.exercises.losses import criterion_slips, same_loss, some_outputs, weighted_loss
from googlenet_lib.exercises.networks import same_on_networks
from googlenet_lib.exercises.probes import Build, convs, same_layers
from googlenet_lib.exercises.tools import Case, Slip, same_as
from googlenet_lib.model import GoogLeNet, GoogLeNetOutput
from googlenet_lib.paper import HEADS
from googlenet_lib.variants import VARIANTS

Count = Callable[[nn.Module | None], int]
TINY = 1 / 16  # of the channels: a check takes no time

# ---- 05.1 A uniform guess ------------------------------------------------------------------------


def _test_uniform(answer: Any) -> None:
    slips = (
        Slip(lambda c: -math.log(c), "A loss is not negative: minus the logarithm of 1/C."),
        Slip(lambda c: math.log2(c), "PyTorch's cross-entropy takes the natural logarithm."),
        Slip(lambda c: math.log10(c), "PyTorch's cross-entropy takes the natural logarithm."),
        Slip(lambda c: 1 / c, "That is the probability of the right class. Its loss?"),
        Slip(lambda c: 1 - 1 / c, "That is how often it errs. Cross-entropy is something else."),
    )
    cases = [Case((classes,)) for classes in (1000, 10, 2, 1)]
    look = "Each class gets 1/C; cross-entropy is minus the log of what the right one got."
    same_as(answer, math.log, cases, slips, look)


# ---- 05.2 The combined loss ----------------------------------------------------------------------


def _swapped(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return weighted_loss(outputs, labels, weights[::-1])


def _main_alone(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return F.cross_entropy(outputs.logits, labels)


def _fixed(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return weighted_loss(outputs, labels)


def _unweighted(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return weighted_loss(outputs, labels, (1.0, 1.0))


def _test_loss(answer: Any) -> None:
    slips = (
        Slip(_swapped, "The weights are swapped: the first belongs to `aux_logits1`, the head at "
             "4a, which is the LAST of the three outputs. Take them by name."),
        Slip(_main_alone, "The heads are not in it."),
        Slip(_unweighted, "The heads count in full. Use `weights`."),
        Slip(_fixed, "It is 0.3 whatever `weights` says."),
        *criterion_slips(weighted_loss),
    )  # fmt: skip
    both, labels = some_outputs(6, 10)
    others, their_labels = some_outputs(9, 7)
    advice = "A head may be None: ask `is not None` before you take its loss."
    cases = [
        Case((both, labels, (0.5, 0.1)), "outputs of both heads, labels, (0.5, 0.1)"),
        Case((others, their_labels), "outputs of both heads, labels"),
        Case((GoogLeNetOutput(both.logits, None, None), labels, (0.5, 0.1)),
             "outputs without heads, labels, (0.5, 0.1)", advice),
        Case((both._replace(aux_logits2=None), labels, (0.5, 0.1)),
             "outputs with the head at 4a alone, labels, (0.5, 0.1)", advice),
        Case((both._replace(aux_logits1=None), labels, (0.5, 0.1)),
             "outputs with the head at 4d alone, labels, (0.5, 0.1)", advice),
    ]  # fmt: skip
    look = "The main loss in full, each head's times its weight: 0.3 where no weights are given."
    same_loss(answer, weighted_loss, cases, slips, look)


# ---- 05.3 A head ---------------------------------------------------------------------------------


def _head(channels: int, classes: int) -> Build:
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


def _test_head(answer: type) -> None:
    same_layers(answer, [_head(32, 10), _head(20, 7)])


# ---- 05.4 The gradient's length ------------------------------------------------------------------


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


def _gradient_norm(network: nn.Module, name: str) -> float:
    return _length(_gradients(network, name))


def _norm_of(network: nn.Module, counts: Callable[[str], bool]) -> float:
    """Over all parameters whose full name `counts`."""
    named = [(name, p.grad) for name, p in network.named_parameters() if p.grad is not None]
    return _length(gradient for name, gradient in named if counts(name))


def _test_gradient_norm(answer: Any) -> None:
    others = ("Layers were counted whose names only begin with this one, or hold it. "
              "`network.get_submodule(name)` is the one that is meant.")  # fmt: skip
    slips = (
        Slip(lambda n, name: sum(float(g.norm()) for g in _gradients(n, name)),
             "The lengths of several tensors don't add up: their squares do."),
        Slip(lambda n, name: _gradient_norm(n, name) ** 2, "The root is missing."),
        Slip(lambda n, name: _length(n.get_submodule(name).parameters()),
             "Those are the weights; asked are their gradients, `.grad`."),
        Slip(lambda n, name: _gradient_norm(n, ""), "That is the whole network. Take the layer "
             "called `name`: `network.get_submodule(name)`."),
        Slip(lambda n, name: sum(float(g.abs().sum()) for g in _gradients(n, name)),
             "That is the sum of absolute values; asked is the Euclidean length."),
        Slip(lambda n, name: _length(g for g in _gradients(n, name) if g.dim() > 1),
             "Biases are parameters as well, and theirs are missing."),
        Slip(lambda n, name: _length(g for m in n.get_submodule(name).modules()
                                     for g in _gradients(m, "")),
             "Some were counted twice: `parameters()` holds those of the layers inside as well."),
        Slip(lambda n, name: _length(p.grad for p in
                                     n.get_submodule(name).parameters(recurse=False)),
             "Parameters of the layers inside this one are missing."),
        Slip(lambda n, name: _length(g for g in _gradients(n, name) if len(_gradients(n, name))
                                     == len([*n.get_submodule(name).parameters()])),
             "Some of its parameters have a gradient, and these count."),
        Slip(lambda n, name: _norm_of(n, lambda full: full.startswith(name)), others),
        Slip(lambda n, name: _norm_of(n, lambda full: name in full), others),
        Slip(lambda n, name: _norm_of(n, lambda full: f"{name}." in full), others),
    )  # fmt: skip
    inside = "A layer may hold layers of its own; its `parameters()` are all of theirs."
    path = "A name may be a path with dots: `network.get_submodule(name)` follows it."
    none = "Some parameters have no gradient yet: their `.grad` is None, and they count as 0."
    cases = [
        Case((_Layers, name), f'network, "{name}"', advice)
        for name, advice in (("conv1", ""), ("block", inside), ("block.deep", path),
                             ("block.deep.1", path), ("partly", none), ("unused", none))
    ]  # fmt: skip
    look = "Square every entry of every gradient of that layer, add up, take the root."
    same_on_networks(answer, _gradient_norm, cases, slips, look)


# ---- 05.5 The heads' share -----------------------------------------------------------------------


def _count(part: nn.Module | None) -> int:
    return 0 if part is None else sum(p.numel() for p in part.parameters())


def _count_state(part: nn.Module | None) -> int:
    return 0 if part is None else sum(tensor.numel() for tensor in part.state_dict().values())


def _head_share(model: GoogLeNet, heads: Count = _count, whole: Count = _count) -> float:
    return (heads(model.aux1) + heads(model.aux2)) / whole(model)


def _narrow(variant: str, classes: int, heads: bool = True) -> GoogLeNet:
    return GoogLeNet(VARIANTS[variant], classes, heads=heads, width=TINY)


def _test_share(answer: Any) -> None:
    buffers = ("Buffers were counted as well: BatchNorm's running statistics are in the "
               "`state_dict`, and are no parameters.")  # fmt: skip
    slips = (
        Slip(lambda m: _count(m.aux1) / _count(m), "That is one head, and there are two."),
        Slip(lambda m: _count(m.aux2) / _count(m), "That is one head, and there are two."),
        Slip(lambda m: 2 * _count(m.aux1) / _count(m), "The two heads are not equally large: they "
             "read maps of 512 and 528 channels."),
        Slip(lambda m: 2 * _count(m.aux2) / _count(m), "The two heads are not equally large: they "
             "read maps of 512 and 528 channels."),
        Slip(lambda m: (_count(m.aux1) + _count(m.aux2))
             / (_count(m) - _count(m.aux1) - _count(m.aux2)),
             "Divided by the network without heads. The share is of all that training holds."),
        Slip(lambda m: 100 * _head_share(m), "A share is a number from 0 to 1, no percentage."),
        Slip(lambda m: _count(m.aux1) + _count(m.aux2), "That is how many. Of how many?"),
        Slip(lambda m: 1 - _head_share(m), "That is the share of everything else."),
        Slip(lambda m: (len([*m.aux1.parameters()]) + len([*m.aux2.parameters()]))
             / len([*m.parameters()]), "Tensors were counted. A tensor holds `numel()` numbers."),
        Slip(lambda m: _head_share(m, _count_state, _count_state), buffers),
        Slip(lambda m: _head_share(m, _count_state), buffers),
        Slip(lambda m: _head_share(m, _count, _count_state), buffers),
    )  # fmt: skip
    cases = [
        Case((partial(_narrow, "paper", 1000),), "a narrow network"),
        Case((partial(_narrow, "torchvision", 10),), "a narrow network with BatchNorm"),
        Case((partial(_narrow, "paper", 10, heads=False),), "a network without heads",
             "Without heads, `aux1` and `aux2` are None."),
    ]  # fmt: skip
    look = "Parameters of both heads over all parameters."
    same_on_networks(answer, _head_share, cases, slips, look)


# ---- 05.6 Which output predicts ------------------------------------------------------------------


def _prediction(output: GoogLeNetOutput | Tensor) -> Tensor:
    logits = output.logits if isinstance(output, GoogLeNetOutput) else output
    return logits.argmax(1)


def _vote(output: GoogLeNetOutput | Tensor) -> Tensor:
    if not isinstance(output, GoogLeNetOutput):
        return output.argmax(1)
    return sum(one.softmax(1) for one in output if one is not None).argmax(1)


def _sum_of_logits(output: GoogLeNetOutput | Tensor) -> Tensor:
    if not isinstance(output, GoogLeNetOutput):
        return output.argmax(1)
    return sum(one for one in output if one is not None).argmax(1)


def _of_first(output: GoogLeNetOutput | Tensor) -> Tensor:
    return output[0].argmax(-1)


def _test_prediction(answer: Any) -> None:
    slips = (
        Slip(_vote, "The heads voted. At test they are discarded: the main output decides alone."),
        Slip(_sum_of_logits, "The heads voted. At test they are discarded: the main output "
             "decides alone."),
        Slip(lambda output: _prediction(output.aux_logits1), "That is what the head at 4a says."),
        Slip(lambda output: _prediction(output[-1]), "That is the last of three, a head."),
        Slip(_of_first, "`output[0]` of a tensor is its first picture. Look at what came first: "
             "`isinstance(output, torch.Tensor)`."),
        Slip(lambda output: getattr(output, "logits", output).argmax(0), "That is the best picture "
             "for each class; asked is the best class for each picture."),
        Slip(lambda output: getattr(output, "logits", output).amax(1), "Those are the largest "
             "logits; asked is which class they belong to."),
        Slip(lambda output: getattr(output, "logits", output), "Those are the logits. Which class "
             "has the largest?"),
    )  # fmt: skip
    main = torch.tensor([[0.0, 1.0, 0.5], [2.0, 0.0, 1.9], [-3.0, -2.0, -1.0], [0.0, 0.3, -0.5]])
    aux = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]])
    other = torch.cat([aux[:3], torch.tensor([[0.0, 0.0, 0.5]])])  # a head of its own mind
    advice = "In evaluation mode the network returns a tensor, which has no `.logits`."
    cases = [
        Case((GoogLeNetOutput(main, aux, other),), "outputs of both heads"),
        Case((GoogLeNetOutput(main, None, None),), "outputs without heads"),
        Case((main,), "a tensor of logits", advice),
        Case((main[:3],), "a tensor of logits of three pictures",
             "A GoogLeNetOutput is told by its type: a tensor may have three rows as well."),
        Case((main[:1],), "a tensor of logits of one picture"),
        Case((torch.tensor([[0.1, 0.3, 0.2, 0.5, 0.4], [0.5, -0.9, 0.1, 0.0, 0.2]]),),
             "a tensor of logits of five classes"),
    ]  # fmt: skip
    same_as(answer, _prediction, cases, slips, "One class for each picture, by the main output.")


# ---- 05.7 Heads that fade ------------------------------------------------------------------------


def _faded(step: int, steps: int, first: float = 0.3) -> float:
    return first * max(0.0, 1 - 2 * step / steps)


def _test_faded(answer: Any) -> None:
    slips = (
        Slip(lambda step, steps, first=0.3: first * (1 - 2 * step / steps),
             "Below 0 the heads would be trained to be wrong. From the middle on the weight is 0."),
        Slip(lambda step, steps, first=0.3: first * abs(1 - 2 * step / steps),
             "From the middle on the weight is 0; yours rises again."),
        Slip(lambda step, steps, first=0.3: first * (1 - step / steps),
             "That reaches 0 at the end; asked is the middle."),
        Slip(lambda step, steps, first=0.3: first if 2 * step < steps else 0.0,
             "That is a switch. In a straight line: half-way to the middle it is half of `first`."),
        Slip(lambda step, steps, first=0.3: _faded(step, steps), "It begins at 0.3 whatever "
             "`first` says."),
        Slip(lambda step, steps, first=0.3: max(0.0, first - 2 * step / steps),
             "Its slope is the same for every `first`, so that a small one is 0 too soon."),
        Slip(lambda step, steps, first=0.3: first * min(1.0, 2 * step / steps),
             "That begins at 0 and rises."),
        Slip(lambda step, steps, first=0.3: first, "That never changes."),
        Slip(lambda step, steps, first=0.3: first * max(0.0, 1 - step / (steps // 2)),
             "`steps // 2` is not the middle where `steps` is odd: `//` drops what follows the "
             "point."),
        Slip(lambda step, steps, first=0.3: first * max(0.0, 1 - step / ((steps - 1) / 2)),
             "The middle lies at half of `steps`: steps are counted from 0."),
    )  # fmt: skip
    cases = [Case(args) for args in ((0, 100), (75, 100), (40, 100), (50, 100), (100, 100),
                                     (25, 100, 1.0), (3, 7, 0.3), (120, 1000))]  # fmt: skip
    look = "What part of the way to the middle lies behind you? So much of `first` is gone."
    same_as(answer, _faded, cases, slips, look)


EXERCISES = (
    Exercise(
        "05.1",
        "The loss of not knowing",
        _test_uniform,
        (
            "Each of the C classes gets the probability 1/C, and so does the right one.",
            "Cross-entropy is minus the natural logarithm of what the right class got.",
            "`math.log` is the natural logarithm; -log(1/C) can be written shorter.",
        ),
        "a loss that rests at this value says that the network tells no two pictures apart.",
    ),
    Exercise(
        "05.2",
        "Two heads with weights of their own",
        _test_loss,
        (
            "Begin with `F.cross_entropy(outputs.logits, labels)`.",
            "`weights[0]` belongs to `outputs.aux_logits1`, `weights[1]` to `aux_logits2`.",
            "`zip(weights, (outputs.aux_logits1, outputs.aux_logits2))`, and skip what is None.",
        ),
        "by name, no order of outputs can be mistaken, whoever defined it.",
    ),
    Exercise(
        "05.3",
        "A head as a module",
        _test_head,
        (
            "Make the layers in `__init__`: nn.AvgPool2d(5, 3), nn.Conv2d, two nn.Linear, dropout.",
            "The 1x1 gives 128 channels on a 4x4 map: the first linear layer reads 4 * 4 * 128.",
            "ReLU behind the 1x1 and behind the first linear layer, dropout 0.7 before the last.",
        ),
        "a small classifier on a map from the middle: nothing in it knows of the rest.",
        kind="class",
    ),
    Exercise(
        "05.4",
        "How long is a layer's gradient?",
        _test_gradient_norm,
        (
            "`network.get_submodule(name).parameters()` are the layer's weights and biases.",
            "After `backward`, each has its gradient in `.grad`, or None if it got none.",
            "Sum `grad.pow(2).sum()` over them, take the root, hand back a float.",
        ),
        "one number per layer, and you see where a training stalls.",
    ),
    Exercise(
        "05.5",
        "The heads' share",
        _test_share,
        (
            "`sum(p.numel() for p in part.parameters())` counts any part.",
            "`model.aux1` and `model.aux2` are None in a network without heads.",
            "Both heads together, over all parameters of the model, the heads included.",
        ),
        "what training carries and test throws away.",
    ),
    Exercise(
        "05.6",
        "Which output predicts?",
        _test_prediction,
        (
            "A GoogLeNetOutput has `.logits`; a tensor is the logits.",
            "`isinstance(output, torch.Tensor)` tells which of the two came.",
            "`.argmax(1)` of the main logits, and of nothing else.",
        ),
        "the heads are there to train, the classifier is there to answer.",
    ),
    Exercise(
        "05.7",
        "Heads that fade out",
        _test_faded,
        (
            "At the middle, `step` is half of `steps`: `2 * step / steps` goes from 0 to 1.",
            "What is left of `first` is 1 minus that, until the middle.",
            "`max(0.0, ...)` keeps it from falling below 0.",
        ),
        "the weight is a number of your own: the loss takes another one at every step.",
    ),
)

PREDICTIONS = (
    Prediction(
        "05.a",
        "Weights of deviation 0.01: what is left of an activation of 0.05 behind conv1 when it "
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
        "And with BatchNorm behind every convolution?",
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
