"""The figures of notebook 05: the head, what reaches each layer, losses on their plateau."""

import math

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib.colors import to_hex
from test_figures import assert_texts_fit, colour, height, patch, words

from googlenet_lib.errors import UsageError
from googlenet_lib.figures.gradients import (
    HEAD_CHOICES,
    LOWEST,
    describe_depth,
    describe_plateau,
    describe_rescue,
    draw_depth,
    draw_rescue,
    plot_plateau,
    rescue_pairs,
)
from googlenet_lib.figures.head import describe_head, draw_head, head_steps
from googlenet_lib.figures.style import HEAD_COLOUR, MIDDLE_GREY
from googlenet_lib.gradients import INITS, LAYERS, NORMS, probes_of
from googlenet_lib.model import GoogLeNet
from googlenet_lib.paper import HEADS
from googlenet_lib.plateau import Training

# ---- the head ------------------------------------------------------------------------------------


def test_steps_have_the_parameters_of_the_built_heads():
    with torch.device("meta"):
        network = GoogLeNet()
    for head, built in zip(HEADS, (network.aux1, network.aux2), strict=True):
        steps = head_steps(head)
        assert sum(step.params for step in steps) == sum(p.numel() for p in built.parameters())
        assert steps[1].shape[:2] == (4, 4)
        assert [step.params for step in steps[2:]] == [
            sum(p.numel() for p in layer.parameters())
            for layer in (built.conv, built.fc1, built.fc2)
        ]


def test_slabs_are_as_thick_as_channels_and_the_heads_orange():
    figure = draw_head()
    for number, head in enumerate(HEADS, start=1):
        steps = head_steps(head)
        scale = height(figure, f"aux{number}.3") / 1024
        for i, step in enumerate(steps):
            assert height(figure, f"aux{number}.{i}") == pytest.approx(step.channels * scale)
            shade = HEAD_COLOUR if i else MIDDLE_GREY
            assert colour(figure, f"aux{number}.{i}") == shade
    assert_texts_fit(figure)


def test_each_head_hangs_from_its_module():
    figure = draw_head()
    lines = {line.get_gid(): line for line in figure.axes[0].lines}
    for number, head in enumerate(HEADS, start=1):
        box, line = patch(figure, f"trunk.{head.after}"), lines[f"aux{number}.line"]
        assert line.get_xdata()[0] == box.get_x() + box.get_width() / 2
        slab = patch(figure, f"aux{number}.0")
        assert slab.get_x() < line.get_xdata()[-1] < slab.get_x() + slab.get_width()
        assert line.get_ydata()[-1] == pytest.approx(slab.get_y())
    assert words(figure)["4a"] == words(figure)["4d"] == 1


def test_the_heads_alt_text():
    text = describe_head()
    assert "Behind 4a, where the map is 14×14×512: average pool, 5×5, stride 3 to 4×4×512" in text
    assert "together 3,188,840 parameters" in text
    assert "together 3,190,888 parameters" in text


# ---- through the depth ---------------------------------------------------------------------------

DEPTH = (("normal", "none"), ("xavier", "none"), ("he", "none"), ("normal", "batch"))


def test_depth_shows_activations_and_gradients_as_they_are():
    probes = [probes_of(*setting)[0] for setting in DEPTH]
    figure = draw_depth(probes)
    left, right = figure.axes
    for one, forwards, backwards in zip(probes, left.lines, right.lines, strict=True):
        assert list(forwards.get_ydata()) == [one.activations[name] for name in LAYERS]
        assert list(backwards.get_ydata()) == [one.length(name) for name in LAYERS]
    assert len({(line.get_linestyle(), line.get_color()) for line in right.lines}) == 4
    assert {"He no BatchNorm", "normal, std 0.01 BatchNorm"} <= set(words(figure))
    assert_texts_fit(figure)
    assert "normal, std 0.01, no BatchNorm: activations from 5e-02" in describe_depth(probes)


# ---- with the heads and without ------------------------------------------------------------------


def bars(figure):
    return {p.get_gid(): p for p in figure.axes[0].patches if "." in (p.get_gid() or "")}


@pytest.mark.parametrize("setting", [("normal", "none"), ("he", "batch")])
def test_bars_are_as_long_as_the_gradients(setting):
    probes = probes_of(*setting)
    pairs = rescue_pairs(probes, 0.3)
    drawn = bars(draw_rescue(probes, 0.3))
    for name in LAYERS:
        for who, value, shade in zip(
            ("alone", "heads"), pairs[name], (MIDDLE_GREY, HEAD_COLOUR), strict=True
        ):
            bar = drawn[f"{who}.{name}"]
            assert bar.get_y() + bar.get_height() == pytest.approx(value)
            assert bar.get_y() == LOWEST
            assert to_hex(bar.get_facecolor()).upper() == shade
    product = math.prod(one.length("conv1") for one in probes)
    assert pairs["conv1"][0] == pytest.approx(product ** (1 / 3))
    assert pairs["conv1"][1] == pytest.approx(
        math.prod(one.length("conv1", 0.3, 0.3) for one in probes) ** (1 / 3)
    )


def test_heads_that_are_off_do_nothing():
    probes = probes_of("normal", "none")
    only_4d = rescue_pairs(probes, 0.3, "the head at 4d")
    assert only_4d["inception4b"] == pytest.approx(rescue_pairs(probes, 0.3)["inception4b"])
    assert only_4d["conv1"][1] < 0.1 * rescue_pairs(probes, 0.3)["conv1"][1]
    nothing = rescue_pairs(probes, 0.0)
    assert all(alone == both for alone, both in nothing.values())
    shown = words(draw_rescue(probes, 0.3, "the head at 4d"))
    assert shown["head"] == shown["(no head)"] == 1


def test_the_chosen_layer_is_marked_and_fresh_probes_are_dots():
    probes = probes_of("he", "none")
    figure = draw_rescue(probes, 0.3, layer="inception4a", fresh=probes[:1])
    chosen = patch(figure, "chosen")
    middle = chosen.get_x() + chosen.get_width() / 2
    assert middle == pytest.approx(LAYERS.index("inception4a"))
    dots = [line for line in figure.axes[0].lines if line.get_gid() == "fresh.0"]
    assert [list(line.get_ydata()) for line in dots] == [
        [probes[0].length(name) for name in LAYERS],
        [probes[0].length(name, 0.3, 0.3) for name in LAYERS],
    ]
    assert "Computed anew, seed 0" in describe_rescue(probes, 0.3, fresh=probes[:1])


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("norm", NORMS)
def test_texts_of_the_rescue_fit(init, norm):
    for weight, heads in ((0.3, "both heads"), (3.0, "the head at 4a")):
        assert_texts_fit(draw_rescue(probes_of(init, norm), weight, heads))


def test_the_rescues_words():
    text = describe_rescue(probes_of("normal", "none"), 0.3)
    low, high = sorted(one.rescue("conv1") for one in probes_of("normal", "none"))[::2]
    assert f"({low:,.0f}× to {high:,.0f}× over 3 seeds)" in text
    assert "At 5b, behind both heads, 1.00×." in text


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UsageError, match=r"'none' came; expected one of both heads"):
        draw_rescue(probes_of("he", "none"), 0.3, "none")
    with pytest.raises(UsageError, match=r"layer 'fc' is unknown; use one of conv1"):
        draw_rescue(probes_of("he", "none"), 0.3, layer="fc")
    with pytest.raises(UsageError, match="no probe came"):
        draw_rescue((), 0.3)
    assert [sum(on) for on in HEAD_CHOICES.values()] == [2, 1, 1]


# ---- the plateau ---------------------------------------------------------------------------------

LIVE = {
    "with heads": Training(
        "he", "none", 0.3, 0, (2.3,) * 20 + (2.0,) * 10, (1.5,) * 30, (1.8,) * 30
    ),
    "without heads": Training("he", "none", 0.0, 0, (2.31,) * 30),
}


def test_losses_are_the_lines_averaged_over_ten_steps():
    figure = plot_plateau(LIVE)
    lines = {line.get_gid(): line for line in figure.axes[0].lines}
    assert {*lines} == {
        *("ln C", "with heads.main", "with heads.aux1", "with heads.aux2", "without heads.main"),
    }
    assert list(lines["with heads.main"].get_xdata()) == [10, 20, 30]
    assert list(lines["with heads.main"].get_ydata()) == pytest.approx([2.3, 2.3, 2.0])
    assert (
        lines["with heads.aux1"].get_color()
        == HEAD_COLOUR
        != (lines["without heads.main"].get_color())
    )
    assert lines["ln C"].get_ydata()[0] == math.log(10)
    assert_texts_fit(figure)
    assert "its head at 4a from 1.50 to 1.50" in describe_plateau(LIVE)
    assert "without heads from 2.31 to 2.31" in describe_plateau(LIVE)
