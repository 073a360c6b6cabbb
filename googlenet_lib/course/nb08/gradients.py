"""Lesson 08: the gradients between the layers of a new GoogLeNet, for a picture of their sizes."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.variants import Variant

EVERY = 7  # of how many numbers one is kept, which is enough for a picture


def make_network(variant: Variant) -> GoogLeNet:
    """Make a GoogLeNet for ten classes, without heads; its weights have a deviation of 0.01."""
    torch.manual_seed(0)
    return GoogLeNet(replace(variant, init="normal"), 10, heads=False)


def sample_gradients(variant: Variant) -> Tensor:
    """Return a sample of the loss's gradients with respect to the outputs of all ConvBlocks."""
    network, caught = make_network(variant), []

    def watch(block: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.register_hook(lambda gradient: caught.append(gradient.flatten()[::EVERY]))

    for block in network.modules():
        if isinstance(block, ConvBlock):
            block.register_forward_hook(watch)
    loss_of(network).backward()
    return torch.cat(caught)


def loss_of(network: GoogLeNet) -> Tensor:
    """Return the loss of two random images: a seed with which some scaled gradients overflow."""
    torch.manual_seed(7)
    images = F.interpolate(torch.rand(2, 3, 32, 32), size=64)
    return F.cross_entropy(network(images).logits, torch.tensor([4, 7]))
