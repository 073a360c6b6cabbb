"""A grid of pictures with their classes, and with predictions where there are any."""

import textwrap
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from googlenet_lib.course.kit import style
from googlenet_lib.errors import UsageError

# All in pixels.
MARGIN, GAP = 14, 16
LINE_HEIGHT, CHARACTER = 15, 7.4
RIGHT, WRONG = "✓", "✗"


def draw_pictures(
    images: Tensor,
    labels: Tensor | Sequence[int],
    classes: Sequence[str],
    *,
    predicted: Tensor | Sequence[int] | None = None,
    columns: int = 8,
) -> Figure:
    """Show pictures, each under the name of its class, or under the class predicted for it.

    images: uint8 (N, 3, H, W); labels, predicted: N indices into `classes`. A wrong prediction
    gets a cross, a thick dashed frame and the true class underneath. Raises UsageError where
    these do not fit together.
    """
    truth, guesses = _checked(images, labels, classes, predicted)
    width = (style.WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
    height = width * images.shape[2] / images.shape[3]
    room = int((width + GAP) / CHARACTER)
    captions = [_caption(t, g, classes, room) for t, g in zip(truth, guesses, strict=True)]
    rows = [range(i, min(i + columns, len(truth))) for i in range(0, len(truth), columns)]
    above = [LINE_HEIGHT * max(captions[i].count("\n") + 1 for i in row) + 9 for row in rows]
    with style.house_style():
        figure, axes = style.canvas(
            2 * MARGIN + sum(above) + len(rows) * height + (len(rows) - 1) * GAP
        )
        y = MARGIN
        for row, space in zip(rows, above, strict=True):
            y += space
            for column, i in enumerate(row):
                x = MARGIN + column * (width + GAP)
                style.image(axes, x, y, width, images[i].permute(1, 2, 0).cpu())
                if guesses[i] not in (None, truth[i]):
                    look = style.INK, (0, (2, 1))
                    style.outline(axes, x, y, width, height, *look, thick=4)
                style.write(axes, x + width / 2, y - 8, captions[i], va="baseline")
            y += height + GAP
    figure.alt = _describe_pictures(images, labels, classes, predicted=predicted, columns=columns)
    return figure


def _describe_pictures(
    images: Tensor,
    labels: Tensor | Sequence[int],
    classes: Sequence[str],
    *,
    predicted: Tensor | Sequence[int] | None = None,
    columns: int = 8,
) -> str:
    """Return the alt text of `draw_pictures`, from the same arguments."""
    truth, guesses = _checked(images, labels, classes, predicted)
    size = style.times(images.shape[3], images.shape[2])
    names = ", ".join(classes[label] for label in truth)
    text = f"{len(truth)} pictures of {size} pixels in rows of up to {columns}: {names}."
    if predicted is not None:
        wrong = [
            f"picture {i}, {classes[t]}, taken for {classes[g]}"
            for i, (t, g) in enumerate(zip(truth, guesses, strict=True), 1)
            if t != g
        ]
        text += f" {len(truth) - len(wrong)} of {len(truth)} are predicted right"
        text += f"; wrong: {'; '.join(wrong)}." if wrong else "."
    return text


def _checked(
    images: Tensor,
    labels: Tensor | Sequence[int],
    classes: Sequence[str],
    predicted: Tensor | Sequence[int] | None,
) -> tuple[list[int], list[int | None]]:
    """Return labels and predictions as lists of integers, the latter of None without any."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise UsageError(
            f"the pictures are {images.dtype} of shape {tuple(images.shape)}; expected at least "
            "one, as torch.uint8 of shape (N, 3, H, W): pass them before they are normalised"
        )
    lists = [labels] if predicted is None else [labels, predicted]
    checked = [[int(index) for index in indices] for indices in lists]
    for what, indices in zip(("labels", "predictions"), checked, strict=False):
        if len(indices) != len(images):
            raise UsageError(
                f"{len(images)} pictures came with {len(indices)} {what}; pass one for each"
            )
        if not all(0 <= index < len(classes) for index in indices):
            raise UsageError(
                f"the {what} run from {min(indices)} to {max(indices)}, but there are "
                f"{len(classes)} classes; pass the classes of the same data set"
            )
    return checked[0], checked[1] if predicted is not None else [None] * len(images)


def _caption(label: int, guess: int | None, classes: Sequence[str], room: int) -> str:
    def lines(text: str) -> str:
        return textwrap.fill(text, room, max_lines=2, placeholder="…")

    if guess is None:
        return lines(classes[label])
    if guess == label:
        return lines(f"{RIGHT} {classes[label]}")
    return lines(f"{WRONG} {classes[guess]}") + "\n" + lines(f"is {classes[label]}")
