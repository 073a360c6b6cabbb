"""Objects of several sizes under kernels of several sizes, and the kernels of earlier networks."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from googlenet_lib.course.kit import style
from googlenet_lib.data.shapes import SHAPES, draw_shapes

KERNELS = {"5x5": 5, "3x3": 3, "1x1": 1}  # the largest first: each lies on the one before
SHOWN = 5  # layers of a network

# Kernel and stride of each convolution; the names are those that the papers use, or we.
NETWORKS: dict[str, list[tuple[str, int, int]]] = {
    "AlexNet\n2012": [
        ("conv1", 11, 4), ("conv2", 5, 1), ("conv3", 3, 1), ("conv4", 3, 1), ("conv5", 3, 1)
    ],
    "ZF\n2013": [
        ("conv1", 7, 2), ("conv2", 5, 2), ("conv3", 3, 1), ("conv4", 3, 1), ("conv5", 3, 1)
    ],
    "VGG-16\n2014": [(f"conv{i}", 3, 1) for i in range(1, 14)],
    "GoogLeNet\n2014": [
        ("conv1", 7, 2), ("conv2", 3, 1), *((f"module {m}", 0, 1) for m in ("3a", "3b", "4a"))
    ],
}  # fmt: skip
MORE = {"VGG-16\n2014": "… 13 in all,\nevery one 3×3", "GoogLeNet\n2014": "… nine modules\nin all"}


def draw_sizes(shape: str, sizes: Sequence[float] = (5, 8, 12, 18, 28)) -> Figure:
    """Draw one object, so many pixels across, with three kernels at its centre."""
    label, centre = torch.tensor([SHAPES.index(shape)]), torch.tensor([[16.0, 16.0]])
    images = [  # each drawn alone: one seed gives one object
        draw_shapes(label, torch.tensor([size / 2]), centres=centre, seed=21)[0] for size in sizes
    ]
    with style.house_style():
        figure, panels = style.chart(240, 1, len(images), squeeze=False)
        for axes, image, size in zip(panels[0], images, sizes, strict=True):
            style.picture(axes, image.permute(1, 2, 0))
            axes.set_title(f"{size:.0f} pixels", fontsize=13)
            middle = image.shape[-1] / 2 - 0.5
            for branch, kernel in KERNELS.items():
                corner = middle - kernel / 2
                colour = style.BRANCH_COLOURS[branch]
                style.outline(axes, corner, corner, kernel, kernel, colour, thick=1.6)
        style.footnote(figure, "squares: what a 1×1, a 3×3 and a 5×5 kernel see at one position")
    told = ", ".join(f"{size:.0f}" for size in sizes)
    parts = ", ".join(f"{min(1, max(KERNELS.values()) / size):.0%}" for size in sizes)
    figure.alt = (
        f"The same {shape} {told} pixels across, with squares that a 1×1, a 3×3 and a 5×5 "
        f"kernel see at its centre. The largest square covers {parts} of its width."
    )
    return figure


def draw_kernels() -> Figure:
    """Draw the kernels of four networks: one size a layer, and GoogLeNet's several."""
    told = []
    with style.house_style():
        figure, axes = style.chart(480)
        for y, (name, layers) in enumerate(NETWORKS.items()):
            for x, (layer, kernel, stride) in enumerate(layers[:SHOWN]):
                words = f"{layer}\n{_draw_layer(axes, 17 * x, 16 * y, kernel, stride)}"
                axes.text(17 * x, 16 * y + 6, words, ha="center", va="top", fontsize=11.5)
            axes.text(17 * SHOWN - 6, 16 * y, MORE.get(name, ""), va="center", fontsize=12)
            sizes = dict.fromkeys(f"{kernel}×{kernel}" for _, kernel, _ in layers if kernel)
            told.append(f"{name.split()[0]}: {', '.join(sizes)}")
        axes.set(xlim=(-8, 17 * SHOWN + 8), ylim=(16 * len(NETWORKS) - 3, -7), aspect="equal")
        axes.set_yticks([16 * y for y in range(len(NETWORKS))], NETWORKS, fontsize=13)
        axes.set_xticks([])
        axes.tick_params(length=0, labelcolor=style.INK)
        axes.spines[:].set_visible(False)
        style.footnote(figure, "without GoogLeNet's 1×1 reductions, which lesson 03 explains")
    figure.alt = (
        f"Squares as large as the kernels of the layers. {'; '.join(told)}, then modules with "
        "1×1, 3×3, 5×5 and a 3×3 max pool side by side."
    )
    return figure


def _draw_layer(axes: Axes, x: float, y: float, kernel: int, stride: int) -> str:
    """Draw the kernel of a layer, or those of a module, around (x, y); return it in words."""
    if kernel:
        look = {"facecolor": style.LIGHT_GREY, "edgecolor": style.INK, "linewidth": 1.2}
        style.box(axes, x - kernel / 2, y - kernel / 2, kernel, kernel, **look)
        return f"{kernel}×{kernel}" + (f", stride {stride}" if stride > 1 else "")
    for branch, size in KERNELS.items():
        look = {"facecolor": style.BRANCH_COLOURS[branch], "edgecolor": style.INK, "linewidth": 1}
        style.box(axes, x - 2.6 - size / 2, y - size / 2, size, size, **look)
    pool = {"facecolor": style.BRANCH_COLOURS["pool"], "edgecolor": style.INK, "linewidth": 1}
    style.box(axes, x + 1.6, y - 1.5, 3, 3, **pool)
    return "1×1, 3×3,\n5×5, pool"
