"""What the tests of data and training share: tiny data sets, in memory and as files."""

import hashlib
import os
import pickle
import re
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from googlenet_lib.data import CIFAR10_CLASSES, Data, ImageSet, cifar10

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def _can_link() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder, "link").symlink_to("nowhere")
        except OSError:
            return False
    return True


CAN_LINK = _can_link()  # Windows asks for a right of its own
CAN_PIPE = hasattr(os, "mkfifo")
SLASH = re.escape(os.sep)  # in patterns of what is said of paths


def image_set(count: int, *, classes: int = 3, size: int = 8, seed: int = 0) -> ImageSet:
    """Noise on a brightness that the class decides; the classes take turns."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    noise = torch.randint(0, 40, (count, 3, size, size), generator=draw)
    brightness = labels.view(-1, 1, 1, 1) * (200 // classes)
    return ImageSet((noise + brightness).to(torch.uint8), labels)


def tiny_data(
    train: int = 24, validation: int = 12, test: int = 12, *, classes: int = 3, size: int = 8
) -> Data:
    """A data set that takes no time to train on."""
    sides = [
        image_set(count, classes=classes, size=size, seed=seed)
        for seed, count in enumerate((train, validation, test))
    ]
    return Data("tiny", tuple("abcdefghij"[:classes]), *sides, checksum="0" * 64)


def noise_picture(seed: int, size: tuple[int, int] = (32, 32)) -> Image.Image:
    """An RGB picture of noise, other for each seed; `size` is width and height."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def write_class_folders(
    root: Path,
    classes: tuple[str, ...] = CIFAR10_CLASSES,
    count: int = 1,
    *,
    suffix: str = ".png",
    size: tuple[int, int] = (32, 32),
    seed: int = 0,
    **save: object,
) -> np.ndarray:
    """Write `count` pictures a class; their pixels, (N, height, width, 3), classes in order."""
    pictures = []
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(count):
            pictures.append(noise_picture(seed * 1000 + len(pictures), size))
            pictures[-1].save(root / name / f"{number:04}{suffix}", **save)
    return np.stack([np.asarray(picture) for picture in pictures])


def write_cifar10_batches(folder: Path, per_batch: int = 10, numpy_1: bool = False) -> np.ndarray:
    """Write tiny official batches; the pixels of all six, (N, 3, 32, 32)."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (6 * per_batch, 3072), dtype=np.uint8)
    for name, rows in zip(BATCHES, np.split(pixels, 6), strict=True):
        batch = {
            b"batch_label": b"a batch",
            b"labels": [row % 10 for row in range(per_batch)],
            b"data": rows,
            b"filenames": [b"picture.png"] * per_batch,
        }
        content = pickle.dumps(batch, protocol=2)
        # the module that arrays are rebuilt by was renamed in NumPy 2
        old, new = b"numpy.core.multiarray", b"numpy._core.multiarray"
        content = content.replace(new, old) if numpy_1 else content.replace(old, new)
        (folder / name).write_bytes(content)
    return pixels.reshape(-1, 3, 32, 32)


def take_as_official(monkeypatch, folder: Path) -> None:
    """Let the batches in `folder` pass for those that are published."""
    sums = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in BATCHES}
    monkeypatch.setattr(cifar10, "OFFICIAL_MD5", sums)
