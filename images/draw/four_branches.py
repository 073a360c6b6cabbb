"""One photograph, four branches: what one value of each sees of it, and all of their values."""

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from googlenet_lib.course.kit.branches import branch_maps, branch_windows
from googlenet_lib.course.kit.photographs import load_temple
from googlenet_lib.course.kit.style import (
    BRANCH_COLOURS,
    GREY,
    INK,
    PAPER,
    branch_shades,
    canvas,
    house_style,
    outline,
    times,
    write,
)
from googlenet_lib.course.nb00.growing import BranchView
from googlenet_lib.data.batches import normalise
from googlenet_lib.network.pretrained import load_network

MODULE, SIZE = "inception3a", 96
CELL = (22, 14)  # row and column of the map's value to look at: an edge of the roof
CREDIT = "Photograph: danielbuechele, CC BY 2.0,\nfrom scikit-learn; cropped and made smaller"

# All in pixels of a page that is as wide as a README.
HEIGHT, MARGIN, PICTURE, PICTURE_Y = 408, 34, 270, 82
BRANCHES_X, MAP, GAP = 346, 118, 16
CROPS_Y, CROP_SCALE, MAPS_Y = 156, 7, 246  # middle of the crops, top of the maps


@cache
def temple_view() -> BranchView:
    """scikit-learn's photograph of a temple as the first module of `small` sees it.

    The weights are those called "cifar10", which come with the library.
    """
    network, info = load_network("cifar10")
    image = load_temple(SIZE, SIZE)
    maps = branch_maps(network, normalise(image, info.mean, info.std)[None], MODULE)
    windows = branch_windows(network, MODULE)
    row, column = (windows["1x1"].centre(cell) + 0.5 for cell in CELL)  # from the picture's edge
    return BranchView(
        title="temple",
        image=image,
        middle=(column, row),
        windows=windows,
        maps={branch: values[0].mean(0) for branch, values in maps.items()},  # (48, 48)
        guesses=[],
    )


def draw_four_branches(view: BranchView) -> Figure:
    """Draw an image with the branches' receptive fields, each enlarged, and each branch's map.

    Each map is shaded up to its own largest value; a small square marks the value looked at.
    """
    with house_style():
        figure, axes = canvas(HEIGHT)
        write(axes, MARGIN, 24, "Four branches over one image", 18, weight="bold", ha="left")
        text = (
            "Module 3a, trained on CIFAR-10. Above: what one value of a branch sees. "
            "Below: the branch's map, its channels averaged."
        )
        write(axes, MARGIN, 50, text, 13, ha="left")
        pixels = view.image.permute(1, 2, 0).numpy()  # (H, W, 3)
        _draw_image(axes, MARGIN, PICTURE_Y, PICTURE, pixels)
        scale = PICTURE / pixels.shape[0]
        for branch, (left, top, side) in _boxes(view).items():
            corner = (MARGIN + left * scale, PICTURE_Y + top * scale)
            if branch != "pool":  # its square lies on the 3x3 branch's, which is as wide
                halo = Rectangle(
                    corner, side * scale, side * scale, fill=False, edgecolor=PAPER, linewidth=4
                )
                axes.add_patch(halo)
            _draw_square(axes, corner, side * scale, branch, f"field.{branch}")
        write(axes, MARGIN, PICTURE_Y + PICTURE + 8, CREDIT, 12, ha="left", va="top", color=GREY)
        for i, branch in enumerate(view.maps):
            _draw_branch(axes, BRANCHES_X + i * (MAP + GAP), branch, view)
    figure.alt = _describe_four_branches(view)
    return figure


def _describe_four_branches(view: BranchView) -> str:
    """Return the alt text of `draw_four_branches`, from the same view."""
    height, width = next(iter(view.maps.values())).shape
    colours = ("blue", "orange", "green", "pink, dashed")
    seen = ", ".join(
        f"{branch.replace('x', '×')} {times(window.field, window.field)} ({colour})"
        for (branch, window), colour in zip(view.windows.items(), colours, strict=True)
    )
    return (
        f"A photograph of a {view.title}, {times(*view.image.shape[1:])} pixels, with four nested "
        "squares around one position: the receptive field of each branch of a trained Inception "
        f"3a, in pixels: {seen}. Beside it each field enlarged, and below each field the branch's "
        f"map of {times(height, width)}, its channels averaged, darker where they are larger."
    )


def _boxes(view: BranchView) -> dict[str, tuple[float, float, int]]:
    """Left, top and side of each branch's receptive field, in pixels of the image."""
    column, row = view.middle
    return {
        branch: (column - window.field / 2, row - window.field / 2, window.field)
        for branch, window in view.windows.items()
    }


def _draw_branch(axes: Axes, x: float, branch: str, view: BranchView) -> None:
    middle, field = x + MAP / 2, view.windows[branch].field
    name = branch.replace("x", "×")
    write(axes, middle, PICTURE_Y + 11, name, 15, weight="bold", va="baseline")
    left, top, _ = (round(at) for at in _boxes(view)[branch])
    crop = view.image[:, top : top + field, left : left + field]  # (3, field, field)
    side = field * CROP_SCALE
    corner = (middle - side / 2, CROPS_Y - side / 2)
    _draw_image(axes, *corner, side, crop.permute(1, 2, 0).numpy())
    _draw_square(axes, corner, side, branch, f"crop.{branch}", width=3)
    write(axes, middle, MAPS_Y - 18, f"{times(field, field)} pixels", 13)

    values = view.maps[branch].numpy()
    shown = branch_shades(branch)(values / (float(values.max()) or 1))[..., :3]  # (h, w, 3)
    _draw_image(axes, x, MAPS_Y, MAP, shown)
    cell = MAP / values.shape[0]
    position = [int(at / view.windows[branch].jump) for at in view.middle]  # column and row
    at = [x + position[0] * cell, MAPS_Y + position[1] * cell]
    for width, colour in ((5, PAPER), (2, INK)):
        mark = Rectangle(
            (at[0] - 1.5, at[1] - 1.5),
            cell + 3,
            cell + 3,
            fill=False,
            edgecolor=colour,
            linewidth=width,
        )
        mark.set_gid(f"position.{branch}" if colour == INK else None)
        axes.add_patch(mark)
    write(axes, middle, MAPS_Y + MAP + 16, f"{times(*values.shape)} values", 13)


def _draw_image(axes: Axes, x: float, y: float, side: float, pixels: np.ndarray) -> None:
    # without interpolation, an SVG holds the pixels as they are, sharp in any size
    axes.imshow(pixels, extent=(x, x + side, y + side, y), interpolation="none", aspect="auto")
    outline(axes, x, y, side, side, GREY, thick=1)


def _draw_square(
    axes: Axes, corner: tuple[float, float], side: float, branch: str, gid: str, width: float = 2.2
) -> None:
    dashed = branch == "pool"  # so that the 3x3 branch's is seen below it
    square = Rectangle(
        corner,
        side,
        side,
        fill=False,
        edgecolor=BRANCH_COLOURS[branch],
        linewidth=width,
        linestyle=(0, (4, 4)) if dashed else "-",
    )
    square.set_gid(gid)
    axes.add_patch(square)
