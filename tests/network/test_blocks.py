"""The parts against the same arithmetic written out by hand."""

from dataclasses import asdict
from functools import partial

import pytest
import torch
from networks import convolutions, enliven, error, parameters
from torch import nn
from torch.nn import functional as F

from googlenet_lib.network import blocks
from googlenet_lib.network.blocks import AuxiliaryHead, ConvBlock, Inception, NaiveInception
from googlenet_lib.network.table1 import ROWS, Widths

WIDTHS = Widths(out_1x1=2, reduce_3x3=3, out_3x3=5, reduce_5x5=4, out_5x5=6, pool_proj=7)


@pytest.fixture
def maps():
    torch.manual_seed(0)
    return torch.randn(3, 8, 9, 11)


def block_by_hand(block, x):
    """Convolution, BatchNorm, ReLU from the tensors of a ConvBlock."""
    conv, norm = block.conv, block.bn
    x = F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)
    if isinstance(norm, nn.BatchNorm2d):
        mean, var, weight, bias = (
            tensor.view(1, -1, 1, 1)
            for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        x = (x - mean) / (var + norm.eps).sqrt() * weight + bias
    return x.clamp(min=0)


# ---- the convolution block -----------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_conv_block_is_convolution_then_norm_then_relu(maps, batch_norm, bias):
    block = ConvBlock(8, 5, batch_norm=batch_norm, bias=bias, kernel_size=3, stride=2, padding=1)
    out = enliven(block)(maps)
    assert out.shape == (3, 5, 5, 6)
    assert error(out, block_by_hand(block, maps)) < 1e-5
    assert out.min() == 0  # the ReLU comes last


def test_conv_block_normalises_what_the_convolution_gives():
    block = ConvBlock(8, 5, kernel_size=1).train()
    block.bn.bias.data.fill_(10.0)  # far enough from 0 for the ReLU to cut nothing off
    out = block(torch.randn(64, 8, 4, 4) * 3 + 2)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.full((5,), 10.0), rtol=0, atol=1e-3)
    torch.testing.assert_close(out.std((0, 2, 3)), torch.ones(5), rtol=0, atol=1e-2)


def test_conv_block_leaves_its_input_alone(maps):
    before = maps.clone()
    ConvBlock(8, 8, batch_norm=False, kernel_size=1)(maps)
    assert torch.equal(maps, before)


# ---- the Inception module ------------------------------------------------------------------------


@pytest.mark.parametrize("large_kernel", [3, 5, 7])
@torch.no_grad()
def test_inception_is_four_branches_side_by_side(maps, large_kernel):
    module = enliven(Inception(8, WIDTHS, large_kernel=large_kernel))
    pooled = F.max_pool2d(F.pad(maps, (1, 1, 1, 1), value=-torch.inf), 3, stride=1)
    branches = [
        block_by_hand(module.branch1, maps),
        block_by_hand(module.branch2[1], block_by_hand(module.branch2[0], maps)),
        block_by_hand(module.branch3[1], block_by_hand(module.branch3[0], maps)),
        block_by_hand(module.branch4[1], pooled),
    ]
    assert [branch.shape[1] for branch in branches] == [2, 5, 6, 7]
    out = module(maps)
    assert out.shape == (3, WIDTHS.out_channels, 9, 11)
    assert error(out, torch.cat(branches, dim=1)) < 1e-5


@pytest.mark.parametrize("large_kernel", [3, 5])
def test_every_width_goes_to_the_convolution_of_its_name(large_kernel):
    module = Inception(8, WIDTHS, large_kernel=large_kernel)
    shapes = {
        "out_1x1": module.branch1,
        "reduce_3x3": module.branch2[0],
        "out_3x3": module.branch2[1],
        "reduce_5x5": module.branch3[0],
        "out_5x5": module.branch3[1],
        "pool_proj": module.branch4[1],
    }
    kernels = {"out_3x3": 3, "out_5x5": large_kernel}
    for name, width in asdict(WIDTHS).items():
        conv = shapes[name].conv
        assert conv.out_channels == width, name
        assert conv.kernel_size == (kernels.get(name, 1),) * 2, name
    assert len(convolutions(module)) == 6


def test_parameters_of_inception3a():
    plain = partial(ConvBlock, batch_norm=False)
    assert parameters(Inception(192, ROWS["inception3a"].widths, conv_block=plain)) == 163_328
    biased = partial(plain, bias=True)
    assert parameters(Inception(192, ROWS["inception3a"].widths, conv_block=biased)) == 163_696


# ---- before the reductions -----------------------------------------------------------------------


@pytest.mark.parametrize("large_kernel", [3, 5])
@torch.no_grad()
def test_naive_module_passes_the_pooled_input_on(maps, large_kernel):
    module = enliven(NaiveInception(8, WIDTHS, large_kernel=large_kernel))
    branches = [block_by_hand(block, maps) for block in list(module.children())[:3]]
    branches.append(F.max_pool2d(F.pad(maps, (1, 1, 1, 1), value=-torch.inf), 3, stride=1))
    out = module(maps)
    assert out.shape == (3, 2 + 5 + 6 + 8, 9, 11)
    assert error(out, torch.cat(branches, dim=1)) < 1e-5
    assert [conv.kernel_size[0] for conv in convolutions(module)] == [1, 3, large_kernel]


# ---- the auxiliary head --------------------------------------------------------------------------


@pytest.fixture
def head():
    paper_pool = nn.AvgPool2d(5, stride=3)
    return enliven(AuxiliaryHead(8, 10, pool=paper_pool, conv_channels=6, hidden=12))


@torch.no_grad()
def test_head_is_pool_convolution_and_two_linear_layers(head):
    x = torch.randn(3, 8, 14, 14)
    windows = x.unfold(2, 5, 3).unfold(3, 5, 3)  # (N, 8, 4, 4, 5, 5)
    features = block_by_hand(head.conv, windows.mean((4, 5))).reshape(3, 6 * 16)
    hidden = (features @ head.fc1.weight.T + head.fc1.bias).clamp(min=0)
    logits = hidden @ head.fc2.weight.T + head.fc2.bias
    assert error(head(x), logits) < 1e-5


def test_head_pools_on_the_cpu_where_a_gpu_cannot(monkeypatch):
    """Apple's raise for maps whose sides 4 does not divide; here the CPU is taken for one."""
    head = enliven(AuxiliaryHead(8, 10, pool=nn.AdaptiveAvgPool2d(4), hidden=12))
    x = torch.randn(2, 8, 6, 6)
    expected = head(x)
    moved = []

    def to_cpu(tensor):
        moved.append(tensor.shape)
        return tensor.clone()

    monkeypatch.setattr(blocks, "REFUSE_UNEVEN", ("cpu",))
    monkeypatch.setattr(torch.Tensor, "cpu", to_cpu)
    assert torch.equal(head(x), expected)
    head(torch.randn(2, 8, 8, 8))
    assert moved == [x.shape]


@torch.no_grad()
def test_dropout_of_the_head_is_before_its_last_layer(head):
    x = torch.randn(3, 8, 14, 14)
    head.train().dropout.p = 1.0  # nothing passes
    assert torch.equal(head(x), head.fc2.bias.expand(3, 10))
    default = AuxiliaryHead(8, 10, pool=nn.AvgPool2d(5, stride=3))
    assert default.dropout.p == 0.7
