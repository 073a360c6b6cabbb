"""What exercises that build modules share: an answer beside the layers that it should consist of.

A `Build` lists those layers, lane by lane. The answer's weights are drawn anew and copied into
them, each by its shape, so that neither names nor style matter. Then both get the same inputs, in
evaluation and in training mode. A lane that differs is told by the mistake that gives the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import torch
from torch import Tensor, nn

from googlenet_lib.exercises.comparing import Misfit, an, describe, difference
from googlenet_lib.exercises.exercise import Wrong
from googlenet_lib.exercises.tools import build, call, fault

SAME = 1e-4  # what another order of sums may change in float32
Steps = list[nn.Module]


@dataclass(frozen=True)
class Build:
    """Arguments of a class, the layers of each lane that it then holds, and shapes of inputs.

    A module that is no stack of lanes has a single one, of any name. All weights differ in shape.
    """

    args: tuple[Any, ...]
    told: str
    lanes: dict[str, Steps]
    shapes: Sequence[tuple[int, ...]]
    biases: bool = False  # whether each layer must have one

    @property
    def layers(self) -> Steps:
        """Those of all lanes."""
        return [step for steps in self.lanes.values() for step in steps]


def convs(channels: int, *layers: tuple[int, int]) -> Steps:
    """Convolutions of (outputs, kernel) that keep the map's size, with a ReLU after each."""
    steps: Steps = []
    for outputs, kernel in layers:
        steps += [nn.Conv2d(channels, outputs, kernel, padding=kernel // 2), nn.ReLU()]
        channels = outputs
    return steps


def same_layers(answer: type, builds: Sequence[Build]) -> None:
    """Refuse a class whose objects compute something else than the layers of each build."""
    for one in builds:
        model = build(answer, *one.args, told=one.told).eval()
        inputs = [4 * torch.randn(shape) for shape in one.shapes]  # a ReLU6 would cut some
        _run(model, inputs[0], one)  # lazy layers get their weights
        weights = _adopt(model, one)
        for x in inputs:
            _compare(model, x, one)
        _check_gradients(model, inputs[0])
        _compare_training(model, inputs[0], one, weights)


# ---- Calling it ----------------------------------------------------------------------------------

KEEPS = (
    "Every lane keeps the map's size: a stride of 1 (without one, a pool takes its kernel's) and a "
    "padding of half the kernel."
)
PICTURES = "Pictures are dimension 0, channels are dimension 1: along which are lanes stacked?"
ADVICE = {
    "except in dimension 1": KEEPS,
    "except in dimension": PICTURES,
    "stack expects": "`torch.stack` makes a new dimension; `torch.cat(lanes, dim=1)` makes none.",
    "at non-singleton": "Were lanes added? Stacked, all channels of all lanes are kept.",
    "channels, but got": "Every lane reads x itself, with as many channels as the arguments say.",
    "changed its input": "`nn.ReLU(inplace=True)` changes what it gets, too.",
}


def _run(model: nn.Module, x: Tensor, one: Build) -> Tensor:
    """What `model` makes of x, of the right shape and type, or Wrong."""
    told = f"x of shape {tuple(x.shape)}" + ", in training mode" * model.training
    try:
        out = call(model, x, told=told)
    except Wrong as wrong:
        known = ADVICE if len(one.lanes) > 1 else {}
        advice = next((says for seen, says in known.items() if seen in str(wrong)), "")
        odd = _oddity(model, one) if advice == KEEPS else ""
        raise Wrong(_joined(str(wrong), odd, advice)) from None
    expected = _stacked(one.lanes, x)
    seen = f"Built with ({one.told}), it made {describe(out)} of {told}."
    if len(one.lanes) > 1 and isinstance(out, Tensor) and out.shape != expected.shape:
        if out.dim() != 4 or len(out) != len(x):
            raise Wrong(f"{seen} {PICTURES}")
        if out.shape[2:] != x.shape[2:]:
            raise Wrong(_joined(seen, _oddity(model, one), KEEPS))
        raise Wrong(f"{seen} How many channels does each of the lanes give?")
    found = difference(out, expected)
    if isinstance(found, Misfit):
        raise Wrong(f"{seen} {found}")
    return out


def _stacked(lanes: dict[str, Steps], x: Tensor) -> Tensor:
    return torch.cat([_through(steps, x) for steps in lanes.values()], dim=1)


@torch.no_grad()
def _through(steps: Steps, x: Tensor) -> Tensor:
    return nn.Sequential(*steps).eval()(x)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=SAME, atol=SAME)


def _joined(*sentences: str) -> str:
    return " ".join(one if one[-1] in ".?" else f"{one}." for one in sentences if one)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


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
    for lane, steps in one.lanes.items():
        for place, layer in enumerate(steps):
            for name, theirs in layer.named_parameters():
                if left[_key(theirs)]:
                    found[theirs] = left[_key(theirs)].pop(0)
                elif name == "weight" or one.biases:
                    whose = f"Its {lane} lane" if len(one.lanes) > 1 else "It"
                    what = f"{_name(steps, place)} of the right shape"
                    if name == "bias":
                        what = f"bias in its {_name(steps, place)}"
                    missing[theirs] = f"{whose} has no {what}"
                else:
                    theirs.zero_()
    _refuse_others(model, missing, [one for group in left.values() for one in group])
    for theirs, mine in found.items():
        mine.normal_(std=theirs[0].numel() ** -0.5)
        theirs.copy_(mine.reshape(theirs.shape))
    return found


def _key(parameter: Tensor) -> tuple[int, ...]:
    """A 1x1 convolution has the key of the linear layer that does the same."""
    shape = tuple(parameter.shape)
    return (shape[0], parameter[0].numel()) if len(shape) > 1 else shape


def _refuse_others(model: nn.Module, missing: dict[Tensor, str], left: list[Tensor]) -> None:
    if missing and (hidden := _hidden(model)):
        raise Wrong(hidden)
    if missing and not list(model.parameters()):
        raise Wrong(
            "It has no weights that PyTorch can find, so that an optimiser would train nothing. "
            "Layers are made in `__init__`, and kept there as `self.name`"
        )
    matrices = [one for one in left if one.dim() > 1] or left
    held = _listed([*dict.fromkeys(_told(one, model) for one in matrices)])
    if missing:
        wanted, says = next(iter(missing.items()))
        ends = (wanted.shape[:1], wanted.shape[2:])
        alike = any((one.shape[:1], one.shape[2:]) == ends for one in matrices)
        raise Wrong(
            _joined(
                says,
                f"What it holds instead: {held}" if held else "",
                "The outputs of one are right; what does it read?" if alike else "",
            )
        )
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
    owner = next(m for m in model.modules() if any(p is parameter for p in m.parameters(False)))
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
            "nn.Dropout knows the mode, F.dropout needs `training=self.training`, and layers are "
            "made in `__init__` alone"
        )
    right = {lane: _through(steps, x) for lane, steps in one.lanes.items()}
    if any(_same(out, _stacked(way, x)) for way in (one.lanes, _flattened_otherwise(one.lanes))):
        return
    if any(_same(out, torch.cat(order, dim=1)) for order in permutations(right.values())):
        raise Wrong(f"Its lanes are right, but stacked in another order than {_listed([*right])}")
    parts = dict(zip(right, out.split([len(part[0]) for part in right.values()], 1), strict=True))
    wrong = [lane for lane in right if not _same(parts[lane], right[lane])]
    seen, within = f"x of shape {tuple(x.shape)} gave other numbers than it should", ""
    if len(right) > 1:
        seen = f"Its {_listed(wrong)} lane{'s' * bool(wrong[1:])} gave other numbers than expected"
        within = f"In the {wrong[0]} lane, "
    if slip := _slip(parts[wrong[0]], one.lanes[wrong[0]], x):
        raise Wrong(_joined(seen, within + slip if within else slip[0].upper() + slip[1:]))
    look = "Look at the order of its layers, at the padding, and at what stands between them"
    raise Wrong(_joined(seen, _oddity(model, one) or look))


class _ChannelsLast(nn.Module):
    """Flattening that goes pixel by pixel: the next layer's weights are then in another order."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1).flatten(1)


def _flattened_otherwise(lanes: dict[str, Steps]) -> dict[str, Steps]:
    return {
        lane: [_ChannelsLast() if isinstance(step, nn.Flatten) else step for step in steps]
        for lane, steps in lanes.items()
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
        raise Wrong(fault(error, model, "its forward, with an x that needs a gradient,")) from None
    sources = [x, *parameters]
    found = out.requires_grad and torch.autograd.grad(out.sum(), sources, allow_unused=True)
    if not found or any(one is None for one in found):
        raise Wrong(
            "The numbers are right, but no gradient gets through it: no `detach`, no `.data`, no "
            "`no_grad` on the way from x and the weights to what is returned"
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
        raise Wrong(_joined(seen, _oddity(model, one) or "No dropout is asked for"))
    if not _same(out, two[0]):
        seen = "In training mode it gives something else than in evaluation mode"
        raise Wrong(_joined(seen, _oddity(model, one)))


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
    x = torch.randn(64, *x.shape[1:]) + 0.5
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


# ---- Mistakes ------------------------------------------------------------------------------------

OTHERS = (nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.ReLU6, nn.Softplus)
LAST = ((nn.Softmax(1), "these are probabilities"), (nn.LogSoftmax(1), "there is a softmax in it"),
        (nn.Sigmoid(), "there is a sigmoid in it"))  # fmt: skip


def _slip(part: Tensor, steps: Steps, x: Tensor) -> str:
    """Words for the first mistake that gives `part` as well, or ""."""
    for says, wrong in _slips(steps):
        try:
            if _same(part, _through(wrong, x)):
                return says
        except RuntimeError:  # a mistake that these sizes don't allow
            continue
    return ""


def _slips(steps: Steps) -> Iterator[tuple[str, Steps]]:
    """Each mistake in words, and the layers that make it."""
    relus = [place for place, step in enumerate(steps) if isinstance(step, nn.ReLU)]
    for place in relus:
        name = _name(steps, place - 1)
        yield f"the ReLU after the {name} is missing", steps[:place] + steps[place + 1 :]
    if relus[1:]:
        yield "there is no ReLU", [step for step in steps if not isinstance(step, nn.ReLU)]
    for other, places in product(OTHERS, [relus, *([place] for place in relus)]):
        wrong = [other() if place in places else step for place, step in enumerate(steps)]
        yield f"{an(other.__name__)} stands where a ReLU belongs", wrong
    for place in reversed(range(len(steps) + 1)):
        where = f"after the {_name(steps, place - 1)}" if place else "in front"
        if place and isinstance(steps[place - 1], nn.MaxPool2d):
            where += ", or in front of it"  # which gives the same
        yield f"a ReLU too many stands {where}", [*steps[:place], nn.ReLU(), *steps[place:]]
    for place, step in enumerate(steps):
        for says, instead in _other_pools(step):
            yield says, [*steps[:place], *instead, *steps[place + 1 :]]
        behind = next((relu + 1 for relu in relus if relu > place), None)
        if behind and "Pool" in type(step).__name__:
            moved = [*steps[:place], *steps[place + 1 : behind], step, *steps[behind:]]
            yield (
                f"the pool comes after the {_name(steps, behind - 2)}, and belongs in front",
                moved,
            )
    for last, says in LAST:
        yield f"{says}; the last layer's output is asked for", [*steps, last]


def _other_pools(pool: nn.Module) -> list[tuple[str, Steps]]:
    """What may stand in the place of a pool by mistake."""
    if isinstance(pool, nn.MaxPool2d):
        size = (pool.kernel_size, pool.stride, pool.padding)
        average = "the pool takes the mean of its window; a max pool takes the largest"
        return [
            ("there is no pool", []),
            (average, [nn.AvgPool2d(*size)]),
            (average, [nn.AvgPool2d(*size, count_include_pad=False)]),
            ("the pool's window is 5x5", [nn.MaxPool2d(5, 1, 2)]),
            ("zeros around the map win against negative numbers; the padding of a max pool never "
             "does", [nn.ZeroPad2d(pool.padding), nn.MaxPool2d(*size[:2])]),
        ]  # fmt: skip
    if isinstance(pool, nn.AvgPool2d):
        return [
            ("there is no pool", []),
            ("that is an adaptive pool, whose windows are 4 wide; the paper's are 5x5, stride 3",
             [nn.AdaptiveAvgPool2d(4)]),
            ("that is a max pool; the paper averages",
             [nn.MaxPool2d(pool.kernel_size, pool.stride)]),
        ]  # fmt: skip
    if isinstance(pool, nn.AdaptiveAvgPool2d):
        largest = "that is the largest of each map; the paper takes the mean"
        return [(largest, [nn.AdaptiveMaxPool2d(pool.output_size)])]
    return []


def _name(steps: Steps, place: int) -> str:
    step = steps[place]
    if isinstance(step, nn.Conv2d):
        return "x".join(map(str, step.kernel_size))
    if isinstance(step, nn.Linear):
        return "last layer" if step is steps[-1] else "first linear layer"
    names = {nn.Flatten: "flattening", nn.Dropout: "dropout", nn.ReLU: "ReLU"}
    return names.get(type(step), "pool")


# ---- What stands out -----------------------------------------------------------------------------

SUSPECT = ("activation", "batchnorm", "dropout", "instancenorm", "normalization", "pooling")
SETTINGS = ("kernel_size", "stride", "dilation", "groups", "padding_mode", "padding")


def _oddity(model: nn.Module, one: Build) -> str:
    """The first layer of a kind that is not asked for, or with settings that no asked one has."""
    for layer in model.modules():
        kind, alike = type(layer), [step for step in one.layers if type(step) is type(layer)]
        if not alike and kind.__module__.removeprefix("torch.nn.modules.") in SUSPECT:
            return f"It holds {an(kind.__name__)}, which is not asked for"
        if isinstance(layer, nn.Conv2d):
            alike = [step for step in alike if step.kernel_size == layer.kernel_size]
        for setting in SETTINGS if alike and hasattr(layer, "kernel_size") else ():
            mine, theirs = (_pair(getattr(one, setting, None)) for one in (layer, alike[0]))
            if mine != theirs and mine != ("same", "same"):
                named = dict.fromkeys(["kernel_size", setting])
                told = _listed([f"{one}={getattr(layer, one)!r}" for one in named])
                return f"It holds {an(kind.__name__)} with {told}"
    return ""


def _pair(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value, value)
