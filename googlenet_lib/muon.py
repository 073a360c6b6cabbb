"""Muon: momentum, each update of a convolution made orthogonal before it is taken."""

from collections.abc import Iterable

import torch
from torch import Tensor

ITERATIONS = 3
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of a polynomial that lifts small singular values fast


def orthogonalised(matrix: Tensor) -> Tensor:
    """`matrix`, (M, N), with its singular values brought near 1 and its directions kept.

    A gradient's few large directions would drown all others; here each has its say. Three steps
    of a Newton-Schulz iteration, which takes products alone: values that are not tiny come to lie
    between about 0.5 and 1.25. Source: Jordan et al., 2024, kellerjordan.github.io/posts/muon.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.float()
    x = x.T if tall else x  # the smaller product
    x = x / (x.norm() + 1e-7)  # no singular value above 1
    for _ in range(ITERATIONS):
        square = x @ x.T  # (M, M)
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum; in groups with `orthogonal`, each update is orthogonal.

    There, weights (out, in, height, width) are one matrix of (out, in * height * width), and are
    brought to the norm that an orthogonal one of `out` rows has. That is for convolutions in front
    of BatchNorm alone, which takes any scale out again: the rate then says by how much of itself
    a layer turns at a step. Other groups decay and step as in `torch.optim.SGD`.
    """

    def __init__(
        self, groups: Iterable[dict], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(groups, {**defaults, "orthogonal": False})

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients, in place. Parameters without one stay."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._update(weights, group)

    def _update(self, weights: Tensor, group: dict) -> None:
        gradient, momentum = weights.grad, group["momentum"]
        if not group["orthogonal"]:
            gradient = gradient.add(weights, alpha=group["weight_decay"])
        state = self.state[weights]
        if "speed" not in state:
            state["speed"] = torch.zeros_like(weights)
        speed = state["speed"].mul_(momentum).add_(gradient)
        update = gradient.add(speed, alpha=momentum)
        if group["orthogonal"]:
            update = orthogonalised(update.flatten(1)).view(update.shape)
            weights.mul_(len(weights) ** 0.5 / weights.norm())
        weights.sub_(update, alpha=group["lr"])
