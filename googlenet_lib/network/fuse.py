"""Fold a network for speed: equal outputs by fewer and larger operations."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from googlenet_lib.errors import UsageError
from googlenet_lib.network.blocks import ConvBlock, Inception
from googlenet_lib.network.googlenet import GoogLeNet


class FusedInception(nn.Module):
    """An Inception module whose three 1x1 convolutions on the input are one.

    (N, in_channels, H, W) -> (N, out_channels, H, W), as the module it was made from.
    """

    def __init__(self, block: Inception) -> None:
        super().__init__()
        entrances = [block.branch1, block.branch2[0], block.branch3[0]]
        convolutions = [entrance.conv for entrance in entrances]
        self.widths = [conv.out_channels for conv in convolutions]
        self.entrance = ConvBlock(
            convolutions[0].in_channels,
            sum(self.widths),
            kernel_size=1,
            batch_norm=False,
            bias=True,
        ).to(convolutions[0].weight)
        biases = [
            conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias
            for conv in convolutions
        ]
        with torch.no_grad():
            self.entrance.conv.weight.copy_(torch.cat([conv.weight for conv in convolutions]))
            self.entrance.conv.bias.copy_(torch.cat(biases))
        self.conv_3x3 = block.branch2[1]
        self.conv_5x5 = block.branch3[1]
        self.pool_branch = block.branch4

    def forward(self, x: Tensor) -> Tensor:
        out_1x1, reduced_3x3, reduced_5x5 = self.entrance(x).split(self.widths, dim=1)
        branches = [
            out_1x1,
            self.conv_3x3(reduced_3x3),
            self.conv_5x5(reduced_5x5),
            self.pool_branch(x),
        ]
        return torch.cat(branches, dim=1)  # (N, out_channels, H, W)


def fuse(model: GoogLeNet) -> GoogLeNet:
    """Copy a network for evaluation: fold BatchNorm into convolutions, join 1x1s of one input.

    The outputs equal those of `model.eval()` up to rounding. The copy has no BatchNorm any more,
    so that it cannot be trained on; `model` itself stays as it is. Raises UsageError for a
    network in training mode, or with another normalisation in BatchNorm's place.
    """
    if model.training:
        raise UsageError(
            "fuse() got a network in training mode; call model.eval() first: folding fixes "
            "BatchNorm's statistics"
        )
    fused = copy.deepcopy(model)
    for block in [module for module in fused.modules() if isinstance(module, ConvBlock)]:
        _fold_batch_norm(block)
    for name, block in list(fused.named_children()):
        if isinstance(block, Inception):
            setattr(fused, name, FusedInception(block))
    return fused.eval().requires_grad_(False)


def _fold_batch_norm(block: ConvBlock) -> None:
    if isinstance(block.bn, nn.BatchNorm2d | nn.SyncBatchNorm):
        block.conv = fuse_conv_bn_eval(block.conv, block.bn)
        block.bn = nn.Identity()
    elif not isinstance(block.bn, nn.Identity):
        raise UsageError(
            f"fuse() got a network with {type(block.bn).__name__} after a convolution; expected "
            "BatchNorm2d, which becomes a part of it, or none"
        )
