"""Two networks of one name: the choices in which they differ, and what each row costs in both."""

from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import torch

from googlenet_lib.costs import Cost, child_costs
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import IMAGE_SIZE, TABLE_1
from googlenet_lib.variants import find_variant

# The rows of Table 1 that have weights, and the children of the network that make them up.
ROWS_WITH_WEIGHTS = {row.name: (row.name,) for row in TABLE_1 if row.params}
ROWS_WITH_WEIGHTS |= {"conv2": ("conv2", "conv3"), "linear": ("fc",)}

CHOICES = {
    "batch_norm": "BatchNorm",
    "eps": "its epsilon",
    "conv_bias": "bias in convolutions",
    "local_response_norm": "local response norm",
    "large_kernel": 'the lane called "5x5"',
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
