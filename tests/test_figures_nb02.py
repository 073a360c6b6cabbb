"""The figures of notebook 02: a channel mixer, the bottleneck dial, shares of variance."""

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

from matplotlib.colors import to_hex
from test_figures import assert_texts_fit, colour, patch, words

from googlenet_lib.bottlenecks import MODULES, bottleneck
from googlenet_lib.errors import UsageError
from googlenet_lib.figures.bottleneck import (
    COSTS,
    KEEPS,
    describe_dial,
    describe_shares,
    draw_dial,
    plot_shares,
)
from googlenet_lib.figures.mixer import (
    SHADES,
    Mix,
    describe_mix,
    describe_mixes,
    draw_mix,
    draw_mixes,
)
from googlenet_lib.figures.style import BRANCH_COLOURS, tint

SHARES = torch.linspace(0.3, 1, 96) ** 0.5


def picture(height=16, width=24):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, height, width), generator=draw, dtype=torch.uint8)


# ---- the mixer -----------------------------------------------------------------------------------


def test_a_mix_is_a_1x1_convolution():
    mix = Mix(picture(), (0.5, -2.0, 1.0), bias=0.25)
    layer = torch.nn.Conv2d(3, 1, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(mix.row).view(1, 3, 1, 1))
        layer.bias.fill_(0.25)
        expected = layer(mix.picture[None] / 255)[0, 0]
    torch.testing.assert_close(mix.values, expected)
    after = Mix(picture(), mix.row, bias=0.25, relu=True)
    torch.testing.assert_close(after.values, expected.relu())
    assert mix.below_zero == after.below_zero == float((expected < 0).float().mean())


def test_the_arithmetic_of_the_pixel_is_its_own():
    shown = picture()
    shown[:, 5, 7] = torch.tensor([255, 51, 0])
    mix = Mix(shown, (1.0, -2.0, 0.5), bias=-0.8, relu=True, at=(7, 5))
    assert mix.pixel == pytest.approx((1, 0.2, 0))
    assert mix.arithmetic == ("1.00 × 1.00 − 2.00 × 0.20 + 0.50 × 0.00 − 0.80 = −0.20, ReLU: 0.00")
    assert f"column 7, row 5: {mix.arithmetic}" in describe_mix(mix)
    assert f"framed pixel: {mix.arithmetic}" in words(draw_mix(mix))


def test_a_mix_shows_picture_channels_and_sum_as_they_are():
    mix = Mix(picture(), (1.0, -1.0, 0.0), relu=True, at=(3, 4))
    shown, red, green, blue, mixed, _strip = draw_mix(mix).axes[0].images
    assert np.array_equal(shown.get_array(), mix.picture.permute(1, 2, 0).numpy())
    for image, channel in zip((red, green, blue), mix.picture, strict=True):
        assert np.allclose(image.get_array(), channel.numpy() / 255)
    assert np.allclose(mixed.get_array(), mix.values.numpy())
    assert mixed.get_clim() == (-1, 1)


def test_shades_tell_the_sign():
    assert to_hex(SHADES(0.5)) == "#000000"
    red, green, blue, _ = SHADES(0.25)
    assert red == green == blue > 0.3  # grey below zero
    assert to_hex(SHADES(0.75)).upper() == BRANCH_COLOURS["1x1"]


def test_several_rows_stand_side_by_side():
    rows = ((0.3, 0.6, 0.1), (1.0, -1.0, 0.0))
    mixes = [Mix(picture(), row, title=f"row {i}") for i, row in enumerate(rows)]
    figure = draw_mixes(mixes)
    _picture, *results = figure.axes[0].images
    for image, mix in zip(results, mixes, strict=True):
        assert np.allclose(image.get_array(), mix.values.numpy())
    assert {"row 0", "row 1", "1.00, −1.00, 0.00 bias 0.00"} <= set(words(figure))
    assert "row 1, weights 1.00, −1.00, 0.00 and bias 0.00" in describe_mixes(mixes)


@pytest.mark.parametrize("relu", [False, True])
def test_the_mixers_texts_fit(relu):
    mix = Mix(picture(64, 96), (-2.0, -2.0, -2.0), -1.0, relu, (50, 30), "the same, ReLU")
    assert_texts_fit(draw_mix(mix))
    assert_texts_fit(draw_mixes([mix] * 4))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((picture(), (1.0, 2.0)), "2 weights"),
        ((picture()[:1], (1.0, 2.0, 3.0)), "three channels"),
        ((picture(), (1.0, 2.0, 3.0), 0.0, False, (24, 3)), "a column of 0 to 23"),
    ],
)
def test_what_cannot_be_mixed_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        Mix(*arguments)


# ---- the dial ------------------------------------------------------------------------------------


def test_bars_are_as_long_as_what_they_show():
    lane = bottleneck("inception3a")
    figure = draw_dial(lane, 40, SHARES)
    for what, direct, parts in (
        ("multiply-adds", lane.direct_macs, lane.macs(40)),
        ("weights", lane.direct_params, lane.params(40)),
    ):
        whole = patch(figure, f"{what}.direct").get_width()
        for part, name in zip(parts, ("reduction", "large"), strict=True):
            bar = patch(figure, f"{what}.{name}")
            assert bar.get_width() / whole == pytest.approx(part / direct)
        assert {f"{direct:,}", f"{sum(parts):,}"} <= set(words(figure))


def test_the_dial_s_colours_are_those_of_the_lane():
    for kernel in (3, 5):
        figure = draw_dial(bottleneck("inception4a", kernel), 20, SHARES)
        shade = BRANCH_COLOURS[f"{kernel}x{kernel}"]
        assert colour(figure, "weights.large") == shade
        assert colour(figure, "weights.reduction") == tint(shade, 0.55).upper()


def lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.lines}


@pytest.mark.parametrize("name", ["inception3a", "inception5b"])
def test_lines_cross_direct_at_the_break_even(name):
    lane = bottleneck(name)
    drawn = lines(draw_dial(lane, lane.width, SHARES))
    costs = np.array(drawn[COSTS].get_ydata())
    assert costs[int(lane.break_even) - 1] <= 1 < costs[int(lane.break_even)]
    assert drawn["break-even"].get_xdata()[0] == pytest.approx(lane.break_even)
    kept = drawn[KEEPS]
    assert kept.get_ydata()[1:] == pytest.approx(SHARES.tolist())
    assert kept.get_xdata()[-1] == pytest.approx(lane.in_channels)


def test_a_width_is_compared_at_the_same_share_of_the_channels():
    lane = bottleneck("inception3a")
    drawn = lines(draw_dial(lane, 16, SHARES))  # 16 of 192 is 8 of 96
    assert drawn["dial.keeps"].get_ydata()[0] == pytest.approx(float(SHARES[7]))
    assert drawn["dial.costs"].get_ydata()[0] == pytest.approx(12_443_648 / 120_422_400)
    assert f"keep {float(SHARES[7]):.0%} of the variance" in describe_dial(lane, 16, SHARES)


def test_the_dial_s_alt_text():
    lane = bottleneck("inception3a")
    text = describe_dial(lane, 16, SHARES)
    assert "2,408,448 + 10,035,200 = 12,443,648 multiply-adds against 120,422,400" in text
    assert "9.68 times less" in text
    assert "Break-even at r = 154.8; Table 1 has 16" in text
    assert "1.24 times more" in describe_dial(lane, 192, SHARES)


@pytest.mark.parametrize("name", MODULES)
def test_the_dial_s_texts_fit(name):
    lane = bottleneck(name)
    for width in (1, lane.width, lane.in_channels):
        assert_texts_fit(draw_dial(lane, width, SHARES))


@pytest.mark.parametrize("width", [0, 193])
def test_a_width_that_cannot_be_is_refused(width):
    for function in (draw_dial, describe_dial):
        with pytest.raises(UsageError, match="expected 1 to 192"):
            function(bottleneck("inception3a"), width, SHARES)


# ---- shares of variance --------------------------------------------------------------------------


def test_shares_are_the_lines():
    shares = {"one": SHARES, "another": SHARES**2, "a third": SHARES**3, "a fourth": SHARES**4}
    figure = plot_shares(shares, mark=8)
    drawn = lines(figure)
    for name, values in shares.items():
        assert drawn[name].get_ydata() == pytest.approx([0, *values[:48].tolist()])
        assert f"{name} {float(values[7]):.0%} at r = 8" in words(figure)
    assert len({(drawn[name].get_color(), drawn[name].get_linestyle()) for name in shares}) == 4
    assert_texts_fit(figure)
    assert f"another {float(SHARES[7] ** 2):.0%}" in describe_shares(shares, mark=8)


def test_lines_that_end_together_keep_their_labels_apart():
    assert_texts_fit(plot_shares(dict.fromkeys(("one", "two", "three", "four"), SHARES), mark=8))
