"""The numbers and the words of figures: what is computed for them, and what they refuse."""

import math
from dataclasses import asdict, replace
from itertools import pairwise
from random import Random

import cost_bars
import gallery
import head
import inception
import matplotlib.pyplot as plt
import network
import pytest
import torch
import torchvision
from matplotlib.colors import to_hex
from studied import RUN, run_with, runs_with
from test_figures import assert_texts_fit
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from googlenet_lib.course.kit import pictures, seeds, style
from googlenet_lib.course.kit.statistics import compare_means
from googlenet_lib.course.nb01 import convolution, kernel_size_charts, receptive_growth, scales
from googlenet_lib.course.nb01.receptive_fields import recorded
from googlenet_lib.course.nb02 import bottleneck as dial
from googlenet_lib.course.nb02 import mixer, reductions_chart
from googlenet_lib.course.nb02.bottleneck import MODULES, bottleneck
from googlenet_lib.course.nb02.reductions import REDUCTIONS
from googlenet_lib.course.nb03 import tower
from googlenet_lib.course.nb03.design import Design, paper_design
from googlenet_lib.course.nb03.design_figure import draw_design
from googlenet_lib.course.nb04 import pooling
from googlenet_lib.course.nb04.audit import draw_audit, signed
from googlenet_lib.course.nb05 import gradient_charts as gradients
from googlenet_lib.course.nb05 import heads_chart
from googlenet_lib.course.nb05.gradients import probes_of
from googlenet_lib.course.nb06 import figures as curves
from googlenet_lib.course.nb07 import charts as recipes
from googlenet_lib.course.nb07 import ladder_chart as ladder
from googlenet_lib.course.nb07.ladder import LADDER
from googlenet_lib.course.nb08 import charts as speed
from googlenet_lib.data import CIFAR10_CLASSES
from googlenet_lib.data.shapes import SHAPES
from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import Inception, NaiveInception
from googlenet_lib.network.count import model_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import (
    HEADS,
    INCEPTION_ROWS,
    ROWS,
    TABLE_1,
    Reading,
    audit,
    count_matches,
    table_costs,
    total,
)
from googlenet_lib.training.optim import MovingAverage
from googlenet_lib.training.recipes import IMAGENET, SCHEDULES

# (row, channels that come in) for all nine modules
ROWS_IN = [(row, TABLE_1[TABLE_1.index(row) - 1].channels) for row in INCEPTION_ROWS]


# ---- style ---------------------------------------------------------------------------------------


def test_the_palette_is_okabe_and_itos():
    branches = {"1x1": "#0072B2", "3x3": "#E69F00", "5x5": "#009E73", "pool": "#CC79A7"}
    assert branches == style.BRANCH_COLOURS
    assert style.HEAD_COLOUR == "#D55E00"


def test_tint_goes_from_the_colour_to_white():
    assert style.tint("#0072B2", 0).upper() == "#0072B2"
    assert style.tint("#0072B2", 1).upper() == "#FFFFFF"
    with pytest.raises(ValueError, match=r"1\.5.*between 0.*and 1"):
        style.tint("#000000", 1.5)


@pytest.mark.parametrize("shade", [*style.BRANCH_COLOURS.values(), style.HEAD_COLOUR, "#FFFFFF"])
def test_text_on_a_colour_has_enough_contrast(shade):
    low, high = sorted([style.luminance(shade), style.luminance(style.ink_on(shade))])
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2, level AA


def test_spread_keeps_order_and_leaves_no_overlap():
    random = Random(0)
    for _ in range(50):
        centres = [random.uniform(0, 60) for _ in range(6)]
        heights = [random.uniform(5, 30) for _ in range(6)]
        moved = style.spread(centres, heights)
        for low, high in pairwise(sorted(range(6), key=lambda i: centres[i])):
            assert moved[high] - moved[low] >= (heights[low] + heights[high]) / 2 - 1e-9
    assert style.spread([0, 100], [10, 10]) == [0, 100]  # nothing in the way: nothing moves


def test_figures_do_not_depend_on_the_style_set_before():
    with plt.style.context(["dark_background", {"axes.grid": True}]):
        figure = gallery.FIGURES["06_curves"]()
        assert plt.rcParams["axes.facecolor"] == "black"  # and it is left as it was
    assert not any(line.get_visible() for line in figure.axes[0].get_xgridlines())
    assert to_hex(figure.get_facecolor(), keep_alpha=True).upper() == f"{style.PAPER}FF"  # opaque


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
    gallery.FIGURES["06_curves"]()
    assert plt.isinteractive()


# ---- texts fit with other data than the usual ----------------------------------------------------


def history(epochs: int, seed: int = 0) -> list[dict[str, float]]:
    """Epochs as they might have been recorded."""
    noise = Random(seed).uniform(0, 0.1)
    return [
        RUN.history[0] | {"epoch": i, "val_accuracy": 0.76 - 0.5 * math.exp(-i / 3) + noise / 5,
                          "val_loss_main": 1.9 * math.exp(-i / 3) + 0.5 + noise}
        for i in range(1, epochs + 1)
    ]  # fmt: skip


def ending_together() -> list[dict[str, float]]:
    run = history(6)
    keys = ("train_accuracy", "val_accuracy", "train_loss", "train_loss_main", "val_loss_main")
    return [*run[:-1], run[-1] | dict.fromkeys(keys, 0.757)]


def diverged() -> list[dict[str, float]]:
    run = history(4)
    return [*run[:-1], run[-1] | {"val_loss_main": math.nan, "train_loss": math.inf}]


def many_pictures(**options):
    names = ["cat", "automobile", "a class whose name is much longer than its picture is wide"]
    labels = [i % 3 for i in range(10)]
    images = torch.zeros(10, 3, 24, 48, dtype=torch.uint8)
    return pictures.draw_pictures(images, labels, names, predicted=labels[::-1], **options)


def climbing(count: int):
    """Runs of the ladder's first rungs: each gains two points, in turns apart and not."""
    return {
        rung.name: runs_with([0.5 + 0.02 * i + i % 3 * 0.007 * seed for seed in range(3)])
        for i, rung in enumerate(LADDER[:count])
    }


HARD = {
    **{f"curves of {n}": lambda n=n: history(n) for n in (1, 90)},
    "curves that end together": lambda: ending_together(),
    "curves of a run that diverged": lambda: diverged(),
}
HARD = {
    name: lambda make=make: curves.draw_curves(make(), source="word " * 60, reference=0.757)
    for name, make in HARD.items()
} | {
    "ten columns": lambda: many_pictures(columns=10),
    "rungs alike": lambda: ladder.draw_ladder({LADDER[0].name: runs_with([0.5, 0.5])}),
    "heads alike": lambda: heads_chart.draw_heads({"he-norm-heads": runs_with([0.1, 0.1])}),
    **{
        f"dial of {name} at its {end}": lambda name=name, end=end: dial.draw_dial(
            bottleneck(name), bottleneck(name).in_channels if end == "end" else 1
        )
        for name, end in ((MODULES[0], "start"), (MODULES[-1], "end"))
    },
    **{
        f"rescue, {init} and {norm}": lambda init=init, norm=norm: gradients.draw_rescue(
            probes_of(init, norm), 3.0, "the head at 4a"
        )
        for init, norm in (("normal", "none"), ("he", "batch"))
    },
    **{
        f"pooling of {size}": lambda size=size: pooling.draw_pooling(gallery.DIGITS[:size])
        for size in (3, 24)
    },
    "naive 5b": lambda: inception.draw_inception(*ROWS_IN[-1], reductions=False, projection=False),
    "costs of 5b": lambda: cost_bars.draw_branch_costs(*ROWS_IN[-1]),
    "a design over the budget": lambda: draw_design(OVER),
    "the audit of another reading": lambda: draw_audit(audit(READING), READING),
    "the last branch": lambda: receptive_growth.draw_branch_field(
        recorded(), "inception5b", "pool"
    ),
}
OVER = Design("inception3a", replace(ROWS["inception3a"].widths, out_5x5=64, pool_proj=0))
READING = Reading(bias=True, thousand=1000, separable_conv1=True)


@pytest.mark.parametrize("name", HARD)
def test_texts_fit_with_other_data(name):
    assert_texts_fit(HARD[name]())


# ---- several seeds -------------------------------------------------------------------------------

# stuck, apart and up, meeting; apart and down, touching in one point, meeting
HEADS_RUNS = {
    f"{name}-{kind}": runs_with(values)
    for name, both in {
        "normal-plain": ([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]),
        "xavier-plain": ([0.46, 0.47, 0.45], [0.42, 0.43, 0.44]),
        "he-plain": ([0.48, 0.49, 0.45], [0.47, 0.44, 0.48]),
        "normal-norm": ([0.50, 0.51, 0.49], [0.53, 0.54, 0.52]),
        "xavier-norm": ([0.51, 0.52, 0.53], [0.55, 0.53, 0.54]),
        "he-norm": ([0.52, 0.50, 0.55], [0.51, 0.56, 0.52]),
    }.items()
    for kind, values in zip(("heads", "none"), both, strict=True)
}


def test_intervals_are_welchs():
    """By hand: means 0.46 and 0.43, variances of the means 1/30,000 each, 4 degrees of freedom."""
    difference = compare_means([0.46, 0.47, 0.45], [0.42, 0.43, 0.44])
    reach = 2.776445 * math.sqrt(2 * 0.01**2 / 3)
    assert difference.mean == pytest.approx(0.03)
    assert difference.low == pytest.approx(0.03 - reach, rel=1e-5)
    assert difference.high == pytest.approx(0.03 + reach, rel=1e-5)
    assert str(difference) == "+3.0 points (95%: +0.7 to +5.3)"
    assert str(compare_means([0.5], [0.4, 0.3])) == "+15.0 points (one seed only)"
    assert str(compare_means([0.1, 0.1], [0.1, 0.1])) == "+0.0 points (all seeds alike)"
    assert compare_means([0.5, 0.6], [0.4, 0.3, 0.2]).low < 0.25 < 0.3


def test_gains_of_heads():
    gains = [pair.gain.in_points() for pair in heads_chart.pairs(HEADS_RUNS)]
    assert gains == ["+0.0", "+3.0", "+1.0", "−3.0", "−2.0", "−0.7"]
    alone = heads_chart.pairs({"he-norm-none": runs_with([0.5]), "he-norm-heads": []})
    assert [(pair.init, pair.gain) for pair in alone] == [("he", None)]
    told = heads_chart.draw_heads(HEADS_RUNS).alt
    assert "Xavier, no BatchNorm: with heads 46.0% (45.0 to 47.0), without 43.0%" in told
    assert "the heads add +3.0 points (95%: +0.7 to +5.3)" in told


def test_costs_of_reductions_are_those_of_the_networks_that_the_arms_ask_for():
    accuracies = ([0.43, 0.45], [0.45, 0.47], [0.47, 0.49], [0.48, 0.46], [0.51, 0.50])
    runs = {
        arm.name: runs_with(values, variant_settings=asdict(arm.variant))
        for arm, values in zip(REDUCTIONS.arms, accuracies, strict=True)
    }
    found = reductions_chart.widths(runs)
    for i in (0, 4):
        point, arm = found[i], REDUCTIONS.arms[i]
        with torch.device("meta"):
            built = GoogLeNet(arm.variant, len(CIFAR10_CLASSES), heads=False).eval()
            with FlopCounterMode(display=False) as counter:
                built(torch.empty(1, 3, 32, 32))
        assert point.macs == counter.get_total_flops() // 2
    # by hand: means of 44, 46, 48, 47 and 50.5% at -2 to 2 doublings give (13 + 1) / 10
    assert "(+1.4 points per doubling)" in reductions_chart.draw_reductions(runs).alt
    alone = {"x1": runs["x1"]}
    assert "(one width only)" in reductions_chart.draw_reductions(alone).alt


def test_gains_of_rungs_are_over_the_rung_that_they_begin_from():
    names = [rung.name for rung in LADDER]
    values = ([0.50, 0.52, 0.51], [0.60, 0.57, 0.58], [0.62, 0.59, 0.64], [0.55, 0.56, 0.51])
    runs = {name: runs_with(value) for name, value in zip(names, values, strict=False)}
    found = ladder.steps(runs)
    gains = [step.gain and step.gain.in_points() for step in found]
    assert gains == [None, "+7.3", "+3.3", "−7.7"]
    runs[names[1]] = []  # no gain jumps over a rung that was not run
    found = ladder.steps(runs)
    assert [step.number for step in found] == [0, 2, 3]
    assert [step.gain is None for step in found] == [True, True, False]
    near = {names[0]: runs_with([0.5]), names[1]: runs_with([0.4999999])}
    assert ladder.steps(near)[1].gain.in_points() == "+0.0"


def test_the_ladder_forks_where_a_rung_takes_the_place_of_another():
    found = ladder.steps(climbing(9))
    assert [step.start for step in found] == [None, 0, 1, 2, 3, 4, 5, 5, 7]
    assert found[7].before == found[5].validation != found[6].validation
    assert "over rung 5" in ladder.draw_ladder(climbing(9)).alt


def test_the_source_is_made_of_the_runs():
    changes = {"device": "Abacus", "training_pictures": 12_345, "epochs": 4}
    runs = [run_with(0.5, date="2030-01-05", **changes), run_with(0.6, date="2030-01-02")]
    assert seeds.source({"he": runs, "no": []}, "an arm").replace("\n", " ") == (
        f"2 recorded runs, 2 seeds an arm: {RUN.data}, 12,345, {RUN.training_pictures:,} training "
        f"pictures, 4, {RUN.epochs} epochs, best by validation, on Abacus, {RUN.device}, torch "
        f"{RUN.versions['torch']}, 2030-01-02 to 2030-01-05"
    )
    several = curves.source_line([replace(RUN, seed=seed) for seed in range(3)])
    assert "seeds 0, 1, 2" in several


@pytest.mark.parametrize(
    "draw", [ladder.draw_ladder, heads_chart.draw_heads, reductions_chart.draw_reductions]
)
@pytest.mark.parametrize("runs", [{}, {"stilts": [RUN]}], ids=str)
def test_other_runs_are_refused_with_the_names_of_the_arms(draw, runs):
    names = ", ".join(runs) or "nothing"
    with pytest.raises(UsageError, match=f"runs of {names} came; expected those of the study"):
        draw(runs)


# ---- curves and pictures -------------------------------------------------------------------------


def test_the_curves_words():
    run = history(12)
    run[4]["val_accuracy"] = run[7]["val_accuracy"] = 0.81234  # the earlier of two equals
    text = curves.draw_curves(run, source="here", reference=0.757).alt
    assert "one run, epoch 1 to 12" in text
    assert "best epoch 5: 81.2%" in text
    assert "published test, 75.7%" in text


def test_an_empty_history_is_refused():
    with pytest.raises(UsageError, match=r"no epochs.*train for at least one"):
        curves.draw_curves([])


def test_an_incomplete_history_is_refused():
    run = history(3)
    del run[1]["val_accuracy"]
    with pytest.raises(UsageError, match=r"lacks val_accuracy; every epoch needs epoch, train_los"):
        curves.draw_curves(run, source="here")


@pytest.mark.parametrize(
    ("images", "labels", "predicted", "message"),
    [
        (torch.zeros(2, 3, 8, 8), [0, 1], None, r"torch\.float32 of shape \(2, 3, 8, 8\).*uint8"),
        (torch.zeros(0, 3, 8, 8).byte(), [], None, "at least one"),
        (torch.zeros(2, 3, 8, 8).byte(), [0], None, "2 pictures came with 1 labels"),
        (torch.zeros(2, 3, 8, 8).byte(), [0, 1], [0], "2 pictures came with 1 predictions"),
        (torch.zeros(2, 3, 8, 8).byte(), [0, 9], None, "labels run from 0 to 9, but there are 9"),
        (torch.zeros(2, 3, 8, 8).byte(), [0, 1], [-1, 0], "predictions run from -1 to 0"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(images, labels, predicted, message):
    with pytest.raises(UsageError, match=message):
        pictures.draw_pictures(images, labels, range(9), predicted=predicted)


def test_the_pictures_words_name_what_is_wrong():
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    text = pictures.draw_pictures(images, [0, 1], ["cat", "car"], predicted=[0, 0]).alt
    assert "1 of 2 are predicted right; wrong: picture 2, car, taken for cat." in text


# ---- lesson 01 -----------------------------------------------------------------------------------


def test_the_products_under_a_kernel_are_added():
    patch = torch.arange(9.0).view(3, 3)
    assert "add up to 6." in convolution.draw_sum(patch, gallery.UPRIGHT).alt


def test_a_filter_adds_the_maps_of_its_channels():
    weights = torch.stack([gallery.UPRIGHT, gallery.UPRIGHT.T, -gallery.UPRIGHT])
    total = F.conv2d(gallery.star()[None], weights[None], padding=1)
    text = convolution.draw_channels_in(gallery.star(), weights).alt
    assert f"from {total.min():.1f} to {total.max():.1f}" in text


def test_an_open_question_is_not_answered():
    assert "left open" in gallery.FIGURES["01_slide_open"]().alt
    assert "row 1, column 1 is 15" in gallery.FIGURES["01_slide"]().alt
    assert "? × ? out" in gallery.FIGURES["01_steps_open"]().alt
    assert "padding 1, stride 2: 4×4 out" in gallery.FIGURES["01_steps"]().alt


def test_the_kernels_of_the_networks():
    with torch.device("meta"):
        vgg = torchvision.models.vgg16()
    kernels = [m.kernel_size[0] for m in vgg.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [kernel for _, kernel, _ in scales.NETWORKS["VGG-16\n2014"]] == kernels


def test_the_outlier_is_named_and_p_is_exact():
    text = gallery.FIGURES["01_contenders"]().alt
    assert text.count("far below") == 1
    assert "+3.1 points, p = 0.143 (95%: −1.4 to +7.7); seed 2 is far below the others" in text
    assert "+5.5 points, p = 0.008" in text
    assert kernel_size_charts.permutation_p([1, 2, 3], [4, 5, 6]) == pytest.approx(2 / 20)
    assert kernel_size_charts.permutation_p([1, 3, 5], [2, 4, 6]) == pytest.approx(14 / 20)
    assert kernel_size_charts.find_outliers([0.9, 0.91, 0.5, 0.92]) == [2]
    assert kernel_size_charts.find_outliers([0.9, 0.92, 0.89, 0.91]) == []


def test_words_say_whether_the_gradient_is_inside_the_picture():
    draw = receptive_growth.draw_branch_field
    assert "inside the image's 224" in draw(recorded(), "inception4e", "5x5").alt
    text = draw(recorded(), "inception5b", "5x5").alt
    assert "the field is 715 pixels wide" in text
    assert "wider than the image's 224" in text


# ---- lesson 02 -----------------------------------------------------------------------------------


def test_a_mix_is_a_1x1_convolution():
    picture = gallery.photo(24, 16)
    mix = mixer.Mix(picture, (0.5, -2.0, 1.0), bias=0.25, at=(7, 5))
    weight, bias = torch.tensor(mix.row).view(1, 3, 1, 1), torch.tensor([0.25])
    expected = F.conv2d(picture[None] / 255, weight, bias)[0, 0]
    torch.testing.assert_close(mix.values, expected)
    torch.testing.assert_close(replace(mix, relu=True).values, expected.relu())
    assert mix.below_zero == float((expected < 0).float().mean())
    assert float(mix.arithmetic.split("= ")[1].replace("−", "-")) == pytest.approx(
        float(expected[5, 7]), abs=0.005
    )


def test_zero_is_white_in_a_mix():
    below, zero, above = (plt.colormaps[mixer.SHADES](x) for x in (0.2, 0.5, 0.8))
    assert min(zero) > 0.95
    assert below[2] > below[0]
    assert above[0] > above[2]


@pytest.mark.parametrize(
    ("channels", "row", "at", "words"),
    [
        (3, (1.0, 2.0), (0, 0), "2 weights"),
        (1, (1.0, 2.0, 3.0), (0, 0), "three channels"),
        (3, (1.0, 2.0, 3.0), (24, 3), "a column of 0 to 23"),
    ],
)
def test_what_cannot_be_mixed_is_refused(channels, row, at, words):
    with pytest.raises(UsageError, match=words):
        mixer.Mix(torch.zeros(channels, 16, 24, dtype=torch.uint8), row, at=at)


def test_the_dials_words():
    branch = bottleneck("inception3a")
    text = dial.draw_dial(branch, 16).alt
    assert "2,408,448 + 10,035,200 = 12,443,648 multiply-adds against 120,422,400" in text
    assert "9.68 times fewer" in text
    assert "Break-even at r = 154.8; Table 1 has 16" in text
    assert "1.24 times as many" in dial.draw_dial(branch, 192).alt
    for width in (0, 193):
        with pytest.raises(UsageError, match="expected 1 to 192"):
            dial.draw_dial(branch, width)


# ---- lesson 03 -----------------------------------------------------------------------------------


def test_the_papers_tower_is_table_1():
    costs = [cost for cost in table_costs() if cost.kind == "inception"]
    for level, cost in zip(tower.build_tower(), costs, strict=True):
        assert (level.name, level.out_channels) == (cost.name, cost.shape[0])
        assert sum(level.params.values()) == cost.params
        assert sum(level.macs.values()) == cost.macs
    assert tower.add_up(tower.build_tower())[1:] == total(costs)


def test_the_naive_tower_is_what_naive_blocks_cost():
    """Counted by hooks in blocks that are built, one after the other."""
    channels, params, macs = 192, 0, 0
    for row, level in zip(INCEPTION_ROWS, tower.build_tower(9), strict=True):
        costs = model_costs(NaiveInception(channels, row.widths), (channels, 1, 1))
        weights = sum(cost.params for cost in costs if cost.kind == "Conv2d")
        assert (level.in_channels, sum(level.params.values())) == (channels, weights)
        params, macs = params + weights, macs + total(costs)[1] * row.size**2
        channels = level.out_channels
    found = tower.add_up(tower.build_tower(9))
    assert found == (channels, params, macs) == (4944, 92_451_840, 12_085_441_536)


def test_what_stands_on_a_naive_module_pays_too():
    paper, two = tower.build_tower(), tower.build_tower(2)
    assert two[2].in_channels == 832 > paper[2].in_channels
    assert sum(two[2].macs.values()) > sum(paper[2].macs.values())
    assert two[3] == paper[3]
    with pytest.raises(UsageError, match="expected 0 to 9"):
        tower.build_tower(10)


def test_each_kind_of_1x1_alone():
    """Without reductions, and without the projection: counted by hand."""
    channels, macs = 192, 0
    for row in INCEPTION_ROWS:
        w = row.widths
        weights = channels * (w.out_1x1 + 9 * w.out_3x3 + 25 * w.out_5x5 + w.pool_proj)
        macs, channels = macs + weights * row.size**2, w.out_channels
    assert tower.add_up(tower.build_tower(9, projection=True))[::2] == (1024, macs)
    reduced = tower.build_tower(9, reductions=True)
    assert tower.add_up(reduced)[0] == 4944
    assert reduced[0].macs == tower.build_tower()[0].macs | {"pool": 0}


@pytest.mark.parametrize("mode", pooling.MODES)
def test_windows_find_what_torch_finds(mode):
    settings = vars(pooling.MODES[mode])
    for size in range(3, 25):
        row = torch.tensor([gallery.DIGITS[:size]], dtype=torch.float32)
        found = torch.nn.MaxPool1d(3, 2, **settings)(row)[0].tolist()
        assert [one.maximum for one in pooling.pool_windows(gallery.DIGITS[:size], mode)] == found


def test_what_pooling_cannot_draw_is_refused():
    with pytest.raises(UsageError, match="expected one of floor, pad, ceil"):
        pooling.pool_windows(gallery.DIGITS, "same")
    with pytest.raises(UsageError, match="2 cells came; expected 3 to 24"):
        pooling.draw_pooling(gallery.DIGITS[:2])


def test_a_designs_words_say_what_is_left_and_what_is_over():
    assert "OVER THE BUDGET by 5,218,304 (4.1%): 133,267,456 of" in draw_design(OVER).alt
    assert "pool left out" in draw_design(OVER).alt
    less = Design("inception3a", replace(ROWS["inception3a"].widths, out_5x5=0))
    assert "Within the budget, 12,443,648 (9.7%) left" in draw_design(less).alt
    assert "Exactly the budget" in draw_design(paper_design()).alt


@pytest.mark.parametrize(
    "draw",
    [
        inception.draw_inception,
        cost_bars.draw_branch_costs,
    ],
)
def test_a_row_without_branches_is_refused(draw):
    with pytest.raises(UsageError, match=r"maxpool3.*no branches.*INCEPTION_ROWS"):
        draw(ROWS["maxpool3"], 480)


@pytest.mark.parametrize("block", [Inception, NaiveInception])
def test_branch_costs_are_what_the_blocks_cost(block):
    """Counted by hooks in blocks that are built."""
    row, channels = ROWS_IN[0]
    macs = total(model_costs(block(channels, row.widths), (channels, row.size, row.size)))[1]
    assert (
        f"{macs / 1e6:.1f} M" in cost_bars.draw_branch_costs(row, channels).alt.split("Together")[1]
    )


def test_branches_are_in_the_order_of_concatenation():
    found = network.branch_widths(ROWS["inception3a"].widths)
    assert found == {"1x1": 64, "3x3": 128, "5x5": 32, "pool": 32}
    assert list(found) == list(style.BRANCH_COLOURS)


# ---- lesson 04 -----------------------------------------------------------------------------------


def test_the_audits_words():
    assert "Weights do not agree in conv1 −71%" in gallery.FIGURES["04_audit"]().alt
    text = draw_audit(audit(READING), READING).alt
    assert "biases counted, K = 1000" in text
    assert f"{sum(count_matches(audit(READING)))} of 24" in text
    errors = (0.0571, -0.0074, -0.706, 0.0001, 0)
    assert [signed(error) for error in errors] == ["+5.7%", "−0.7%", "−71%", "0.0%", "0.0%"]


# ---- lesson 05 -----------------------------------------------------------------------------------


def test_steps_of_the_heads_have_the_parameters_of_the_built_heads():
    with torch.device("meta"):
        built = GoogLeNet()
    for which, one in zip(HEADS, (built.aux1, built.aux2), strict=True):
        steps = head.head_steps(which)
        assert [step.params for step in steps[2:]] == [
            sum(p.numel() for p in layer.parameters()) for layer in (one.conv, one.fc1, one.fc2)
        ]
        assert steps[1].shape[:2] == (4, 4)


def test_rescued_gradients_are_geometric_means():
    probes = probes_of("normal", "none")
    pairs = gradients.rescue_pairs(probes, 0.3)
    for weights, found in zip(((), (0.3, 0.3)), pairs["conv1"], strict=True):
        product = math.prod(one.length("conv1", *weights) for one in probes)
        assert found == pytest.approx(product ** (1 / 3))
    only_4d = gradients.rescue_pairs(probes, 0.3, "the head at 4d")
    assert only_4d["inception4b"] == pytest.approx(pairs["inception4b"])
    assert only_4d["conv1"][1] < 0.1 * pairs["conv1"][1]
    nothing = gradients.rescue_pairs(probes, 0.0)
    assert all(alone == both for alone, both in nothing.values())
    text = gradients.draw_rescue(probes, 0.3).alt
    assert "8,800× (7,700× to 10,000× over 3 seeds)" in text
    assert gradients.draw_rescue(probes, 0.0).alt.count("1.00×") == 5


def test_rescues_that_cannot_be_drawn_are_refused():
    probes = probes_of("he", "none")
    with pytest.raises(UsageError, match=r"'none' came; expected one of both heads"):
        gradients.draw_rescue(probes, 0.3, "none")
    with pytest.raises(UsageError, match="no probe came"):
        gradients.draw_rescue((), 0.3)


def test_the_words_of_sizes_and_losses():
    assert "He: measured from 0.6 after conv1 to 2 after 5b, predicted 1" in (
        gradients.draw_sizes(*gallery.sizes()).alt
    )
    figure = gradients.draw_losses({"one": (2.3, 2.0), "head after 4a": (2.2, 1.0)})
    assert "one from 2.30 to 2.00; head after 4a from 2.20 to 1.00" in figure.alt
    _, _, head = figure.axes[0].lines
    assert [*head.get_xdata()] == [10, 20]
    assert head.get_color() == style.HEAD_COLOUR


# ---- lesson 07 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [{}, {"a": torch.zeros(2, 3, 4, 4), "b": torch.zeros(1, 3, 4, 4)}])
def test_rows_of_other_shapes_are_refused(rows):
    with pytest.raises(UsageError, match="expected one or more, all"):
        recipes.draw_augmented(rows, SHAPES)


@pytest.mark.parametrize(("smoothing", "classes"), [(0.1, 10), (0.3, 10), (0.1, 1000)])
def test_the_least_loss_is_that_of_torch_and_nothing_lies_below_it(smoothing, classes):
    least, sure = recipes.least_loss(smoothing, classes)
    logits = torch.full((1, classes), math.log((1 - sure) / (classes - 1)), dtype=torch.float64)
    logits[0, 3] = math.log(sure)
    logits.requires_grad_()
    loss = F.cross_entropy(logits, torch.tensor([3]), label_smoothing=smoothing)
    assert least == pytest.approx(loss.item(), rel=1e-12)
    loss.backward()
    assert logits.grad.abs().max() < classes * torch.finfo(torch.float64).eps  # a sum of classes
    assert recipes.smoothed_loss(sure + 0.01, smoothing, classes) > least
    assert recipes.smoothed_loss(sure - 0.01, smoothing, classes) > least


def test_plain_labels_allow_a_loss_of_nothing():
    assert recipes.least_loss(0, 10) == (0.0, 1)
    with pytest.raises(UsageError, match=r"smoothing=1, classes=10 came"):
        recipes.least_loss(1, 10)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_one_recipe_is_told(schedule):
    recipe = replace(IMAGENET, schedule=schedule)
    curve = recipes.learning_rates(recipe, 100)
    text = recipes.draw_learning_rate(recipe, 100).alt
    assert f"{schedule} over 100 steps: begins at {curve[0]:.2g}" in text
    assert ("jumps back up 3 times" in text) == (schedule == "restarts")
    assert ("never falls far" in text) == (schedule in ("constant", "stairs"))


@pytest.mark.parametrize("decay", [0.5, 0.99998])
def test_the_ramped_share_is_what_the_librarys_average_keeps(decay):
    layer = torch.nn.Linear(1, 1, bias=False)
    average, kept = MovingAverage(layer, decay), []
    for update in range(6):
        torch.nn.init.constant_(layer.weight, 1.0 if update == 0 else 0.0)
        average.update_parameters(layer)
        kept.append(average.module.weight.item())
    assert kept == pytest.approx(recipes.first_shares(decay, 6, ramped=True), rel=1e-5)


def test_the_plain_share_is_a_power():
    first_shares = recipes.first_shares
    assert first_shares(0.9, 4) == pytest.approx([1, 0.9, 0.81, 0.729])
    for decay, updates in ((1.5, 3), (0.5, 0)):
        with pytest.raises(UsageError, match=f"decay={decay}, updates={updates} came"):
            first_shares(decay, updates)


def test_what_16_bits_lose_is_counted_without_zeros():
    values = torch.tensor([0.0, 1e-9, 1e-6, 1.0])
    assert speed.shares_of(values, "float16") == pytest.approx((1 / 4, 1 / 3, 2 / 3))
    assert speed.shares_of(values, "bfloat16") == (1 / 4, 0, 0)
