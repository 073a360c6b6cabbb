"""`load`: a data set by name or by folder, split into train, validation and test."""

import os
from dataclasses import replace
from functools import partial
from operator import index
from pathlib import Path

from googlenet_lib.data.cifar10 import CIFAR10_BATCHES, find_batches, read_cifar10_batches
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.download import download_cifar10
from googlenet_lib.data.folders import (
    Findings,
    check_folders,
    choose_size,
    find_classes,
    holds_pictures,
    list_pictures,
    read_pictures,
    shorten,
)
from googlenet_lib.data.imageset import (
    CIFAR10_CLASSES,
    Data,
    ImageSet,
    combine_checksums,
    split_validation,
)
from googlenet_lib.data.shapes import SHAPES, draw_random_shapes
from googlenet_lib.data.stream import PictureFiles, stream_pictures
from googlenet_lib.device import is_memory_error
from googlenet_lib.errors import UsageError, escape
from googlenet_lib.incoming import is_folder

BUILT_IN = ("digits", "shapes", "cifar10")  # data sets that go by a name
SPLIT_SEED = 0  # one split for all runs, so that validation figures compare
SIDES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SIZES = range(8, 4097)  # pixels a side: no network here can do with fewer, or with more
MOST_BYTES = 4 * 2**30  # of decoded pictures, held in memory


def load(
    name: str | Path,
    *,
    stratified: bool = False,
    split_seed: int = SPLIT_SEED,
    size: int | None = None,
    stream: bool = False,
) -> Data:
    """Load the data set called `name`: "cifar10", "digits", "shapes", or a folder.

    "digits" (scans) and "shapes" (drawn) need nothing else. "cifar10" is looked for under
    `$GOOGLENET_DATA`, or `data/` without it, and downloaded to there (170 MB) where it is missing.
    A folder holds `cifar-10-batches-py`, or `train/<class>/` with `test/` or `val/` beside it, or
    `train/` or class folders alone, which are split. `size` is in pixels a side, for shapes and
    folders. What cannot be read as a picture is skipped or passed over, and named with its reason
    in a warning. A side that would take more than 4 GiB stays in its files, as every side of a
    folder does with `stream`, and is decoded while the network trains. Validation pictures are a
    plain seeded draw from the training side, or with `stratified` the same share of every class.
    Raises UsageError for what is no data set.
    """
    size = None if size is None else _check_size(size)
    split = partial(split_validation, seed=split_seed, stratified=stratified)
    how = {"split_seed": split_seed, "stratified": stratified, "stream": stream}
    try:
        data, findings = _load(name, split, size, stream)
    except OSError as error:
        raise UsageError(
            f"{escape(error.filename or name)} cannot be read ({error.strerror}); allow it, check "
            "the path, or give another folder"
        ) from error
    except (MemoryError, RuntimeError) as error:
        if not is_memory_error(error):
            raise
        raise UsageError(
            f"too little memory was free to load {escape(name)}; close other programs, or take a "
            "smaller --size, or for folders --stream"
        ) from error
    if name in BUILT_IN and is_folder(name):
        findings.remarks.append(f"{name} is a data set's name; ./{name} is the folder of that name")
    findings.warn(stacklevel=2)
    return replace(data, how=how)


def is_flat(name: str | Path) -> bool:
    """Tell whether this is a folder without a test side, so that one is drawn from it."""
    folder = Path(name)
    if name in BUILT_IN or not is_folder(folder) or find_batches(folder):
        return False
    return [*_find_sides(folder)] in ([], ["train"])


def load_whole(
    folder: Path, *, size: int | None = None, stream: bool = False
) -> tuple[tuple[str, ...], ImageSet | PictureFiles]:
    """Load all pictures of a folder without a test side: (its classes, the pictures)."""
    folder = _find_sides(folder).get("train", folder)
    classes = check_folders(folder)
    everything, findings = _read(folder, classes, size, stream, to_train=False)
    findings.warn(stacklevel=2)
    return classes, everything


def find_cifar10() -> Path:
    """Find the folder that holds CIFAR-10: the official batches before class folders."""
    root = _find_data_root()
    places = [root, *sorted(root.glob("cifar*"))] if is_folder(root) else []
    for place in places:
        if find_batches(place):
            return place
    for place in places:
        train = place / "train"
        if is_folder(train) and tuple(find_classes(train)[0]) == CIFAR10_CLASSES:
            return place
    raise UsageError(
        f"CIFAR-10 was not found in {escape(root.absolute())}; expected "
        f"{escape(root / CIFAR10_BATCHES)}/ (unpack cifar-10-python.tar.gz there) or class folders "
        "as cifar10/train/airplane/. Put it there, or point the variable GOOGLENET_DATA at it, or "
        "use the built-in --data digits"
    )


class OtherSize(UsageError):
    """Another size was asked for of pictures that come in one size alone."""


def _load(name: str | Path, split, size: int | None, stream: bool) -> tuple[Data, Findings]:
    if name == "digits":
        _refuse_other_size(name, size)
        train, test = split_validation(read_digits(), 297)
        # a mirrored 2 is no 2
        digits = _split_off("digits", tuple("0123456789"), train, test, split, mirrors=False)
        return digits, Findings()
    if name == "shapes":
        return _make_shapes(size or 32, split), Findings()
    if name == "cifar10":
        return _load_folder(_find_or_download_cifar10(), split, size, stream)
    if not isinstance(name, str | os.PathLike) or not name or not is_folder(name):
        raise UsageError(
            f"'{escape(name)}' is neither a data set by name (cifar10, digits, shapes) nor a "
            f"folder here; from {Path.cwd()}, give the path of a folder with class folders"
        )
    return _load_folder(Path(name), split, size, stream)


def _check_size(size: int) -> int:
    try:
        size = int(size) if isinstance(size, float) and size.is_integer() else index(size)
        if size in SIZES:
            return size
    except TypeError:
        pass
    raise UsageError(
        f"a size of {size!r} pixels came; expected a whole number, {SIZES.start} to "
        f"{SIZES.stop - 1}"
    )


def _refuse_other_size(name: str, size: int | None) -> None:
    if size not in (None, 32):
        raise OtherSize(f"--size {size} came, but {name} has pictures of 32x32; leave it out")


def _split_off(name, classes, train, test, split, *, count=None, **details) -> Data:
    """Make data of a training side, from which validation is split, and a test side."""
    checksum = combine_checksums(train, test)
    rest, validation = split(train, max(1, len(train) // 10) if count is None else count)
    return Data(name, classes, rest, validation, test, checksum, **details)


def _make_shapes(size: int, split, count: int = 5000, test_count: int = 1000) -> Data:
    taken = (count + test_count) * 3 * size * size
    if taken > MOST_BYTES:
        raise UsageError(
            f"{count + test_count:,} shapes of {size}x{size} would take {taken / 2**30:.1f} GiB of "
            "memory; expected a smaller --size"
        )
    train, test = (
        ImageSet(*draw_random_shapes(number, size=size, seed=seed)[:2])
        for seed, number in enumerate((count, test_count))
    )
    return _split_off("shapes", SHAPES, train, test, split, count=test_count)


def _find_data_root() -> Path:
    return Path(os.environ.get("GOOGLENET_DATA") or "data")


def _find_or_download_cifar10() -> Path:
    try:
        return find_cifar10()
    except UsageError as absent:
        try:
            return download_cifar10(_find_data_root() / CIFAR10_BATCHES)
        except UsageError as failed:
            raise UsageError(f"{absent}\n{failed}") from None


def name_of(folder: str | Path) -> str:
    """Return what a folder is called, also for "."; of a link its own name."""
    return escape(Path(os.path.abspath(folder)).name)  # noqa: PTH100 - resolve follows links


def _load_folder(folder: Path, split, size: int | None, stream: bool) -> tuple[Data, Findings]:
    if batches := find_batches(folder):
        _refuse_other_size("CIFAR-10", size)
        train, test = read_cifar10_batches(batches)
        return _split_off("CIFAR-10", CIFAR10_CLASSES, train, test, split), Findings()
    name = name_of(folder)
    sides = _find_sides(folder)
    if sides and "train" not in sides:
        held = " and ".join(f"{side.name}/" for side in sides.values())
        raise UsageError(
            f"{folder} holds {held} but no train/; expected train/ beside it, with the same class "
            f"folders. To split what {held} holds, give {next(iter(sides.values()))}"
        )
    if len(sides) > 1:
        data, findings = _load_sided_folder(name, sides, split, size, stream)
    else:
        data, findings = _load_flat_folder(name, sides.get("train", folder), split, size, stream)
    if sides:
        others, passed = find_classes(folder)
        unused = [place for place in others.values() if place not in sides.values()]
        findings.passed += passed + [(place, "a folder beside the sides") for place in unused]
    if len(sides) == 1:
        findings.remarks.append(
            f"{folder} holds train/ but neither test/ nor val/, so that train/ is split: a tenth "
            "of its pictures is held back to test on, a tenth of the others for validation"
        )
    return data, findings


def _find_sides(folder: Path) -> dict[str, Path]:
    """Find the folders that are sides, of class folders each; none where train is but a class."""
    named = {name.lower(): place for name, place in find_classes(folder)[0].items()}
    sides = {
        side: next(named[name] for name in names if name in named)
        for side, names in SIDES.items()
        if not named.keys().isdisjoint(names)
    }
    others = [place for place in named.values() if place not in sides.values()]
    if sides and all(map(holds_pictures, sides.values())) and any(map(holds_pictures, others)):
        return {}
    return sides


def _read(
    root: Path, classes: tuple[str, ...], size: int | None, stream: bool, to_train: bool
) -> tuple[ImageSet | PictureFiles, Findings]:
    """Read the pictures of class folders: into memory if they fit, and nobody wants a stream."""
    listing, remarks = list_pictures(root, classes), []
    if size is None:
        size, remarks = choose_size(listing)
        size = max(size, SIZES.start)
    taken = len(listing.names) * 3 * size * size
    if not stream and taken > MOST_BYTES:
        remarks.append(
            f"{len(listing.names):,} pictures of {size}x{size} in {root} would take "
            f"{taken / 2**30:.1f} GiB of memory, so that each is decoded anew whenever its batch "
            f"comes; smaller pictures may fit ({MOST_BYTES / 2**30:.0f} GiB are used at most)"
        )
    read = stream_pictures if stream or taken > MOST_BYTES else read_pictures
    pictures, findings = read(listing, size, to_train=to_train)
    findings.remarks += remarks
    return pictures, findings


def _load_flat_folder(
    name: str, folder: Path, split, size: int | None, stream: bool
) -> tuple[Data, Findings]:
    """Load class folders and split them three ways."""
    classes = check_folders(folder)
    everything, findings = _read(folder, classes, size, stream, to_train=True)
    train, test = split_validation(everything, max(1, len(everything) // 10))
    del everything  # or there would be three copies of it
    data = _split_off(name, classes, train, test, split, flat=True)
    findings.remarks += _name_missing(data, "validation") + _name_missing(data, "test")
    return data, findings


def _load_sided_folder(
    name: str, sides: dict[str, Path], split, size: int | None, stream: bool
) -> tuple[Data, Findings]:
    """Load `train/` with `test/`, `val/` or both beside it."""
    classes = check_folders(sides["train"])
    for side in sides.values():  # before any is decoded, which may take minutes
        differing = sorted({*find_classes(side)[0]} ^ {*classes})
        if differing:
            raise UsageError(
                f"{side} has other class folders than {sides['train']}: only in one of the two are "
                f"{shorten(differing)}; make them the same"
            )
    read, findings = {}, Findings()
    for side, folder in sides.items():
        read[side], found = _read(folder, classes, size, stream, to_train=side == "train")
        size = read[side].image_size
        findings += found
    if classes == CIFAR10_CLASSES and size == 32:
        name = "CIFAR-10"
    if len(read) == 3:
        return Data(name, classes, **read, checksum=combine_checksums(*read.values())), findings
    train, test = read.values()
    del read  # or there would be three copies of the training side
    data = _split_off(name, classes, train, test, split)
    findings.remarks += _name_missing(data, "validation")
    return data, findings


def _name_missing(data: Data, side: str) -> list[str]:
    """Remark on the classes that chance has drawn no picture of."""
    counts = getattr(data, side).labels.bincount(minlength=len(data.classes)).tolist()
    absent = [name for name, count in zip(data.classes, counts, strict=True) if not count]
    if not absent:
        return []
    return [
        f"no picture of {shorten(absent)} was drawn for the {side} side, which then says nothing "
        "about these classes; add pictures of them"
    ]
