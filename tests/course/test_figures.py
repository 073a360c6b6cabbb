"""Every figure of the gallery: it looks as it did, texts can be read, words and colours are there.

    python -m pytest tests/course/test_figures.py --mpl-generate-path=tests/course/baseline

draws the baselines anew, where a figure changed on purpose: look at them before they are committed.
"""

import base64
import io
from itertools import combinations
from unittest import mock

import matplotlib
import numpy as np
import pytest
from gallery import FIGURES
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageColor

from googlenet_lib.course.kit.show import SCALE, show, with_palette
from googlenet_lib.course.kit.style import BRANCH_COLOURS, HEAD_COLOUR
from googlenet_lib.errors import UsageError

FEWEST_WORDS, SMALLEST_TEXT = 8, 11  # pixels
DRAWN_WITH = "3.11."  # matplotlib's version: to be raised with the baselines


def visible_texts(figure: Figure) -> list[Text]:
    """Every text that a drawn figure shows, tick labels within their axes included."""
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += axes.texts
        if axes.axison:
            texts += [axes._left_title, axes.title, axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                ticks = axis.get_major_ticks()
                texts += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def assert_texts_fit(figure: Figure) -> None:
    """No text is cut, none overlaps another, none is too small to read."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = visible_texts(figure)
    # Text's own method: an annotation's would include its arrow.
    boxes = [
        (Text.get_window_extent(text, canvas.get_renderer()), text.get_text()) for text in texts
    ]
    for box, text in boxes:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, f"{text!r} is cut"
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, f"{text!r} is cut"
    for (one, text), (other, other_text) in combinations(boxes, 2):
        width = min(one.x1, other.x1) - max(one.x0, other.x0)
        height = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert width <= 1 or height <= 1, f"{text!r} overlaps {other_text!r}"
    assert min(text.get_fontsize() for text in texts) * figure.dpi / 72 >= SMALLEST_TEXT


def pixels_of(picture: Image.Image) -> dict[tuple[int, int, int], int]:
    """How many pixels there are of each colour."""
    colours = picture.convert("RGB").getcolors(picture.width * picture.height)
    return {colour: count for count, colour in colours}


def without_texts(figure: Figure) -> Figure:
    """Letters differ from one machine's FreeType to another's by more than drawings do."""
    for axes in figure.axes:
        axes.tick_params(which="both", labelbottom=False, labelleft=False, labelright=False)
    for text in figure.findobj(Text):
        text.set_visible(False)
    return figure


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", tolerance=3, savefig_kwargs={"dpi": 37.5}
)
@pytest.mark.parametrize("name", FIGURES)
def test_figure(name):
    figure = FIGURES[name]()
    assert_texts_fit(figure)
    assert len(figure.alt.split()) >= FEWEST_WORDS
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    before, after = pixels_of(drawn), pixels_of(with_palette(drawn))
    for colour in map(ImageColor.getrgb, (*BRANCH_COLOURS.values(), HEAD_COLOUR)):
        assert after.get(colour, 0) >= before.get(colour, 0), f"{colour} is another in the PNG"
    if not matplotlib.__version__.startswith(DRAWN_WITH):
        pytest.skip(f"the baselines are of matplotlib {DRAWN_WITH}; others lay figures out anew")
    return without_texts(figure)


def test_show_displays_the_picture_and_its_words():
    figure = FIGURES["00_network"]()
    with mock.patch("googlenet_lib.course.kit.show.display") as display:
        show(figure)
    data, metadata = display.call_args.args[0], display.call_args.kwargs["metadata"]
    assert data["text/plain"] == metadata["image/png"]["alt"] == figure.alt
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == pytest.approx(figure.bbox.size * SCALE, abs=1)
    figure.alt = ""
    with pytest.raises(UsageError, match=r"without its alt text.*figure\.alt ="):
        show(figure)
