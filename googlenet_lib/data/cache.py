"""Decoded pictures, kept on disk: the second time that a folder is read takes no decoding."""

import hashlib
import json
import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import PIL
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from googlenet_lib.data.listing import Listing

LEAST_PICTURES = 2000  # fewer are decoded in no time
FORM = "1"  # other than before once the same file would be decoded to other pixels, or kept anew
UNFINISHED_SECONDS = 3600  # after which a file that was not finished never will be


class CacheError(Exception):
    """Why pictures could not be kept or taken back, in one line. Never a reason to stop."""


@dataclass(frozen=True)
class Decoded:
    """What was made of a listing: pictures, labels and what was noticed on the way."""

    images: torch.Tensor  # uint8 (N, 3, size, size)
    labels: torch.Tensor  # int64 (N,)
    digest: str  # ImageSet.digest() of the two
    skipped: list[tuple[str, str]]  # (name, reason)
    animated: list[str]  # names


def cache_folder() -> Path | None:
    """Where decoded pictures are kept: `$GOOGLENET_CACHE`, or the platform's usual place.

    None where nothing is to be kept: the variable is set, to nothing, or there is no home.
    """
    if "GOOGLENET_CACHE" in os.environ:
        named = os.environ["GOOGLENET_CACHE"]
        return Path(named) if named else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(base) / "googlenet_lib"


def taken(listing: Listing, size: int | None) -> Decoded | None:
    """What `keep` kept for this listing and size; None where that is nothing.

    Raises CacheError for a damaged file.
    """
    path = _path(listing, size)
    if path is None or not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            # Copied: what is only mapped would take the process with it if the file were cut
            # short. By NumPy, which asks for large pages: in a third of the time of a clone.
            images, labels = (
                torch.from_numpy(file.get_tensor(name).numpy().copy())
                for name in ("images", "labels")
            )
            about = json.loads(file.metadata()["about"])
        decoded = Decoded(
            images, labels, about["digest"], [tuple(s) for s in about["skipped"]], about["animated"]
        )
        if about["sum"] != _sum(images):
            raise ValueError("its content is not what was written")
    except Exception as error:  # a damaged file raises many kinds; each means the same here
        raise CacheError(
            f"the decoded pictures kept in {path} cannot be read ({error}); the files are decoded "
            "anew"
        ) from error
    return decoded


def keep(listing: Listing, size: int | None, decoded: Decoded) -> None:
    """Write `decoded` for `taken`, whole or not at all, in the place of older ones of the folder.

    Sets of fewer than 2,000 pictures are not kept. Raises CacheError where there is no room, or
    none to write to.
    """
    path = _path(listing, size)
    if path is None or len(decoded.labels) < LEAST_PICTURES:
        return
    about = {
        "digest": decoded.digest,
        "skipped": decoded.skipped,
        "animated": decoded.animated,
        "sum": _sum(decoded.images),
    }
    # a name of its own, so that two processes do not write into one file
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {"images": decoded.images, "labels": decoded.labels},
            unfinished,
            metadata={"about": json.dumps(about)},
        )
        unfinished.replace(path)
        _remove_older(path)
    except Exception as error:  # safetensors has kinds of its own, for a full disk too
        _remove(unfinished)
        raise CacheError(
            f"the decoded pictures could not be kept in {path.parent} ({error}), so that the next "
            "time they are decoded again; let GOOGLENET_CACHE name a folder with room, or nothing"
        ) from error


def _path(listing: Listing, size: int | None) -> Path | None:
    """`<folder>-<files>-<size>.safetensors`: hashes of the folder's path and of its files."""
    folder = cache_folder()
    if folder is None or len(listing.names) < LEAST_PICTURES:
        return None
    where = os.fsencode(listing.root.resolve())
    what = f"{FORM} {PIL.__version__} {listing.classes} {listing.fingerprint}"
    hashes = [
        hashlib.sha256(text).hexdigest()[:24]
        for text in (where, what.encode(errors="surrogateescape"))
    ]
    return folder / f"{'-'.join(hashes)}-{size or 'natural'}.safetensors"


def _sum(images: torch.Tensor) -> int:
    """The pixels added up eight at a time: not theirs alone, but another one after any damage.

    It takes a tenth of the time of a checksum: the digest is to guard against other pictures,
    this against pages that a disk has lost.
    """
    pixels = images.flatten()
    eights = len(pixels) // 8 * 8
    return int(pixels[:eights].view(torch.int64).sum()) + int(pixels[eights:].sum())


def _remove_older(path: Path) -> None:
    """Remove what was kept of the same folder as it once was, and what was never finished."""
    folder, files, _ = path.name.split("-")
    for other in path.parent.glob(f"{folder}-*.safetensors"):
        if other.name.split("-")[1] != files:
            _remove(other)
    for unfinished in path.parent.glob(".*.tmp"):
        try:
            age = time.time() - unfinished.stat().st_mtime
        except OSError:  # another process was faster
            continue
        if age > UNFINISHED_SECONDS:
            _remove(unfinished)


def _remove(path: Path) -> None:
    with suppress(OSError):  # in use by another process, on Windows
        path.unlink(missing_ok=True)
