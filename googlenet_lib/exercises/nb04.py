"""Exercises and predictions of notebook 04: count GoogLeNet, audit it, build its end."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import nn

from googlenet_lib.costs import conv_params, parse_figure, receptive_field, row_convs
from googlenet_lib.exercises.exercise import Exercise, Prediction, Wrong
from googlenet_lib.exercises.tools import (
    Case,
    Slip,
    build,
    call,
    describe,
    difference,
    same_as,
    told_call,
)
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
    return abs(value - computed) <= tolerance * computed or value == computed // 10**6 * 10**6


def _agrees_by(thousand: int) -> Callable:
    def agrees(printed: str, computed: int, tolerance: float) -> bool:
        value = float(printed[:-1]) * {"K": thousand, "M": 10**6}[printed[-1]]
        return abs(value - computed) <= tolerance * computed or value == computed // 10**6 * 10**6

    return agrees


def _never_cut(printed: str, computed: int, tolerance: float) -> bool:
    return abs(parse_figure(printed) - computed) <= tolerance * computed


def _one_sided(printed: str, computed: int, tolerance: float) -> bool:
    value = parse_figure(printed)
    return value / computed - 1 <= tolerance or value == computed // 10**6 * 10**6


def _test_agrees(answer: Callable) -> None:
    cases = [
        Case(("112K", 114_688, 0.005)),
        Case(("2.7K", 9_408, 0.005)),
        Case(("1072K", 1_042_432, 0.005)),
        Case(("360M", 359_661_568, 0.005)),
        Case(("73M", 73_609_728, 0.005)),
        Case(("1M", 1_024_000, 0.005)),
        Case(("54M", 51_079_168, 0.1)),
        Case(("463K", 509_440, 0.01)),
    ]
    slips = (
        Slip(_agrees_by(1000), "The table's K is 1024; its M is 1,000,000."),
        Slip(_never_cut, "A printed figure also agrees if it is the computed one cut to whole "
             "millions."),
        Slip(_one_sided, "A figure that is far too low doesn't agree either: the error counts "
             "without its sign."),
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


def _cases_of_rows(*names: str) -> list[Case]:
    groups = [group.split() for group in names]
    told = [f"the first {len(g)} rows" if len(g) > 7 else f"[{' '.join(g)}]" for g in groups]
    return [
        Case(([ROWS[name] for name in group],), text)
        for group, text in zip(groups, told, strict=True)
    ]


def _test_longest_path(answer: Callable) -> None:
    cases = _cases_of_rows(
        "conv1 maxpool1",
        "inception3a inception3b maxpool3",
        "conv1 maxpool1 conv2 maxpool2",
        "inception5b avgpool dropout linear softmax",
        " ".join(ROWS),
    )
    slips = (
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
    )
    slips = (
        Slip(_without_jump, "Behind a stride, neighbours lie further apart: a kernel then spans "
             "`jump` pixels for each step."),
        Slip(lambda rows: _field_of(rows, strides_first=True), "A layer's own stride widens the "
             "jump for the layers behind it, not for itself."),
        Slip(lambda rows: _field_of(rows, large=3), "The widest lane of a module is the 5x5."),
        Slip(_convs_alone, "Pools have windows and strides, too."),
    )  # fmt: skip
    look = "Start with (1, 1); field += (kernel - 1) * jump, then jump *= stride."
    same_as(answer, _field_of, cases, slips, look)


# ---- 04.5 ----------------------------------------------------------------------------------------


def _test_classifier(answer: type) -> None:
    said = told_call(answer, (1024, 10))
    torch.manual_seed(1)
    model = build(answer, 1024, 10)
    counted = sum(p.numel() for p in model.parameters())
    if counted != 1024 * 10 + 10:
        flat = counted == 49 * 1024 * 10 + 10
        raise Wrong(f"{said} has {counted:,} parameters. " + (
            "It flattens the whole 7x7 map: average it to one value a channel first."
            if flat else "Averaging, flattening and dropout have none, the one linear layer has "
            "all of them."))  # fmt: skip
    linear = next((m for m in model.modules() if isinstance(m, nn.Linear)), None)
    if linear is None:
        raise Wrong(f"{said} holds no nn.Linear; make the layers in `__init__`")
    model.eval()
    for size, batch in ((7, 2), (7, 1), (4, 3)):
        x = torch.rand(batch, 1024, size, size)
        _same_logits(model, linear, x)
    model.train()
    x = torch.ones(1, 1024, 7, 7)
    with torch.no_grad():
        two = model(x), model(x)
    if torch.equal(*two):
        raise Wrong("in training mode two calls give the same: is the dropout called in `forward`?")
    drops = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    if drops != [DROPOUT]:
        raise Wrong(f"its dropout came as {drops or 'none'}; Table 1's row says how much it is")


def _same_logits(model: nn.Module, linear: nn.Linear, x: torch.Tensor) -> None:
    with torch.no_grad():
        result = call(model, x)
        expected = linear(x.mean((2, 3)))
        largest = linear(x.amax((2, 3)))
    if (found := difference(result, expected)) is None:
        return
    said = f"an input of shape {tuple(x.shape)} gave {describe(result)} in evaluation mode."
    if difference(result, largest) is None:
        raise Wrong(f"{said} That is the largest of each map; the paper takes the mean.")
    if difference(result, expected.softmax(1)) is None:
        raise Wrong(f"{said} These are probabilities; return the logits, the loss does the rest.")
    if difference(result, expected.relu()) is None:
        raise Wrong(f"{said} No ReLU behind the last layer: logits may be negative.")
    raise Wrong(f"{said} {found or 'Mean over the map, flatten, dropout, linear.'}")


# ---- 04.6 ----------------------------------------------------------------------------------------

TINY = 1 / 16  # of the channels: the check takes no time


def _test_adapt(answer: Callable) -> None:
    for heads in (True, False):
        torch.manual_seed(2)
        model = GoogLeNet(VARIANTS["torchvision"], 1000, heads=heads, width=TINY)
        before = copy.deepcopy(model.state_dict())
        told = f"a network {'with' if heads else 'without'} heads, 10"
        advice = "" if heads else "Without heads, `aux1` and `aux2` are None."
        result = call(answer, model, 10, told=told, advice=advice)
        if not isinstance(result, nn.Module):
            raise Wrong(f"it returned {describe(result)}; return the network")
        _check_adapted(result, before, heads)


def _check_adapted(model: nn.Module, before: dict[str, torch.Tensor], heads: bool) -> None:
    last = ["fc"] + ["aux1.fc2", "aux2.fc2"] * heads
    after = model.state_dict()
    for name in last:
        weight, bias = (after.get(f"{name}.{part}") for part in ("weight", "bias"))
        if weight is None:
            raise Wrong(f"`{name}.weight` is gone; put a new nn.Linear in its place")
        if weight.shape[0] != 10:
            raise Wrong(f"`{name}` still has weights for {weight.shape[0]} classes, shape "
                        f"{tuple(weight.shape)}; a new layer is needed there")  # fmt: skip
        if weight.shape[1] != before[f"{name}.weight"].shape[1]:
            raise Wrong(f"`{name}` takes {weight.shape[1]} features, but other ones come; ask the "
                        "old layer for its `in_features`")  # fmt: skip
        if bias is None:
            raise Wrong(f"`{name}` has lost its bias")
    kept = [name for name in before if name.rsplit(".", 1)[0] not in last]
    changed = [n for n in kept if n not in after or not torch.equal(after[n], before[n])]
    if changed:
        raise Wrong(f"`{changed[0]}` and {len(changed) - 1} more tensors have changed; only the "
                    "last layers may, all else is what pre-training has paid for")  # fmt: skip
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    if frozen:
        raise Wrong(f"`{frozen[0]}` no longer learns; this task asks to replace, not to freeze")


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
