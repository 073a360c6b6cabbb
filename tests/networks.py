"""What the tests of networks share: networks that hide no layer, and how far off is equal."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.network.initialisation import initialise


def pictures(count: int, height: int, width: int | None = None, seed: int = 0) -> Tensor:
    """Blots of colour and some noise: (count, 3, height, width).

    Noise alone would not do: averaged over a picture, one is like the other.
    """
    generator = torch.Generator().manual_seed(seed)
    blots = torch.randn(count, 3, 4, 4, generator=generator)
    blots = F.interpolate(blots, size=(height, width or height), mode="bicubic")
    return blots + 0.1 * torch.randn(blots.shape, generator=generator)


@torch.no_grad()
def enliven(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights, biases and BatchNorms at random, in evaluation mode.

    A fresh network hides mistakes: its biases are 0, its BatchNorms do nothing, and weights of
    deviation 0.01 leave logits that hardly know the picture.
    """
    torch.manual_seed(seed)
    initialise(network, "he")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                tensor.uniform_(0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                tensor.normal_(std=0.1)
        elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            module.bias.normal_(std=0.1)
    return network.eval()


@torch.no_grad()
def error(logits: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the range of the expected logits."""
    assert logits.shape == expected.shape
    scale = expected.max() - expected.min()
    signal = (expected - expected.mean(0)).abs().max()
    assert signal > 0.01 * scale, "these logits do not know one picture from another"
    return float((logits - expected).abs().max() / scale)


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
