"""Batches on the device: pictures live there as uint8 and are augmented a whole batch at a time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from googlenet_lib.data.augment import Augmentation, Draws
from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.errors import UsageError


def normalise(
    images: Tensor, mean: Tensor | Sequence[float], std: Tensor | Sequence[float]
) -> Tensor:
    """Return (x / 255 - mean) / std, float32, of (..., 3, H, W) with values of 0 to 255.

    `mean` and `std` hold a number a channel.
    """
    mean, std = (torch.as_tensor(v, device=images.device).view(3, 1, 1) for v in (mean, std))
    return torch.addcmul(-mean / std, images.float(), 1 / (255 * std))


class Batches:
    """An `ImageSet` as normalised float32 batches with their labels, one pass an iteration.

    Yields (N, 3, H, W) and (N,), both on `device`. With `shuffle` every pass has an order of its
    own; it and the augmentation come from `generator`, whose state a checkpoint keeps. A last
    batch of one picture, which BatchNorm cannot train on, joins the batch before it; where there
    are fewer pictures than `batch_size`, all of them are one batch.

    Where several processes train one network, `rank` and `world_size` say which this is of how
    many. Given generators in the same state, each yields its share of the same batches, and every
    picture is augmented as it would be by one process alone.
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
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size < world_size or len(images) < world_size:
            each = f", one for each of {world_size} processes" if world_size > 1 else ""
            raise UsageError(
                f"a batch size of {batch_size} came for {len(images)} pictures; expected at least "
                f"{world_size} of both{each}"
            )
        self._hold(images, torch.device(device))
        self.batch_size = batch_size
        self.mean, self.std = (torch.tensor(v, device=device) for v in (mean, std))
        self.augment = augment
        self.shuffle = shuffle
        self.generator = generator if generator is not None else torch.Generator().manual_seed(0)
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return len(self.sizes())

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels, draws in self._pictures(self._plan()):
            if draws:
                images = self.augment(images, draws)
            images = normalise(images, self.mean, self.std)  # (N, 3, H, W)
            yield images.contiguous(memory_format=self.memory_format), labels

    def _hold(self, images: ImageSet, device: torch.device) -> None:
        self.images, self.labels = images.images.to(device), images.labels.to(device)

    def _plan(self) -> Iterator[tuple[Tensor, Draws]]:
        """Yield this process's share of each batch: which pictures, and what happens to them."""
        count = len(self.labels)
        order = torch.arange(count)
        if self.shuffle:
            order = torch.randperm(count, generator=self.generator)
        own = slice(self.rank, None, self.world_size)
        for which in order.to(self.labels.device).split(self.sizes()):
            draws = self.augment.draw(len(which), self.generator) if self.augment else {}
            yield which[own], {name: drawn[own] for name, drawn in draws.items()}

    def _pictures(
        self, plan: Iterator[tuple[Tensor, Draws]]
    ) -> Iterator[tuple[Tensor, Tensor, Draws]]:
        """Yield for each batch uint8 (N, 3, H, W), labels (N,) and draws that are still due."""
        for which, draws in plan:
            yield self.images[which], self.labels[which], draws

    def sizes(self) -> list[int]:
        """Return the number of pictures in each batch, all processes together."""
        whole, rest = divmod(len(self.labels), self.batch_size)
        sizes = [self.batch_size] * whole
        if rest < 2 * self.world_size and sizes:  # a process would get one picture, or none
            sizes[-1] += rest
        elif rest:
            sizes.append(rest)
        return sizes
