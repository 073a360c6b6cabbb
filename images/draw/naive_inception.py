"""The Inception module before its 1x1 reductions, drawn as `inception.py` draws the other."""

from inception import Layer, draw_branches, row_module
from matplotlib.figure import Figure

from googlenet_lib.course.kit.style import times
from googlenet_lib.network.table1 import Row, Widths


def naive_layers(widths: Widths, in_channels: int) -> dict[str, list[Layer]]:
    """Return the one layer of each branch. Source: the paper, Figure 2(a)."""
    return {
        "1x1": [Layer("conv 1×1", "out_1x1", widths.out_1x1)],
        "3x3": [Layer("conv 3×3", "out_3x3", widths.out_3x3)],
        "5x5": [Layer("conv 5×5", "out_5x5", widths.out_5x5)],
        "pool": [Layer("max pool 3×3, stride 1: no weights", "pooled", in_channels)],
    }


def draw_naive_inception(row: Row, in_channels: int) -> Figure:
    """Draw a module of Table 1 without its 1x1 reductions; slabs are as thick as their channels.

    The pooling branch passes on all `in_channels`. Raises UsageError for a row without branches.
    Source: the paper, Figure 2(a) and Table 1.
    """
    widths, name = row_module(row)
    text = (
        f"Nothing reduces the {in_channels} channels: each kernel reads them all, and the pool "
        "passes them all on. Thickness shows channels."
    )
    branches = naive_layers(widths, in_channels)
    figure = draw_branches(branches, row.size, in_channels, f"Inception {name}, naive", text)
    figure.alt = _describe_naive_inception(row, in_channels)
    return figure


def _describe_naive_inception(row: Row, in_channels: int) -> str:
    """Return the alt text of `draw_naive_inception`, from the same data."""
    widths, name = row_module(row)
    outputs = [steps[-1].channels for steps in naive_layers(widths, in_channels).values()]
    return (
        f"Naive Inception module {name}, read from left to right, slabs as thick as their "
        f"channels: {times(row.size, row.size, in_channels)} goes into four branches of one layer "
        f"each. A 1×1 convolution gives {outputs[0]} channels (blue), a 3×3 convolution "
        f"{outputs[1]} (orange), a 5×5 convolution {outputs[2]} (green), and a 3×3 max pool of "
        f"stride 1 passes on all {outputs[3]} (pink). The four are stacked in this order to "
        f"{times(row.size, row.size, sum(outputs))}."
    )
