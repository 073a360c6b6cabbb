"""The loss of a network with heads, in 05.2 and 06.3: its value, and what flows back through it."""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from googlenet_lib.course.kit.checking import call
from googlenet_lib.course.kit.comparing import difference
from googlenet_lib.course.kit.exercise import Case, Wrong, slips
from googlenet_lib.network.googlenet import GoogLeNetOutput

Criterion = Callable[[Tensor, Tensor], Tensor]


def weighted_loss(
    outputs: GoogLeNetOutput,
    labels: Tensor,
    weights: Sequence[float] = (0.3, 0.3),
    criterion: Criterion = F.cross_entropy,
) -> Tensor:
    """The main loss in full, and that of each head times its weight; a head may be None."""
    total = criterion(outputs.logits, labels)
    for weight, logits in zip(weights, (outputs.aux_logits1, outputs.aux_logits2), strict=True):
        if logits is not None:
            total = total + weight * criterion(logits, labels)
    return total


def some_outputs(pictures: int, classes: int) -> tuple[GoogLeNetOutput, Tensor]:
    """Outputs with both heads, none like another, and labels."""
    draw = torch.Generator().manual_seed(0)
    main, aux2, aux1 = (
        torch.randn(pictures, classes, generator=draw).mul_(scale).requires_grad_()
        for scale in (1, 2, 3)
    )
    return GoogLeNetOutput(main, aux2, aux1), torch.randint(classes, (pictures,), generator=draw)


def _of_probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.softmax(1), labels)


def criterion_slips(loss: Callable[..., Tensor]) -> dict[str, list[Callable[..., Any]]]:
    """Other losses than the mean cross-entropy, put into `loss` by its argument `criterion`."""
    return slips(
        "Losses were added up over the pictures. Take their mean, as `F.cross_entropy` does.",
        partial(loss, criterion=partial(F.cross_entropy, reduction="sum")),
        "The labels were smoothed. Asked is the plain cross-entropy.",
        partial(loss, criterion=partial(F.cross_entropy, label_smoothing=0.1)),
        "`F.cross_entropy` takes logits: the softmax is in it already.",
        partial(loss, criterion=_of_probabilities),
    )


def same_gradients(solution: Callable[..., Tensor], cases: Sequence[Case]) -> Callable[[Any], None]:
    """A test that refuses a loss with another gradient than `solution`.

    The first argument of each case is a GoogLeNetOutput; all of its logits are asked.
    """

    def test(answer: Callable[..., Any]) -> None:
        for case in cases:
            expected = _gradients(solution, case)
            for name, gradient in _gradients(answer, case).items():
                _compare(name, gradient, expected[name])

    return test


def _compare(name: str, gradient: Tensor | None, expected: Tensor | None) -> None:
    if gradient is None:
        raise Wrong(
            f"the number is right, but no gradient reaches `{name}`: the layers before it would "
            "learn nothing. Keep the tensors: no `.item()`, `.detach()`, `.data` or `no_grad` on "
            "the way"
        )
    if difference(gradient, expected) is not None:
        raise Wrong(
            f"the number is right, but the gradient that reaches `{name}` is not the one of this "
            "loss. Compute the loss from these logits, and only once"
        )


def _gradients(loss: Callable[..., Any], case: Case) -> dict[str, Tensor | None]:
    """By name of output; None where no gradient comes."""
    seen: list[GoogLeNetOutput] = []

    @wraps(loss)
    def seeing(outputs: GoogLeNetOutput, *others: Any) -> Any:
        seen.append(outputs)  # the copy that `loss` works on
        return loss(outputs, *others)

    total = call(seeing, *case.args, told=case.told)
    logits = {name: one for name, one in seen[0]._asdict().items() if one is not None}
    if not total.requires_grad:
        return dict.fromkeys(logits)
    called = any(one.grad is not None for one in logits.values())
    try:
        gradients = torch.autograd.grad(total, list(logits.values()), allow_unused=True)
    except RuntimeError:  # the graph was used up
        called = True
    if called:
        raise Wrong("the number is right, but `backward` was called in it. Return the loss alone: "
                    "whoever trains calls `backward`")  # fmt: skip
    return dict(zip(logits, gradients, strict=True))
