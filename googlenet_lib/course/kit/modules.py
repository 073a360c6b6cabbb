"""What exercises that build modules share: an answer beside the layers that it should consist of.

A `Build` lists those layers, branch by branch. The answer's weights are drawn anew and copied into
them, each by its shape, so that neither names nor style matter. Then both get the same inputs, in
evaluation and in training mode. A branch that differs is told by the mistake that gives the same.
(Messages say "branch", as the notebooks do.)
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.course.kit.checking import build, call, refusal
from googlenet_lib.course.kit.comparing import Misfit, an, describe, difference
from googlenet_lib.course.kit.exercise import Wrong
from googlenet_lib.course.kit.mistakes import Steps, find_mistake, find_oddity, listed, name_of

SAME = 1e-4  # what another order of sums may change in float32


@dataclass(frozen=True)
class Build:
    """Arguments of a class, the layers of each branch that it then holds, and shapes of inputs.

    A module that is no stack of branches has a single one, of any name. Weights of one shape are
    drawn alike, so that it does not matter which is which.
    """

    args: tuple[Any, ...]
    told: str
    branches: dict[str, Steps]
    shapes: Sequence[tuple[int, ...]]
    named: dict[str, Any] = field(default_factory=dict)  # arguments given by name
    biases: bool = False  # whether each layer must have one
    advice: str = ""  # where the shape of what comes out is wrong

    @property
    def layers(self) -> Steps:
        """Those of all branches."""
        return [step for steps in self.branches.values() for step in steps]


def convs(channels: int, *layers: tuple[int, int]) -> Steps:
    """Convolutions of (outputs, kernel) that keep the map's size, with a ReLU after each."""
    steps: Steps = []
    for outputs, kernel in layers:
        steps += [nn.Conv2d(channels, outputs, kernel, padding=kernel // 2), nn.ReLU()]
        channels = outputs
    return steps


def same_layers(*builds: Build) -> Callable[[type], None]:
    """A test that refuses a class whose objects compute something else than each build's layers."""

    def test(answer: type) -> None:
        for one in builds:
            model = build(answer, *one.args, told=one.told, **one.named).eval()
            inputs = [4 * torch.randn(shape) for shape in one.shapes]  # a ReLU6 would cut some
            _run(model, inputs[0], one)  # lazy layers get their weights
            weights = _adopt(model, one)
            for x in inputs:
                _compare(model, x, one)
            _check_gradients(model, inputs[0])
            _compare_training(model, inputs[0], one, weights)

    return test


# ---- Calling it ----------------------------------------------------------------------------------

KEEPS = (
    "Every branch keeps the map's size: a stride of 1 (without one, a pool takes its kernel's) and "
    "a padding of half the kernel."
)
PICTURES = "Pictures are dimension 0, channels are dimension 1: along which are branches stacked?"
ADVICE = {
    "except in dimension 1": KEEPS,
    "except in dimension": PICTURES,
    "stack expects": "`torch.stack` makes a new dimension; `torch.cat(outputs, dim=1)` makes none.",
    "at non-singleton": "Were branches added? Stacked, all channels of all branches are kept.",
    "channels, but got": "The first layer of every branch reads x itself, with as many channels as "
    "the arguments say; each later one reads as many as the one before it gives.",
    "changed its input": "`nn.ReLU(inplace=True)` changes what it gets, too.",
}


def _run(model: nn.Module, x: Tensor, one: Build) -> Tensor:
    """What `model` makes of x, of the right shape and type, or Wrong."""
    told = f"x of shape {tuple(x.shape)}" + ", in training mode" * model.training
    try:
        out = call(model, x, told=told)
    except Wrong as wrong:
        known = ADVICE if len(one.branches) > 1 else {}
        advice = next((says for seen, says in known.items() if seen in str(wrong)), "")
        odd = find_oddity(model, one.layers) if advice == KEEPS else ""
        raise Wrong(_joined(str(wrong), odd, advice)) from None
    expected = _stacked(one.branches, x)
    seen = f"Built with ({one.told}), it made {describe(out)} of {told}."
    if len(one.branches) > 1 and isinstance(out, Tensor) and out.shape != expected.shape:
        if out.dim() != 4 or len(out) != len(x):
            raise Wrong(f"{seen} {PICTURES}")
        if out.shape[2:] != x.shape[2:]:
            raise Wrong(_joined(seen, find_oddity(model, one.layers), KEEPS))
        raise Wrong(f"{seen} How many channels does each of the branches give?")
    found = difference(out, expected)
    if isinstance(found, Misfit):
        sized = isinstance(out, Tensor) and out.dim() == 4 and out.shape[1] == expected.shape[1]
        raise Wrong(_joined(seen, found, one.advice if sized else ""))
    return out


def _stacked(branches: dict[str, Steps], x: Tensor) -> Tensor:
    return torch.cat([_through(steps, x) for steps in branches.values()], dim=1)


@torch.no_grad()
def _through(steps: Steps, x: Tensor) -> Tensor:
    return nn.Sequential(*steps).eval()(x)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=SAME, atol=SAME)


def _joined(*sentences: str) -> str:
    return " ".join(one if one[-1] in ".?" else f"{one}." for one in sentences if one)


# ---- Its weights ---------------------------------------------------------------------------------


@torch.no_grad()
def _adopt(model: nn.Module, one: Build) -> dict[Tensor, Tensor]:
    """Draw the weights of `model` anew and copy them; return its own to each of the layers'."""
    left: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    for parameter in model.parameters():
        if nn.parameter.is_lazy(parameter):
            raise Wrong("It holds a lazy layer that its forward never calls")
        left[_key(parameter)].append(parameter)
    found, missing = {}, {}
    for branch, steps in one.branches.items():
        for place, layer in enumerate(steps):
            owner = None
            for name, theirs in layer.named_parameters():
                mine = _take(left[_key(theirs)], model, owner)
                if mine is not None:
                    found[theirs], owner = mine, _owner(model, mine)
                elif name == "weight" or one.biases:
                    whose = f"Its {branch} branch" if len(one.branches) > 1 else "It"
                    what = f"{name_of(steps, place)} of the right shape"
                    if name == "bias":
                        what = f"bias in its {name_of(steps, place)}"
                    missing[theirs] = f"{whose} has no {what}"
                else:
                    theirs.zero_()
    _refuse_others(model, found, missing, [one for group in left.values() for one in group])
    drawn: dict[tuple[int, ...], Tensor] = {}
    for theirs, mine in found.items():
        fresh = torch.randn(theirs.shape) * theirs[0].numel() ** -0.5
        values = drawn.setdefault(_key(theirs), fresh)
        mine.copy_(values.reshape(mine.shape))
        theirs.copy_(values.reshape(theirs.shape))
    return found


def _take(candidates: list[Tensor], model: nn.Module, owner: nn.Module | None) -> Tensor | None:
    """Take one out of `candidates`; where `owner` is a layer of torch's, one of its own."""
    for place, one in enumerate(candidates):
        if not isinstance(owner, nn.Conv2d | nn.Linear) or _owner(model, one) is owner:
            return candidates.pop(place)
    return None


def _owner(model: nn.Module, parameter: Tensor) -> nn.Module:
    return next(m for m in model.modules() if any(p is parameter for p in m.parameters(False)))


def _key(parameter: Tensor) -> tuple[int, ...]:
    """A 1x1 convolution has the key of the linear layer that does the same."""
    shape = tuple(parameter.shape)
    return (shape[0], parameter[0].numel()) if len(shape) > 1 else shape


def _refuse_others(
    model: nn.Module, found: dict[Tensor, Tensor], missing: dict[Tensor, str], left: list[Tensor]
) -> None:
    if missing and (hidden := _hidden(model)):
        raise Wrong(hidden)
    if missing and not list(model.parameters()):
        raise Wrong(
            "It has no weights that PyTorch can find, so that an optimiser would train nothing. "
            "Layers are made in `__init__`, and kept there as `self.name`"
        )
    matrices = [one for one in left if one.dim() > 1] or left
    held = listed([*dict.fromkeys(_told(one, model) for one in matrices)])
    if missing:
        wanted, says = next(iter(missing.items()))
        ends = (wanted.shape[:1], wanted.shape[2:])
        look = f"What it holds instead: {held}" if held else ""
        if any((one.shape[:1], one.shape[2:]) == ends for one in matrices):
            look += ". The outputs of one are right; what does it read?"
        if not held and _key(wanted) in map(_key, found):
            look = "There are fewer of them than asked for: one that is used twice counts once"
        raise Wrong(_joined(says, look))
    if left:
        raise Wrong(f"It holds more than the task asks for: {held}")


def _hidden(model: nn.Module) -> str:
    """Words for the first attribute that holds layers or tensors where PyTorch finds none."""
    usual = vars(nn.Module())
    for module in model.modules():
        for name, value in vars(module).items():
            if name not in usual and _holds_layers(value):
                register = "nn.Parameter registers it"
                if not isinstance(value, Tensor):
                    register = "nn.ModuleList and nn.ModuleDict register what they hold"
                return (
                    f"`self.{name}` is a plain {type(value).__name__}: no optimiser would find "
                    f"what is in it. {register}"
                )
    return ""


def _holds_layers(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(_holds_layers, value))
    return isinstance(value, nn.Module | Tensor)


def _told(parameter: Tensor, model: nn.Module) -> str:
    owner = _owner(model, parameter)
    plain = isinstance(owner, nn.Conv2d | nn.Linear)
    if type(owner).__module__.startswith("torch.") and not (plain and parameter.dim() > 1):
        return an(type(owner).__name__)
    if parameter.dim() == 4:
        outputs, inputs, height, width = parameter.shape
        inputs *= getattr(owner, "groups", 1)
        return f"a {height}x{width} from {inputs} channels to {outputs}"
    if parameter.dim() == 2:
        return f"a linear layer from {parameter.shape[1]} to {parameter.shape[0]}"
    return f"a parameter of shape {tuple(parameter.shape)}"


# ---- What it computes ----------------------------------------------------------------------------


def _compare(model: nn.Module, x: Tensor, one: Build) -> None:
    out = _run(model, x, one)
    if not out.isfinite().all():
        raise Wrong("There is nan or inf in what it gives")
    if not _same(out, _run(model, x, one)):
        raise Wrong(
            "In evaluation mode two calls with the same x differ. Nothing may be random there: "
            "nn.Dropout knows the mode, its function takes `training=self.training`, layers are "
            "made in `__init__` alone"
        )
    right = {branch: _through(steps, x) for branch, steps in one.branches.items()}
    ways = (one.branches, _flattened_otherwise(one.branches))
    if any(_same(out, _stacked(way, x)) for way in ways):
        return
    if any(_same(out, torch.cat(order, dim=1)) for order in permutations(right.values())):
        raise Wrong(f"Its branches are right, but stacked in another order than {listed([*right])}")
    parts = dict(zip(right, out.split([len(part[0]) for part in right.values()], 1), strict=True))
    wrong = [branch for branch in right if not _same(parts[branch], right[branch])]
    seen, within = f"x of shape {tuple(x.shape)} gave other numbers than it should", ""
    if len(right) > 1:
        seen = (
            f"Its {listed(wrong)} branch{'es' * bool(wrong[1:])} gave other numbers than expected"
        )
        within = f"In the {wrong[0]} branch, "
    part = parts[wrong[0]]
    slip = find_mistake(one.branches[wrong[0]], lambda steps: _same(part, _through(steps, x)))
    if slip:
        raise Wrong(_joined(seen, within + slip if within else slip[0].upper() + slip[1:]))
    look = "Look at the order of its layers, at the padding, and at what stands between them"
    raise Wrong(_joined(seen, find_oddity(model, one.layers) or look))


class _ChannelsLast(nn.Module):
    """Flattening that goes pixel by pixel: the next layer's weights are then in another order."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1).flatten(1)


def _flattened_otherwise(branches: dict[str, Steps]) -> dict[str, Steps]:
    return {
        branch: [_ChannelsLast() if isinstance(step, nn.Flatten) else step for step in steps]
        for branch, steps in branches.items()
    }


def _check_gradients(model: nn.Module, x: Tensor) -> None:
    x, parameters = x.clone().requires_grad_(), list(model.parameters())
    frozen = [one for one in parameters if not one.requires_grad]
    if frozen:
        seen = _told(frozen[0], model)
        raise Wrong(f"It holds weights whose `requires_grad` is False: {seen}. They never learn")
    try:
        out = model(x)
    except Exception as error:
        told = "its forward, with an x that needs a gradient,"
        raise refusal(error, model, told) from None
    sources = [x, *parameters]
    found = [None] * len(sources)
    if out.requires_grad:
        found = torch.autograd.grad(out.sum(), sources, allow_unused=True)
    unused = [one for one, gradient in zip(sources, found, strict=True) if gradient is None]
    if unused:
        where = "x" if unused[0] is x else _told(unused[0], model)
        raise Wrong(
            f"The numbers are right, but no gradient gets through to {where}. Every layer is to be "
            "used, and no `detach`, no `.data`, no `no_grad` may stand on the way"
        )


# ---- Training mode -------------------------------------------------------------------------------


def _compare_training(
    model: nn.Module, x: Tensor, one: Build, weights: dict[Tensor, Tensor]
) -> None:
    drops = [step.p for step in one.layers if isinstance(step, nn.Dropout)]
    if drops:
        _check_dropout(model, x, one, weights, drops[0])
        return
    out = _run(model, x, one)
    two = [_run(model.train(), x, one) for _ in range(2)]
    if not _same(*two):
        seen = "In training mode two calls with the same x differ"
        raise Wrong(_joined(seen, find_oddity(model, one.layers) or "No dropout is asked for"))
    if not _same(out, two[0]):
        seen = "In training mode it gives something else than in evaluation mode"
        raise Wrong(_joined(seen, find_oddity(model, one.layers)))


def _check_dropout(
    model: nn.Module, x: Tensor, one: Build, weights: dict[Tensor, Tensor], rate: float
) -> None:
    """What the last layer reads in training: each feature is 0, or as in evaluation times a factor.

    Its weights are made to show that: each output is a feature plus 1.
    """
    last = one.layers[-1]
    with torch.no_grad():
        shown = weights[last.weight]
        shown.copy_(torch.eye(*last.weight.shape).reshape(shown.shape))
        weights[last.bias].fill_(1)
    x = 4 * torch.randn(64, *x.shape[1:])
    plain = _run(model, x, one).detach()
    out = _run(model.train(), x, one).detach()
    if _same(out, plain):
        raise Wrong("In training mode nothing is dropped. Is the dropout called in `forward`?")
    if (out == 0).any():
        raise Wrong("In training mode some of the logits are 0. The dropout stands after the last "
                    "layer; its place is directly in front of it")  # fmt: skip
    present = (plain - 1).abs() > 0.01
    factor = torch.where(present, (out - 1) / (plain - 1), 1)
    kept, dropped = present & (factor.abs() > 1e-3), present & (factor.abs() <= 1e-3)
    scale = factor[kept].median()
    mixed = all((kept.any(dim) & dropped.any(dim)).any() for dim in (0, 1))
    if not mixed or not torch.allclose(factor[kept], scale, rtol=0.01):
        raise Wrong(
            "In training mode its last layer should read features of which some are 0 and all "
            "others are scaled up alike. It reads something else. Is the dropout a plain one, and "
            "directly in front of that layer?"
        )
    measured, share = 1 - 1 / scale.item(), (dropped.sum() / present.sum()).item()
    if abs(measured - share) > 0.15:
        raise Wrong(f"In training mode {share:.0%} of the features are dropped, and the others "
                    f"are multiplied by {scale:.2f}; nn.Dropout makes the two fit")  # fmt: skip
    if abs(measured - rate) > 0.01:
        raise Wrong(f"Its dropout drops {measured:.0%} of the features. The paper says how many")
