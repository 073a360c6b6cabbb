"""Data sets in memory: uint8 pictures, whole-number labels, class names, three sides."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from googlenet_lib.errors import UsageError

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True)
class ImageSet:
    """Pictures and their labels: uint8 (N, 3, H, W) of 0 to 255, and int64 (N,).

    Raises UsageError for other types and shapes.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if self.images.dim() != 4 or shape[1] != 3 or self.images.dtype != torch.uint8:
            raise UsageError(
                f"pictures came as {self.images.dtype} with shape {shape}; expected torch.uint8 "
                "with shape (N, 3, height, width) and values of 0 to 255"
            )
        if self.labels.shape != shape[:1] or self.labels.dtype != torch.int64:
            raise UsageError(
                f"labels came as {self.labels.dtype} with shape {tuple(self.labels.shape)}; "
                f"expected torch.int64 with shape ({shape[0]},), one for each picture"
            )

    @property
    def image_size(self) -> int:
        """Return the pixels a side."""
        return self.images.shape[-1]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: Tensor | slice) -> "ImageSet":
        here = self.images.device.type == "cpu"
        if here and isinstance(which, Tensor) and which.dtype == torch.int64:
            # the same as indexing by torch, in a quarter of the time, for splits of large sets
            pictures = torch.from_numpy(self.images.numpy()[which.numpy()])
        else:
            pictures = self.images[which]
        return ImageSet(pictures, self.labels[which])

    def digest(self) -> str:
        """Return a sha256 of pixels and labels: the same pictures give the same digest."""
        digest = hashlib.sha256(self.images.cpu().contiguous().numpy())
        digest.update(self.labels.cpu().contiguous().numpy())
        return digest.hexdigest()


@dataclass(frozen=True)
class Data:
    """A data set in three parts. `checksum` covers all of it, whatever the split."""

    name: str
    classes: tuple[str, ...]
    train: ImageSet
    validation: ImageSet
    test: ImageSet
    checksum: str
    mirrors: bool = True  # is a picture's mirror image still of its class?
    note: str = ""  # what a reader of a result must know about these pictures
    flat: bool = False  # a folder without sides, from which the test side was drawn as well
    how: dict[str, Any] = field(default_factory=dict)  # the options that decided the sides

    def __post_init__(self) -> None:
        for side in ("train", "validation", "test"):
            labels = getattr(self, side).labels
            if len(labels) == 0:
                raise UsageError(f"the {side} side of {self.name} holds no picture")
            low, high = int(labels.min()), int(labels.max())
            if low < 0 or high >= len(self.classes):
                raise UsageError(
                    f"labels of {low} to {high} came on the {side} side of {self.name}; expected "
                    f"0 to {len(self.classes) - 1}, one for each of {len(self.classes)} classes"
                )

    @property
    def image_size(self) -> int:
        """Return the pixels a side."""
        return self.train.image_size

    def with_note(self, note: str) -> "Data":
        """Return the same data with a note, such as "JPEG q75", which its name shows."""
        return replace(self, name=f"{self.name}, {note}", note=note)

    def limit(self, count: int) -> "Data":
        """Return the same data with at most `count` pictures a side, at even distances."""
        if not isinstance(count, int) or count < 1:
            raise UsageError(f"a limit of {count} pictures came; expected a whole number from 1 on")

        def thin(side: ImageSet) -> ImageSet:
            # a side may be sorted by class, so that its first pictures would be all of one
            fewer = min(count, len(side))
            return side[torch.arange(fewer) * len(side) // fewer]

        sides = {side: thin(getattr(self, side)) for side in ("train", "validation", "test")}
        return replace(self, how=self.how | {"limit": count}, **sides)


def combine_checksums(*sides: ImageSet) -> str:
    """Return one sha256 over several sides, in the order given."""
    return hashlib.sha256("".join(side.digest() for side in sides).encode()).hexdigest()


def split_validation(
    everything: ImageSet, count: int, *, seed: int = 0, stratified: bool = False
) -> tuple[ImageSet, ImageSet]:
    """Set `count` pictures aside: (the rest, those set aside).

    They are a plain seeded draw, or with `stratified` the same share of every class. Of each class
    at least one picture is left; raises UsageError where that cannot be.
    """
    classes = len(everything.labels.unique())
    if not 0 < count <= len(everything) - classes:
        raise UsageError(
            f"{count} pictures were to be set aside out of {len(everything)}; expected at least 1, "
            f"and that one of each of {classes} classes is left to train on: add pictures"
        )
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(seed))
    if stratified:
        order = order[_interleave(everything.labels[order])]
    order = _keep_every_class(order, everything.labels, count)
    return everything[order[:-count]], everything[order[-count:]]


def _keep_every_class(order: Tensor, labels: Tensor, count: int) -> Tensor:
    """Change `order` where all pictures of a class would be among the last `count`."""
    drawn = labels[order].tolist()
    left = Counter(drawn[:-count])
    order = order.clone()
    for here in range(len(drawn) - count, len(drawn)):
        if left[drawn[here]]:
            continue
        spare = max(i for i in range(len(drawn) - count) if left[drawn[i]] > 1)
        left.subtract([drawn[spare]])
        left.update([drawn[here]])
        drawn[here], drawn[spare] = drawn[spare], drawn[here]
        order[[here, spare]] = order[[spare, here]]
    return order


def _interleave(labels: Tensor) -> Tensor:
    """Order positions so that each stretch holds every class by its share."""
    position = torch.zeros(len(labels), dtype=torch.float64)
    for label in labels.unique():
        members = labels == label
        size = int(members.sum())
        # spread a class evenly over [0, 1); all classes then interleave by their shares
        position[members] = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    return position.argsort(stable=True)
