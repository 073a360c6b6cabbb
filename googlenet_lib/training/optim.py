"""What moves the weights: schedules of the learning rate, optimisers with Muon, and averages."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.training.recipes import Recipe

ITERATIONS = 3  # of Newton-Schulz
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of a polynomial that lifts small singular values fast


# ---- schedules -----------------------------------------------------------------------------------


def rate_factor(step: int, steps: int, recipe: Recipe) -> float:
    """Return what the highest learning rate is multiplied by at `step` of `steps`.

    Schedules move with every step, not with every epoch, so that short runs have smooth ones.
    """
    return SCHEDULES[recipe.schedule](step, steps, recipe)


def constant(step: int, steps: int, recipe: Recipe) -> float:
    """Keep the highest rate throughout."""
    return 1.0


def triangle(step: int, steps: int, recipe: Recipe) -> float:
    """Go straight up for a share `warmup` of the steps, then straight down to 0."""
    peak = recipe.warmup * steps
    rising = (step + 1) / max(peak, 1)
    falling = (steps - step) / max(steps - peak, 1)
    return max(0.0, min(rising, falling, 1.0))


def one_cycle(step: int, steps: int, recipe: Recipe) -> float:
    """Go half a cosine up from 1/25 for a share `warmup`, then one down to 1/250,000.

    Source: Smith and Topin, 2017, in the form of torch's `OneCycleLR`.
    """
    start, end, peak = 1 / 25, 1 / 250_000, recipe.warmup * steps - 1
    if step < peak:
        return _half_cosine(start, 1.0, step / peak)
    return _half_cosine(1.0, end, min(1.0, (step - peak) / max(steps - 1 - peak, 1)))


def restarts(step: int, steps: int, recipe: Recipe) -> float:
    """Go half a cosine down to `floor`, `cycles` times. Source: Loshchilov and Hutter, 2016."""
    length = steps / recipe.cycles
    return _half_cosine(1.0, recipe.floor, (step % length) / length)


def stairs(step: int, steps: int, recipe: Recipe) -> float:
    """Multiply by `drop` after every `drop_every` epochs. Source: section 6 of the paper."""
    epoch = step * recipe.epochs // steps
    return recipe.drop ** (epoch // recipe.drop_every)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES = {
    "constant": constant,
    "triangle": triangle,
    "one_cycle": one_cycle,
    "restarts": restarts,
    "stairs": stairs,
}


# ---- optimisers ----------------------------------------------------------------------------------


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Make the recipe's optimiser over all of the model's parameters.

    Muon moves the convolutions in front of a BatchNorm; SGD moves all others, `rest` times as
    fast. Raises UsageError for Muon where there are no such convolutions.
    """
    if recipe.optimiser == "muon":
        return _make_muon(model, recipe)
    groups = parameter_groups(model.parameters(), recipe)
    if recipe.optimiser == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        groups,
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov and recipe.momentum > 0,
    )


def parameter_groups(parameters: Iterable[nn.Parameter], recipe: Recipe) -> list[dict]:
    """Sort parameters into up to two groups: those that decay, and those that don't.

    Without `decay_norms`, weights of convolutions and linear layers alone decay: pulling a
    BatchNorm's scale or a bias towards zero makes no network simpler.
    """
    parameters = list(parameters)
    if recipe.decay_norms:
        return [{"params": parameters}]
    weights = [p for p in parameters if p.dim() > 1]
    norms = [p for p in parameters if p.dim() <= 1]
    return [{"params": weights}, {"params": norms, "weight_decay": 0.0}]


def _make_muon(model: nn.Module, recipe: Recipe) -> "Muon":
    blocks = [module for module in model.modules() if isinstance(module, ConvBlock)]
    kernels = [block.conv.weight for block in blocks if isinstance(block.bn, nn.BatchNorm2d)]
    if not kernels:
        raise UsageError(
            "optimiser=muon came for a network without BatchNorm, which it needs after each "
            "convolution; expected another variant, or optimiser=sgd"
        )
    known = {id(kernel) for kernel in kernels}
    rest = parameter_groups([p for p in model.parameters() if id(p) not in known], recipe)
    for group in rest:
        group["lr"] = recipe.lr * recipe.rest
    return Muon(
        [{"params": kernels, "orthogonal": True}, *rest],
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )


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
        """Make one update from the gradients, in place. Parameters without one stay."""
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
            update = orthogonalise(update.flatten(1)).view(update.shape)
            weights.mul_(len(weights) ** 0.5 / weights.norm())
        weights.sub_(update, alpha=group["lr"])


def orthogonalise(matrix: Tensor) -> Tensor:
    """Bring the singular values of `matrix`, (M, N), near 1 and keep its directions.

    A gradient's few large directions would drown all others; this makes them equally strong.
    Three steps of a Newton-Schulz iteration, which takes products alone: values that are not tiny
    come to lie between about 0.5 and 1.25. Source: Jordan et al., 2024,
    kellerjordan.github.io/posts/muon.
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


# ---- averages ------------------------------------------------------------------------------------


class MovingAverage(AveragedModel):
    """An exponential moving average of weights and BatchNorm statistics, its decay ramped."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Average in the weights and statistics of `model`: as torch does, with the decay ramped.

        torch's own copies its counter to the device at each step, which waits for a GPU.
        """
        count = int(self.n_averaged)  # stays on the CPU
        update = get_ema_multi_avg_fn(ramp_decay(self.decay, count) if count else 0.0)
        averaged = (*self.module.parameters(), *self.module.buffers())
        pairs = [*zip(averaged, (*model.parameters(), *model.buffers()), strict=True)]
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        counters = [pair for pair in pairs if not pair[0].is_floating_point()]  # of BatchNorms
        for kind in filter(None, (floats, counters)):
            update(*map(list, zip(*kind, strict=True)), self.n_averaged)
        self.n_averaged += 1


def ramp_decay(decay: float, update: int) -> float:
    """Return what update n of a moving average keeps of it: min(decay, (1 + n) / (10 + n)).

    So that the first, untrained weights are soon forgotten.
    """
    return min(decay, (1 + update) / (10 + update))
