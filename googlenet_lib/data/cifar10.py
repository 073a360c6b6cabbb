"""CIFAR-10 as published: pickled batches, of which only arrays are let through."""

import pickle
from pathlib import Path

import numpy as np
import torch

from googlenet_lib.data.imageset import CIFAR10_CLASSES, ImageSet
from googlenet_lib.errors import UsageError

CIFAR10_BATCHES = "cifar-10-batches-py"


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
    # joined by NumPy, which asks for large pages: in half the time of torch
    joined = torch.from_numpy(np.concatenate([part.numpy() for part in images]))
    return (
        ImageSet(joined, torch.cat(labels)),
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
