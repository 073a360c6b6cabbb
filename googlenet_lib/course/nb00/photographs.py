"""Notebook 00: photographs, what the network gets of them, and what it takes them for."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from PIL import Image

from googlenet_lib.course.kit import style
from googlenet_lib.network.weights import WeightsInfo
from googlenet_lib.prediction import Prediction, prepare


def draw_photographs(
    photos: Sequence[Image.Image], info: WeightsInfo, answers: Sequence[Sequence[Prediction]]
) -> Figure:
    """Draw each photograph beside the few pixels that the network gets, with its two guesses."""
    texts = [
        ", ".join(f"{one.label} {one.probability:.0%}" for one in answer[:2]) for answer in answers
    ]
    with style.house_style():
        figure, panels = style.chart(180, 1, 2 * len(photos), width_ratios=[1.5, 1] * len(photos))
        figure.set_figwidth(0.8 * figure.get_figwidth())  # photographs take many bytes
        pairs = panels.reshape(-1, 2)  # a photograph, and what the network gets of it
        for (left, right), photo, text in zip(pairs, photos, texts, strict=True):
            seen = prepare(photo, info).permute(1, 2, 0)  # (size, size, 3), normalised
            style.picture(left, photo)
            style.picture(right, seen / 2 + 0.5)
            right.set_title(text.replace(", ", "\n"), fontsize=13)
    size = style.times(info.image_size, info.image_size)
    figure.alt = (
        f"{len(photos)} photographs, each beside the {size} pixels that the network gets of it. "
        f"Its guesses: {'; '.join(texts)}."
    )
    return figure
