"""Notebook 04: two variants of the network, compared in words and in bars."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.course.kit.panel import panel
from googlenet_lib.network.count import child_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import IMAGE_SIZE, TABLE_1, Cost, total
from googlenet_lib.network.variants import VARIANTS, find_variant

# The rows of Table 1 that have weights, and the children of the network that make them up.
ROWS_WITH_WEIGHTS = {row.name: (row.name,) for row in TABLE_1 if row.params}
ROWS_WITH_WEIGHTS |= {"conv2": ("conv2", "conv3"), "linear": ("fc",)}

CHOICES = {
    "batch_norm": "BatchNorm",
    "eps": "its epsilon",
    "conv_bias": "bias in convolutions",
    "local_response_norm": "local response norm",
    "large_kernel": 'the branch called "5x5"',
    "stem_kernel": "conv1's kernel",
    "stem_stride": "conv1's stride",
    "stem_pools": "pools in the stem",
    "maxpool4_kernel": "maxpool4",
    "adaptive_head_pool": "head: average pool",
    "head_batch_norm": "head: BatchNorm",
    "dropout": "dropout",
    "head_dropout": "head: dropout",
    "init": "initialisation",
    "min_size": "smallest picture",
    "width": "channels",
    "reduction": "channels of the reductions",
}


def choices(name: str) -> dict[str, str]:
    """Every choice of a variant in words, by what it is about."""
    variant = find_variant(name)
    said = {CHOICES[f.name]: _said(f.name, getattr(variant, f.name)) for f in fields(variant)[1:]}
    return said if variant.batch_norm else said | {CHOICES["eps"]: "–"}


def differences(one: str, other: str) -> dict[str, tuple[str, str]]:
    """The choices in which two variants differ, with both values."""
    first, second = choices(one), choices(other)
    return {what: (first[what], second[what]) for what in first if first[what] != second[what]}


@lru_cache(maxsize=32)  # an explorer asks at every movement
def variant_costs(name: str, size: int = IMAGE_SIZE) -> tuple[Cost, ...]:
    """The costs of a variant, heads left out, in the rows of Table 1 that have weights.

    Everything trained is counted, biases and BatchNorm's two numbers a channel included.
    """
    children = {cost.name: cost for cost in child_costs(_network(name), (3, size, size))}
    costs = []
    for row, names in ROWS_WITH_WEIGHTS.items():
        parts = [children[child] for child in names]
        params, macs = sum(part.params for part in parts), sum(part.macs for part in parts)
        costs.append(replace(parts[-1], name=row, params=params, macs=macs))
    return tuple(costs)


@lru_cache(maxsize=8)
def _network(name: str) -> GoogLeNet:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        return GoogLeNet(find_variant(name), heads=False)


def _said(field: str, value: Any) -> str:
    if field in ("large_kernel", "stem_kernel", "maxpool4_kernel"):
        return f"{value}x{value}"
    if field == "stem_pools":
        return {(True, True): "both", (True, False): "first only", (False, True): "second only",
                (False, False): "none"}[value]  # fmt: skip
    if field == "adaptive_head_pool":
        return "adaptive, to 4x4" if value else "5x5, stride 3"
    if field == "min_size":
        return f"{value} pixels"
    if field in ("width", "reduction"):
        return f"Table 1 x {value:g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


MARGIN, TOP, LINE, HEIGHT = 16, 118, 24, 460
BASELINE = 5  # below the middle of a line
CHOICE_X = (MARGIN, 172, 288)
ROW_X, ROW_WIDTH, COLUMNS = 418, 462, (8, 13, 10, 15, 10)  # pixels, pixels, characters


def draw_variants(one: str, other: str, size: int = IMAGE_SIZE) -> Figure:
    """Draw what differs between two variants and, row by row, the cost of both. Heads left out.

    Rows that cost something else have a grey ground. `size` is that of the pictures, in pixels.
    """
    with style.house_style():
        figure, axes = style.canvas(HEIGHT)
        style.write(axes, MARGIN, 22, f"{one} and {other}", 18, weight="bold", ha="left")
        _draw_choices(axes, one, other)
        _draw_costs(axes, one, other, size)
    figure.alt = _describe_variants(one, other, size)
    return figure


def _describe_variants(one: str, other: str, size: int = IMAGE_SIZE) -> str:
    """What `draw_variants` shows, in words."""
    differ = [f"{what}: {a} and {b}" for what, (a, b) in differences(one, other).items()]
    counted = [total(variant_costs(name, size)) for name in (one, other)]
    sums = [
        f"{name} {params:,} parameters and {macs / 1e6:,.1f} M multiply-adds"
        for name, (params, macs) in zip((one, other), counted, strict=True)
    ]
    same = sum(a[:2] == b[:2] for a, b in _pairs(one, other, size))
    return (
        f"{one} and {other}, for pictures of {size} pixels, heads left out. "
        f"{len(differ)} choices differ: {'; '.join(differ) or 'none'}. {' and '.join(sums)}. "
        f"{same} of {len(_pairs(one, other, size))} rows cost the same in both."
    )


def _pairs(one: str, other: str, size: int) -> list[tuple[tuple, tuple]]:
    both = (variant_costs(one, size), variant_costs(other, size))
    return [
        tuple((cost.params, cost.macs, cost.shape) for cost in pair)
        for pair in zip(*both, strict=True)
    ]


def _draw_choices(axes: Axes, one: str, other: str) -> None:
    style.write(axes, MARGIN, 58, "What differs", 14, weight="bold", ha="left")
    found = differences(one, other)
    columns = zip(*((what, *values) for what, values in found.items()), strict=True)
    for x, name, texts in zip(CHOICE_X, ("", one, other), columns, strict=False):
        style.write(
            axes, x, TOP - LINE + BASELINE, name, 13, weight="bold", ha="left", va="baseline"
        )
        for i, text in enumerate(texts):
            style.write(axes, x, TOP + LINE * i + BASELINE, text, ha="left", va="baseline")
    if not found:
        style.write(axes, MARGIN, TOP, "Nothing: choose two of different names.", 13, ha="left")


def _draw_costs(axes: Axes, one: str, other: str, size: int) -> None:
    text = f"Parameters and million multiply-adds, at {style.times(size, size)}"
    style.write(axes, ROW_X, 58, text, 14, weight="bold", ha="left")
    _write_columns(axes, TOP - LINE, ("", one, "", other, ""), "bold")
    both = [variant_costs(name, size) for name in (one, other)]
    for i, pair in enumerate(zip(*both, strict=True)):
        counts = [(cost.params, cost.macs) for cost in pair]
        _draw_row(axes, TOP + LINE * i, pair[0].name, counts, "normal")
    bottom = TOP + LINE * (len(both[0]) + 0.4)
    _draw_row(axes, bottom, "total", [total(costs) for costs in both], "bold")


def _draw_row(
    axes: Axes, y: float, name: str, counts: Sequence[tuple[int, int]], weight: str
) -> None:
    if counts[0] != counts[1]:
        size = ROW_WIDTH, LINE - 2
        style.box(axes, ROW_X - 8, y - LINE / 2 + 1, *size, facecolor=style.LIGHT_GREY)
    texts = [name.removeprefix("inception")]
    for params, macs in counts:
        texts += [f"{params:,}", f"{macs / 1e6:,.1f}"]
    _write_columns(axes, y, texts, weight)


def _write_columns(axes: Axes, y: float, texts: Sequence[str], weight: str) -> None:
    """One text for a whole line: to draw many is what takes an explorer's time."""
    first, *others = [text.rjust(width) for text, width in zip(texts, COLUMNS, strict=True)]
    line = first.strip().ljust(COLUMNS[0]) + "".join(others)
    style.write(
        axes,
        ROW_X,
        y + BASELINE,
        line.rstrip(),
        13,
        ha="left",
        va="baseline",
        family=style.MONOSPACE,
        weight=weight,
    )


SIZES = (IMAGE_SIZE, 32)  # ImageNet's and CIFAR-10's


def explore_variants() -> widgets.VBox:
    """Two choices of a variant and one of the pictures' size, above what differs."""
    for name in VARIANTS:  # now, so that no movement waits for a network to be built
        for size in SIZES:
            variant_costs(name, size)

    def draw(one: str, other: str, size: int) -> Figure:
        return draw_variants(one, other, size)

    return panel(
        draw,
        one=widgets.Dropdown(options=list(VARIANTS), value="paper", description="this one"),
        other=widgets.Dropdown(options=list(VARIANTS), value="torchvision", description="that one"),
        size=widgets.Dropdown(
            options=[(f"{size} pixels", size) for size in SIZES], description="pictures"
        ),
    )
