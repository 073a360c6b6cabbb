"""Figures in notebooks: a picture together with the words for those who cannot see it."""

import base64
import io
from importlib.resources import files
from itertools import chain

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from googlenet_lib.course.kit.style import BRANCH_COLOURS, HEAD_COLOUR
from googlenet_lib.errors import UsageError

SCALE = 1.5  # pixels of the picture for each pixel of the page: sharp, yet small enough to commit
DRAWINGS = files("googlenet_lib") / "assets" / "drawings"  # `python images/draw` writes them
EXACT = 32  # colours
HOUSE = [int(colour[1:], 16) for colour in (*BRANCH_COLOURS.values(), HEAD_COLOUR)]


def show(figure: Figure) -> None:
    """Display `figure` in a notebook with `figure.alt`, its description, and close it.

    The description is the output's plain text too: a text-only reader sees it, and a test
    compares it, so that a figure that draws other data fails there. Raises UsageError where there
    is none.
    """
    content = to_png(figure)
    plt.close(figure)
    _display(content)


def show_drawing(name: str) -> None:
    """Display one of the drawings that never change, such as "network", with its description."""
    _display((DRAWINGS / f"{name}.png").read_bytes())


def to_png(figure: Figure) -> bytes:
    """Draw `figure` as a PNG file that carries `figure.alt`. Raises UsageError without one."""
    alt = getattr(figure, "alt", "")
    if not alt:
        raise UsageError(
            "a figure came without its alt text; say in words what it shows: figure.alt = '…'"
        )
    drawn, small, words = io.BytesIO(), io.BytesIO(), PngInfo()
    words.add_itxt("Description", alt)
    figure.savefig(drawn, format="png", dpi=figure.dpi * SCALE)
    image = with_palette(Image.open(drawn).convert("RGB"))
    image.save(small, "PNG", optimize=True, pnginfo=words)
    return small.getvalue()


def _display(content: bytes) -> None:
    """Display a PNG file of `to_png`, which an untrusted notebook shows too, unlike an SVG."""
    image = Image.open(io.BytesIO(content))
    alt = image.text["Description"]
    display(
        {"image/png": base64.b64encode(content).decode(), "text/plain": str(alt)},
        metadata={"image/png": {"alt": str(alt), "width": round(image.width / SCALE)}},
        raw=True,
    )


def with_palette(image: Image.Image) -> Image.Image:
    """The picture in 256 colours, a third of the bytes: notebooks are committed with figures.

    The house's colours and the commonest others stay as they are: branches are told apart by
    them, and Pillow's own choices merge some.
    """
    pixels = np.asarray(image, dtype=np.uint32)
    numbers = (pixels[..., 0] << 16) + (pixels[..., 1] << 8) + pixels[..., 2]
    found, counts = np.unique(numbers, return_counts=True)
    commonest = found[np.argsort(counts)[::-1][: EXACT - len(HOUSE)]]
    exact = [*dict.fromkeys([*HOUSE, *commonest.tolist()])]
    others = image.quantize(256 - EXACT, Image.Quantize.FASTOCTREE).getpalette()
    palette = Image.new("P", (1, 1))
    colours = chain(*(number.to_bytes(3, "big") for number in exact))
    palette.putpalette([*colours, *others[: 3 * (256 - EXACT)]])
    small = image.quantize(palette=palette, dither=Image.Dither.NONE)
    indices = np.array(small)
    for index, number in enumerate(exact):  # Pillow may have taken a neighbour for one of them
        indices[numbers == number] = index
    small.frombytes(indices.tobytes())
    return small
