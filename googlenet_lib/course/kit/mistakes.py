"""Common mistakes in a stack of layers, in words: what it gives tells which one was made."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any

from torch import nn

from googlenet_lib.course.kit.comparing import an

Steps = list[nn.Module]

OTHERS = (nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.ReLU6, nn.Softplus)
LAST = ((nn.Softmax(1), "these are probabilities"), (nn.LogSoftmax(1), "there is a softmax in it"),
        (nn.Sigmoid(), "there is a sigmoid in it"))  # fmt: skip


def find_mistake(steps: Steps, gives_the_same: Callable[[Steps], bool]) -> str:
    """Words for the first mistake in `steps` that gives the same as the answer, or ""."""
    for says, wrong in _mistakes(steps):
        try:
            if gives_the_same(wrong):
                return says
        except RuntimeError:  # a mistake that these sizes don't allow
            continue
    return ""


def _mistakes(steps: Steps) -> Iterator[tuple[str, Steps]]:
    """Each mistake in words, and the layers that make it."""
    relus = [place for place, step in enumerate(steps) if isinstance(step, nn.ReLU)]
    for count in range(1, len(relus) + 1):
        for gone in combinations(relus, count):
            names = [name_of(steps, place - 1) for place in gone]
            says = f"the ReLU{'s' * (count > 1)} after the {listed(names)} "
            says += "are missing" if count > 1 else "is missing"
            yield says, [step for place, step in enumerate(steps) if place not in gone]
    for other, places in product(OTHERS, [relus, *([place] for place in relus)]):
        wrong = [other() if place in places else step for place, step in enumerate(steps)]
        yield f"{an(other.__name__)} stands where a ReLU belongs", wrong
    for place in reversed(range(len(steps) + 1)):
        where = f"after the {name_of(steps, place - 1)}" if place else "in front"
        if place and isinstance(steps[place - 1], nn.MaxPool2d):
            where += ", or in front of it"  # which gives the same
        yield f"a ReLU too many stands {where}", [*steps[:place], nn.ReLU(), *steps[place:]]
    for place, step in enumerate(steps):
        for says, instead in _other_pools(step):
            yield says, [*steps[:place], *instead, *steps[place + 1 :]]
        after = next((relu + 1 for relu in relus if relu > place), None)
        if after and "Pool" in type(step).__name__:
            moved = [*steps[:place], *steps[place + 1 : after], step, *steps[after:]]
            yield (
                f"the pool comes after the {name_of(steps, after - 2)}, and belongs in front",
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


def name_of(steps: Steps, place: int) -> str:
    """What one calls the layer at `place`."""
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


def find_oddity(model: nn.Module, asked: Steps) -> str:
    """The first layer of a kind that is not asked for, or with settings that no asked one has."""
    for layer in model.modules():
        kind = type(layer)
        alike = [step for step in asked if type(step) is kind]
        if not alike and kind.__module__.removeprefix("torch.nn.modules.") in SUSPECT:
            return f"It holds {an(kind.__name__)}, which is not asked for"
        if isinstance(layer, nn.Conv2d):
            alike = [step for step in alike if step.kernel_size == layer.kernel_size]
        for setting in SETTINGS if alike and hasattr(layer, "kernel_size") else ():
            mine, theirs = (_pair(getattr(one, setting, None)) for one in (layer, alike[0]))
            if mine != theirs and mine != ("same", "same"):
                named = dict.fromkeys(["kernel_size", setting])
                told = listed([f"{one}={getattr(layer, one)!r}" for one in named])
                return f"It holds {an(kind.__name__)} with {told}"
    return ""


def _pair(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value, value)


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
