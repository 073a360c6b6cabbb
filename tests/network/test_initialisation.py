"""Every initialisation against the deviation and the bounds that its source gives."""

import math
import warnings
from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn

from googlenet_lib import VARIANTS, GoogLeNet, UsageError
from googlenet_lib.network.initialisation import INITIALISATIONS, initialise

CONV_FAN_IN, CONV_FAN_OUT = 64 * 9, 128 * 9


def drawn(name, seed=0):
    """A convolution and a linear layer, drawn by `name`."""
    network = nn.Sequential(nn.Conv2d(64, 128, 3), nn.BatchNorm2d(128), nn.Linear(300, 200))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 7.0)  # so that whatever is not drawn shows
    torch.manual_seed(seed)
    initialise(network, name)
    return network


def is_uniform(weight, bound):
    """Within the bounds, up to them, and of the deviation that a uniform distribution has."""
    return (
        weight.abs().max() <= bound
        and weight.abs().max() > 0.99 * bound
        and weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
        and weight.mean().abs() < 0.02 * bound
    )


def is_normal(weight, deviation):
    """Of that deviation, with the tails that a normal distribution has."""
    within = (weight.abs() < deviation).float().mean().item()
    return (
        weight.std().item() == pytest.approx(deviation, rel=0.02)
        and weight.abs().max() > 3.5 * deviation
        and within == pytest.approx(0.6827, abs=0.01)
        and weight.mean().abs() < 0.02 * deviation
    )


def test_xavier_is_uniform_by_both_fans():
    conv, _, linear = drawn("xavier")
    assert is_uniform(conv.weight, math.sqrt(6 / (CONV_FAN_IN + CONV_FAN_OUT)))
    assert is_uniform(linear.weight, math.sqrt(6 / (300 + 200)))


def test_he_is_normal_by_the_fan_in():
    conv, _, linear = drawn("he")
    assert is_normal(conv.weight, math.sqrt(2 / CONV_FAN_IN))
    assert is_normal(linear.weight, math.sqrt(2 / 300))


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_normal_ones_have_deviation_one_hundredth(name):
    conv, _, linear = drawn(name)
    assert is_normal(conv.weight, 0.01)
    assert is_normal(linear.weight, 0.01)


def test_torch_is_what_the_layers_draw_themselves():
    conv, _, linear = drawn("torch")
    for layer, fan_in in ((conv, CONV_FAN_IN), (linear, 300)):
        assert is_uniform(layer.weight, 1 / math.sqrt(fan_in))
        assert layer.bias.abs().max() <= 1 / math.sqrt(fan_in)
        assert layer.bias.std() > 0
    torch.manual_seed(0)
    assert torch.equal(nn.Conv2d(64, 128, 3).weight, conv.weight)


@pytest.mark.parametrize("name", ["xavier", "he", "normal"])
def test_biases_start_at_zero(name):
    conv, _, linear = drawn(name)
    assert not conv.bias.any()
    assert not linear.bias.any()
    initialise(nn.Conv2d(3, 3, 1, bias=False), name)  # and may be missing


def test_truncated_normal_keeps_biases_as_torchvision_does():
    conv, _, linear = drawn("truncated_normal")
    assert (conv.bias == 7).all()
    assert (linear.bias == 7).all()


def test_truncated_normal_draws_what_torchvision_draws():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torchvision.models.googlenet(weights=None, init_weights=True, num_classes=10)
    ours = GoogLeNet(VARIANTS["torchvision"], 10)
    for name, tensor in theirs.named_parameters():
        mine = ours.get_parameter(name)
        if "bn" in name:
            assert torch.equal(mine, tensor), name
        elif tensor.dim() > 1:
            assert mine.std().item() == pytest.approx(tensor.std().item(), rel=0.1), name


@pytest.mark.parametrize("name", INITIALISATIONS)
def test_only_convolutions_and_linear_layers_are_drawn_and_a_seed_repeats_it(name):
    first, second = drawn(name), drawn(name)
    other = drawn(name, seed=1)
    assert (first[1].weight == 7).all()
    for layer in (0, 2):
        assert torch.equal(first[layer].weight, second[layer].weight)
        assert not torch.equal(first[layer].weight, other[layer].weight)
        assert not (first[layer].weight == 7).any()


def test_unknown_name_is_refused():
    with pytest.raises(UsageError, match="'glorot' is unknown; use xavier, he, normal"):
        initialise(nn.Linear(2, 2), "glorot")
    with pytest.raises(UsageError, match="'glorot' is unknown"):
        GoogLeNet(replace(VARIANTS["small"], init="glorot"), 10, width=0.1)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("he", math.sqrt(2 / 147)), ("xavier", math.sqrt(2 / (147 + 64 * 49))), ("normal", 0.01)],
)
def test_network_is_drawn_as_its_variant_says(name, deviation):
    network = GoogLeNet(replace(VARIANTS["paper"], init=name), 10, heads=False)
    assert network.conv1.conv.weight.std().item() == pytest.approx(deviation, rel=0.05)
    assert network.fc.weight.std().item() != pytest.approx(1 / math.sqrt(3 * 1024), rel=0.1)
