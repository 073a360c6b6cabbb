"""The network: GoogLeNet, built from the rows of Table 1.

The paper's network, torchvision's, the classroom's and the small one differ in data alone, which
stands in `variants.py`; the class below has no other switches.
Source: Szegedy et al., 2014 (arXiv:1409.4842), Table 1, Figure 3 and section 5.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple, Optional

import torch
from torch import Tensor, nn

from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import match_names
from googlenet_lib.network.blocks import AuxiliaryHead, ConvBlock, Inception
from googlenet_lib.network.initialisation import initialise
from googlenet_lib.network.table1 import HEADS, INCEPTION_ROWS, ROWS, Widths
from googlenet_lib.network.variants import PAPER, WIDEST, Variant


class GoogLeNetOutput(NamedTuple):
    """Logits of the classifier and of the heads after 4d and 4a; None where there is no head."""

    logits: Tensor
    aux_logits2: Optional[Tensor]  # noqa: UP045 (TorchScript reads Optional only)
    aux_logits1: Optional[Tensor]  # noqa: UP045


class GoogLeNet(nn.Module):
    """GoogLeNet: stem, nine Inception modules, classifier, two auxiliary heads.

    `forward` takes (N, 3, H, W) floating-point pictures. In training mode it returns a
    `GoogLeNetOutput`, in evaluation mode the logits (N, num_classes) alone;
    `all_outputs` returns the `GoogLeNetOutput` in either mode.

    `width` multiplies the variant's channels. `transform_input=True` expects pictures
    normalised with ImageNet's statistics. It moves them to mean 0.5 and standard deviation 0.5,
    on which torchvision's weights were trained.
    """

    def __init__(
        self,
        variant: Variant = PAPER,
        num_classes: int = 1000,
        *,
        heads: bool = True,
        width: float = 1.0,
        transform_input: bool = False,
    ) -> None:
        super().__init__()
        _check_arguments(variant, num_classes, width)
        self.variant = variant
        self.width = float(width)  # no number of NumPy's, which files cannot hold
        self.transform_input = transform_input
        scale = partial(_scaled, factor=variant.width * width)
        conv = partial(
            ConvBlock, batch_norm=variant.batch_norm, bias=variant.conv_bias, eps=variant.eps
        )
        pool = partial(nn.MaxPool2d, stride=2, ceil_mode=True)

        kernel = variant.stem_kernel
        channels = scale(ROWS["conv1"].channels)
        self.conv1 = conv(
            3, channels, kernel_size=kernel, stride=variant.stem_stride, padding=kernel // 2
        )
        self.maxpool1 = pool(3) if variant.stem_pools[0] else nn.Identity()
        self.lrn1 = _local_response_norm() if variant.local_response_norm else nn.Identity()
        reduced = scale(ROWS["conv2"].reduce)
        self.conv2 = conv(channels, reduced, kernel_size=1)
        channels = scale(ROWS["conv2"].channels)
        self.conv3 = conv(reduced, channels, kernel_size=3, padding=1)
        self.lrn2 = _local_response_norm() if variant.local_response_norm else nn.Identity()
        self.maxpool2 = pool(3) if variant.stem_pools[1] else nn.Identity()

        self.maxpool3 = pool(3)
        self.maxpool4 = pool(variant.maxpool4_kernel)
        inputs_of_heads = {}
        for row in INCEPTION_ROWS:
            widths = _scaled_widths(row.widths, variant.width * width, variant.reduction)
            block = Inception(channels, widths, large_kernel=variant.large_kernel, conv_block=conv)
            self.add_module(row.name, block)
            channels = widths.out_channels
            inputs_of_heads[row.name] = channels

        self.aux1, self.aux2 = (
            AuxiliaryHead(
                inputs_of_heads[head.after],
                num_classes,
                pool=nn.AdaptiveAvgPool2d(head.pooled_size)
                if variant.adaptive_head_pool
                else nn.AvgPool2d(head.pool_kernel, head.pool_stride),
                dropout=variant.head_dropout,
                conv_channels=scale(head.conv_channels),
                hidden=scale(head.hidden),
                conv_block=partial(
                    ConvBlock,
                    batch_norm=variant.head_batch_norm,
                    bias=not variant.head_batch_norm,
                    eps=variant.eps,
                ),
            )
            if heads
            else None
            for head in HEADS
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(variant.dropout)
        self.fc = nn.Linear(channels, num_classes)
        initialise(self, variant.init)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.fc.out_features

    def all_outputs(self, x: Tensor) -> GoogLeNetOutput:
        """Return the logits of the classifier and of both heads, in either mode.

        `x` is (N, 3, H, W); each of the three results is (N, num_classes), or None for a head
        that is not there.
        """
        return self._outputs(x, True)

    def forward(self, x: Tensor) -> GoogLeNetOutput:
        if torch.jit.is_scripting():
            return self._outputs(x, self.training)
        return self._eager(x)

    # TorchScript wants one return type, so that a scripted network always returns the tuple.
    @torch.jit.unused
    def _eager(self, x: Tensor) -> GoogLeNetOutput:
        outputs = self._outputs(x, self.training)
        return outputs if self.training else outputs.logits

    def _outputs(self, x: Tensor, with_heads: bool) -> GoogLeNetOutput:
        """Run the network. The sizes beside it are the paper's, for 224x224 and width 1."""
        if not torch.jit.is_scripting():
            self._check_input(x)
        if self.transform_input:
            x = _recentred(x)
        # stem
        x = self.conv1(x)  # (N, 64, 112, 112)
        x = self.lrn1(self.maxpool1(x))  # (N, 64, 56, 56)
        x = self.conv2(x)  # (N, 64, 56, 56)
        x = self.conv3(x)  # (N, 192, 56, 56)
        x = self.maxpool2(self.lrn2(x))  # (N, 192, 28, 28)
        # body
        x = self.inception3a(x)  # (N, 256, 28, 28)
        x = self.inception3b(x)  # (N, 480, 28, 28)
        x = self.maxpool3(x)  # (N, 480, 14, 14)
        x = self.inception4a(x)  # (N, 512, 14, 14)
        aux1: Optional[Tensor] = None  # noqa: UP045
        if self.aux1 is not None and with_heads:
            aux1 = self.aux1(x)  # (N, num_classes)
        x = self.inception4b(x)  # (N, 512, 14, 14)
        x = self.inception4c(x)  # (N, 512, 14, 14)
        x = self.inception4d(x)  # (N, 528, 14, 14)
        aux2: Optional[Tensor] = None  # noqa: UP045
        if self.aux2 is not None and with_heads:
            aux2 = self.aux2(x)  # (N, num_classes)
        x = self.inception4e(x)  # (N, 832, 14, 14)
        x = self.maxpool4(x)  # (N, 832, 7, 7)
        x = self.inception5a(x)  # (N, 832, 7, 7)
        x = self.inception5b(x)  # (N, 1024, 7, 7)
        # classifier
        x = torch.flatten(self.avgpool(x), 1)  # (N, 1024)
        logits = self.fc(self.dropout(x))  # (N, num_classes)
        return GoogLeNetOutput(logits, aux2, aux1)

    @torch.jit.unused
    def _check_input(self, x: Tensor) -> None:
        smallest = self.variant.smallest
        if x.dim() != 4 or x.shape[1] != 3:
            hint = "; for one picture, add the batch: x[None]" if x.dim() == 3 else ""
            raise UsageError(
                f"pictures came with shape {tuple(x.shape)}; expected (N, 3, height, width){hint}"
            )
        if min(x.shape[2:]) < smallest:
            raise UsageError(
                f"pictures came with {x.shape[2]}x{x.shape[3]} pixels; the {self.variant.name!r} "
                f"variant needs at least {smallest}x{smallest}, or its pooling has nothing left"
            )
        if not x.is_floating_point():
            raise UsageError(
                f"pictures came as {x.dtype}; expected floating point, normalised: for pixels of "
                "0 to 255, (x.float() / 255 - mean) / std"
            )
        dtype = self.conv1.conv.weight.dtype
        if x.dtype == torch.float64 and dtype != torch.float64:
            raise UsageError(f"pictures came as {x.dtype}, the weights are {dtype}; use x.float()")

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *args, **options):
        """Load weights as torch does; names that DataParallel or torch.compile gave fit, too."""
        return super().load_state_dict(match_names(state_dict, self.state_dict()), *args, **options)

    def replace_classifier(self, num_classes: int) -> "GoogLeNet":
        """Give the network new last layers for `num_classes`, in place; the rest stays."""
        _check_classes(num_classes)
        heads = [head for head in (self.aux1, self.aux2) if head is not None]
        old = [self.fc] + [head.fc2 for head in heads]
        new = [
            nn.Linear(layer.in_features, num_classes).to(layer.weight.device, layer.weight.dtype)
            for layer in old
        ]
        for layer in new:
            initialise(layer, self.variant.init)
        self.fc = new[0]
        for head, layer in zip(heads, new[1:], strict=True):
            head.fc2 = layer
        return self

    def remove_heads(self) -> "GoogLeNet":
        """Drop the auxiliary heads, in place, as the paper does after training."""
        self.aux1 = self.aux2 = None
        return self


def _local_response_norm() -> nn.LocalResponseNorm:
    # Figure 3 places it; the constants are Caffe's, since the paper does not give them.
    return nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75)


def _scaled(channels: int, factor: float) -> int:
    return max(1, round(channels * factor))


def _scaled_widths(widths: Widths, factor: float, reduction: float) -> Widths:
    scaled = {name: _scaled(channels, factor) for name, channels in vars(widths).items()}
    for name in ("reduce_3x3", "reduce_5x5"):
        scaled[name] = _scaled(getattr(widths, name), factor * reduction)
    return Widths(**scaled)


def _recentred(x: Tensor) -> Tensor:
    """Move pictures from ImageNet's mean and standard deviation to 0.5 and 0.5."""
    red = x[:, 0:1] * (0.229 / 0.5) + (0.485 - 0.5) / 0.5  # (N, 1, H, W)
    green = x[:, 1:2] * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
    blue = x[:, 2:3] * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
    return torch.cat([red, green, blue], dim=1)  # (N, 3, H, W)


def _check_classes(num_classes: int) -> None:
    if type(num_classes) is not int or num_classes < 1:  # True is an int too, by isinstance
        raise UsageError(f"num_classes came as {num_classes!r}; expected a whole number from 1 on")


def _check_arguments(variant: Variant, num_classes: int, width: float) -> None:
    _check_classes(num_classes)
    if not isinstance(variant, Variant):
        raise UsageError(
            f"variant came as {variant!r}; expected a Variant: googlenet({variant!r}) takes names, "
            "and VARIANTS holds all"
        )
    if not isinstance(width, int | float) or not 0 < width * variant.width <= WIDEST:
        most = f"; {variant.name} has {variant.width:g} by itself" if variant.width != 1 else ""
        raise UsageError(
            f"width came as {width!r}; expected a factor above 0, such as 0.5 or 1.0, that makes "
            f"at most {WIDEST} times Table 1's channels{most}"
        )
