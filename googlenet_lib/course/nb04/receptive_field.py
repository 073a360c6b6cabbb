"""How wide one value sees, row after row, for networks that share Table 1's rows."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.network.count import child_costs
from googlenet_lib.network.pretrained import googlenet
from googlenet_lib.network.table1 import IMAGE_SIZE, Cost, table_costs


def compare_fields() -> dict[str, list[Cost]]:
    """Return the rows of the paper's network and torchvision's layers of the same names."""
    with torch.device("meta"):  # shapes without numbers
        network = googlenet("torchvision", heads=False)
    theirs = {cost.name: cost for cost in child_costs(network)}
    theirs["conv2"] = theirs["conv3"]  # torchvision's name for the 3x3 of this row
    ours = [cost for cost in table_costs() if cost.name in theirs and cost.kind != "avgpool"]
    return {"paper": ours, "torchvision": [theirs[cost.name] for cost in ours]}


def draw_receptive_fields(costs: Mapping[str, Sequence[Cost]]) -> Figure:
    """Draw the theoretical receptive field after each row, in pixels, one line for each network.

    `costs` holds rows of the same names by the network's name.
    """
    with style.house_style():
        figure, axes = style.chart(380)
        names = [cost.name for cost in next(iter(costs.values()))]
        ends = []
        for (network, rows), look in zip(costs.items(), ("o-", "s--"), strict=False):
            fields = [cost.field for cost in rows]
            axes.plot(fields, look, color=style.INK, linewidth=1.8, markersize=6)
            ends.append((fields[-1], f"{network}\n{fields[-1]:g} pixels", style.INK))
        axes.axhline(IMAGE_SIZE, color=style.GREY, linestyle=":", linewidth=2)
        axes.text(-0.3, IMAGE_SIZE + 12, f"the image: {IMAGE_SIZE} pixels", color=style.GREY)
        axes.set_title("Theoretical receptive field of one value after each row")
        axes.set_ylabel("pixels of the image")
        labels = [name.removeprefix("inception").replace("maxpool", "pool") for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=45)
        axes.set(xlim=(-0.5, len(names) - 0.8), ylim=(0, None))
        style.label_ends(axes, ends)
    figure.alt = _describe_receptive_fields(costs)
    return figure


def _describe_receptive_fields(costs: Mapping[str, Sequence[Cost]]) -> str:
    """Return the alt text of `draw_receptive_fields`, from the same rows."""
    lines = []
    for network, rows in costs.items():
        wide = next((cost.name for cost in rows if cost.field > IMAGE_SIZE), "nowhere")
        lines.append(
            f"{network} from {rows[0].field:g} after {rows[0].name} to {rows[-1].field:g} after "
            f"{rows[-1].name}, wider than the image from {wide} on"
        )
    return (
        f"Theoretical receptive field over {len(next(iter(costs.values())))} rows, in pixels, with "
        f"a dotted line at the image's {IMAGE_SIZE}: {'; '.join(lines)}."
    )
