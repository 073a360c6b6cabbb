"""The folded network against the one it was folded from."""

import copy
from dataclasses import replace

import pytest
import torch
from networks import convolutions, enliven, error, parameters, pictures
from torch import nn

from googlenet_lib import VARIANTS, GoogLeNet, UsageError
from googlenet_lib.network.blocks import Inception
from googlenet_lib.network.fuse import FusedInception, fuse


@pytest.fixture(scope="module", params=VARIANTS)
def network(request):
    return enliven(GoogLeNet(VARIANTS[request.param], 10, width=0.1))


@pytest.fixture(scope="module")
def fused(network):
    return fuse(network)


@torch.no_grad()
def test_outputs_are_equal(network, fused):
    x = pictures(2, 224 if network.variant.name == "paper" else 64)
    outputs, expected = fused.all_outputs(x), network.all_outputs(x)
    for logits, wanted in zip(outputs, expected, strict=True):
        assert error(logits, wanted) < 1e-5
    assert torch.equal(fused(x), outputs.logits)


def test_three_convolutions_become_one_in_each_of_nine_modules(network, fused):
    heads = 2
    assert len(convolutions(network)) == 57 + heads
    assert len(convolutions(fused)) == 57 - 2 * 9 + heads
    modules = [module for module in fused.children() if isinstance(module, FusedInception)]
    assert len(modules) == 9
    assert not any(isinstance(module, Inception) for module in fused.modules())


def test_no_norm_is_left_and_every_convolution_has_a_bias(network, fused):
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    weights = sum(conv.weight.numel() + conv.out_channels for conv in convolutions(network))
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert parameters(fused) == weights + sum(parameters(layer) for layer in linear)


def test_network_itself_stays_as_it_is():
    network = enliven(GoogLeNet(VARIANTS["small"], 10, width=0.1))
    before = copy.deepcopy(network.state_dict())
    shape = str(network)
    folded = fuse(network)
    with torch.no_grad():
        for parameter in folded.parameters():
            parameter.zero_()
    assert str(network) == shape
    assert list(network.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_copy_is_for_evaluation(fused, network):
    assert not any(module.training for module in fused.modules())
    assert not any(parameter.requires_grad for parameter in fused.parameters())
    assert fused.num_classes == network.num_classes
    assert fused.variant == network.variant


def test_training_mode_is_refused():
    network = GoogLeNet(VARIANTS["small"], 10, width=0.1)
    with pytest.raises(UsageError, match=r"training mode; call model\.eval\(\) first"):
        fuse(network)
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@torch.no_grad()
def test_convolutions_without_biases_are_joined():
    bare = replace(VARIANTS["small"], batch_norm=False, head_batch_norm=False)
    network = enliven(GoogLeNet(bare, 10, width=0.1))
    assert network.conv1.conv.bias is None
    x = pictures(2, 32)
    assert error(fuse(network)(x), network(x)) < 1e-5


def test_another_normalisation_is_folded_or_refused():
    network = enliven(GoogLeNet(VARIANTS["classroom"], 10, width=0.1))
    x = pictures(2, 64)
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(network))
    assert error(fuse(synchronised)(x), network(x)) < 1e-5
    network.inception3a.branch1.bn = nn.GroupNorm(1, 6)
    with pytest.raises(UsageError, match="got a network with GroupNorm after a convolution"):
        fuse(network)


@torch.no_grad()
def test_without_heads_in_double_precision_and_twice():
    network = enliven(GoogLeNet(VARIANTS["small"], 10, heads=False, width=0.1)).double()
    x = pictures(2, 32).double()
    folded = fuse(network)
    assert all(parameter.dtype == torch.float64 for parameter in folded.parameters())
    assert error(folded(x), network(x)) < 1e-12
    assert torch.equal(fuse(folded)(x), folded(x))
