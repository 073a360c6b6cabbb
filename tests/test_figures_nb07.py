"""The figures of notebook 07: what they draw is what was computed, and every text can be read."""

import math
from dataclasses import replace

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from test_figures import assert_texts_fit, words
from torch.nn import functional as F

from googlenet_lib.data import draw_shapes
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.show import SCALE
from googlenet_lib.figures.training_tricks import (
    POINTS,
    describe_augmented,
    describe_first_shares,
    describe_formats,
    describe_rate,
    describe_schedules,
    describe_smoothing,
    draw_augmented,
    draw_first_shares,
    draw_formats,
    draw_rate,
    draw_schedules,
    draw_smoothing,
    first_shares,
    least_loss,
    lost,
    rates,
    smoothed_loss,
)
from googlenet_lib.optimisers import moving_average
from googlenet_lib.recipes import IMAGENET, PAPER, SCHEDULES


def lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.lines}


# ---- augmentation --------------------------------------------------------------------------------


def test_each_row_shows_its_own_pictures():
    pictures = draw_shapes(torch.arange(4), torch.full((4,), 10.0))
    darker = pictures.float() * 0.5 - 1  # below 0 in places
    figure = draw_augmented({"as it is": pictures, "darker": darker})
    shown = [torch.tensor(image.get_array()) for image in figure.axes[0].images]
    assert len(shown) == 8
    for row, expected in ((shown[:4], pictures), (shown[4:], darker.clamp(0, 255).byte())):
        for picture, wanted in zip(row, expected, strict=True):
            assert torch.equal(picture, wanted.permute(1, 2, 0))
    extents = [tuple(image.get_extent()) for image in figure.axes[0].images]
    assert len({*extents}) == 8
    sides = {round((right - left) * SCALE, 3) for left, right, *_ in extents}
    assert all(side % pictures.shape[-1] == 0 for side in sides), "whole pixels of the screen"
    assert all(e[0] >= 0 and e[1] <= figure.bbox.width for e in extents)
    assert all(0 <= e[3] < e[2] <= figure.bbox.height for e in extents)
    assert_texts_fit(figure)
    text = describe_augmented({"as it is": pictures, "darker": darker}, list("abcd"))
    assert text == (
        "A grid of 4 pictures (a, b, c, d), shown 2 times from top to bottom: as it is; darker."
    )


@pytest.mark.parametrize("rows", [{}, {"a": torch.zeros(2, 3, 4, 4), "b": torch.zeros(1, 3, 4, 4)}])
def test_rows_of_other_shapes_are_refused(rows):
    with pytest.raises(UsageError, match="expected one or more, all"):
        draw_augmented(rows)


# ---- label smoothing -----------------------------------------------------------------------------


@pytest.mark.parametrize(("smoothing", "classes"), [(0.1, 10), (0.3, 10), (0.1, 1000)])
def test_the_least_loss_is_that_of_torch_and_nothing_lies_below_it(smoothing, classes):
    least, sure = least_loss(smoothing, classes)
    rest = (1 - sure) / (classes - 1)
    logits = torch.full((1, classes), math.log(rest), dtype=torch.float64)
    logits[0, 3] = math.log(sure)
    logits.requires_grad_()
    loss = F.cross_entropy(logits, torch.tensor([3]), label_smoothing=smoothing)
    assert least == pytest.approx(loss.item(), rel=1e-12)
    loss.backward()
    assert logits.grad.abs().max() < classes * torch.finfo(torch.float64).eps  # a sum of classes
    assert smoothed_loss(sure + 0.01, smoothing, classes) > least
    assert smoothed_loss(sure - 0.01, smoothing, classes) > least


def test_plain_labels_allow_a_loss_of_nothing():
    assert least_loss(0, 10) == (0.0, 1)
    with pytest.raises(UsageError, match=r"smoothing=1, classes=10 came"):
        least_loss(1, 10)


def test_smoothing_draws_the_curves_and_their_least():
    figure = draw_smoothing([0, 0.1, 0.3])
    drawn = lines(figure)
    for smoothing in (0, 0.1, 0.3):
        least, sure = least_loss(smoothing, 10)
        curve, dot = drawn[f"loss.{smoothing:g}"], drawn[f"least.{smoothing:g}"]
        assert list(dot.get_xydata()[0]) == [sure, least]
        assert list(curve.get_ydata()) == [
            smoothed_loss(x, smoothing, 10) for x in curve.get_xdata()
        ]
        assert min(curve.get_ydata()) == pytest.approx(least, abs=1e-3)
    assert "smoothed by 0.1: least loss 0.50 at 91%" in words(figure)
    assert_texts_fit(figure)
    assert "smoothed by 0.1, least 0.500 at 0.910" in describe_smoothing([0, 0.1])


# ---- the rate ------------------------------------------------------------------------------------


def test_schedules_are_drawn_one_beside_the_other():
    recipes = [replace(IMAGENET, schedule=name, epochs=60) for name in SCHEDULES]
    figure = draw_schedules(recipes)
    drawn = lines(figure)
    assert tuple(drawn) == SCHEDULES
    for recipe in recipes:
        expected = [rate / recipe.lr for rate in rates(recipe)]
        assert list(drawn[recipe.schedule].get_ydata()) == expected
    assert_texts_fit(figure)
    assert "stairs begins at 1.00, ends at 0.75" in describe_schedules(recipes)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_one_recipe_is_drawn_and_told(schedule):
    recipe = replace(IMAGENET, schedule=schedule)
    figure = draw_rate(recipe, 100)
    drawn, curve = lines(figure), rates(recipe, 100)
    assert list(drawn["rate"].get_ydata()) == curve
    assert drawn["highest"].get_ydata()[0] == max(curve)
    assert list(drawn["last"].get_xydata()[0]) == [99, curve[-1]]
    assert_texts_fit(figure)
    text = describe_rate(recipe, 100)
    assert f"{schedule} over 100 steps: begins at {curve[0]:.2g}" in text
    assert ("jumps back up 3 times" in text) == (schedule == "restarts")
    assert ("never falls far" in text) == (schedule in ("constant", "stairs"))


def test_rates_are_those_of_the_recipe():
    assert len(rates(PAPER)) == POINTS
    assert rates(PAPER)[0] == PAPER.lr


# ---- the average ---------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.5, 0.99998])
def test_the_ramped_share_is_what_the_library_s_average_keeps(decay):
    layer = torch.nn.Linear(1, 1, bias=False)
    average, kept = moving_average(layer, decay), []
    for update in range(6):
        torch.nn.init.constant_(layer.weight, 1.0 if update == 0 else 0.0)
        average.update_parameters(layer)
        kept.append(average.module.weight.item())
    assert kept == pytest.approx(first_shares(decay, 6, ramped=True), rel=1e-5)


def test_the_plain_share_is_a_power():
    assert first_shares(0.9, 4) == pytest.approx([1, 0.9, 0.81, 0.729])
    assert first_shares(0.99998, 1000)[-1] == pytest.approx(0.99998**999)
    with pytest.raises(UsageError, match=r"decay=1.5, updates=3 came"):
        first_shares(1.5, 3)
    with pytest.raises(UsageError, match="1 or more updates"):
        first_shares(0.5, 0)


def test_shares_are_drawn_and_told():
    figure = draw_first_shares([0.99, 0.99998], 5000)
    drawn = lines(figure)
    assert [*drawn] == ["decay 0.99", "decay 0.99998", "decay 0.99998, ramped"]
    assert list(drawn["decay 0.99998"].get_ydata()) == first_shares(0.99998, 5000)
    ramped = first_shares(0.99998, 5000, ramped=True)
    assert list(drawn["decay 0.99998, ramped"].get_ydata()) == ramped
    assert_texts_fit(figure)
    text = describe_first_shares([0.99, 0.99998], 5000)
    assert "after 5,000 updates: with decay 0.99 nothing; with decay 0.99998 90.5%" in text
    assert "ramped" not in describe_first_shares([0.99], 10, ramped=False)


# ---- formats -------------------------------------------------------------------------------------


def sizes():
    draw = torch.Generator().manual_seed(0)
    return 10 ** (torch.randn(5000, generator=draw) - 8)


def test_what_16_bits_lose_is_counted_without_zeros():
    values = torch.tensor([0.0, 1e-9, 1e-4, 1.0])
    assert lost(values, "float16") == pytest.approx(1 / 3)
    assert lost(values, "bfloat16") == 0


def test_bars_end_where_the_format_ends():
    figure = draw_formats(sizes(), 2.0**16)
    drawn = lines(figure)
    few, normal = drawn["float16.few digits"], drawn["float16.normal"]
    assert few.get_xdata()[1] == normal.get_xdata()[0]
    decade = (normal.get_xdata()[1] - few.get_xdata()[0]) / math.log10(65504 / 2**-24)
    ratio = 2**-14 / 2**-24
    assert few.get_xdata()[1] - few.get_xdata()[0] == pytest.approx(decade * math.log10(ratio))
    assert drawn["least"].get_xdata()[0] == pytest.approx(few.get_xdata()[0])
    assert drawn["bfloat16.normal"].get_xdata()[1] == drawn["float32.normal"].get_xdata()[1]
    shown = words(figure)
    assert shown["6e-08 to 65,504, steps of 1/1,024"] == 1
    assert shown["times 65,536"] == 1
    assert_texts_fit(figure)


def test_the_histogram_is_moved_by_the_scale():
    figure = draw_formats(sizes(), 1000.0)
    plain, scaled = (
        {c.get_gid(): c.get_paths()[0].vertices for c in figure.axes[0].collections}[f"sizes.{g}"]
        for g in ("1", "1000")
    )
    peaks = [vertices[vertices[:, 1].argmin(), 0] for vertices in (plain, scaled)]
    bars = lines(figure)
    few = bars["float16.few digits"].get_xdata()
    decade = (few[1] - few[0]) / math.log10(2**10)
    assert peaks[1] - peaks[0] == pytest.approx(3 * decade, abs=0.6 * decade)
    text = describe_formats(sizes(), 1000.0)
    assert f"{lost(sizes(), 'float16'):.1%} would become 0; multiplied by 1,000 first" in text
    assert len(draw_formats(sizes()).axes[0].collections) == 1
