"""Exercises and predictions of notebook 04: count GoogLeNet, audit it, build its end."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from googlenet_lib.costs import conv_params, parse_figure, receptive_field, row_convs
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.probes import Build, same_layers
from googlenet_lib.exercises.tools import Case, Slip, call, describe, same_as
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import DROPOUT, ROWS, Row, Widths
from googlenet_lib.variants import VARIANTS

# ---- 04.1 ----------------------------------------------------------------------------------------


def _row_params(in_channels: int, w: Widths, large: int = 5, bias: bool = True) -> int:
    pairs = [
        (in_channels, w.out_1x1, 1),
        (in_channels, w.reduce_3x3, 1),
        (w.reduce_3x3, w.out_3x3, 3),
        (in_channels, w.reduce_5x5, 1),
        (w.reduce_5x5, w.out_5x5, large),
        (in_channels, w.pool_proj, 1),
    ]
    return sum(conv_params(*pair, bias) for pair in pairs)


def _biases_of_outputs(in_channels: int, w: Widths) -> int:
    return _row_params(in_channels, w, bias=False) + w.out_channels


def _without_reductions(in_channels: int, w: Widths) -> int:
    wide = ((w.out_1x1, 1), (w.out_3x3, 3), (w.out_5x5, 5), (w.pool_proj, 1))
    return sum(conv_params(in_channels, out, kernel, True) for out, kernel in wide)


def _test_row_params(answer: Callable) -> None:
    cases = [
        Case((channels, ROWS[f"inception{name}"].widths), f"{channels}, widths of {name}")
        for channels, name in ((192, "3a"), (480, "4a"), (832, "5b"))
    ]
    cases.append(Case((10, own := Widths(7, 5, 11, 3, 13, 2)), f"10, {describe(own)}"))
    slips = (
        Slip(lambda c, w: _row_params(c, w, bias=False), "These are the weights alone: every "
             "convolution has a bias for each of its output channels, too."),
        Slip(_biases_of_outputs, "The two reductions have biases as well."),
        Slip(lambda c, w: _row_params(c, w, large=3), "The third lane has a kernel of 5x5."),
        Slip(_without_reductions, "The 3x3 and the 5x5 read what their 1x1 hands on, not the "
             "input of the module."),
    )  # fmt: skip
    look = "Write down six convolutions: what goes in, what comes out, the kernel, the biases."
    same_as(answer, _row_params, cases, slips, look)


# ---- 04.2 ----------------------------------------------------------------------------------------


def _agrees(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return abs(value - computed) <= tolerance * computed or value == _cut(computed)


def _cut(computed: int, unit: int = 10**6) -> int:
    return computed // unit * unit


def _in_units(thousand: int, million: int = 10**6) -> Callable:
    def agrees(printed: str, computed: int, tolerance: float) -> bool:
        value = float(printed[:-1]) * {"K": thousand, "M": million}[printed[-1]]
        return abs(value - computed) <= tolerance * computed or value == _cut(computed)

    return agrees


def _always_by(tolerance: float) -> Callable:
    return lambda printed, computed, _: _agrees(printed, computed, tolerance)


def _never_cut(printed: str, computed: int, tolerance: float) -> bool:
    return abs(parse_figure(printed) - computed) <= tolerance * computed


def _both_rules(printed: str, computed: int, tolerance: float) -> bool:
    near = _never_cut(printed, computed, tolerance)
    return near and parse_figure(printed) == _cut(computed)


def _thousands_cut(printed: str, computed: int, tolerance: float) -> bool:
    unit = 1024 if printed.endswith("K") else 10**6
    return _agrees(printed, computed, tolerance) or parse_figure(printed) == _cut(computed, unit)


def _one_sided(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return value / computed - 1 <= tolerance or value == _cut(computed)


def _absolute(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return abs(value - computed) <= tolerance or value == _cut(computed)


def _by_printed(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return abs(value - computed) <= tolerance * value or value == _cut(computed)


def _test_agrees(answer: Callable) -> None:
    cases = [
        Case(("2.7K", 9_408, 0.005)),
        Case(("360M", 360_400_000, 0.1)),
        Case(("54M", 51_079_168, 0.01)),
        Case(("54M", 51_079_168, 0.1)),
        Case(("46M", 51_079_168, 0.005)),
        Case(("360M", 359_661_568, 0.005)),
        Case(("73M", 73_609_728, 0.005)),
        Case(("1072K", 1_042_432, 0.005)),
        Case(("1072K", 1_097_700, 0.005)),
        Case(("100K", 100_000, 0.005)),
        Case(("112K", 114_688, 0.005)),
        Case(("2K", 2_900, 0.005)),
        Case(("2.7K", 2_765, 0.005)),
        Case(("110M", 100_000_000, 0.096)),
        Case(("91M", 100_000_000, 0.092)),
        Case(("1M", 1_024_000, 0.005)),
    ]
    tolerance = "Your tolerance stays the same, whatever `tolerance` says."
    unit = "The table's K is 1024; its M is 1,000,000."
    slips = (
        *(Slip(_always_by(fixed), tolerance) for fixed in (0.005, 0.01, 0.05, 0.1)),
        *(Slip(_in_units(*units), unit) for units in ((1000,), (1024, 1024**2))),
        Slip(_both_rules, "One of the two rules is enough."),
        Slip(_never_cut, "A printed figure also agrees if it is the computed one cut to whole "
             "millions."),
        Slip(_thousands_cut, "Only to whole millions is a figure cut, not to thousands."),
        Slip(_one_sided, "A figure that is far too low doesn't agree either: the error counts "
             "without its sign."),
        Slip(_by_printed, "The error is relative to the computed figure, not to the printed one."),
        Slip(_absolute, "The error is relative: divide the difference by the computed figure."),
        Slip(lambda printed, computed, part: _agrees(printed, computed, part / 100),
             "The tolerance is no percentage: 0.005 is half a percent."),
    )  # fmt: skip
    look = "Turn the text into a number first, then compare the relative error with the tolerance."
    same_as(answer, _agrees, cases, slips, look)


# ---- 04.3 ----------------------------------------------------------------------------------------


def _longest_path(rows: Sequence[Row]) -> int:
    count = 0
    for row in rows:
        if row.kind == "conv":
            count += 2 if row.reduce else 1
        elif row.kind == "inception":
            count += 2
        elif row.kind == "linear":
            count += 1
    return count


def _all_layers(rows: Sequence[Row]) -> int:
    return sum(len(row_convs(row, 1)) + (row.kind == "linear") for row in rows)


def _one_a_row(rows: Sequence[Row]) -> int:
    return sum(row.kind in ("conv", "inception", "linear") for row in rows)


def _with_pools(rows: Sequence[Row]) -> int:
    return _longest_path(rows) + sum(row.kind in ("maxpool", "avgpool") for row in rows)


def _no_reduce(rows: Sequence[Row]) -> int:
    return _longest_path(rows) - sum(row.reduce is not None for row in rows)


# What no row of the table has, so that neither names nor its numbers can stand in for kinds.
OTHER_ROWS = {
    "wide": Row("wide", "conv", 56, 64, 1, kernel=11, stride=4),
    "reduced": Row("reduced", "conv", 56, 64, 2, kernel=5, stride=3, reduce=16),
}


def _cases_of_rows(*names: str, **changed: int) -> list[Case]:
    cases = []
    for group in map(str.split, names):
        rows = [replace({**ROWS, **OTHER_ROWS}[name], **changed) for name in group]
        told = f"the first {len(group)} rows" if len(group) > 7 else f"[{' '.join(group)}]"
        cases.append(Case((rows,), told))
    return cases


def _depth(rows: Sequence[Row]) -> int:
    return sum(row.depth for row in rows)


def _test_longest_path(answer: Callable) -> None:
    cases = _cases_of_rows(
        "conv1 maxpool1",
        "inception3a inception3b maxpool3",
        "conv1 maxpool1 conv2 maxpool2",
        "inception5b avgpool dropout linear softmax",
        "reduced wide inception4a",
        "",
        " ".join(ROWS),
        depth=9,
    )
    slips = (
        Slip(_depth, "That adds up `row.depth`, which is false in these rows. Look at `row.kind` "
             "and at `row.reduce`."),
        Slip(_all_layers, "These are all layers with weights. The lanes of a module lie side by "
             "side: of them a path takes one."),
        Slip(_one_a_row, "A row can hold two layers behind each other: see `reduce` in conv2, and "
             "the lanes of a module."),
        Slip(_with_pools, "A pool has no weights: only layers with weights count here."),
        Slip(_no_reduce, "conv2 has a 1x1 in front: its `reduce` isn't None."),
    )  # fmt: skip
    look = "Go through the rows: how many layers with weights does a path meet in each?"
    same_as(answer, _longest_path, cases, slips, look)


# ---- 04.4 ----------------------------------------------------------------------------------------


def _field_of(rows: Sequence[Row], large: int = 5, strides_first: bool = False) -> int:
    field, jump = 1, 1
    for row in rows:
        kernel = large if row.widths else row.kernel or 1
        stride = row.stride or 1
        if strides_first:
            jump *= stride
            field += (kernel - 1) * jump
        else:
            field, jump = receptive_field(field, jump, kernel, stride)
    return field


def _without_jump(rows: Sequence[Row]) -> int:
    return 1 + sum((5 if row.widths else row.kernel or 1) - 1 for row in rows)


def _without_kernel(rows: Sequence[Row]) -> int:
    return _field_of([row if row.widths else replace(row, kernel=row.kernel or 5) for row in rows])


def _convs_alone(rows: Sequence[Row]) -> int:
    return _field_of([row for row in rows if row.kind != "maxpool"])


def _test_field_of(answer: Callable) -> None:
    cases = _cases_of_rows(
        "conv1",
        "conv1 maxpool1",
        "conv1 maxpool1 conv2 maxpool2",
        "conv1 maxpool1 conv2 maxpool2 inception3a inception3b",
        " ".join(list(ROWS)[: list(ROWS).index("avgpool")]),
        "inception3a maxpool3 inception4a",
        "inception5b avgpool dropout linear softmax",
        "wide inception4a reduced maxpool4",
        "",
    )
    slips = (
        Slip(_without_jump, "Behind a stride, neighbours lie further apart: a kernel then spans "
             "`jump` pixels for each step."),
        Slip(lambda rows: _field_of(rows, strides_first=True), "A layer's own stride widens the "
             "jump for the layers behind it, not for itself."),
        Slip(lambda rows: _field_of(rows, large=3), "The widest lane of a module is the 5x5."),
        Slip(_convs_alone, "Pools have windows and strides, too."),
        Slip(_without_kernel, "Only an Inception row has a kernel of 5 that the table doesn't "
             "print. Any other row without a kernel widens nothing."),
    )  # fmt: skip
    look = "Start with (1, 1); field += (kernel - 1) * jump, then jump *= stride."
    same_as(answer, _field_of, cases, slips, look)


# ---- 04.5 ----------------------------------------------------------------------------------------


def _classifier(channels: int, classes: int) -> Build:
    steps = [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(DROPOUT),
        nn.Linear(channels, classes),
    ]
    shapes = ((2, channels, 7, 7), (1, channels, 7, 7), (3, channels, 4, 9))
    return Build((channels, classes), f"{channels}, {classes}", {"": steps}, shapes, biases=True)


def _test_classifier(answer: type) -> None:
    same_layers(answer, [_classifier(1024, 10), _classifier(96, 7)])


# ---- 04.6 ----------------------------------------------------------------------------------------

TINY = 1 / 16  # of the channels: the check takes no time
LAST = ("fc", "aux1.fc2", "aux2.fc2")


def _test_adapt(answer: Callable) -> None:
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


EXERCISES = (
    Exercise(
        "04.1",
        "Parameters of a module",
        _test_row_params,
        (
            "A convolution has kernel * kernel * in * out weights and `out` biases.",
            "There are six of them. Two read a reduced input: `reduce_3x3` and `reduce_5x5`.",
            "Write a small function for one convolution and add up six calls of it.",
        ),
        "1x1 reductions are convolutions too, with weights and biases of their own.",
    ),
    Exercise(
        "04.2",
        "A verdict",
        _test_agrees,
        (
            "`printed[:-1]` is the number, `printed[-1]` its unit.",
            'A dictionary does the units: {"K": 1024, "M": 10**6}.',
            "Cut to whole millions: computed // 10**6 * 10**6. The two rules are joined by `or`.",
        ),
        "a verdict is worth what its tolerance is worth, so say it with every verdict.",
    ),
    Exercise(
        "04.3",
        "The longest path",
        _test_longest_path,
        (
            "Only conv, inception and linear rows have weights; `row.kind` tells them apart.",
            "conv1 is one layer. conv2 has a 1x1 in front, which `row.reduce` says.",
            "A module adds two: a 1x1 and the 3x3 or 5x5 behind it.",
        ),
        "depth counts layers behind each other, size counts all of them.",
    ),
    Exercise(
        "04.4",
        "Receptive field",
        _test_field_of,
        (
            "Keep two numbers: the field and the jump, both 1 at the picture.",
            "Each row: field += (kernel - 1) * jump, and after it jump *= stride.",
            "For a module the kernel is 5; rows without a kernel or a stride count as 1.",
        ),
        "every stride makes all kernels behind it wider, which is how 715 pixels come about.",
    ),
    Exercise(
        "04.5",
        "The classifier",
        _test_classifier,
        (
            "nn.AdaptiveAvgPool2d(1) averages a map of any size to 1x1.",
            "torch.flatten(x, 1) keeps the batch. `x.squeeze()` would lose a batch of one.",
            "In `forward`: pool, flatten, dropout of 0.4, linear. No softmax.",
        ),
        "averaging first makes the last layer 49 times smaller, and any map size will do.",
        kind="class",
    ),
    Exercise(
        "04.6",
        "Ten classes",
        _test_adapt,
        (
            "`model.fc = nn.Linear(model.fc.in_features, num_classes)` replaces one layer.",
            "The heads end in `aux1.fc2` and `aux2.fc2`.",
            "Ask `if head is not None` before you replace a head's last layer.",
        ),
        "all that was learnt before the last layers is kept, which is what fine-tuning builds on.",
    ),
)

PREDICTIONS = (
    Prediction(
        "04.a", "How many million parameters has the network of Table 1?", tolerance=1, least=0
    ),
    Prediction(
        "04.b",
        "Of Table 1's 24 printed figures, how many agree with the computed ones within 0.5%?",
        tolerance=2,
        least=0,
        most=24,
    ),
    Prediction(
        "04.c", "How many pixels wide is the receptive field behind 5b?", tolerance=50, least=1
    ),
)
