"""The figures say what their data say, in the house's colours, and every text can be read."""

import base64
import io
import math
import random
from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from unittest import mock

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text
from PIL import Image

from googlenet_lib.errors import UsageError
from googlenet_lib.figures import (
    BRANCH_COLOURS,
    HEAD_COLOUR,
    describe_curves,
    describe_inception,
    describe_network,
    describe_pictures,
    draw_inception,
    draw_network,
    plot_curves,
    show,
    show_pictures,
    source_line,
    tint,
)
from googlenet_lib.figures.network import branch_widths
from googlenet_lib.figures.show import SCALE
from googlenet_lib.figures.style import PAPER, axes_at, canvas, ink_on, luminance, spread
from googlenet_lib.paper import DROPOUT, HEADS, INCEPTION_ROWS, ROWS, TABLE_1
from googlenet_lib.runs import Run

COMMITTED = Path(__file__).parents[1] / "images"
# (row, channels that come in) for all nine modules
MODULES = [(row, TABLE_1[TABLE_1.index(row) - 1].channels) for row in INCEPTION_ROWS]
NAMES = [row.name for row in INCEPTION_ROWS]


# Drawn once: a figure that is closed can still be asked.
network = cache(draw_network)
inception = cache(draw_inception)


def visible_texts(figure: Figure) -> list[Text]:
    """Every text that the figure shows, tick labels included."""
    FigureCanvasAgg(figure).draw()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += axes.texts
        if axes.axison:
            texts += [axes._left_title, axes.title, axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                texts += [
                    tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
                ]
    return [text for text in texts if text.get_visible() and text.get_text()]


def words(figure: Figure) -> Counter[str]:
    """Every text of the figure, its lines joined."""
    return Counter(text.get_text().strip().replace("\n", " ") for text in visible_texts(figure))


def assert_texts_fit(figure: Figure) -> None:
    """No text is cut, none overlaps another, none is smaller than 11 pixels."""
    texts = visible_texts(figure)
    renderer = FigureCanvasAgg(figure).get_renderer()
    # Text's own method: an annotation's would include its arrow.
    boxes = [(Text.get_window_extent(text, renderer), text.get_text()) for text in texts]
    for box, text in boxes:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, f"{text!r} is cut"
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, f"{text!r} is cut"
    for (one, text), (other, other_text) in combinations(boxes, 2):
        width = min(one.x1, other.x1) - max(one.x0, other.x0)
        height = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert width <= 0 or height <= 1, f"{text!r} overlaps {other_text!r}"
    assert min(text.get_fontsize() for text in texts) * figure.dpi / 72 >= 11


def patch(figure: Figure, gid: str) -> Rectangle | Polygon:
    (found,) = [p for p in figure.axes[0].patches if p.get_gid() == gid]
    return found


def height(figure: Figure, gid: str) -> float:
    ys = patch(figure, gid).get_path().vertices[:, 1]
    scale = getattr(patch(figure, gid), "get_height", lambda: 1.0)()
    return float(ys.max() - ys.min()) * scale


def colour(figure: Figure, gid: str) -> str:
    return to_hex(patch(figure, gid).get_facecolor()).upper()


# --- style -------------------------------------------------------------------------------------


def test_the_palette_is_okabe_and_itos():
    assert BRANCH_COLOURS == {
        "1x1": "#0072B2",
        "3x3": "#E69F00",
        "5x5": "#009E73",
        "pool": "#CC79A7",
    }
    assert HEAD_COLOUR == "#D55E00"


def test_tint_goes_from_the_colour_to_white():
    assert tint("#0072B2", 0).upper() == "#0072B2"
    assert tint("#0072B2", 1).upper() == "#FFFFFF"
    assert to_rgb(tint("#000000", 0.5)) == pytest.approx((0.5, 0.5, 0.5), abs=0.01)
    with pytest.raises(ValueError, match=r"1\.5.*between 0.*and 1"):
        tint("#000000", 1.5)


@pytest.mark.parametrize("shade", [*BRANCH_COLOURS.values(), HEAD_COLOUR, "#FFFFFF", "#000000"])
def test_text_on_a_colour_has_enough_contrast(shade):
    low, high = sorted([luminance(shade), luminance(ink_on(shade))])
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2, level AA


def test_spread_keeps_order_and_leaves_no_overlap():
    generator = random.Random(0)
    for _ in range(200):
        centres = [generator.uniform(0, 60) for _ in range(6)]
        heights = [generator.uniform(5, 30) for _ in range(6)]
        moved = spread(centres, heights)
        order = sorted(range(6), key=lambda i: centres[i])
        for low, high in pairwise(order):
            assert moved[high] - moved[low] >= (heights[low] + heights[high]) / 2 - 1e-9
    assert spread([0, 100], [10, 10]) == [0, 100]  # nothing in the way: nothing moves


def test_axes_lie_where_a_canvas_counts_their_pixels():
    figure, over = canvas(333)
    axes = axes_at(figure, 40, 60, 500, 200, xlabel="epoch")
    left_bottom, right_top = over.transData.inverted().transform(axes.bbox.get_points())
    assert left_bottom == pytest.approx((40, 60 + 200))
    assert right_top == pytest.approx((40 + 500, 60))
    assert axes.get_xlabel() == "epoch"


def test_figures_do_not_depend_on_the_style_set_before():
    with plt.style.context(["dark_background", {"axes.grid": True}]):
        figure = plot_curves(history(3), source="here")
        assert plt.rcParams["axes.facecolor"] == "black"  # and it is left as it was
    assert not any(line.get_visible() for line in figure.axes[0].get_xgridlines())
    assert to_hex(figure.get_facecolor()).upper() == PAPER
    assert luminance(PAPER) > 0.95
    assert figure.get_facecolor()[3] == 1  # opaque


@pytest.mark.usefixtures("_backend")
def test_a_backend_that_the_first_figure_loads_keeps_its_settings(tmp_path, monkeypatch):
    # As Jupyter's does: without this, later cells of a notebook would show no figures.
    backend = "from matplotlib.backends.backend_agg import *\nimport matplotlib\n"
    (tmp_path / "jupyterlike.py").write_text(
        backend + "matplotlib.interactive(True)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plt, "_backend_mod", None)
    monkeypatch.setitem(plt.rcParams, "backend", "module://jupyterlike")
    draw_network()
    assert plt.isinteractive()


# --- network -----------------------------------------------------------------------------------


def test_the_network_shows_every_shape_of_table_1():
    shown = words(network())
    expected = Counter(f"{row.size}×{row.size} ×{row.channels}" for row in TABLE_1[:-1])
    # The picture comes in, and the 1x1 inside conv2 has maps of its own.
    expected += Counter(["224×224 ×3", f"56×56 ×{ROWS['conv2'].reduce}"])
    assert {text: shown[text] for text in expected} == dict(expected)
    assert shown["112×112 ×64"] == 1
    assert shown["7×7 ×1024"] == 1
    assert shown[f"{TABLE_1[-1].channels} classes"] == 1


def test_the_network_names_every_layer():
    shown = words(network())
    expected = [row.name.removeprefix("inception") for row in INCEPTION_ROWS]
    expected += ["conv 7×7 stride 2", "conv 1×1", "conv 3×3", "avg pool 7×7", "linear", "softmax"]
    expected += [f"dropout {DROPOUT:.0%}", "Stem", "Stage 3", "Stage 4", "Stage 5", "Classifier"]
    assert [shown[text] for text in expected] == [1] * len(expected)
    assert shown["max pool 3×3 stride 2"] == 4


def test_the_networks_heads_are_those_of_the_paper():
    figure = network()
    shown = words(figure)
    for text in (
        "avg pool 5×5 stride 3", "conv 1×1 4×4 ×128", "linear 1024", "dropout 70%",
        "linear 1000 softmax", "auxiliary head: in training only, its loss counts × 0.3",
    ):  # fmt: skip
        assert shown[text] == 2, text
    for head in HEADS:
        first = patch(figure, f"{head.after}.head.0")
        assert to_hex(first.get_edgecolor()).upper() == HEAD_COLOUR
        link = patch(figure, f"{head.after}.out").get_path().get_extents()
        stem = [
            line for line in figure.axes[0].lines
            if to_hex(line.get_color()).upper() == HEAD_COLOUR
            and link.x0 < line.get_xdata()[0] == line.get_xdata()[1] < link.x1
        ]  # fmt: skip
        assert len(stem) == 1  # it hangs off the maps that leave this module
        assert stem[0].get_ydata()[0] == pytest.approx(link.y1)


@pytest.mark.parametrize("row", INCEPTION_ROWS, ids=NAMES)
def test_lanes_have_their_branchs_colour_and_a_thickness_of_their_channels(row):
    figure = network()
    per_channel = height(figure, "conv1.out") / ROWS["conv1"].channels
    for branch, channels in branch_widths(row.widths).items():
        assert colour(figure, f"{row.name}.{branch}") == BRANCH_COLOURS[branch]
        assert height(figure, f"{row.name}.{branch}") == pytest.approx(channels * per_channel)
    assert height(figure, f"{row.name}.out") == pytest.approx(row.channels * per_channel)


def test_lanes_are_in_the_order_of_concatenation():
    w = ROWS["inception3a"].widths
    assert list(branch_widths(w).items()) == [
        ("1x1", w.out_1x1), ("3x3", w.out_3x3), ("5x5", w.out_5x5), ("pool", w.pool_proj)
    ]  # fmt: skip
    figure = network()
    tops = [patch(figure, f"inception3a.{branch}").get_y() for branch in BRANCH_COLOURS]
    assert tops == sorted(tops)  # y runs downwards


def test_the_networks_texts_fit():
    assert_texts_fit(network())


def test_the_networks_alt_text():
    text = describe_network()
    for row in INCEPTION_ROWS:
        assert f"{row.name[-2:]} {row.size}×{row.size}×{row.channels}" in text
        assert max(branch_widths(row.widths).values()) == row.widths.out_3x3  # as it claims
    assert "hang off 4a and 4d" in text
    assert "no lane is thicker than the 3×3 one" in text


# --- one module --------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "in_channels"), MODULES, ids=NAMES)
def test_a_module_shows_the_channels_of_table_1(row, in_channels):
    figure = inception(row, in_channels)
    w, size = row.widths, f"{row.size}×{row.size}"
    shown = words(figure)
    outputs = branch_widths(w).values()
    numbers = Counter(str(n) for n in (*outputs, *outputs, w.reduce_3x3, w.reduce_5x5, in_channels))
    assert {text: n for text, n in shown.items() if text.isdigit()} == dict(numbers)
    shapes = Counter(f"{size} ×{channels}" for channels in (in_channels, row.channels))
    assert {text: n for text, n in shown.items() if text.startswith(size)} == dict(shapes)
    fields = ["out_1x1", "reduce_3x3", "out_3x3", "reduce_5x5", "out_5x5", "pool_proj"]
    assert all(shown[field] == 1 for field in fields)
    per_channel = height(figure, "input") / in_channels
    for field in fields:
        assert height(figure, field) == pytest.approx(getattr(w, field) * per_channel)
    assert_texts_fit(figure)


def test_a_modules_colours():
    figure = inception(*MODULES[0])
    outputs = {"1x1": "out_1x1", "3x3": "out_3x3", "5x5": "out_5x5", "pool": "pool_proj"}
    for branch, field in outputs.items():
        assert colour(figure, field) == colour(figure, f"concat.{branch}") == BRANCH_COLOURS[branch]
    for branch in ("3x3", "5x5"):
        reduction = colour(figure, f"reduce_{branch}")
        amounts = [i / 100 for i in range(30, 90)]
        assert reduction in [tint(BRANCH_COLOURS[branch], a).upper() for a in amounts]
        assert luminance(reduction) > luminance(BRANCH_COLOURS[branch])
    assert len(set(to_rgb(colour(figure, "input")))) == 1  # grey


@pytest.mark.parametrize(("row", "in_channels"), MODULES, ids=NAMES)
def test_the_concatenation_is_a_stack_without_gaps(row, in_channels):
    figure = inception(row, in_channels)
    segments = [patch(figure, f"concat.{branch}") for branch in BRANCH_COLOURS]
    for above, below in pairwise(segments):
        assert below.get_y() == pytest.approx(above.get_y() + above.get_height())
    total = sum(segment.get_height() for segment in segments)
    shares = [segment.get_height() / total for segment in segments]
    assert shares == pytest.approx([n / row.channels for n in branch_widths(row.widths).values()])


def test_a_modules_alt_text_names_every_width():
    row, in_channels = MODULES[0]
    text = describe_inception(row, in_channels)
    for part in ("28×28×192", "gives 64", "to 96", "gives 128", "to 16", "gives 32", "28×28×256"):
        assert part in text


@pytest.mark.parametrize("function", [draw_inception, describe_inception])
def test_a_row_without_branches_is_refused(function):
    with pytest.raises(UsageError, match=r"maxpool3.*no branches.*INCEPTION_ROWS"):
        function(ROWS["maxpool3"], 480)


# --- training curves ---------------------------------------------------------------------------


def history(epochs: int, seed: int = 0, heads: bool = True) -> list[dict[str, float]]:
    noise = random.Random(seed)
    records = []
    for epoch in range(1, epochs + 1):
        main = 2.1 * math.exp(-epoch / 5) + noise.uniform(0.1, 0.15)
        validation = 1.9 * math.exp(-epoch / 3) + 0.5 + noise.uniform(0, 0.1)
        records.append({
            "epoch": epoch, "train_loss": main * (1.6 if heads else 1), "train_loss_main": main,
            "train_accuracy": 0.97 - 0.6 * math.exp(-epoch / 5), "val_loss": validation * 1.6,
            "val_loss_main": validation, "seconds": 60.0, "lr": 0.01,
            "val_accuracy": 0.76 - 0.5 * math.exp(-epoch / 3) + noise.uniform(0, 0.02),
        })  # fmt: skip
    return records


def lines(axes, key: str) -> list:
    return [line for line in axes.lines if line.get_gid() == key]


def test_the_curves_are_the_history():
    run = history(12)
    loss, accuracy = plot_curves(run, source="here").axes
    for axes, keys in (
        (loss, ["train_loss", "train_loss_main", "val_loss_main"]),
        (accuracy, ["train_accuracy", "val_accuracy"]),
    ):
        for key in keys:
            (line,) = lines(axes, key)
            assert list(line.get_xdata()) == [epoch["epoch"] for epoch in run]
            assert list(line.get_ydata()) == [epoch[key] for epoch in run]


def test_the_best_validation_epoch_is_marked():
    run = history(12)
    run[4]["val_accuracy"] = run[7]["val_accuracy"] = 0.81234  # the earlier of two equals
    figure = plot_curves(run, source="here")
    (mark,) = lines(figure.axes[1], "best")
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([5], [0.81234])
    assert words(figure)["best epoch 5: 81.2%"] == 1


def test_lines_are_labelled_at_their_ends_and_the_source_stands_below():
    run = history(12)
    figure = plot_curves(run, source="recipe classroom, seed 0", reference=0.757)
    shown, last = words(figure), run[-1]
    for text in (
        f"training {last['train_loss_main']:.2f}", f"validation {last['val_loss_main']:.2f}",
        f"training, with heads {last['train_loss']:.2f}",
        f"training {last['train_accuracy']:.1%}", f"validation {last['val_accuracy']:.1%}",
        "published test 75.7%", "recipe classroom, seed 0", "epoch",
    ):  # fmt: skip
        assert shown[text] >= 1, text
    assert all(axes.get_legend() is None for axes in figure.axes)
    (line,) = lines(figure.axes[1], "reference")
    assert set(line.get_ydata()) == {0.757}
    assert line.is_dashed()
    assert not lines(plot_curves(run, source="here").axes[1], "reference")


def test_a_network_without_heads_has_one_training_loss():
    loss, _ = plot_curves(history(5, heads=False), source="here").axes
    assert lines(loss, "train_loss_main")
    assert not lines(loss, "train_loss")


def test_several_runs_are_thin_lines_and_a_range():
    runs = [history(12, seed) for seed in range(3)]
    runs[2] = runs[2][:9]  # one that stopped early
    figure = plot_curves(runs, source="here")
    accuracy = figure.axes[1]
    drawn = lines(accuracy, "val_accuracy")
    assert [list(line.get_ydata()) for line in drawn] == [
        [epoch["val_accuracy"] for epoch in run] for run in runs
    ]
    (alone,) = lines(plot_curves(runs[0], source="here").axes[1], "val_accuracy")
    assert drawn[0].get_linewidth() < alone.get_linewidth()
    (band,) = [c for c in accuracy.collections if c.get_gid() == "val_accuracy.range"]
    corners = {(x, y) for x, y in band.get_paths()[0].vertices.tolist()}
    for i in range(12):
        values = [run[i]["val_accuracy"] for run in runs if i < len(run)]
        assert {(i + 1, min(values)), (i + 1, max(values))} <= corners
    finals = [run[-1]["val_accuracy"] * 100 for run in runs]
    assert words(figure)[f"validation {min(finals):.1f}–{max(finals):.1f}%"] == 1
    (marks,) = lines(accuracy, "best")
    assert len(marks.get_xdata()) == 3


def test_a_single_epoch_can_be_seen():
    figure = plot_curves(history(1), source="here")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert low < 1 < high
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    (line,) = lines(figure.axes[1], "train_accuracy")
    assert line.get_marker() == "o"
    assert_texts_fit(figure)


@pytest.mark.parametrize("epochs", [1, 2, 15, 90])
@pytest.mark.parametrize("runs", [1, 3])
def test_the_curves_texts_fit(epochs, runs):
    histories = [history(epochs, seed) for seed in range(runs)]
    assert_texts_fit(plot_curves(histories, source="word " * 60, reference=0.757))


def test_labels_of_lines_that_end_together_are_moved_apart():
    run = history(6)
    for key in ("train_accuracy", "val_accuracy"):
        run[-1][key] = 0.757
    for key in ("train_loss", "train_loss_main", "val_loss_main"):
        run[-1][key] = 0.001
    assert_texts_fit(plot_curves(run, source="here", reference=0.757))


def test_a_run_that_diverged_is_still_drawn():
    run = history(4)
    run[-1]["val_loss_main"] = math.nan
    run[-1]["train_loss"] = math.inf
    figure = plot_curves(run, source="here")
    assert math.isfinite(figure.axes[0].get_ylim()[1])
    assert_texts_fit(figure)


@pytest.mark.parametrize("empty", [[], [[]], [history(2), []]])
@pytest.mark.parametrize("function", [lambda h: plot_curves(h, source=""), describe_curves])
def test_an_empty_history_is_refused(function, empty):
    with pytest.raises(UsageError, match=r"no epochs.*train for at least one"):
        function(empty)


def test_an_incomplete_history_is_refused():
    run = history(3)
    del run[1]["val_accuracy"]
    with pytest.raises(
        UsageError, match=r"lacks val_accuracy; every epoch needs epoch, train_loss"
    ):
        plot_curves(run, source="here")


def test_the_curves_alt_text():
    run = history(12)
    text = describe_curves(run, reference=0.757)
    best = max(run, key=lambda epoch: epoch["val_accuracy"])
    for part in (
        "one run, epoch 1 to 12",
        f"validation {run[0]['val_accuracy']:.1%} to {run[-1]['val_accuracy']:.1%}",
        f"training {run[0]['train_loss_main']:.2f} to {run[-1]['train_loss_main']:.2f}",
        f"best epoch {best['epoch']}: {best['val_accuracy']:.1%}",
        "published test, 75.7%",
    ):
        assert part in text
    assert "3 runs" in describe_curves([run] * 3)


def recorded(seed: int) -> Run:
    fields = dict.fromkeys(Run.__dataclass_fields__, 0)
    return Run(**fields | {
        "recipe": "classroom", "variant": "small", "data": "cifar10", "seed": seed, "epochs": 15,
        "device": "cpu", "date": f"2026-01-0{seed + 1}", "versions": {"torch": "2.9"},
    })  # fmt: skip


def test_the_source_of_recorded_runs():
    assert source_line(recorded(0)) == recorded(0).source()
    text = source_line(*map(recorded, range(3)))
    for part in (
        "recipe classroom,",
        "variant small,",
        "cifar10",
        "seeds 0, 1, 2",
        "15 epochs on cpu",
    ):
        assert part in text
    assert "2026-01-01, 2026-01-02, 2026-01-03" in text


# --- pictures ----------------------------------------------------------------------------------

CLASSES = ["cat", "automobile", "a class whose name is much longer than its picture is wide"]


def pictures(count: int = 10, size: tuple[int, int] = (32, 32)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, *size), dtype=torch.uint8, generator=generator)


def test_pictures_are_shown_as_they_are():
    images = pictures()
    figure = show_pictures(images, [0] * 10, CLASSES, columns=4)
    shown = figure.axes[0].images
    assert len(shown) == 10
    for image, tensor in zip(shown, images, strict=True):
        assert torch.equal(torch.tensor(image.get_array()), tensor.permute(1, 2, 0))
        assert image.get_interpolation() == "nearest"
    left, _, bottom, top = shown[5].get_extent()
    assert bottom > top  # y runs downwards: the first row of pixels is on top
    assert left == shown[1].get_extent()[0]  # four columns


def test_pictures_keep_their_proportions():
    figure = show_pictures(pictures(3, (24, 48)), [0, 1, 2], CLASSES)
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(2)


def test_pictures_carry_their_class_names():
    labels = torch.tensor([0, 1, 1, 0])
    assert words(show_pictures(pictures(4), labels, CLASSES)) == {"cat": 2, "automobile": 2}


def test_right_and_wrong_differ_by_more_than_colour():
    figure = show_pictures(pictures(3), [0, 1, 0], CLASSES, predicted=torch.tensor([0, 0, 1]))
    assert words(figure) == {"✓ cat": 1, "✗ cat is automobile": 1, "✗ automobile is cat": 1}
    right, wrong, _ = figure.axes[0].patches
    assert wrong.get_linewidth() >= 2 * right.get_linewidth()
    assert wrong.get_linestyle() != right.get_linestyle()


@pytest.mark.parametrize("columns", [3, 8, 10])
def test_the_pictures_texts_fit(columns):
    labels = [i % 3 for i in range(10)]
    assert_texts_fit(show_pictures(pictures(), labels, CLASSES, columns=columns))
    figure = show_pictures(pictures(), labels, CLASSES, predicted=labels[::-1], columns=columns)
    assert_texts_fit(figure)


@pytest.mark.parametrize(
    ("images", "labels", "predicted", "message"),
    [
        (pictures(2).float(), [0, 1], None, r"torch\.float32 of shape \(2, 3, 32, 32\).*uint8"),
        (pictures(2)[:, :1], [0, 1], None, r"\(2, 1, 32, 32\).*\(N, 3, H, W\)"),
        (pictures(0), [], None, "at least one"),
        (pictures(2), [0], None, "2 pictures came with 1 labels"),
        (pictures(2), [0, 1], [0, 1, 2], "2 pictures came with 3 predictions"),
        (pictures(2), [0, 3], None, "labels run from 0 to 3, but there are 3 classes"),
        (pictures(2), [0, 1], [-1, 0], "predictions run from -1 to 0"),
    ],
)
@pytest.mark.parametrize("function", [show_pictures, describe_pictures])
def test_pictures_that_do_not_fit_are_refused(function, images, labels, predicted, message):
    with pytest.raises(UsageError, match=message):
        function(images, labels, CLASSES, predicted=predicted)


def test_the_pictures_alt_text():
    text = describe_pictures(pictures(2), [0, 1], CLASSES, predicted=[0, 0])
    assert "2 pictures of 32×32 pixels" in text
    assert "cat, automobile" in text
    assert "1 of 2 are predicted right; wrong: picture 2, automobile, taken for cat." in text


def shown(figure):
    """The picture that a notebook gets of a figure."""
    with mock.patch("googlenet_lib.figures.show.display") as display:
        show(figure, "alt")
    return Image.open(io.BytesIO(base64.b64decode(display.call_args.args[0]["image/png"])))


def test_a_figure_s_picture_keeps_the_colours_of_branches_and_of_what_is_shown():
    figure = plt.figure(figsize=(4, 2))
    colours = [*BRANCH_COLOURS.values(), HEAD_COLOUR, "#666666", "#FFFFFF", "#000000"]
    colours += [tint(branch, 0.78) for branch in BRANCH_COLOURS.values()]
    for i, colour in enumerate(colours):
        figure.add_artist(Rectangle((i / len(colours), 0.5), 1 / len(colours), 0.4, color=colour))
    draw = np.random.default_rng(0)  # a photograph shares the palette with the drawing above it
    figure.figimage(draw.random((80, 400, 3)).round(1))
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi * SCALE)
    exact = np.asarray(Image.open(drawn).convert("RGB")).astype(int)
    picture = np.asarray(shown(figure).convert("RGB")).astype(int)
    for i, colour in enumerate(colours):
        at = exact.shape[0] * 3 // 10, int((i + 0.5) / len(colours) * exact.shape[1])
        assert picture[at] == pytest.approx([255 * c for c in to_rgb(colour)], abs=3), colour
    assert np.abs(picture - exact).mean() < 3
