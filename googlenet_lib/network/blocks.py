"""The parts of GoogLeNet: a convolution block, the Inception module, the auxiliary head.

Submodules carry torchvision's names, so that its weights load as they are.
Source: Szegedy et al., 2014 (arXiv:1409.4842), Figures 2 and 3 and section 5.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from googlenet_lib.errors import UsageError
from googlenet_lib.network.table1 import Widths

HEAD_MAP = 4  # an auxiliary head averages its input down to 4x4
REFUSE_UNEVEN = ("mps",)  # devices that raise for it: pytorch#192413


class ConvBlock(nn.Module):
    """Convolution, BatchNorm unless `batch_norm=False`, ReLU.

    (N, in_channels, H, W) -> (N, out_channels, H', W'). Further arguments (`kernel_size`,
    `stride`, `padding`) are those of `nn.Conv2d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        batch_norm: bool = True,
        bias: bool = False,
        eps: float = 1e-3,
        **geometry: int,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=bias, **geometry)
        self.bn = nn.BatchNorm2d(out_channels, eps=eps) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class NaiveInception(nn.Module):
    """The Inception module before its 1x1 reductions (Figure 2a).

    (N, in_channels, H, W) -> (N, out_1x1 + out_3x3 + out_5x5 + in_channels, H, W): the pooling
    branch keeps all channels, so every module is wider than the one before it.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Widths,
        *,
        large_kernel: int = 5,
        conv_block: Callable[..., nn.Module] = ConvBlock,
    ) -> None:
        super().__init__()
        self.branch1 = conv_block(in_channels, widths.out_1x1, kernel_size=1)
        self.branch2 = conv_block(in_channels, widths.out_3x3, kernel_size=3, padding=1)
        self.branch3 = conv_block(
            in_channels, widths.out_5x5, kernel_size=large_kernel, padding=large_kernel // 2
        )
        self.branch4 = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(branches, dim=1)  # (N, out_channels, H, W)


class Inception(nn.Module):
    """Four branches over one input, concatenated along the channels (Figure 2b).

    (N, in_channels, H, W) -> (N, widths.out_channels, H, W). `large_kernel` is the kernel of
    the branch that the paper calls 5x5; torchvision has a 3x3 there.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Widths,
        *,
        large_kernel: int = 5,
        conv_block: Callable[..., nn.Module] = ConvBlock,
    ) -> None:
        super().__init__()
        self.branch1 = conv_block(in_channels, widths.out_1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            conv_block(in_channels, widths.reduce_3x3, kernel_size=1),
            conv_block(widths.reduce_3x3, widths.out_3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            conv_block(in_channels, widths.reduce_5x5, kernel_size=1),
            conv_block(
                widths.reduce_5x5,
                widths.out_5x5,
                kernel_size=large_kernel,
                padding=large_kernel // 2,
            ),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            conv_block(in_channels, widths.pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        branches = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(branches, dim=1)  # (N, out_channels, H, W)


class AuxiliaryHead(nn.Module):
    """A small classifier on an inner feature map, used in training alone (section 5).

    (N, in_channels, H, W) -> (N, num_classes). `pool` brings the map to 4x4. The paper's is
    `nn.AvgPool2d(5, stride=3)`, which does so for maps of 14 to 16 pixels alone.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        pool: nn.Module,
        dropout: float = 0.7,
        conv_channels: int = 128,
        hidden: int = 1024,
        conv_block: Callable[..., nn.Module] = ConvBlock,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.conv = conv_block(in_channels, conv_channels, kernel_size=1)
        self.fc1 = nn.Linear(conv_channels * HEAD_MAP * HEAD_MAP, hidden)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if torch.jit.is_scripting():
            x = self.pool(x)
        else:
            _check_head_map(x, self.pool)
            x = _pool_anywhere(x, self.pool)
        x = self.conv(x)  # (N, conv_channels, 4, 4)
        x = torch.flatten(x, 1)  # (N, conv_channels * 16)
        x = F.relu(self.fc1(x), inplace=True)  # (N, hidden)
        return self.fc2(self.dropout(x))  # (N, num_classes)


def _pool_anywhere(x: Tensor, pool: nn.Module) -> Tensor:
    """Pool a map; on the CPU where its sides have no whole share of 4 and a GPU refuses that."""
    refuses = x.device.type in REFUSE_UNEVEN and isinstance(pool, nn.AdaptiveAvgPool2d)
    if refuses and any(side % HEAD_MAP for side in x.shape[2:]):
        return pool(x.cpu()).to(x.device)
    return pool(x)


def _check_head_map(x: Tensor, pool: nn.Module) -> None:
    if not isinstance(pool, nn.AvgPool2d):
        return  # adaptive: any map will do
    height, width = ((side - pool.kernel_size) // pool.stride + 1 for side in x.shape[2:])
    if (height, width) != (HEAD_MAP, HEAD_MAP):
        raise UsageError(
            f"an auxiliary head got a map of {x.shape[2]}x{x.shape[3]} pixels, which its average "
            f"pooling takes to {height}x{width}; expected 14 to 16 pixels a side, so that 4x4 are "
            "left (pictures of 223 to 270 pixels). Use pictures of 224x224, or heads=False, or a "
            'variant that pools adaptively: "torchvision", "classroom" or "small"'
        )
