"""What lies in a folder of class folders, and what is amiss with it, before a picture is read."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unicodedata import normalize

from googlenet_lib.data.kinds import HEAD, begins_as_picture, other_picture
from googlenet_lib.data.pictures import NOT_READ, SUFFIXES
from googlenet_lib.errors import UsageError, shown

LEFT_BY_SYSTEMS = frozenset(  # in small letters
    ("__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "recycler", "lost+found")
    + ("system volume information", "__pycache__", "network trash folder", "temporary items")
    + ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")
)
RUN_FILES = frozenset(("last.pt", "best.safetensors", "history.json", "run.json"))
MOST_NAMES = 20  # that a message shows


@dataclass(frozen=True)
class Listing:
    """The pictures `root/<class>/*` in the order of their names, none of them decoded yet."""

    root: Path
    classes: tuple[str, ...]
    names: list[str]  # of the files, within root: "cat/0001.jpg"
    labels: list[int]
    faults: list[tuple[str, str]]  # (name, reason): meant as pictures, but none that can be read
    passed: list[tuple[str, str]]  # (name, reason): no pictures, and not meant as such


def class_folders(root: Path) -> tuple[str, ...]:
    """The names of the class folders under `root`, sorted: a class for each."""
    return tuple(_classes_in(root)[0])


def class_places(root: Path) -> dict[str, Path]:
    """Where each class is; its name may be written otherwise on disk than in `class_folders`."""
    return {name: root / folders[0] for name, folders in _classes_in(root)[0].items()}


def passed_beside(root: Path, used: list[Path]) -> list[tuple[Path, str]]:
    """What is passed over in a folder of which only the folders `used` are read."""
    folders, passed = _classes_in(root)
    names = [name for names in folders.values() for name in names if root / name not in used]
    passed += [(name, "a folder beside the sides") for name in names]
    return [(root / name, reason) for name, reason in passed]


def _classes_in(root: Path) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """(The folders of each class, what else is there and why it is none).

    An accent is one letter or two, as the system that wrote the name has it: the same class.
    """
    folders, passed = {}, []
    with _scanned(root) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if reason := _why_no_class(entry):
                passed.append((entry.name, reason))
                continue
            name = normalize("NFC", entry.name)
            if shown(name) != name:
                raise UsageError(
                    f"the class folder {shown(entry.path)} has a name that is no UTF-8, or that "
                    "cannot be shown; rename it"
                )
            folders.setdefault(name, []).append(entry.name)
    return dict(sorted(folders.items())), passed


def _why_no_class(entry: os.DirEntry) -> str:
    """Why an entry of a data folder is no class folder; nothing where it is one."""
    if reason := _by_its_name(entry.name):
        return reason
    if not os.path.exists(entry.path):
        return "a link to nothing"  # or to itself
    if not entry.is_dir():
        return "a file beside the class folders"
    if entry.is_symlink() and Path(entry.path).parent.resolve().is_relative_to(
        Path(entry.path).resolve()
    ):
        return "a link to a folder that it is in"
    return "an output folder of runs" if _is_output(entry) else ""


def _by_its_name(name: str) -> str:
    if name[0] == ".":
        return "hidden"
    return "left by a system" if name.casefold() in LEFT_BY_SYSTEMS else ""


def _is_output(entry: os.DirEntry) -> bool:
    """True for what training writes: a run's folder, one of runs, what TensorBoard shows."""
    if holds_pictures(entry.path):
        return False
    inner = [entry.path]
    with _scanned(entry.path) as entries:
        inner += [one.path for one in entries if one.is_dir(follow_symlinks=False)]
    return entry.name == "runs" or any(_was_written_by_training(folder) for folder in inner)


def _was_written_by_training(folder: str) -> bool:
    with _scanned(folder) as entries:
        names = {entry.name for entry in islice(entries, 100)}  # it writes few
    return bool(names & RUN_FILES) or any(name.startswith("events.out.tfevents") for name in names)


def checked_classes(root: Path) -> tuple[str, ...]:
    """The class folders under `root`: at least two, and pictures in one of them at least.

    Raises UsageError that says what is there instead, and which folder to give.
    """
    places = class_places(root)
    classes = tuple(places)
    filled = [name for name in classes if holds_pictures(places[name])]
    if filled and len(classes) > 1:
        return classes
    inner = _lone_folder_with_more(root, classes)
    if inner is not None:
        raise UsageError(
            f"{root} holds no class folders with pictures, but {inner} does; give {inner}, or "
            f"move what is in it up to {root}"
        )
    deeper = [name for name in classes if class_folders(places[name])]
    if deeper and not filled:
        example = Path(deeper[0]) / class_folders(places[deeper[0]])[0]
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
        f"no picture was found in the class folders of {root}{_what_else(places)}; "
        f"expected files such as {root / classes[0] / 'picture.jpg'}, called "
        f"{', '.join(sorted(SUFFIXES))}"
    )


def list_pictures(root: Path, classes: tuple[str, ...]) -> Listing:
    """List the pictures `root/<class>/*` for each of `classes`, and what else is there.

    One look at every file, about 5 microseconds each. None is opened whose name says that it is a
    picture; of any other, the first bytes tell.
    """
    folders, passed = _classes_in(root)
    names, labels, faults = [], [], []
    for label, name in enumerate(classes):
        found = []
        for folder in folders.get(name, [name]):
            with _scanned(root / folder) as entries:
                for entry in entries:
                    within = f"{folder}/{entry.name}"
                    if reason := _by_its_name(entry.name):
                        passed.append((within, reason))
                    elif not (reason := _why_no_picture(entry)):
                        found.append(within)
                    elif _is_picture_name(entry.name) or reason.startswith(NOT_READ):
                        faults.append((within, reason))
                    else:
                        passed.append((within, reason))
        names += sorted(found)
        labels += [label] * len(found)
    return Listing(root, classes, names, labels, sorted(faults), sorted(passed))


def some(names: list[str] | tuple[str, ...], most: int = MOST_NAMES) -> str:
    """Names for a message, the first 20 of them."""
    text = ", ".join(map(shown, names[:most]))
    return text + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _is_picture_name(name: str) -> bool:
    return name[name.rfind(".") :].lower() in SUFFIXES


def _why_no_picture(entry: os.DirEntry) -> str:
    """Why a file or folder is no picture, as far as can be told undecoded; else nothing."""
    try:
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return _what_instead(status)
        if _is_picture_name(entry.name):
            return ""
        with open(entry.path, "rb") as file:  # noqa: PTH123 - a path object costs more than it
            head = file.read(HEAD)
    except OSError as error:
        broken = "a link to nothing" if entry.is_symlink() else "not readable"
        return f"{broken} ({error.strerror})"
    if begins_as_picture(head):
        return ""
    kind = other_picture(head)
    return f"{NOT_READ} ({kind})" if kind else "neither called a picture nor one"


def _what_instead(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if stat.S_ISREG(status.st_mode):
        return "empty (0 bytes)"
    return "no plain file"  # reading from a pipe would wait for ever


@contextmanager
def _scanned(folder: str | Path) -> Iterator[Iterator[os.DirEntry]]:
    try:
        entries = os.scandir(folder)
    except OSError as error:
        raise UsageError(
            f"the folder {shown(folder)} cannot be listed ({error.strerror}); allow it to be "
            "read, or take it away"
        ) from error
    with entries:
        yield entries


def holds_pictures(folder: str | Path) -> bool:
    """True where a picture lies right in the folder."""
    return _loose_pictures(folder, most=1) > 0


def _loose_pictures(folder: str | Path, most: int | None = None) -> int:
    with _scanned(folder) as entries:
        pictures = (e for e in entries if not _by_its_name(e.name) and _meant_as_picture(e))
        return sum(1 for _ in islice(pictures, most))


def _meant_as_picture(entry: os.DirEntry) -> bool:
    return _is_picture_name(entry.name) or not _why_no_picture(entry)


def _lone_folder_with_more(root: Path, folders: tuple[str, ...]) -> Path | None:
    """The first folder down a chain of lone folders that could be given instead of `root`."""
    inner = root
    for _ in range(4):  # an archive unpacked into a folder of its own name, and again
        if len(folders) != 1:
            return None
        (inner,) = class_places(inner).values()
        folders = class_folders(inner)
        if "train" in folders or sum(map(holds_pictures, class_places(inner).values())) > 1:
            return inner
    return None


def _what_else(places: dict[str, Path]) -> str:
    """Which other files are in the class folders, by suffix, such as " (but 12 .heic)"."""
    suffixes = Counter()
    for folder in places.values():
        with _scanned(folder) as entries:
            suffixes.update(
                Path(entry.name).suffix or "without suffix"
                for entry in entries
                if entry.name[0] != "."
            )
    found = ", ".join(f"{count:,} {suffix}" for suffix, count in suffixes.most_common(3))
    return f" (but {found})" if found else ""
