"""Exercises and predictions of notebook 04 and of the dive into Table 1."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from googlenet_lib.course.kit.checking import call
from googlenet_lib.course.kit.comparing import describe
from googlenet_lib.course.kit.exercise import Case, Exercise, Prediction, Wrong, slips
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import ROWS, Row, output_size, parse_figure, row_convs
from googlenet_lib.network.variants import VARIANTS

# ---- 04.1 ----------------------------------------------------------------------------------------

POOLED = Exercise(
    "04.1",
    "Size after a pool, with ceil_mode",
    solution=lambda n, k, s, ceil_mode: output_size(n, k, s, ceil_mode=ceil_mode),
    cases=[
        (21, 5, 2, False),
        (14, 3, 2, False),
        (14, 3, 2, True),
        (55, 3, 2, True),
        (3, 3, 2, True),
        (10, 2, 2, True),
        (11, 4, 3, True),
        (11, 4, 3, False),
    ],
    slips=slips(
        "That is the size without ceil_mode, and ceil_mode is True.",
        lambda n, k, s, c: (n - k) // s + 1,
        "That rounds up, and ceil_mode is False.",
        lambda n, k, s, c: -(-(n - k) // s) + 1,
        "One more is right only where something is left over.",
        lambda n, k, s, c: (n - k) // s + 1 + c,
        "The steps are right. The first window, before any step, counts too.",
        lambda n, k, s, c: -(-(n - k) // s) if c else (n - k) // s,
        "That forgets the kernel: how far can the first window slide?",
        lambda n, k, s, c: -(-n // s) if c else n // s,
    ),
    look="The first window can slide by size - kernel. How many steps, rounded which way?",
    hints=(
        "The first window can slide by `size - kernel`. How many steps of `stride` is that?",
        "`a // b` rounds down, and `-(-a // b)` rounds up.",
    ),
    why="ceil_mode adds the one window that hangs over the end, and only where cells are left.",
)

# ---- 04.2 ----------------------------------------------------------------------------------------


def longest_path(rows: Sequence[Row]) -> int:
    """Layers with weights that a path meets."""
    count = 0
    for row in rows:
        if row.kind == "conv":
            count += 2 if row.reduce else 1
        elif row.kind == "inception":
            count += 2
        elif row.kind == "linear":
            count += 1
    return count


def _of_kinds(rows: Sequence[Row], *kinds: str) -> int:
    return sum(row.kind in kinds for row in rows)


# What no row of the table has, so that neither names nor its numbers can stand in for kinds.
OTHER_ROWS = {
    "wide": Row("wide", "conv", 56, 64, 1, kernel=11, stride=4),
    "reduced": Row("reduced", "conv", 56, 64, 2, kernel=5, stride=3, reduce=16),
}


def _rows(names: str, **changed: int) -> Case:
    group = names.split()
    rows = [replace({**ROWS, **OTHER_ROWS}[name], **changed) for name in group]
    told = f"the first {len(group)} rows" if len(group) > 7 else f"[{' '.join(group)}]"
    return Case((rows,), told)


LONGEST_PATH = Exercise(
    "04.2",
    "The longest path",
    solution=longest_path,
    cases=[
        _rows("conv1 maxpool1", depth=9),
        _rows("inception3a inception3b maxpool3", depth=9),
        _rows("conv1 maxpool1 conv2 maxpool2", depth=9),
        _rows("inception5b avgpool dropout linear softmax", depth=9),
        _rows("reduced wide inception4a", depth=9),
        _rows(""),
        _rows(" ".join(ROWS), depth=9),
    ],
    slips=slips(
        "That adds up `row.depth`, which is false in these rows. Look at `row.kind` and at "
        "`row.reduce`.",
        lambda rows: sum(row.depth for row in rows),
        "These are all layers with weights. The branches of a module are parallel: a path takes "
        "one of them.",
        lambda rows: sum(len(row_convs(row, 1)) for row in rows) + _of_kinds(rows, "linear"),
        "A row can hold two layers, one after the other: see `reduce` in conv2, and the branches "
        "of a module.",
        lambda rows: _of_kinds(rows, "conv", "inception", "linear"),
        "A pool has no weights: only layers with weights count here.",
        lambda rows: longest_path(rows) + _of_kinds(rows, "maxpool", "avgpool"),
        "conv2 has a 1x1 before its 3x3: its `reduce` isn't None.",
        lambda rows: longest_path(rows) - sum(row.reduce is not None for row in rows),
    ),
    look="Go through the rows: how many layers with weights does a path meet in each?",
    hints=(
        "Only conv, inception and linear rows have weights; `row.kind` tells them apart.",
        "conv1 is one layer. conv2 is two: its `row.reduce` gives the width of a 1x1.",
        "A module adds two: a 1x1 and the 3x3 or 5x5 after it.",
    ),
    why="depth counts layers one after the other, however many run in parallel.",
)

# ---- 04.3 ----------------------------------------------------------------------------------------

TINY = 1 / 16  # of the channels: the check takes no time
LAST = ("fc", "aux1.fc2", "aux2.fc2")


def _test_adapt(answer: Callable[..., Any]) -> None:
    for heads, classes, training in ((True, 10, True), (False, 3, False), (True, 1001, False)):
        model = _pretrained(heads).train(training)
        before = copy.deepcopy(model)
        told = f"a network {'with' if heads else 'without'} heads, {classes}"
        advice = "" if heads else "Without heads, `aux1` and `aux2` are None."
        with patch.object(GoogLeNet, "replace_classifier", _written_out):
            result = call(answer, model, classes, told=told, advice=advice)
        if not isinstance(result, nn.Module):
            raise Wrong(f"it returned {describe(result)}; return the network")
        _check_last(result, before, classes)
        _check_kept(result, before)


def _written_out(*_: Any) -> None:
    raise RuntimeError("the task is to write it out, without `replace_classifier`")


def _pretrained(heads: bool) -> GoogLeNet:
    """As if trained: its running statistics are its own, and its first layer is frozen."""
    torch.manual_seed(2)
    model = GoogLeNet(VARIANTS["torchvision"], 1000, heads=heads, width=TINY)
    model.conv1.requires_grad_(False)
    for statistic in model.buffers():
        statistic.copy_(torch.rand(statistic.shape) + 2)
    return model


def _last_of(model: nn.Module) -> dict[str, nn.Module]:
    known = dict(model.named_modules(remove_duplicate=False))
    return {name: known[name] for name in LAST if name in known}


def _check_last(model: nn.Module, before: nn.Module, classes: int) -> None:
    """Refuse last layers that are gone, old, of a wrong size, or shared."""
    found, owners = _last_of(model), {}
    for name, old in _last_of(before).items():
        layer = found.get(name)
        if type(layer) is not nn.Linear:
            seen = f"a {type(layer).__name__}" if layer else "gone"
            raise Wrong(f"`{name}` is {seen}; put a new nn.Linear in its place")
        if len(layer.weight) != classes:
            raise Wrong(f"`{name}` has weights for {len(layer.weight)} classes, where {classes} "
                        "are asked for; a new layer of that size is needed there")  # fmt: skip
        if layer.weight.shape[1] != old.in_features:
            raise Wrong(f"`{name}` takes {layer.weight.shape[1]} features, but other ones come; "
                        "ask the old layer for its `in_features`")  # fmt: skip
        if layer.bias is None:
            raise Wrong(f"`{name}` has lost its bias")
        for parameter in layer.parameters():
            if not parameter.requires_grad:
                raise Wrong(f"`{name}` does not learn; this task asks to replace, not to freeze")
            if (owner := owners.setdefault(parameter, name)) != name:
                raise Wrong(f"`{owner}` and `{name}` share their weights. They read other "
                            "features: each needs a layer of its own")  # fmt: skip


KEPT: dict[str, Callable[[nn.Module], dict[str, Any]]] = {
    "These tensors have changed": lambda model: model.state_dict(),
    "These weights have been frozen or set free": lambda model: {
        name: one.requires_grad for name, one in model.named_parameters()
    },
    "Between training and evaluation mode these have changed": lambda model: {
        name or "the network": one.training for name, one in model.named_modules()
    },
    "These layers have got other settings": lambda model: {
        name: one.extra_repr() for name, one in model.named_modules()
    },
}


def _check_kept(model: nn.Module, before: nn.Module) -> None:
    """Refuse any other change: of weights, statistics, modes, settings, or of what learns."""
    for change, what in KEPT.items():
        now, then = what(model), what(before)
        others = [name for name in {**then, **now} if not name.startswith(LAST)]
        names = [name for name in others if not _equal(now.get(name), then.get(name))]
        if names:
            more = f" and {len(names) - 1} more" if names[1:] else ""
            raise Wrong(f"{change}: `{names[0]}`{more}. Only the last layers may change, all else "
                        "is what pre-training has paid for")  # fmt: skip


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other


ADAPT = Exercise(
    "04.3",
    "Ten classes",
    test=_test_adapt,
    hints=(
        "`model.fc = nn.Linear(model.fc.in_features, num_classes)` replaces one layer.",
        "The heads end in `aux1.fc2` and `aux2.fc2`.",
        "Ask `if head is not None` before you replace a head's last layer.",
    ),
    why="all that was learnt before the last layers is kept, which is what fine-tuning builds on.",
)

# ---- 04.4 ----------------------------------------------------------------------------------------


def is_near(value: float, computed: int, tolerance: float) -> bool:
    """Whether the relative error is within `tolerance`."""
    return abs(value - computed) <= tolerance * computed


def is_cut(value: float, computed: int, unit: int = 10**6) -> bool:
    """Whether `value` is `computed`, cut to whole millions."""
    return value == computed // unit * unit


def agrees(printed: str, computed: int, tolerance: float) -> bool:
    """Whether a figure of the table agrees with a computed one."""
    value = parse_figure(printed)
    return is_near(value, computed, tolerance) or is_cut(value, computed)


def _in_units(thousand: int, million: int = 10**6) -> Callable[..., bool]:
    def agrees(printed: str, computed: int, tolerance: float) -> bool:
        value = float(printed[:-1]) * {"K": thousand, "M": million}[printed[-1]]
        return is_near(value, computed, tolerance) or is_cut(value, computed)

    return agrees


def _always_by(tolerance: float) -> Callable[..., bool]:
    return lambda printed, computed, _: agrees(printed, computed, tolerance)


def _near_by(near: Callable[..., bool]) -> Callable[..., bool]:
    """Right, but for another rule of what is near."""

    def agrees(printed: str, computed: int, tolerance: float) -> bool:
        value = parse_figure(printed)
        return near(value, computed, tolerance) or is_cut(value, computed)

    return agrees


def _both_rules(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return is_near(value, computed, tolerance) and is_cut(value, computed)


def _thousands_cut(printed: str, computed: int, tolerance: float) -> bool:
    unit = 1024 if printed.endswith("K") else 10**6
    return agrees(printed, computed, tolerance) or is_cut(parse_figure(printed), computed, unit)


def _unit_forgotten(printed: str, computed: int, tolerance: float) -> bool:
    near = is_near(parse_figure(printed), computed, tolerance)
    return near or float(printed[:-1]) == computed // 10**6


VERDICT = Exercise(
    "04.4",
    "A verdict",
    solution=agrees,
    cases=[
        ("2.7K", 9_408, 0.005),
        ("360M", 360_400_000, 0.1),
        ("54M", 51_079_168, 0.01),
        ("54M", 51_079_168, 0.1),
        ("46M", 51_079_168, 0.005),
        ("360M", 359_661_568, 0.005),
        ("73M", 73_609_728, 0.005),
        ("1072K", 1_042_432, 0.005),
        ("1072K", 1_097_700, 0.005),
        ("100K", 100_000, 0.005),
        ("112K", 114_688, 0.005),
        ("2K", 2_900, 0.005),
        ("2.7K", 2_765, 0.005),
        ("110M", 100_000_000, 0.096),
        ("91M", 100_000_000, 0.092),
        ("1M", 1_024_000, 0.005),
        ("7K", 7_300_000, 0.005),
    ],
    slips=slips(
        "Your tolerance stays the same, whatever `tolerance` says.",
        *(_always_by(tolerance) for tolerance in (0.005, 0.01, 0.05, 0.1)),
        "The table's K is 1024; its M is 1,000,000.",
        *(_in_units(1000), _in_units(1024, 1024**2)),
        "One of the two rules is enough.",
        _both_rules,
        "A printed figure also agrees if it is the computed one cut to whole millions.",
        lambda printed, computed, part: is_near(parse_figure(printed), computed, part),
        "Only to whole millions is a figure cut, not to thousands.",
        _thousands_cut,
        "Cut to millions, 7,300,000 is 7M, and not 7K.",
        _unit_forgotten,
        "A figure that is far too low doesn't agree either: the error counts without its sign.",
        _near_by(lambda value, computed, part: value / computed - 1 <= part),
        "The error is relative to the computed figure, not to the printed one.",
        _near_by(lambda value, computed, part: abs(value - computed) <= part * value),
        "The error is relative: divide the difference by the computed figure.",
        _near_by(lambda value, computed, part: abs(value - computed) <= part),
        "The tolerance is no percentage: 0.005 is half a percent.",
        lambda printed, computed, part: agrees(printed, computed, part / 100),
    ),
    look="Turn the text into a number first, then compare the relative error with the tolerance.",
    hints=(
        "`printed[:-1]` is the number, `printed[-1]` its unit.",
        'A dictionary does the units: {"K": 1024, "M": 10**6}.',
        "Cut to whole millions: computed // 10**6 * 10**6. The two rules are joined by `or`.",
    ),
    why="a verdict is worth what its tolerance is worth, so say it with every verdict.",
)

EXERCISES = (POOLED, LONGEST_PATH, ADAPT, VERDICT)

PREDICTIONS = (
    Prediction(
        "04.a", "How many million parameters has the network of Table 1?", tolerance=1, least=0
    ),
    Prediction(
        "04.b",
        "Which row of Table 1 takes the most multiply-adds?",
        choices=("conv1", "conv2", "inception3b", "inception5b", "linear"),
    ),
    Prediction(
        "04.c",
        "How many of Table 1's 24 printed numbers agree with the computed ones?",
        tolerance=2,
        least=0,
        most=24,
    ),
    Prediction(
        "04.d", "How many pixels wide is the receptive field after 5b?", tolerance=50, least=1
    ),
)
