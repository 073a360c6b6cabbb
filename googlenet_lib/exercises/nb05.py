"""Exercises and predictions of notebook 05: losses, a head, a layer's gradient, fading weights."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.probes import Build, convs, same_layers
from googlenet_lib.exercises.tools import Case, Slip, call, same_as
from googlenet_lib.model import GoogLeNet, GoogLeNetOutput
from googlenet_lib.paper import HEADS
from googlenet_lib.variants import VARIANTS

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
    cases = [Case((classes,)) for classes in (10, 1000, 2, 1)]
    look = "Each class gets 1/C; cross-entropy is minus the log of what the right one got."
    same_as(answer, math.log, cases, slips, look)


# ---- 05.2 The combined loss ----------------------------------------------------------------------


def _loss(
    outputs: GoogLeNetOutput, labels: Tensor, weights: tuple[float, float] = (0.3, 0.3)
) -> Tensor:
    total = F.cross_entropy(outputs.logits, labels)
    for weight, logits in zip(weights, (outputs.aux_logits1, outputs.aux_logits2), strict=True):
        if logits is not None:
            total = total + weight * F.cross_entropy(logits, labels)
    return total


def _swapped(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return _loss(outputs, labels, weights[::-1])


def _main_alone(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return F.cross_entropy(outputs.logits, labels)


def _fixed(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return _loss(outputs, labels)


def _unweighted(outputs: GoogLeNetOutput, labels: Tensor, weights: Any = (0.3, 0.3)) -> Tensor:
    return _loss(outputs, labels, (1.0, 1.0))


def _test_loss(answer: Any) -> None:
    slips = (
        Slip(_swapped, "The weights are swapped: the first belongs to `aux_logits1`, the head at "
             "4a, which is the LAST of the three outputs. Take them by name."),
        Slip(_main_alone, "The heads are not in it."),
        Slip(_unweighted, "The heads count in full. Use `weights`."),
        Slip(_fixed, "It is 0.3 whatever `weights` says."),
    )  # fmt: skip
    draw = torch.Generator().manual_seed(0)
    main, aux2, aux1 = (
        torch.randn(6, 10, generator=draw).mul_(scale).requires_grad_() for scale in (1, 2, 3)
    )
    labels = torch.arange(6)
    both = GoogLeNetOutput(main, aux2, aux1)
    advice = "A head may be None: ask `is not None` before you take its loss."
    cases = [
        Case((both, labels, (0.5, 0.1)), "outputs of both heads, labels, (0.5, 0.1)"),
        Case((both, labels, (0.3, 0.3)), "outputs of both heads, labels, (0.3, 0.3)"),
        Case((GoogLeNetOutput(main, None, None), labels, (0.5, 0.1)),
             "outputs without heads, labels, (0.5, 0.1)", advice),
        Case((GoogLeNetOutput(main, None, aux1), labels, (0.5, 0.1)),
             "outputs with the head at 4a alone, labels, (0.5, 0.1)", advice),
        Case((GoogLeNetOutput(main, aux2, None), labels, (0.5, 0.1)),
             "outputs with the head at 4d alone, labels, (0.5, 0.1)", advice),
    ]  # fmt: skip
    same_as(answer, _loss, cases, slips, "The main loss in full, each head's times its weight.")
    if not call(answer, *cases[0].args, told=cases[0].told).requires_grad:
        raise Wrong("the number is right, but no gradient can go back through it: no `.item()`, "
                    "no `.detach()`, no `no_grad` on the way")  # fmt: skip


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


class _Two(nn.Module):
    """Layers by name, with gradients that a test has put there."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2, bias=False))
        self.unused = nn.Linear(2, 2)
        draw = torch.Generator().manual_seed(3)
        for name, parameter in self.named_parameters():
            if not name.startswith("unused"):
                parameter.grad = torch.randn(parameter.shape, generator=draw)
        self.partly = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        self.partly[0].weight.grad = torch.ones(2, 2)


def _gradients(network: nn.Module, name: str) -> list[Tensor]:
    return [p.grad for p in network.get_submodule(name).parameters() if p.grad is not None]


def _gradient_norm(network: nn.Module, name: str) -> float:
    return math.sqrt(sum(float(g.pow(2).sum()) for g in _gradients(network, name)))


def _weights_norm(network: nn.Module, name: str) -> float:
    weights = network.get_submodule(name).parameters()
    return math.sqrt(sum(float(p.detach().pow(2).sum()) for p in weights))


def _test_gradient_norm(answer: Any) -> None:
    slips = (
        Slip(lambda n, name: sum(float(g.norm()) for g in _gradients(n, name)),
             "The lengths of several tensors don't add up: their squares do."),
        Slip(lambda n, name: _gradient_norm(n, name) ** 2, "The root is missing."),
        Slip(_weights_norm, "Those are the weights; asked are their gradients, `.grad`."),
        Slip(lambda n, name: _gradient_norm(n, ""), "That is the whole network. Take the layer "
             "called `name`: `network.get_submodule(name)`."),
        Slip(lambda n, name: sum(float(g.abs().sum()) for g in _gradients(n, name)),
             "That is the sum of absolute values; asked is the Euclidean length."),
    )  # fmt: skip
    advice = "Some parameters have no gradient yet: their `.grad` is None, and they count as 0."
    network = _Two()
    cases = [Case((network, name), f'network, "{name}"') for name in ("stem", "body", "body.0")]
    cases += [Case((network, name), f'network, "{name}"', advice) for name in ("partly", "unused")]
    look = "Square every entry of every gradient of that layer, add up, take the root."
    same_as(answer, _gradient_norm, cases, slips, look)


# ---- 05.5 The heads' share -----------------------------------------------------------------------


def _count(part: nn.Module | None) -> int:
    return 0 if part is None else sum(p.numel() for p in part.parameters())


def _head_share(model: GoogLeNet) -> float:
    return (_count(model.aux1) + _count(model.aux2)) / _count(model)


def _test_share(answer: Any) -> None:
    slips = (
        Slip(lambda m: _count(m.aux1) / _count(m), "That is one head, and there are two."),
        Slip(lambda m: _count(m.aux2) / _count(m), "That is one head, and there are two."),
        Slip(lambda m: (_count(m.aux1) + _count(m.aux2))
             / (_count(m) - _count(m.aux1) - _count(m.aux2)),
             "Divided by the network without heads. The share is of all that training holds."),
        Slip(lambda m: 100 * _head_share(m), "A share is a number from 0 to 1, no percentage."),
        Slip(lambda m: _count(m.aux1) + _count(m.aux2), "That is how many. Of how many?"),
        Slip(lambda m: 1 - _head_share(m), "That is the share of everything else."),
    )  # fmt: skip
    paper = VARIANTS["paper"]
    with torch.device("meta"):
        networks = [
            (GoogLeNet(paper, 1000, width=TINY), "a narrow network", ""),
            (GoogLeNet(paper, 10, width=TINY), "a narrow network of ten classes", ""),
            (GoogLeNet(paper, 10, heads=False, width=TINY), "a network without heads",
             "Without heads, `aux1` and `aux2` are None."),
        ]  # fmt: skip
    cases = [Case((model,), told, advice) for model, told, advice in networks]
    same_as(answer, _head_share, cases, slips, "Parameters of both heads over all parameters.")


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
    main = torch.tensor([[0.0, 1.0, 0.5], [2.0, 0.0, 1.9], [0.0, 0.1, 0.2], [0.0, 0.3, 0.2]])
    aux = torch.tensor([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]])
    other = torch.cat([aux[:3], torch.tensor([[0.0, 0.0, 0.5]])])  # a head of its own mind
    advice = "In evaluation mode the network returns a tensor, which has no `.logits`."
    cases = [
        Case((GoogLeNetOutput(main, aux, other),), "outputs of both heads"),
        Case((GoogLeNetOutput(main, None, None),), "outputs without heads"),
        Case((main,), "a tensor of logits", advice),
    ]
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
    )  # fmt: skip
    cases = [Case(args) for args in ((0, 100), (50, 100), (25, 100), (10, 100), (75, 100),
                                     (100, 100), (25, 100, 1.0), (3, 7, 0.3))]  # fmt: skip
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
