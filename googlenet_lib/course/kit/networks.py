"""Networks that an answer is lent: made anew for every call, and to be left as they came."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.course.kit.comparing import difference


@dataclass(frozen=True)
class Lent:
    """An argument of a case: the network that `make` makes, the same one for every call."""

    make: Callable[[], nn.Module]

    def made(self) -> nn.Module:
        """Its last layer evaluates and the others train, so that every change of mode shows."""
        torch.default_generator.manual_seed(0)
        network = self.make()
        [*network.modules()][-1].eval()
        return network

    @cached_property
    def ours(self) -> nn.Module:
        """The one for the solution and for slips, which change nothing."""
        return self.made()


def changed_parts(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two states, by what it is called."""
    return [what for what in before if difference(after[what], before[what]) is not None]


def state(network: nn.Module) -> dict[str, dict[str, Any]]:
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
