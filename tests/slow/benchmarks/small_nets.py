"""Two popular GoogLeNets for CIFAR-10 by other authors, rebuilt from their published descriptions.

Both have no auxiliary heads. They are for comparisons, and stand in no lesson.
"""

import torch
from torch import nn

from googlenet_lib.network.blocks import ConvBlock, Inception
from googlenet_lib.network.table1 import INCEPTION_ROWS, Widths


def _conv(in_channels: int, out_channels: int, **geometry: int) -> nn.Module:
    """A convolution with bias and PyTorch's own BatchNorm, as both authors have it."""
    return ConvBlock(in_channels, out_channels, bias=True, eps=1e-5, **geometry)


def build_full_resolution() -> nn.Module:
    """Build the GoogLeNet of kuangliu/pytorch-cifar: Table 1 at 32, 16 and 8 pixels a side.

    (N, 3, 32, 32) -> (N, 10). One 3x3 convolution is the stem, and nothing is pooled before 3b. Two
    3x3s take the place of each 5x5.
    """
    layers: list[nn.Module] = [_conv(3, 192, kernel_size=3, padding=1)]
    channels = 192
    for row in INCEPTION_ROWS:
        module = Inception(channels, row.widths, conv_block=_conv)
        reduced, wide = row.widths.reduce_5x5, row.widths.out_5x5
        module.branch3 = nn.Sequential(
            _conv(channels, reduced, kernel_size=1),
            _conv(reduced, wide, kernel_size=3, padding=1),
            _conv(wide, wide, kernel_size=3, padding=1),
        )
        layers.append(module)
        channels = row.widths.out_channels
        if row.name in ("inception3b", "inception4e"):
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    return nn.Sequential(*layers)


# The eight modules of the university's tutorial: 1x1, 3x3 after its reduction, 5x5 after its, pool.
_TUTORIAL = (
    (Widths(16, 32, 32, 16, 8, 8), Widths(24, 32, 48, 16, 12, 12)),
    (
        Widths(24, 32, 48, 16, 12, 12),
        Widths(16, 32, 48, 16, 16, 16),
        Widths(16, 32, 48, 16, 16, 16),
        Widths(32, 32, 48, 16, 24, 24),
    ),
    (Widths(32, 48, 64, 16, 16, 16), Widths(32, 48, 64, 16, 16, 16)),
)


def build_tutorial() -> nn.Module:
    """Build the reduced GoogLeNet of UvA's deep learning tutorial 5, of eight modules.

    (N, 3, 32, 32) -> (N, 10). Convolutions begin with He's normal initialisation.
    """
    layers: list[nn.Module] = [_conv(3, 64, kernel_size=3, padding=1)]
    channels = 64
    for number, stage in enumerate(_TUTORIAL):
        if number:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        for widths in stage:
            layers.append(Inception(channels, widths, conv_block=_conv))
            channels = widths.out_channels
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network


if __name__ == "__main__":
    for build in (build_full_resolution, build_tutorial):
        made = build()
        weights = sum(weight.numel() for weight in made.parameters())
        print(build.__name__, f"{weights:,}", tuple(made(torch.zeros(2, 3, 32, 32)).shape))
