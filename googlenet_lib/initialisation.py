"""How weights are drawn before training starts, by name."""

import torch
from torch import Tensor, nn

from googlenet_lib.errors import UsageError


def _zero_bias(layer: nn.Module) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _xavier(layer: nn.Module) -> None:
    nn.init.xavier_uniform_(layer.weight)
    _zero_bias(layer)


def _he(layer: nn.Module) -> None:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    _zero_bias(layer)


def _normal(layer: nn.Module) -> None:
    nn.init.normal_(layer.weight, std=0.01)
    _zero_bias(layer)


def _truncated_normal(layer: nn.Module) -> None:
    # torchvision's own; the bounds lie 200 deviations out and never bite.
    nn.init.trunc_normal_(layer.weight, mean=0.0, std=0.01, a=-2, b=2)


def _torch_default(layer: nn.Module) -> None:
    layer.reset_parameters()


INITIALISATIONS = {
    "xavier": _xavier,  # Glorot and Bengio, 2010
    "he": _he,  # He et al., 2015
    "normal": _normal,  # deviation 0.01
    "truncated_normal": _truncated_normal,
    "torch": _torch_default,
}


def initialise(network: nn.Module, name: str) -> None:
    """Draw the weights of every convolution and linear layer anew, by a name above. In place."""
    if name not in INITIALISATIONS:
        raise UsageError(f"initialisation {name!r} is unknown; use {', '.join(INITIALISATIONS)}")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            INITIALISATIONS[name](layer)


@torch.no_grad()
def whiten_first_convolution(network: nn.Module, images: Tensor) -> None:
    """Set the first convolution to the main directions of the patches that it sees, and freeze it.

    Each direction comes with its negative, since ReLU would drop one half of what it finds; where
    there are filters left, they stay as drawn. BatchNorm behind it then makes the channels equally
    large and uncorrelated: a whitening. `images` are (N, C, H, W), as the network gets them.
    Source: Page, 2019, "How to train your ResNet"; with negatives: Jordan, 2024, arXiv:2404.00498.
    """
    convolution = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
    weight = convolution.weight
    filters, channels, height, width = weight.shape
    patches = images.float().unfold(2, height, 1).unfold(3, width, 1)  # (N, C, rows, columns, h, w)
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * height * width)
    patches = patches - patches.mean(0)
    _, directions = torch.linalg.eigh(patches.T @ patches / len(patches))  # ascending, in columns
    count = min(filters // 2, directions.shape[1])
    main = directions.T.flip(0)[:count].view(count, channels, height, width)
    weight[: 2 * count] = torch.cat([main, -main]).to(weight)
    weight.requires_grad_(False)
