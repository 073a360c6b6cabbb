"""`load`: a data set by name or by folder, split into train, validation and test."""

import os
from dataclasses import replace
from functools import partial
from operator import index
from pathlib import Path

import torch

from googlenet_lib.data.cifar10 import (
    CIFAR10_BATCHES,
    batches_in,
    is_cifar10,
    read_cifar10_batches,
)
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.folders import MOST_BYTES, Findings, read_pictures, size_of_most
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
    class_places,
    holds_pictures,
    list_pictures,
    passed_beside,
    some,
)
from googlenet_lib.data.pictures import jpeg_quality
from googlenet_lib.data.shapes import SHAPES, random_shapes
from googlenet_lib.data.stream import PictureFiles, stream_pictures
from googlenet_lib.download import download_cifar10
from googlenet_lib.errors import UsageError, shown
from googlenet_lib.incoming import is_folder

BUILT_IN = ("digits", "shapes", "cifar10")  # data sets that go by a name
SPLIT_SEED = 0  # one split for all runs, so that validation figures compare
SIDES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
LEAST_SIZE = 8  # pixels a side: no network here can do with fewer
MOST_SIZE = 4096  # and none can do with more


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
    beside it, or `train/` or class folders alone, which are split. `size` is in pixels a side, for
    shapes and folders. What cannot be read as a picture is skipped or passed over, and named with
    its reason in a warning. A side that would take more than 4 GiB stays in its files, as every
    side of a folder does with `stream`, and is decoded while the network trains. Validation
    pictures are a plain seeded draw from the training side, or with `stratified` the same share of
    every class. Raises UsageError for what is no data set.
    """
    size = _checked_size(size)
    split = partial(split_validation, seed=_checked_seed(split_seed), stratified=stratified)
    how = {"split_seed": split_seed, "stratified": stratified, "stream": stream}
    try:
        data, findings = _loaded(name, split, size, stream)
    except PermissionError as error:
        raise UsageError(
            f"{shown(error.filename)} may not be read; allow it, or give another folder"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{shown(error.filename or name)} cannot be read ({error.strerror}); check the path, "
            "or give another folder"
        ) from error
    except (MemoryError, RuntimeError) as error:  # the second is torch's, if it is about memory
        if isinstance(error, RuntimeError) and "allocate" not in str(error):
            raise
        raise UsageError(
            f"too little memory was free to load {shown(name)}; close other programs, or take a "
            "smaller --size, or for folders --stream"
        ) from error
    findings.warn(stacklevel=2)
    return replace(data, how=how)


def _loaded(name: str | Path, split, size: int | None, stream: bool) -> tuple[Data, Findings]:
    if not isinstance(name, str | os.PathLike) or not os.fspath(name):
        kind = type(name).__name__
        what = "an empty name" if isinstance(name, str) else f"something of type {kind}"
        raise UsageError(
            f"{what} came instead of a data set; expected cifar10, digits, shapes or the path of a "
            "folder"
        )
    if name == "digits":
        _refuse_other_size("digits", size)
        return _digits(split), _say_the_other(name)
    if name == "shapes":
        return _shapes(32 if size is None else size, split), _say_the_other(name)
    if name == "cifar10":
        found = _found_or_downloaded_cifar10()
        data, findings = _folder(found, split, size, stream)
        return data, findings + _say_the_other(name, found)
    folder = Path(os.fsdecode(name))
    if not folder.is_dir():
        raise UsageError(
            f"'{shown(name)}' is neither a data set by name (cifar10, digits, shapes) nor a "
            f"folder here; from {Path.cwd()}, give the path of a folder with class folders"
        )
    return _folder(folder, split, size, stream)


def _say_the_other(name: str, taken: Path | None = None) -> Findings:
    """A remark where a folder here has the name of a data set, and is not the one taken."""
    if not Path(name).is_dir() or (taken and taken.resolve() == Path(name).resolve()):
        return Findings()
    what = f"what is in {taken}" if taken else "what is built in"
    remark = f"{name} means {what}, not the folder {name}/ here: give ./{name} for that one"
    return Findings(remarks=[remark])


def _checked_size(size: int | None) -> int | None:
    if size is None:
        return None
    try:
        pixels = int(size) if isinstance(size, float) and size.is_integer() else index(size)
    except TypeError:
        raise UsageError(
            f"a size of {size!r} came; expected a whole number of pixels, {LEAST_SIZE} to "
            f"{MOST_SIZE}"
        ) from None
    if not LEAST_SIZE <= pixels <= MOST_SIZE:
        raise UsageError(
            f"a size of {pixels} pixels came; expected at least {LEAST_SIZE}, at most {MOST_SIZE}"
        )
    return pixels


def _checked_seed(seed: int) -> int:
    try:
        torch.Generator().manual_seed(index(seed))
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise UsageError(
            f"a split seed of {seed!r} came; expected a whole number, such as {SPLIT_SEED}"
        ) from error
    return index(seed)


class OtherSize(UsageError):
    """Pictures that come in one size alone were wanted in another."""


def _refuse_other_size(name: str, size: int | None) -> None:
    if size not in (None, 32):
        raise OtherSize(f"--size {size} came, but {name} has pictures of 32x32; leave it out")


def is_flat(name: str | Path) -> bool:
    """Is this a folder without a test side, so that one is drawn from what is there?"""
    folder = Path(name)
    if name in BUILT_IN or not is_folder(folder) or batches_in(folder):
        return False
    return [*_sides(folder)] in ([], ["train"])


def load_whole(
    folder: Path, *, size: int | None = None, stream: bool = False
) -> tuple[tuple[str, ...], ImageSet | PictureFiles]:
    """All pictures of a folder without a test side, none set aside: (its classes, they)."""
    folder = _sides(folder).get("train", folder)
    listing = list_pictures(folder, checked_classes(folder))
    everything, findings = _read(listing, size, stream, to_train=False)
    findings.warn(stacklevel=2)
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
    taken = (count + test_count) * 3 * size * size
    if taken > MOST_BYTES:
        raise UsageError(
            f"{count + test_count:,} shapes of {size}x{size} would take {taken / 2**30:.1f} GiB of "
            "memory; expected a smaller --size"
        )
    images, labels, _ = random_shapes(count, size=size, seed=0)
    test_images, test_labels, _ = random_shapes(test_count, size=size, seed=1)
    train, test = ImageSet(images, labels), ImageSet(test_images, test_labels)
    return _whole("shapes", SHAPES, train, test, split, count=test_count)


def _data_root() -> Path:
    return Path(os.environ.get("GOOGLENET_DATA") or "data")


def find_cifar10() -> Path:
    """The folder that holds CIFAR-10: the official batches before class folders."""
    root = _data_root()
    places = [root, *sorted(root.glob("cifar*"))] if os.path.isdir(root) else []  # noqa: PTH112
    for place in places:
        if batches_in(place):
            return place
    for place in places:
        train = place / "train"
        if os.path.isdir(train) and is_cifar10(class_folders(train)):  # noqa: PTH112
            return place
    raise UsageError(
        f"CIFAR-10 was not found in {shown(root.absolute())}; expected "
        f"{shown(root / CIFAR10_BATCHES)}/ (unpack cifar-10-python.tar.gz there) or class folders "
        "as cifar10/train/airplane/. Put it there, or point the variable GOOGLENET_DATA at it, or "
        "use the built-in --data digits"
    )


def _found_or_downloaded_cifar10() -> Path:
    try:
        return find_cifar10()
    except UsageError as absent:
        try:
            return download_cifar10(_data_root() / CIFAR10_BATCHES)
        except UsageError as failed:
            raise UsageError(f"{absent}\n{failed}") from None


def _folder(folder: Path, split, size: int | None, stream: bool) -> tuple[Data, Findings]:
    if batches := batches_in(folder):
        _refuse_other_size("CIFAR-10", size)
        train, test = read_cifar10_batches(batches)
        return _whole("CIFAR-10", CIFAR10_CLASSES, train, test, split), Findings()
    name = shown(Path(os.path.abspath(folder)).name)  # noqa: PTH100 - and not where a link leads
    sides = _sides(folder)
    if not sides:
        return _split_folder(name, folder, split, size, stream)
    if "train" not in sides:
        held = " and ".join(f"{side.name}/" for side in sides.values())
        raise UsageError(
            f"{folder} holds {held} but no train/; expected train/ beside it, with the same class "
            f"folders. To split what {held} holds, give {next(iter(sides.values()))}"
        )
    if len(sides) > 1:
        data, findings = _sided_folder(name, sides, split, size, stream)
    else:
        data, findings = _split_folder(name, sides["train"], split, size, stream)
        findings.remarks.append(
            f"{folder} holds train/ but neither test/ nor val/, so that train/ is split: a tenth "
            "of its pictures is held back to test on, a tenth of the others for validation"
        )
    findings.passed += passed_beside(folder, list(sides.values()))
    return data, findings


def _sides(folder: Path) -> dict[str, Path]:
    """The folders that are sides, of class folders each; none where train is but a class."""
    named = {name.lower(): place for name, place in class_places(folder).items()}
    sides = {
        side: next(named[name] for name in names if name in named)
        for side, names in SIDES.items()
        if not named.keys().isdisjoint(names)
    }
    others = [place for place in named.values() if place not in sides.values()]
    if any(map(holds_pictures, sides.values())) and any(map(holds_pictures, others)):
        return {}
    return sides


def _read(
    listing: Listing, size: int | None, stream: bool, to_train: bool = True
) -> tuple[ImageSet | PictureFiles, Findings]:
    """The pictures of a listing, in memory if they fit there and nobody wants them streamed."""
    remarks = []
    if size is None:
        size, remarks = size_of_most(listing)
        size = max(size, LEAST_SIZE)
    taken = len(listing.names) * 3 * size * size
    in_memory = not stream and taken <= MOST_BYTES
    read = read_pictures if in_memory else stream_pictures
    pictures, findings = read(listing, size=size, to_train=to_train)
    findings.remarks += remarks
    findings.passed += [(listing.root / name, reason) for name, reason in listing.passed]
    if not stream and not in_memory:
        findings.remarks.append(
            f"{len(pictures):,} pictures of {size}x{size} in {listing.root} would take "
            f"{taken / 2**30:.1f} GiB of memory, so that each is decoded anew whenever its batch "
            f"comes; smaller pictures may fit ({MOST_BYTES / 2**30:.0f} GiB are used at most)"
        )
    return pictures, findings


def _split_folder(
    name: str, folder: Path, split, size: int | None, stream: bool
) -> tuple[Data, Findings]:
    """Class folders that are split three ways."""
    listing = list_pictures(folder, checked_classes(folder))
    everything, findings = _read(listing, size, stream)
    train, test = split_validation(everything, max(1, len(everything) // 10))
    del everything  # or there would be three copies of it
    note = _jpeg_note(listing)
    data = _whole(name, listing.classes, train, test, split, note=note, flat=True)
    findings.remarks += _not_drawn(data, "validation") + _not_drawn(data, "test")
    return data, findings


def _sided_folder(
    name: str, sides: dict[str, Path], split, size: int | None, stream: bool
) -> tuple[Data, Findings]:
    """`train/` with `test/`, `val/` or both beside it."""
    classes = checked_classes(sides["train"])
    for side in sides.values():  # before any is decoded, which may take minutes
        _check_same_classes(side, sides["train"], classes)
    read, told, note = {}, Findings(), ""
    for side, folder in sides.items():
        listing = list_pictures(folder, classes)
        read[side], findings = _read(listing, size, stream, to_train=side == "train")
        size = read[side].image_size
        told += findings
        note = note or (_jpeg_note(listing) if side == "train" else "")
    if is_cifar10(classes) and size == 32:
        name = f"CIFAR-10, {note}" if note else "CIFAR-10"
    if len(read) == 3:
        checksum = combined_checksum(*read.values())
        return Data(name, classes, **read, checksum=checksum, note=note), told
    train, test = read.values()
    del read  # or there would be three copies of the training side
    data = _whole(name, classes, train, test, split, note=note)
    told.remarks += _not_drawn(data, "validation")
    return data, told


def _not_drawn(data: Data, side: str) -> list[str]:
    """A remark on the classes that chance has drawn no picture of."""
    counts = getattr(data, side).labels.bincount(minlength=len(data.classes)).tolist()
    absent = [name for name, count in zip(data.classes, counts, strict=True) if not count]
    if not absent:
        return []
    return [
        f"no picture of {some(absent)} was drawn for the {side} side, which then says nothing "
        "about these classes; add pictures of them"
    ]


def _check_same_classes(side: Path, train: Path, classes: tuple[str, ...]) -> None:
    found = class_folders(side)
    if found == classes:
        return
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
