"""Answers that are lent a network: what they return, and that they leave it as it came."""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.exercises.comparing import difference
from googlenet_lib.exercises.exercise import Wrong
from googlenet_lib.exercises.tools import Case, Slip, same_as

Make = Callable[[], nn.Module]


def same_on_networks(
    answer: Callable[..., Any],
    solution: Callable[..., Any],
    cases: Sequence[Case],
    slips: Sequence[Slip],
    look: str,
) -> None:
    """Refuse an answer that gives something else than `solution`, or that changes a network.

    The first argument of each case makes the network, the same one for every call.
    """
    changes: list[str] = []
    ours = cache(_made)

    @wraps(answer)
    def lent(make: Make, *others: Any) -> Any:
        network = _made(make)
        before = _state(network)
        result = answer(network, *others)
        after = _state(network)
        changes.extend(what for what in before if difference(after[what], before[what]) is not None)
        return result

    def on_ours(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda make, *others: function(ours(make), *others)

    same_as(
        lent, on_ours(solution), cases, [Slip(on_ours(one.makes), one.says) for one in slips], look
    )
    if changes:
        raise Wrong(
            f"the result is right, but afterwards {changes[0]} of the network are not as before. "
            "Leave it as it came: whoever lent it may still need it"
        )


def _made(make: Make) -> nn.Module:
    """Its last layer evaluates and the others train, so that every change of mode shows."""
    torch.default_generator.manual_seed(0)
    network = make()
    [*network.modules()][-1].eval()
    return network


def _state(network: nn.Module) -> dict[str, dict[str, Any]]:
    """All that an answer may change in it, by what it is called."""
    modules = dict(network.named_modules(remove_duplicate=False))
    parameters = dict(network.named_parameters(remove_duplicate=False))
    return {
        "the layers": {name: type(one).__name__ for name, one in modules.items()},
        "the attributes": {name: sorted(vars(one)) for name, one in modules.items()},
        "the modes": {name: one.training for name, one in modules.items()},
        "the hooks": {name: _count_hooks(one) for name, one in modules.items()},
        "the weights": {name: _values(one) for name, one in parameters.items()},
        "the gradients": {name: _values(one.grad) for name, one in parameters.items()},
        "the `requires_grad` flags": {name: one.requires_grad for name, one in parameters.items()},
        "the buffers": {name: _values(one) for name, one in network.named_buffers()},
    }


def _count_hooks(module: nn.Module) -> int:
    return sum(len(held) for name, held in vars(module).items() if name.endswith("_hooks"))


def _values(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().clone()
