"""`load`: a data set by name or by folder, split into train, validation and test."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from googlenet_lib.data.cifar10 import CIFAR10_BATCHES, is_cifar10, read_cifar10_batches
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.folders import MOST_BYTES, Findings, natural_size, read_pictures
from googlenet_lib.data.imageset import (
    CIFAR10_CLASSES,
    Data,
    ImageSet,
    combined_checksum,
    split_validation,
)
from googlenet_lib.data.listing import (
    Listing,
    checked_classes,
    class_folders,
    list_pictures,
    some,
)
from googlenet_lib.data.pictures import jpeg_quality
from googlenet_lib.data.shapes import SHAPES, random_shapes
from googlenet_lib.data.stream import PictureFiles, stream_pictures
from googlenet_lib.download import download_cifar10
from googlenet_lib.errors import UsageError
from googlenet_lib.incoming import is_folder

SPLIT_SEED = 0  # one split for all runs, so that validation figures compare
VALIDATION_SIDES = ("val", "valid", "validation")
WARNED = 3  # frames from a warning in `_folder` to the caller of `load`, who is to see it
LEAST_SIZE = 8  # pixels a side: no network here can do with fewer


def load(
    name: str | Path,
    *,
    stratified: bool = False,
    split_seed: int = SPLIT_SEED,
    size: int | None = None,
    stream: bool = False,
) -> Data:
    """The data set called `name`: "cifar10", "digits", "shapes", or a folder.

    "digits" (scans) and "shapes" (drawn) need nothing else. "cifar10" is looked
    for under `$GOOGLENET_DATA`, or `data/` without it, and downloaded to there (170 MB) where it
    is missing. A folder holds `cifar-10-batches-py`, or `train/<class>/` with `test/` or `val/`
    beside it, or class folders alone. `size` is in pixels a side, for shapes and folders. Files
    that cannot be read as pictures are skipped, and named in one warning. What was decoded from
    2,000 files or more is kept for the next time, under `$GOOGLENET_CACHE` or where the platform
    keeps such things. A side that would take more than 4 GiB stays in its files, as every side of
    a folder does with `stream`, and is decoded while the network trains. Validation pictures are a
    plain seeded draw from the training side, or with `stratified` the same share of every class.
    Raises UsageError for what is no data set.
    """
    if size is not None and size < LEAST_SIZE:
        raise UsageError(f"a size of {size} pixels came; expected at least {LEAST_SIZE}")
    split = partial(split_validation, seed=split_seed, stratified=stratified)
    how = {"split_seed": split_seed, "stratified": stratified, "stream": stream}
    if name == "digits":
        _refuse_other_size("digits", size)
        return replace(_digits(split), how=how)
    if name == "shapes":
        return replace(_shapes(32 if size is None else size, split), how=how)
    if name == "cifar10":
        return replace(_folder(_found_or_downloaded_cifar10(), split, size, stream), how=how)
    folder = Path(name)
    try:
        if not folder.is_dir():
            raise UsageError(
                f"{str(name)!r} is neither a data set by name (cifar10, digits, shapes) nor a "
                f"folder here; from {Path.cwd()}, give the path of a folder with class folders"
            )
        return replace(_folder(folder, split, size, stream), how=how)
    except PermissionError as error:
        raise UsageError(
            f"{error.filename} may not be read; allow it, or give another folder"
        ) from error


class OtherSize(UsageError):
    """Pictures that come in one size alone were wanted in another."""


def _refuse_other_size(name: str, size: int | None) -> None:
    if size not in (None, 32):
        raise OtherSize(f"--size {size} came, but {name} has pictures of 32x32; leave it out")


def is_flat(name: str | Path) -> bool:
    """Is this a folder of class folders, without sides for training and for testing?"""
    folder = Path(name)
    named = name in ("digits", "shapes", "cifar10") or folder.name == CIFAR10_BATCHES
    sides = any(is_folder(folder / side) for side in ("train", CIFAR10_BATCHES))
    return is_folder(folder) and not named and not sides


def load_whole(
    folder: Path, *, size: int | None = None, stream: bool = False
) -> tuple[tuple[str, ...], ImageSet | PictureFiles]:
    """All pictures of a folder without sides, none of them set aside: (its classes, they)."""
    listing = list_pictures(folder, checked_classes(folder))
    everything, findings = _read(listing, size, stream, to_train=False)
    findings.warn(stacklevel=WARNED - 1)
    return listing.classes, everything


def _whole(name, classes, train, test, split, *, count=None, **details) -> Data:
    """Data of a training side, from which validation is split, and a test side."""
    checksum = combined_checksum(train, test)
    rest, validation = split(train, max(1, len(train) // 10) if count is None else count)
    return Data(name, classes, rest, validation, test, checksum, **details)


def _digits(split) -> Data:
    train, test = split_validation(read_digits(), 297)
    # a mirrored 2 is no 2
    return _whole("digits", tuple("0123456789"), train, test, split, mirrors=False)


def _shapes(size: int, split, count: int = 5000, test_count: int = 1000) -> Data:
    images, labels, _ = random_shapes(count, size=size, seed=0)
    test_images, test_labels, _ = random_shapes(test_count, size=size, seed=1)
    train, test = ImageSet(images, labels), ImageSet(test_images, test_labels)
    return _whole("shapes", SHAPES, train, test, split, count=test_count)


def _data_root() -> Path:
    return Path(os.environ.get("GOOGLENET_DATA", "data"))


def find_cifar10() -> Path:
    """The folder that holds CIFAR-10: the official batches before class folders."""
    root = _data_root()
    places = [root, *sorted(root.glob("cifar10*"))] if root.is_dir() else []
    for place in places:
        if (place / CIFAR10_BATCHES).is_dir():
            return place
    for place in places:
        if (place / "train").is_dir() and is_cifar10(class_folders(place / "train")):
            return place
    raise UsageError(
        f"CIFAR-10 was not found in {root.absolute()}; expected {root / CIFAR10_BATCHES}/ (unpack "
        "cifar-10-python.tar.gz there) or class folders as cifar10/train/airplane/. Put it "
        "there, or point the variable GOOGLENET_DATA at it, or use the built-in --data digits"
    )


def _found_or_downloaded_cifar10() -> Path:
    try:
        return find_cifar10()
    except UsageError as absent:
        try:
            return download_cifar10(_data_root() / CIFAR10_BATCHES)
        except UsageError as failed:
            raise UsageError(f"{absent}\n{failed}") from None


def _folder(folder: Path, split, size: int | None, stream: bool) -> Data:
    batches = folder if folder.name == CIFAR10_BATCHES else folder / CIFAR10_BATCHES
    if batches.is_dir():
        _refuse_other_size("CIFAR-10", size)
        train, test = read_cifar10_batches(batches)
        return _whole("CIFAR-10", CIFAR10_CLASSES, train, test, split)
    if (folder / "train").is_dir():
        return _sided_folder(folder, split, size, stream)
    listing = list_pictures(folder, checked_classes(folder))
    everything, findings = _read(listing, size, stream)
    findings.warn(stacklevel=WARNED)
    train, test = split_validation(everything, max(1, len(everything) // 10))
    note = _jpeg_note(listing)
    return _whole(folder.name, listing.classes, train, test, split, note=note, flat=True)


def _read(
    listing: Listing, size: int | None, stream: bool, to_train: bool = True
) -> tuple[ImageSet | PictureFiles, Findings]:
    """The pictures of a listing, in memory if they fit there and nobody wants them streamed."""
    pixels = size or natural_size(listing)
    taken = len(listing.names) * 3 * pixels * pixels
    if not stream and taken <= MOST_BYTES:
        return read_pictures(listing, size=size, to_train=to_train)
    files, findings = stream_pictures(listing, size=size, to_train=to_train)
    if not stream:
        findings.remarks.append(
            f"{len(files):,} pictures of {pixels}x{pixels} in {listing.root} would take "
            f"{taken / 2**30:.1f} GiB of memory, so that each is decoded anew whenever its batch "
            f"comes; smaller pictures may fit ({MOST_BYTES / 2**30:.0f} GiB are used at most)"
        )
    return files, findings


def _sided_folder(folder: Path, split, size: int | None, stream: bool) -> Data:
    """`train/` with `test/`, `val/` or both beside it."""
    classes = checked_classes(folder / "train")
    validation_side = next((side for side in VALIDATION_SIDES if (folder / side).is_dir()), None)
    test_side = "test" if (folder / "test").is_dir() else validation_side
    if test_side is None:
        raise UsageError(
            f"{folder} holds train/ but neither test/ nor val/; expected one of them beside it"
        )
    sides = dict.fromkeys(("train", validation_side or "train", test_side))
    for side in sides:  # before any is decoded, which may take minutes
        _check_same_classes(folder / side, classes)
    read, told = {}, Findings()
    train = None
    for side in sides:
        listing = list_pictures(folder / side, classes)
        train = train or listing
        read[side], findings = _read(listing, size, stream, to_train=side == "train")
        size = read[side].image_size
        told += findings
    told.warn(stacklevel=WARNED + 1)
    name = "CIFAR-10" if is_cifar10(classes) and size == 32 else folder.name
    note = _jpeg_note(train)
    if note and name == "CIFAR-10":
        name = f"{name}, {note}"
    if validation_side in (None, test_side):
        return _whole(name, classes, read["train"], read[test_side], split, note=note)
    return Data(
        name,
        classes,
        read["train"],
        read[validation_side],
        read[test_side],
        combined_checksum(*read.values()),
        note=note,
    )


def _check_same_classes(side: Path, classes: tuple[str, ...]) -> None:
    found = class_folders(side)
    if found == classes:
        return
    train = side.parent / "train"
    if not found:
        raise UsageError(
            f"{side} holds no class folders; expected the same as in {train}: {some(classes)}"
        )
    raise UsageError(
        f"{side} has other classes than {train}: only in one of the two are "
        f"{some(sorted(set(found) ^ set(classes)))}; make them the same"
    )


def _jpeg_note(listing: Listing) -> str:
    """ "JPEG q75" where the pictures were compressed with loss, which costs accuracy."""
    for name in listing.names[:10]:  # the first of all may be damaged
        if quality := jpeg_quality(listing.root / name):
            return f"JPEG q{quality}"
    return ""
