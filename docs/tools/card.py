"""Draw the picture that other sites show beside a link to this one: `python docs/tools/card.py`."""

import io

import matplotlib.pyplot as plt
from blocks import ROOT
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from googlenet_lib.course.kit.show import DRAWINGS, with_palette
from googlenet_lib.course.lessons import CORE, DIVES

CARD = ROOT / "docs" / "_static" / "card.png"
WIDTH, HEIGHT, DPI = 1200, 630, 100  # what the large sites expect


def describe_card() -> str:
    """Say how large the course is, as the card does."""
    return f"{len(CORE)} lessons, {len(DIVES)} deep dives, PyTorch"


def draw_card() -> Image.Image:
    """Draw the course's name, its sentence and an Inception module."""
    figure = plt.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="#fcfcfc")
    figure.text(0.05, 0.86, "The GoogLeNet notebooks", size=38, weight="bold")
    sentence = (
        "The ideas of GoogLeNet's paper, built by hand, measured in front of you, and checked"
    )
    figure.text(0.05, 0.775, sentence, size=17)
    figure.text(0.05, 0.045, describe_card(), size=15)
    axes = figure.add_axes((0.05, 0.1, 0.9, 0.66))
    axes.imshow(Image.open(DRAWINGS / "inception3a.png").convert("RGB"), interpolation="lanczos")
    axes.axis("off")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    plt.close(figure)
    return with_palette(Image.open(drawn).convert("RGB"))


if __name__ == "__main__":
    plt.switch_backend("agg")  # it needs no screen
    words = PngInfo()
    words.add_itxt("Description", describe_card())
    draw_card().save(CARD, optimize=True, pnginfo=words)
