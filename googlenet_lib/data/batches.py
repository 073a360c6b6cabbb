"""Batches on the device: pictures live there as uint8 and are augmented a whole batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.errors import UsageError


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training picture; every picture draws its own."""

    flip: bool = False
    shift: int = 0  # pixels, in either direction, the border mirrored

    def __call__(self, images: Tensor, draw: torch.Generator) -> Tensor:
        """Augment (N, C, H, W) of any type; the draws come from `draw`, a CPU generator."""
        if self.shift:
            images = shifted(images, self.shift, draw)
        if self.flip:
            mirror = torch.rand(len(images), generator=draw) < 0.5
            mirror = mirror.to(images.device).view(-1, 1, 1, 1)
            images = torch.where(mirror, images.flip(3), images)
        return images


def shifted(images: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """Move each picture of (N, C, H, W) by its own -most to most pixels, mirroring the border."""
    count, channels, height, width = images.shape
    if most >= min(height, width):
        raise UsageError(f"a shift of {most} pixels came for pictures of {height}x{width}")
    offsets = torch.randint(-most, most + 1, (2, count, 1), generator=draw).to(images.device)
    rows = _mirrored(torch.arange(height, device=images.device) + offsets[0], height)  # (N, H)
    columns = _mirrored(torch.arange(width, device=images.device) + offsets[1], width)  # (N, W)
    picture = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=images.device).view(1, -1, 1, 1)
    return images[picture, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _mirrored(index: Tensor, length: int) -> Tensor:
    """Indices beyond either end, reflected at the outermost pixel."""
    return (length - 1) - ((length - 1) - index.abs()).abs()


class Batches:
    """One pass over an `ImageSet`, as normalised float32 batches with their labels.

    Yields (N, 3, H, W) and (N,), both on `device`. With `shuffle` every pass has an order of its
    own; it and the augmentation come from `generator`, whose state a checkpoint keeps. A last
    batch of one picture, which BatchNorm cannot train on, joins the batch before it.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        device: torch.device | str = "cpu",
        mean: tuple[float, ...] = (0.5, 0.5, 0.5),
        std: tuple[float, ...] = (0.5, 0.5, 0.5),
        augment: Augmentation | None = None,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
        channels_last: bool = False,
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"a batch size of {batch_size} came; expected at least 1")
        if shuffle and batch_size > len(images):
            raise UsageError(
                f"a batch of {batch_size} was asked for, but there are {len(images)} training "
                f"pictures; use --set batch_size={len(images)} or less, or more pictures"
            )
        self.images = images.images.to(device)
        self.labels = images.labels.to(device)
        self.batch_size = batch_size
        # (x / 255 - mean) / std, as one multiplication and one addition
        mean = torch.tensor(mean, device=device).view(1, 3, 1, 1)
        std = torch.tensor(std, device=device).view(1, 3, 1, 1)
        self.scale, self.offset = 1 / (255 * std), -mean / std
        self.augment = augment
        self.shuffle = shuffle
        self.generator = generator if generator is not None else torch.Generator().manual_seed(0)
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format

    def __len__(self) -> int:
        return len(self._sizes())

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.labels)
        if self.shuffle:
            order = torch.randperm(count, generator=self.generator).to(self.labels.device)
        else:
            order = torch.arange(count, device=self.labels.device)
        for which in order.split(self._sizes()):
            images = self.images[which]  # (N, 3, H, W), uint8
            if self.augment is not None:
                images = self.augment(images, self.generator)
            images = torch.addcmul(self.offset, images.float(), self.scale)
            yield images.contiguous(memory_format=self.memory_format), self.labels[which]

    def _sizes(self) -> list[int]:
        whole, rest = divmod(len(self.labels), self.batch_size)
        sizes = [self.batch_size] * whole
        if rest == 1 and sizes:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes
