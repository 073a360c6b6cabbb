"""Figures in notebooks: a picture together with the words for those who cannot see it."""

import base64
import io
from itertools import chain

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

SCALE = 1.5  # pixels of the picture for each pixel of the page: sharp, yet small enough to commit
EXACT = 32  # colours


def show(figure: Figure, alt: str) -> None:
    """Display `figure` in a notebook with `alt`, its description, and close it.

    The description is the output's plain text too, so that it is what a text-only reader sees
    and what a test compares: a figure that draws other data fails there.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi * SCALE)
    plt.close(figure)
    _with_palette(Image.open(drawn).convert("RGB")).save(small, "PNG", optimize=True)
    width = round(figure.get_figwidth() * figure.dpi)
    display(
        {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": width}},
        raw=True,
    )


def _with_palette(image: Image.Image) -> Image.Image:
    """The picture in 256 colours, a third of the bytes: notebooks are committed with figures.

    The commonest colours stay as they are: branches are told apart by them, and Pillow's own
    choices merge some.
    """
    counts = image.getcolors(maxcolors=image.width * image.height)
    commonest = [colour for _, colour in sorted(counts, reverse=True)[:EXACT]]
    others = image.quantize(256 - EXACT, Image.Quantize.FASTOCTREE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([*chain(*commonest), *others[: 3 * (256 - EXACT)]])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)
