"""Figures in notebooks: a picture together with the words for those who cannot see it."""

import base64
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

SCALE = 1.5  # pixels of the picture for each pixel of the page: sharp, yet small enough to commit


def show(figure: Figure, alt: str) -> None:
    """Display `figure` in a notebook with `alt`, its description, and close it.

    The description is the output's plain text too, so that it is what a text-only reader sees
    and what a test compares: a figure that draws other data fails there.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi * SCALE)
    plt.close(figure)
    # A palette is a third of the bytes, and notebooks are committed with their figures. Pillow's
    # other method, the median cut, merges colours: it drew two branches in one.
    palette = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
    palette.save(small, "PNG", optimize=True)
    width = round(figure.get_figwidth() * figure.dpi)
    display(
        {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": width}},
        raw=True,
    )
