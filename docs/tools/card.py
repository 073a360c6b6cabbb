"""Draw the picture that other sites show beside a link to this one: `python docs/tools/card.py`."""

import matplotlib.pyplot as plt
from blocks import ROOT
from matplotlib.figure import Figure
from PIL import Image

from googlenet_lib.course.kit.show import DRAWINGS, SCALE, to_png
from googlenet_lib.course.kit.style import PAPER
from googlenet_lib.course.lessons import CORE, DIVES

CARD = ROOT / "docs" / "_static" / "card.png"
WIDTH, HEIGHT, DPI = 1200, 630, 100  # what the large sites expect


def describe_card() -> str:
    """Say how large the course is, as the card does."""
    return f"{len(CORE)} lessons, {len(DIVES)} deep dives, PyTorch"


def draw_card() -> Figure:
    """Draw the course's name, its sentence and an Inception module."""
    size = (WIDTH / DPI, HEIGHT / DPI)
    figure = plt.figure(figsize=size, dpi=DPI / SCALE, facecolor=PAPER)
    figure.alt = describe_card()
    figure.text(0.05, 0.86, "The GoogLeNet notebooks", size=38, weight="bold")
    sentence = (
        "The ideas of GoogLeNet's paper, built by hand, measured in front of you, and checked"
    )
    figure.text(0.05, 0.775, sentence, size=17)
    figure.text(0.05, 0.045, figure.alt, size=15)
    axes = figure.add_axes((0.05, 0.1, 0.9, 0.66))
    axes.imshow(Image.open(DRAWINGS / "inception3a.png").convert("RGB"), interpolation="lanczos")
    axes.axis("off")
    return figure


if __name__ == "__main__":
    plt.switch_backend("agg")  # it needs no screen
    CARD.write_bytes(to_png(draw_card()))
