"""CIFAR-10 as published: pickled batches, of which none but the official ones are opened."""

import hashlib
import io
import os
import pickle
from pathlib import Path

import numpy as np
import torch

from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.errors import UsageError

CIFAR10_BATCHES = "cifar-10-batches-py"
# torchvision.datasets.CIFAR10 has the same, but takes two seconds to import
OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
MOST_BYTES = 2**25  # of a batch; the official ones have 31 million
_ANEW = (
    "; remove the folder and unpack the official cifar-10-python.tar.gz again, or let --data "
    "cifar10 download it. Pictures of your own go into class folders"
)


class _ArraysOnly(pickle.Unpickler):
    """A second lock after the MD5: only what an array needs is let through."""

    ALLOWED = (
        *(("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")),
        *(("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")),
    )

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no picture needs")
        return super().find_class(module, name)


def find_batches(folder: Path) -> Path | None:
    """Find the official batches: right in `folder`, or in its `cifar-10-batches-py`."""
    # by os.path, which says no, and raises nothing, where a folder may not be looked into
    if os.path.isfile(folder / "data_batch_1"):  # noqa: PTH113
        return folder
    inner = folder / CIFAR10_BATCHES
    if os.path.isdir(inner):  # noqa: PTH112
        return inner
    return folder if folder.name == CIFAR10_BATCHES else None  # which then lacks its files


def read_cifar10_batches(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Read CIFAR-10 as published, from `cifar-10-batches-py`: (train, test).

    Raises UsageError for a batch that is missing or not the official one.
    """
    train = [_read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
    images, labels = zip(*train, strict=True)
    # joined by NumPy, which asks for large pages: in half the time of torch
    joined = torch.from_numpy(np.concatenate([part.numpy() for part in images]))
    return ImageSet(joined, torch.cat(labels)), ImageSet(*_read_batch(folder / "test_batch"))


def _read_batch(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    batch = _ArraysOnly(io.BytesIO(_read_official(path)), encoding="bytes").load()
    labels = torch.tensor(batch[b"labels"], dtype=torch.int64)
    return torch.from_numpy(batch[b"data"]).reshape(len(labels), 3, 32, 32), labels


def _read_official(path: Path) -> bytes:
    """Read a batch's bytes; UsageError for all but the official one, which is not unpickled."""
    try:
        if path.exists() and not path.is_file():  # to read from a pipe would be to wait
            raise UsageError(f"{path} is no plain file{_ANEW}")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except FileNotFoundError:
        raise UsageError(
            f"{path} is missing; expected data_batch_1 to data_batch_5 and test_batch{_ANEW}"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}){_ANEW}") from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != OFFICIAL_MD5[path.name]:
        raise UsageError(
            f"{path} is not the official batch of CIFAR-10, so that it is not opened: such a file "
            f"can run any program. Its MD5 is {found}, expected {OFFICIAL_MD5[path.name]}{_ANEW}"
        )
    return content
