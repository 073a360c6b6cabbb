"""How wide one value sees, row after row, for networks that share Table 1's rows."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.network.table1 import IMAGE_SIZE, Cost


def draw_receptive_fields(costs: Mapping[str, Sequence[Cost]], colours: Sequence[str]) -> Figure:
    """Theoretical receptive field after each row, in pixels of the picture, one line a network.

    `costs` holds rows of the same names by the network's name. `colours` are keys of the
    branches' colours, one a network: the kernel of its widest branch.
    """
    with style.house_style():
        figure, axes = style.chart(380)
        names = [cost.name for cost in next(iter(costs.values()))]
        ends = []
        for (network, rows), branch in zip(costs.items(), colours, strict=True):
            fields = [cost.field for cost in rows]
            axes.plot(fields, "o-", color=style.BRANCH_COLOURS[branch])
            ends.append((fields[-1], f"{network}\n{fields[-1]:g} pixels", style.INK))
        axes.axhline(IMAGE_SIZE, color=style.GREY, linestyle="--", linewidth=1.5)
        axes.text(-0.3, IMAGE_SIZE + 12, f"the picture: {IMAGE_SIZE} pixels", color=style.GREY)
        axes.set_title("Theoretical receptive field of one value, in pixels of the picture")
        labels = [name.removeprefix("inception").replace("maxpool", "pool") for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=45)
        axes.set(xlim=(-0.5, len(names) - 0.8), ylim=(0, None))
        style.label_ends(axes, ends)
    figure.alt = _describe_receptive_fields(costs)
    return figure


def _describe_receptive_fields(costs: Mapping[str, Sequence[Cost]]) -> str:
    """The alt text of `draw_receptive_fields`, from the same rows."""
    lines = []
    for network, rows in costs.items():
        wide = next((cost.name for cost in rows if cost.field > IMAGE_SIZE), "nowhere")
        lines.append(
            f"{network} from {rows[0].field:g} after {rows[0].name} to {rows[-1].field:g} after "
            f"{rows[-1].name}, wider than the picture from {wide} on"
        )
    return (
        f"Theoretical receptive field over {len(next(iter(costs.values())))} rows, in pixels, with "
        f"a dashed line at the picture's {IMAGE_SIZE}: {'; '.join(lines)}."
    )
