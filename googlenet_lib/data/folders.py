"""Folders of class folders: what lies in them, and their pictures, decoded by all cores.

torchvision's `find_classes` takes hidden folders for classes, and `make_dataset` follows a link
that leads back into the folder and leaves files out without a word; hence our own.
"""

import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

import numpy as np
import torch

from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.data.pictures import (
    SUFFIXES,
    PictureError,
    decode_picture,
    read_size,
    silence_pillow,
)
from googlenet_lib.device import count_cores, progress_bar
from googlenet_lib.errors import UsageError, escape

LEFT_BY_SYSTEMS = frozenset(  # in small letters
    (
        *("__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "recycler", "lost+found"),
        *("system volume information", "__pycache__", "network trash folder", "temporary items"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
    )
)
MOST_NAMES = 20  # that a message shows
CHUNK = 64  # pictures a task: few enough to share out evenly, enough to make a task's cost small
LOOKED_AT = 100  # pictures whose size is looked at to choose one for all

Reasons = list[tuple[Path, str]]  # files or folders, each with why it is not used


@dataclass(frozen=True)
class Listing:
    """The pictures `root/<class>/*` in the order of their names, none of them opened yet."""

    root: Path
    classes: tuple[str, ...]
    names: list[str]  # of the files, within root: "cat/0001.jpg"
    labels: list[int]
    passed: Reasons  # what is not called a picture


@dataclass
class Findings:
    """What was noticed while folders were read, gathered over all sides for one warning."""

    skipped: Reasons = field(default_factory=list)  # called pictures, but they cannot be read
    passed: Reasons = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # a sentence each

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            self.skipped + other.skipped, self.passed + other.passed, self.remarks + other.remarks
        )

    def warn(self, stacklevel: int) -> None:
        """Warn of each kind of finding once, with at most 20 names."""
        texts = list(dict.fromkeys(self.remarks))
        for reasons, what in (
            (self.passed, "entries were passed over"),
            (self.skipped, "files were skipped"),
        ):
            if reasons:
                texts.insert(0, _list_reasons(f"{len(reasons):,} {what}", reasons))
        for text in texts:
            warnings.warn(text, stacklevel=stacklevel + 1)


def shorten(names: list[str] | tuple[str, ...], most: int = MOST_NAMES) -> str:
    """Join names for a message, the first 20 of them."""
    text = ", ".join(map(escape, names[:most]))
    return text + (f" and {len(names) - most:,} more" if len(names) > most else "")


def find_classes(root: Path) -> tuple[dict[str, Path], Reasons]:
    """Find the class folders right in `root`: ({class: its folder}, what else is there and why).

    Classes are sorted. An accent is one letter or two, as the system that wrote the name has it:
    the same class.
    """
    folders, passed = {}, []
    for entry in _list_entries(root):
        name = normalize("NFC", entry.name)
        if reason := _explain_no_class(entry):
            passed.append((Path(entry.path), reason))
        elif escape(name) != name or name in folders:
            raise UsageError(
                f"the class folder {escape(entry.path)} has a name that another has, that is no "
                "UTF-8, or that cannot be shown; rename it"
            )
        else:
            folders[name] = Path(entry.path)
    return dict(sorted(folders.items())), passed


def check_folders(root: Path) -> tuple[str, ...]:
    """Return the classes of `root`: at least two, and pictures in one of them at least.

    Raises UsageError that says what is there instead, and which folder to give.
    """
    folders, _ = find_classes(root)
    filled = [name for name, folder in folders.items() if holds_pictures(folder)]
    if filled and len(folders) > 1:
        return tuple(folders)
    suffixes = Counter(
        Path(entry.name).suffix for folder in folders.values() for entry in _list_entries(folder)
    )
    held = "".join(f", {count:,} {suffix}" for suffix, count in suffixes.items() if suffix)
    held = "" if filled else held
    inner = _find_inner_folder(root)
    raise UsageError(
        f"{root} holds {len(folders)} class folders, {len(filled)} of them with pictures right in "
        f"them{held}; expected at least 2, one for each class, with pictures called "
        f"{', '.join(sorted(SUFFIXES))}" + (f". {inner} is such a folder: give that" * bool(inner))
    )


def list_pictures(root: Path, classes: tuple[str, ...]) -> Listing:
    """List the pictures `root/<class>/*` of each of `classes`, and what else is there.

    What a file is called decides. None is opened.
    """
    folders, passed = find_classes(root)
    names, labels = [], []
    for label, name in enumerate(classes):
        for entry in _list_entries(folders[name]) if name in folders else ():
            if reason := _explain_no_picture(entry):
                passed.append((Path(entry.path), reason))
            else:
                names.append(f"{folders[name].name}/{entry.name}")
                labels.append(label)
    return Listing(root, classes, names, labels, passed)


def read_pictures(
    listing: Listing, size: int, *, to_train: bool = True
) -> tuple[ImageSet, Findings]:
    """Decode the pictures of a listing: (pictures of size x size, what was noticed).

    Files that cannot be read are skipped and named in the findings. Raises UsageError where that
    is more than half of them, or where a class to train on has no picture; MemoryError where there
    is too little memory for one.
    """
    check_classes(listing, listing.labels, [], to_train)
    count = len(listing.names)
    images = np.zeros((count, 3, size, size), np.uint8)
    good = torch.ones(count, dtype=torch.bool)
    skipped, animated = {}, []

    def decode(part: range) -> None:
        for i in part:
            try:
                pixels, several = decode_picture(f"{listing.root}/{listing.names[i]}", size)
                images[i] = pixels.transpose(2, 0, 1)
            except PictureError as error:
                skipped[i], good[i] = error.reason, False
            else:
                animated.extend([i] * several)

    with (
        silence_pillow(),
        ThreadPoolExecutor(count_cores()) as pool,
        progress_bar((), total=count, desc=f"reading {escape(listing.root.name)}") as progress,
    ):
        parts = [range(count)[start : start + CHUNK] for start in range(0, count, CHUNK)]
        for part, _ in zip(parts, pool.map(decode, parts), strict=True):
            progress.update(len(part))
    pictures, labels = torch.from_numpy(images), torch.tensor(listing.labels, dtype=torch.int64)
    if skipped:
        pictures, labels = pictures[good], labels[good]
    reasons = [(listing.root / listing.names[i], skipped[i]) for i in sorted(skipped)]
    findings = Findings(reasons, listing.passed)
    findings.remarks += check_classes(listing, labels.tolist(), reasons, to_train)
    if animated:
        example = escape(listing.root / listing.names[min(animated)])
        findings.remarks.append(
            f"{len(animated):,} files hold several frames, such as {example}; of each the first "
            "is used"
        )
    return ImageSet(pictures, labels), findings


def choose_size(listing: Listing) -> tuple[int, list[str]]:
    """Choose a size for all: (pixels a side, remarks if pictures are scaled to it).

    It is that of most pictures, if they are square and at most 256, else 224.
    """
    evenly = listing.names[:: 1 + len(listing.names) // LOOKED_AT]
    with silence_pillow():
        sizes = Counter(filter(None, (read_size(listing.root / name) for name in evenly)))
    (width, height), most = max(sizes.items(), key=lambda item: item[1], default=((0, 1), 0))
    if not width == height <= 256 or 2 * most <= sizes.total():
        return 224, []
    if most == sizes.total():
        return width, []
    return width, [
        f"{sizes.total() - most} of {sizes.total()} pictures that were looked at in "
        f"{escape(listing.root)} are not of {width}x{width}, as most are, to which all are scaled; "
        "--size takes another size"
    ]


def check_classes(
    listing: Listing, labels: list[int], skipped: Reasons, to_train: bool
) -> list[str]:
    """Remark on classes without a picture; raise UsageError where that or too many are lost."""
    if len(skipped) > len(labels):
        raise UsageError(
            _list_reasons(
                f"{len(skipped):,} of the {len(skipped) + len(labels):,} files in {listing.root} "
                "are no pictures or damaged; expected at most half. Copy or unpack them again",
                skipped,
            )
        )
    kept = set(labels)
    empty = [name for label, name in enumerate(listing.classes) if label not in kept]
    if not empty:
        return []
    text = f"no picture that can be read is in the class folders {shorten(empty)} of {listing.root}"
    if to_train:
        text += "; a class to train on needs at least one: add pictures, or take the folder away"
        raise UsageError(_list_reasons(text, skipped) if skipped else text)
    return [f"{text}, so that nothing is measured on these classes there"]


def holds_pictures(folder: Path) -> bool:
    """Tell whether a picture lies right in the folder."""
    return not all(map(_explain_no_picture, _list_entries(folder)))


def _list_reasons(head: str, reasons: Reasons) -> str:
    lines = [f"{escape(path)}: {reason}" for path, reason in reasons[:MOST_NAMES]]
    if len(reasons) > MOST_NAMES:
        lines.append(f"and {len(reasons) - MOST_NAMES:,} more")
    return "\n  ".join([f"{head}:", *lines])


def _list_entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(
            f"the folder {escape(folder)} cannot be listed ({error.strerror}); allow it to be "
            "read, or take it away"
        ) from error


def _explain_no_class(entry: os.DirEntry) -> str:
    if reason := _judge_name(entry.name):
        return reason
    if not os.path.isdir(entry.path):  # noqa: PTH112 - raises nothing, whatever a link leads to
        return "no folder"
    output = entry.name == "runs" and not holds_pictures(Path(entry.path))
    return "where training writes runs" if output else ""


def _explain_no_picture(entry: os.DirEntry) -> str:
    if reason := _judge_name(entry.name):
        return reason
    if entry.name[entry.name.rfind(".") :].lower() not in SUFFIXES:
        return "not called a picture"
    return "" if os.path.isfile(entry.path) else "no plain file"  # noqa: PTH113


def _judge_name(name: str) -> str:
    if name[0] == ".":
        return "hidden"
    return "left by a system" if name.casefold() in LEFT_BY_SYSTEMS else ""


def _find_inner_folder(root: Path, deep: int = 4) -> Path | None:
    """Find what could be given instead of `root`, down a chain of lone folders."""
    folders, _ = find_classes(root)
    if "train" in folders or sum(map(holds_pictures, folders.values())) > 1:
        return root
    if deep and len(folders) == 1:  # an archive unpacked into a folder of its own name, and again
        return _find_inner_folder(*folders.values(), deep - 1)
    return None
