"""Pictures from files: folders of class folders, and CIFAR-10's official batches."""

import io
import pickle
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from googlenet_lib.data.imageset import CIFAR10_CLASSES, ImageSet
from googlenet_lib.errors import UsageError
from googlenet_lib.platforms import progress_bar, usable_cores

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff"}
MOST_BYTES = 4 * 2**30  # of decoded pictures, held in memory
CIFAR10_BATCHES = "cifar-10-batches-py"


def class_folders(root: Path) -> tuple[str, ...]:
    """The names of the class folders under `root`, sorted: a class for each."""
    return tuple(
        sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    )


def picture_files(root: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The pictures `root/<class>/*` with their labels, in the order of their names."""
    return [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((root / name).iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]


def read_class_folders(
    root: Path, classes: tuple[str, ...], *, size: int | None = None
) -> tuple[ImageSet, list[str]]:
    """Decode `root/<class>/*`: (pictures of size x size, what was skipped and why).

    Without `size`, the first picture's is taken if it is square and at most 256 pixels, else 224.
    """
    files = picture_files(root, classes)
    if not files:
        raise UsageError(
            f"no picture was found in the class folders of {root}; expected files such as "
            f"{root / classes[0] / 'picture.jpg'}"
        )
    if size is None:
        size = _natural_size(path for path, _ in files)
    if len(files) * 3 * size * size > MOST_BYTES:
        raise UsageError(
            f"{len(files):,} pictures of {size}x{size} in {root} would take "
            f"{len(files) * 3 * size * size / 2**30:.1f} GiB of memory; choose a smaller --size "
            f"(at most {MOST_BYTES / 2**30:.0f} GiB are used)"
        )

    def decoded(path: Path) -> np.ndarray | str:
        try:
            return decode_picture(path, size)
        except UsageError as error:
            return str(error)

    pictures, labels, skipped = [], [], []
    with ThreadPoolExecutor(usable_cores()) as pool:
        results = pool.map(decoded, (path for path, _ in files))
        progress = progress_bar(results, total=len(files), desc=f"reading {root.name}")
        for (_, label), result in zip(files, progress, strict=True):
            if isinstance(result, str):
                skipped.append(result)
            else:
                pictures.append(result)
                labels.append(label)
    if not pictures:
        raise UsageError(f"no picture in {root} could be read; the first fault: {skipped[0]}")
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return ImageSet(images, torch.tensor(labels)), skipped


def decode_picture(path: Path, size: int) -> np.ndarray:
    """One picture file as uint8 RGB (size, size, 3): shorter side resized, middle cropped."""
    picture = open_picture(path)
    if picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def open_picture(path: Path) -> Image.Image:
    """A picture file, turned upright and in RGB."""
    try:
        with Image.open(path) as opened:
            return upright(opened)
    except Exception as error:  # PIL's decoders raise many kinds; each means the same here
        raise UsageError(f"{path} could not be read as a picture: {error}") from error


def upright(picture: Image.Image) -> Image.Image:
    """A picture as its camera was held, in RGB."""
    return ImageOps.exif_transpose(picture).convert("RGB")


def _natural_size(paths: Iterable[Path]) -> int:
    for path in paths:
        try:
            with Image.open(path) as picture:
                width, height = picture.size
        except OSError:
            continue
        return width if width == height <= 256 else 224
    return 224


def jpeg_quality(path: Path) -> int | None:
    """The quality (1 to 100) that a JPEG file was saved with; None for any other file."""
    try:
        with Image.open(path) as picture:
            tables = getattr(picture, "quantization", None)
    except OSError:
        return None
    return _qualities().get(tuple(tables[0])) if tables else None


@cache
def _qualities() -> dict[tuple[int, ...], int]:
    """The quantisation table of each quality, as the JPEG library itself writes it."""
    tables = {}
    for quality in range(1, 101):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
        tables[tuple(Image.open(buffer).quantization[0])] = quality
    return tables


class _ArraysOnly(pickle.Unpickler):
    """CIFAR-10's batches are pickles. Only what an array needs is let through."""

    ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no picture needs")
        return super().find_class(module, name)


def read_cifar10_batches(folder: Path) -> tuple[ImageSet, ImageSet]:
    """CIFAR-10 as published, from `cifar-10-batches-py`: (train, test)."""
    train = [_read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
    images, labels = zip(*train, strict=True)
    return (
        ImageSet(torch.cat(images), torch.cat(labels)),
        ImageSet(*_read_batch(folder / "test_batch")),
    )


def _read_batch(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        images = torch.from_numpy(np.asarray(batch[b"data"], dtype=np.uint8))
        labels = torch.tensor(batch[b"labels"], dtype=torch.int64)
        return images.reshape(len(labels), 3, 32, 32), labels
    except FileNotFoundError:
        raise UsageError(
            f"{path} is missing; expected data_batch_1 to data_batch_5 and test_batch in "
            f"{path.parent}: unpack cifar-10-python.tar.gz again"
        ) from None
    except Exception as error:  # a damaged pickle raises many kinds; each means the same here
        raise UsageError(
            f"{path} is not a batch of CIFAR-10 ({error}); unpack cifar-10-python.tar.gz again"
        ) from error


def is_cifar10(classes: tuple[str, ...]) -> bool:
    """True for CIFAR-10's ten class names."""
    return classes == CIFAR10_CLASSES
