"""What lies in a folder of class folders, and what is amiss with it, before a picture is read."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from googlenet_lib.errors import UsageError

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
)
NO_CLASSES = frozenset(("__MACOSX", "@eaDir"))  # left by archivers and file servers
MOST_NAMES = 20  # that a message shows


@dataclass(frozen=True)
class Listing:
    """The pictures `root/<class>/*` in the order of their names, none of them opened yet."""

    root: Path
    classes: tuple[str, ...]
    names: list[str]  # of the files, within root: "cat/0001.jpg"
    labels: list[int]
    faults: list[tuple[str, str]]  # (name, reason): called pictures, but none that can be opened


def class_folders(root: Path) -> tuple[str, ...]:
    """The names of the class folders under `root`, sorted: a class for each."""
    with _scanned(root) as entries:
        return tuple(
            sorted(
                entry.name
                for entry in entries
                if entry.is_dir() and entry.name[0] != "." and entry.name not in NO_CLASSES
            )
        )


def checked_classes(root: Path) -> tuple[str, ...]:
    """The class folders under `root`: at least two, and pictures in one of them at least.

    Raises UsageError that says what is there instead, and which folder to give.
    """
    classes = class_folders(root)
    if any(_holds_pictures(root / name) for name in classes) and len(classes) > 1:
        return classes
    inner = _lone_folder_with_more(root, classes)
    if inner is not None:
        raise UsageError(
            f"{root} holds no class folders with pictures, but {inner} does; give {inner}, or "
            f"move what is in it up to {root}"
        )
    deeper = [name for name in classes if class_folders(root / name)]
    if deeper and not any(_holds_pictures(root / name) for name in classes):
        example = Path(deeper[0]) / class_folders(root / deeper[0])[0]
        raise UsageError(
            f"the folders {some(deeper)} in {root} hold no pictures but more folders, such as "
            f"{example}; expected pictures right in each class folder, or sides called train/ "
            "with test/ or val/ beside it"
        )
    if len(classes) < 2:
        loose = f" and {count} pictures beside them" if (count := _loose_pictures(root)) else ""
        raise UsageError(
            f"{root} holds {len(classes)} class folders{loose}; expected at least 2, a folder of "
            "pictures for each class"
        )
    raise UsageError(
        f"no picture was found in the class folders of {root}{_what_else(root, classes)}; "
        f"expected files such as {root / classes[0] / 'picture.jpg'}, called "
        f"{', '.join(sorted(SUFFIXES))}"
    )


def list_pictures(root: Path, classes: tuple[str, ...]) -> Listing:
    """List `root/<class>/*` for each of `classes`; what is hidden or no picture by name is not.

    One look at every file, none of which is opened: about 5 microseconds each.
    """
    names, labels, faults = [], [], []
    for label, folder in enumerate(classes):
        found = []
        with _scanned(root / folder) as entries:
            for entry in entries:
                name = entry.name
                if not _is_picture_name(name):
                    continue
                try:
                    status = entry.stat()
                except OSError as error:
                    broken = "a link to nothing" if entry.is_symlink() else "not readable"
                    faults.append((f"{folder}/{name}", f"{broken} ({error.strerror})"))
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    found.append(f"{folder}/{name}")
                else:
                    faults.append((f"{folder}/{name}", _what_instead(status)))
        names += sorted(found)
        labels += [label] * len(found)
    return Listing(root, classes, names, labels, sorted(faults))


def some(names: list[str] | tuple[str, ...]) -> str:
    """Names for a message, the first 20 of them."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else "")


def _is_picture_name(name: str) -> bool:
    return name[name.rfind(".") :].lower() in SUFFIXES and name[0] != "."


def _what_instead(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if stat.S_ISREG(status.st_mode):
        return "empty (0 bytes)"
    return "no plain file"  # reading from a pipe would wait for ever


@contextmanager
def _scanned(folder: Path) -> Iterator[Iterator[os.DirEntry]]:
    try:
        entries = os.scandir(folder)
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be listed ({error.strerror}); allow it to be read, or "
            "take it away"
        ) from error
    with entries:
        yield entries


def _holds_pictures(folder: Path) -> bool:
    with _scanned(folder) as entries:
        return any(_is_picture_name(entry.name) for entry in entries)


def _loose_pictures(folder: Path) -> int:
    with _scanned(folder) as entries:
        return sum(_is_picture_name(entry.name) for entry in entries)


def _lone_folder_with_more(root: Path, folders: tuple[str, ...]) -> Path | None:
    """The first folder down a chain of lone folders that could be given instead of `root`."""
    inner = root
    for _ in range(4):  # an archive unpacked into a folder of its own name, and again
        if len(folders) != 1:
            return None
        inner = inner / folders[0]
        folders = class_folders(inner)
        if "train" in folders or sum(_holds_pictures(inner / name) for name in folders) > 1:
            return inner
    return None


def _what_else(root: Path, classes: tuple[str, ...]) -> str:
    """Which other files are in the class folders, by suffix, such as " (but 12 .heic)"."""
    suffixes = Counter()
    for name in classes:
        with _scanned(root / name) as entries:
            suffixes.update(
                Path(entry.name).suffix or "without suffix"
                for entry in entries
                if entry.name[0] != "."
            )
    found = ", ".join(f"{count:,} {suffix}" for suffix, count in suffixes.most_common(3))
    return f" (but {found})" if found else ""
