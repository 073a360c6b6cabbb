"""The figures of notebook 01 draw what convolutions, papers and gradients say."""

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("Agg")

from matplotlib.colors import to_hex
from test_figures import assert_texts_fit, words
from torch.nn import functional as F

from googlenet_lib.errors import UsageError
from googlenet_lib.figures.convolution import (
    Convolution,
    describe_channels_in,
    describe_channels_out,
    describe_slide,
    describe_steps,
    describe_sum,
    draw_channels_in,
    draw_channels_out,
    draw_slide,
    draw_steps,
    draw_sum,
)
from googlenet_lib.figures.predecessors import PIXEL, describe_kernels, draw_kernels
from googlenet_lib.figures.receptive_growth import (
    PYRAMID_HEIGHT,
    ROOM,
    describe_lane_field,
    describe_lane_fields,
    describe_pyramids,
    describe_stack,
    draw_lane_field,
    draw_lane_fields,
    draw_pyramids,
    draw_stack,
)
from googlenet_lib.figures.style import BRANCH_COLOURS
from googlenet_lib.lanes import LANES
from googlenet_lib.paper import IMAGE_SIZE
from googlenet_lib.predecessors import ALEXNET, PREDECESSORS, ZF
from googlenet_lib.receptive_fields import MODULES, Stack, mass_width, recorded, stack_gradient


def patches(figure, gid):
    return [one for axes in figure.axes for one in axes.patches if one.get_gid() == gid]


def patch(figure, gid):
    (found,) = patches(figure, gid)
    return found


def lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.lines}


# ---- convolution ---------------------------------------------------------------------------------

UPRIGHT = torch.tensor([[-1.0, 0, 1]] * 3)[None, None]


def steps_of(**geometry):
    return Convolution(torch.zeros(1, 7, 7), UPRIGHT, **geometry)


@pytest.fixture
def conv():
    draw = torch.Generator().manual_seed(0)
    return Convolution(torch.randint(0, 10, (1, 6, 6), generator=draw).float(), UPRIGHT)


@pytest.fixture
def colours():
    draw = torch.Generator().manual_seed(0)
    kernels = torch.randint(-2, 3, (4, 3, 3, 3), generator=draw).float()
    return Convolution(torch.rand(3, 12, 12, generator=draw), kernels, padding=1)


def test_outputs_are_pytorch_s(colours):
    expected = F.conv2d(colours.picture[None], colours.kernels, padding=1)[0]
    torch.testing.assert_close(colours.output, expected)
    window = colours.patch((0, 5))
    torch.testing.assert_close((window * colours.kernels[1]).sum(), expected[1, 0, 5])


def test_windows_lie_over_the_pixels_of_their_values(conv):
    figure = draw_slide(conv, [(0, 0), (2, 3)])
    cell = patch(figure, "value.1").get_width()
    window = patch(figure, "window.1")
    assert window.get_width() == pytest.approx(3 * cell)
    first = patch(figure, "window.0")
    assert window.get_x() - first.get_x() == pytest.approx(3 * cell)
    assert window.get_y() - first.get_y() == pytest.approx(2 * cell)
    assert window.get_linestyle() != first.get_linestyle()
    picture, _, output = figure.axes[0].images
    assert np.array_equal(picture.get_array(), conv.picture[0].numpy())
    assert np.array_equal(output.get_array(), conv.output[0].numpy())
    told = f"{float(conv.output[0, 2, 3]):g}".replace("-", "−")
    assert f"row 2, column 3 gives {told}" in describe_slide(conv, [(2, 3)])
    assert_texts_fit(figure)


def test_the_sum_is_the_value(conv):
    figure = draw_sum(conv, (1, 2))
    products = figure.axes[0].images[2].get_array()
    assert float(products.sum()) == pytest.approx(float(conv.output[0, 1, 2]))
    text = next(text for text in words(figure) if text.startswith("the value at row 1, column 2"))
    assert text.endswith(f"= {float(conv.output[0, 1, 2]):g}".replace("-", "−"))
    assert "−0" not in text.replace("−0.", "")
    assert text.split(": ")[1] in describe_sum(conv, (1, 2))
    assert_texts_fit(figure)


def test_steps_count_the_windows():
    convs = [steps_of(), steps_of(padding=1), steps_of(stride=2, padding=1)]
    figure = draw_steps(convs)
    for i, (conv, size) in enumerate(zip(convs, (5, 7, 4), strict=True)):
        assert conv.output.shape == (1, size, size)
        assert len(lines(figure)[f"centres.{i}"].get_xdata()) == size**2
        moved = patch(figure, f"step.{i}.1").get_x() - patch(figure, f"step.{i}.0").get_x()
        assert moved * 3 == pytest.approx(conv.stride * patch(figure, f"step.{i}.0").get_width())
        assert f"7×7 in, {size}×{size} out" in words(figure)
    assert "stride 2, padding 1: 7×7 pixels give 4×4 values" in describe_steps(convs)
    assert_texts_fit(figure)


def test_slices_add_up_to_the_one_output(colours):
    figure = draw_channels_in(colours)
    *parts, total = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    assert np.allclose(sum(parts[2::3]), total, atol=1e-5)
    assert np.allclose(total, colours.output[0].numpy())
    assert "one filter: 3 × 3 × 3 = 27 weights" in words(figure)
    assert "12×12 values" in describe_channels_in(colours)
    assert_texts_fit(figure)


def test_each_filter_makes_a_channel(colours):
    names = ("one", "two", "three", "four")
    figure = draw_channels_out(colours, names)
    _picture, *maps = figure.axes[0].images
    for image, output in zip(maps, colours.output, strict=True):
        assert np.allclose(image.get_array(), output.numpy())
    assert "4 filters, 4 channels out: 4 × 3 × 3 × 3 = 108 weights" in words(figure)
    assert "two from" in describe_channels_out(colours, names)
    assert_texts_fit(figure)


def test_convolutions_that_cannot_be_are_refused(conv, colours):
    with pytest.raises(UsageError, match="of the same C"):
        Convolution(colours.picture, UPRIGHT)
    with pytest.raises(UsageError, match="no window fits"):
        Convolution(torch.zeros(1, 2, 2), UPRIGHT)
    with pytest.raises(UsageError, match="expected a row of 0 to 3"):
        draw_sum(conv, (4, 0))
    with pytest.raises(UsageError, match="1 names came for 4 filters"):
        draw_channels_out(colours, ("one",))


# ---- predecessors --------------------------------------------------------------------------------


def test_kernels_are_as_large_as_they_are():
    figure = draw_kernels(PREDECESSORS)
    for i, network in enumerate(PREDECESSORS):
        for layer in network.layers:
            assert patch(figure, f"{i}.{layer.name}").get_width() == layer.kernel * PIXEL
    for kernel in (1, 3, 5):
        assert patch(figure, f"2.3a.{kernel}x{kernel}").get_width() == kernel * PIXEL
    assert_texts_fit(figure)
    text = describe_kernels(PREDECESSORS)
    assert "AlexNet: 11×11, stride 4, 5×5, stride 1, 3×3" in text
    assert "ZF: 7×7, stride 2, 5×5, stride 2, 3×3" in text


def test_alexnet_s_layers_fit_together_where_its_two_halves_let_them():
    """Layers 2, 4 and 5 see half of the channels before them; ZF's see all."""
    for network, halved in ((ALEXNET, {"conv2", "conv4", "conv5"}), (ZF, set())):
        before = 3
        for layer in network.layers:
            assert layer.seen * (2 if layer.name in halved else 1) == before
            before = layer.channels


# ---- receptive fields ----------------------------------------------------------------------------


def test_pyramids_end_in_their_fields():
    stacks = ([(5, 1)], [(3, 1), (3, 1)], [(3, 2), (3, 1)], [(3, 1), (3, 2)])
    figure = draw_pyramids(stacks)
    for i, (layers, field, middle) in enumerate(zip(stacks, (5, 5, 7, 5), (0, 3, 3, 3),
                                                    strict=True)):  # fmt: skip
        assert len(patches(figure, f"pyramid.{i}.{len(layers)}")) == field
        assert len(patches(figure, f"pyramid.{i}.0")) == 1
        if middle:
            assert len(patches(figure, f"pyramid.{i}.1")) == middle
        assert patches(figure, f"pyramid.{i}.1")[0].get_height() == PYRAMID_HEIGHT
    assert_texts_fit(draw_pyramids(stacks[:3]))
    assert "3×3 in steps of 2, then 3×3: 7 pixels" in describe_pyramids(stacks)


@pytest.mark.parametrize("stack", [Stack(10, 3), Stack(2, 7, 2), Stack(1, 1), Stack(10, 5, 1)])
def test_a_stack_s_squares_are_its_two_widths(stack):
    gradient = stack_gradient(stack)
    figure = draw_stack(stack, gradient, recorded())
    assert patch(figure, "theory").get_width() == pytest.approx(ROOM)
    share = mass_width(gradient) / stack.field
    assert patch(figure, "measured").get_width() == pytest.approx(ROOM * share)
    drawn = lines(figure)
    assert drawn["theory.ring"].get_ydata()[0] == stack.field
    assert drawn["measured.ring"].get_ydata()[0] == recorded().stack_width(stack)
    assert f"{stack.field} pixels wide" in describe_stack(stack, gradient)
    assert_texts_fit(figure)


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_s_squares_are_at_the_picture_s_scale(lane):
    for module in (MODULES[0], MODULES[-1]):
        one = recorded().lane(module, lane)
        figure = draw_lane_field(recorded(), module, lane)
        pixel = patch(figure, "picture").get_width() / IMAGE_SIZE
        assert patch(figure, "theory").get_width() == pytest.approx(one.window.field * pixel)
        assert patch(figure, "measured").get_width() == pytest.approx(one.width * pixel)
        drawn = lines(figure)
        assert [*drawn["measured"].get_ydata()] == [
            recorded().lane(name, lane).width for name in MODULES
        ]
        assert to_hex(drawn["measured"].get_color()).upper() == BRANCH_COLOURS[lane]
        assert_texts_fit(figure)


def test_words_say_whether_the_gradient_is_inside_the_picture():
    assert "inside the picture's 224" in describe_lane_field(recorded(), "inception4e", "5x5")
    text = describe_lane_field(recorded(), "inception5b", "5x5")
    assert "the field is 715 pixels wide" in text
    assert "wider than the picture's 224" in text


def test_several_lanes_side_by_side():
    chosen = [
        recorded().lane(m, lane) for m in (MODULES[0], MODULES[-1]) for lane in ("3x3", "5x5")
    ]
    figure = draw_lane_fields(chosen)
    for i, one in enumerate(chosen):
        share = (
            patch(figure, f"measured.{i}").get_width() / patch(figure, f"theory.{i}").get_width()
        )
        assert share == pytest.approx(one.width / one.window.field)
        assert np.allclose(figure.axes[0].images[i].get_array(), np.sqrt(one.map))
    assert "5b, 5×5 lane: field 715 pixels" in describe_lane_fields(chosen)
    assert_texts_fit(figure)
