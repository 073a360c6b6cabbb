"""Class folders in, uint8 pictures out, decoded by all cores."""

import warnings
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

import numpy as np
import torch

from googlenet_lib.data.imageset import ImageSet
from googlenet_lib.data.listing import MOST_NAMES, Listing, some
from googlenet_lib.data.pictures import (
    MemoryShortError,
    PictureError,
    decode_picture,
    picture_size,
    without_pillow_warnings,
)
from googlenet_lib.errors import UsageError, shown
from googlenet_lib.platforms import progress_bar, usable_cores

MOST_BYTES = 4 * 2**30  # of decoded pictures, held in memory
CHUNK = 64  # pictures a task: few enough to share out evenly, enough to make a task's cost small
CHUNK_PIXELS = 2**20  # and no more than these at a time
LOOKED_AT = 100  # pictures whose size is looked at to choose one for all


@dataclass
class Findings:
    """What was noticed while folders were read, gathered over all sides and told once."""

    files: int = 0
    skipped: list[tuple[Path, str]] = field(default_factory=list)  # (file, reason)
    animated: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # a sentence each
    passed: list[tuple[Path, str]] = field(default_factory=list)  # (file or folder, reason)

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            self.files + other.files,
            self.skipped + other.skipped,
            self.animated + other.animated,
            self.remarks + other.remarks,
            self.passed + other.passed,
        )

    def texts(self) -> list[str]:
        """Each finding as a text, files by name and reason, at most 20 of them."""
        texts = []
        if self.skipped:
            kinds = Counter(reason.split(" (")[0] for _, reason in self.skipped)
            counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
            lines = [f"{shown(path)}: {reason}" for path, reason in self.skipped[:MOST_NAMES]]
            if len(self.skipped) > MOST_NAMES:
                lines.append(f"and {len(self.skipped) - MOST_NAMES:,} more")
            head = f"{len(self.skipped):,} of {self.files:,} files were skipped ({counts}):"
            texts.append("\n  ".join([head, *lines]))
        if self.passed:
            by_reason = defaultdict(list)
            for path, reason in self.passed:
                by_reason[reason].append(path)
            lines = [f"{reason} ({len(p):,}): {some(p, 5)}" for reason, p in by_reason.items()]
            head = f"{len(self.passed):,} entries were passed over:"
            texts.append("\n  ".join([head, *lines]))
        if self.animated:
            texts.append(
                f"{len(self.animated):,} files hold several frames, such as "
                f"{shown(self.animated[0])}; of each the first is used"
            )
        return texts + list(dict.fromkeys(self.remarks))

    def warn(self, stacklevel: int) -> None:
        """Warn of each finding, once."""
        for text in self.texts():
            warnings.warn(text, stacklevel=stacklevel + 1)


def read_pictures(
    listing: Listing, *, size: int | None = None, to_train: bool = True
) -> tuple[ImageSet, Findings]:
    """Decode the pictures of a listing: (pictures of size x size, what was noticed).

    Without `size`, `natural_size` is taken. Files that cannot be read are skipped and named in the
    findings. Raises UsageError where that is more than half of them, where a class to train on has
    no picture (on other sides that is a remark), or where there is too little memory for one.
    """
    check_classes(listing, listing.labels, listing.faults, to_train)
    images, failed, animated = _decoded(listing, size or natural_size(listing))
    skipped = sorted([*listing.faults, *failed])
    findings = Findings(
        files=len(listing.names) + len(listing.faults),
        skipped=[(listing.root / name, reason) for name, reason in skipped],
        animated=[listing.root / name for name in animated],
        remarks=check_classes(listing, images.labels.tolist(), skipped, to_train),
    )
    return images, findings


def _decoded(
    listing: Listing, size: int
) -> tuple[ImageSet, list[tuple[str, str]], list[str]]:
    """(The pictures, which files could not be read and why, which hold several frames)."""
    count = len(listing.names)
    root = str(listing.root)
    chunk = max(1, min(CHUNK, CHUNK_PIXELS // size**2))
    images = np.zeros((count, 3, size, size), np.uint8)
    failed: dict[int, str] = {}
    animated: list[int] = []

    def decode(start: int) -> int:
        names = listing.names[start : start + chunk]
        pixels = np.zeros((len(names), size, size, 3), np.uint8)
        for row, name in enumerate(names):
            try:
                pixels[row], several = decode_picture(f"{root}/{name}", size)
                if several:
                    animated.append(start + row)
            except MemoryShortError:  # no fault of the picture's: the next time it may be read
                raise
            except PictureError as error:
                failed[start + row] = error.reason
        images[start : start + chunk] = pixels.transpose(0, 3, 1, 2)
        return len(names)

    starts = range(0, count, chunk)
    with (
        without_pillow_warnings(),
        ThreadPoolExecutor(usable_cores()) as pool,
        progress_bar((), total=count, desc=f"reading {shown(listing.root.name)}") as progress,
    ):
        for done in pool.map(decode, starts):
            progress.update(done)
    pictures, labels = torch.from_numpy(images), torch.tensor(listing.labels)
    if failed:
        good = torch.ones(count, dtype=torch.bool)
        good[list(failed)] = False
        pictures, labels = pictures[good], labels[good]
    return (
        ImageSet(pictures, labels),
        [(listing.names[at], reason) for at, reason in sorted(failed.items())],
        [listing.names[at] for at in sorted(animated)],
    )


def natural_size(listing: Listing) -> int:
    """Pixels a side: those of most pictures, if they are square and at most 256, else 224."""
    return size_of_most(listing)[0]


def size_of_most(listing: Listing) -> tuple[int, list[str]]:
    """(`natural_size`, a remark if pictures of other sizes are scaled to it)."""
    evenly = listing.names[:: 1 + len(listing.names) // LOOKED_AT]
    sizes = Counter(filter(None, (picture_size(listing.root / name) for name in evenly)))
    (width, height), most = max(sizes.items(), key=lambda item: item[1], default=((0, 1), 0))
    if not width == height <= 256 or 2 * most <= sizes.total():
        return 224, []
    if most == sizes.total():
        return width, []
    return width, [
        f"{sizes.total() - most} of {sizes.total()} pictures that were looked at in "
        f"{shown(listing.root)} are not of {width}x{width}, as most are, to which all are scaled; "
        "--size takes another size"
    ]


def check_classes(
    listing: Listing, labels: list[int], skipped: list[tuple[str, str]], to_train: bool
) -> list[str]:
    """Remarks on classes that have lost pictures; UsageError where too many are lost."""
    kept = Counter(labels)
    lost = Counter(normalize("NFC", name.split("/")[0]) for name, _ in skipped)
    named = [f"{shown(listing.root / name)}: {reason}" for name, reason in skipped[:5]]
    if skipped and len(skipped) > len(labels):
        more = "" if labels else "no picture could be read: "
        raise UsageError(
            f"{more}{len(skipped):,} of the {len(skipped) + len(labels):,} files in {listing.root} "
            "are no pictures or damaged; expected at most half. Copy or unpack them again. The "
            "first:\n  " + "\n  ".join(named)
        )
    empty = [name for label, name in enumerate(listing.classes) if not kept[label]]
    if empty and to_train:
        raise UsageError(
            f"no picture that can be read is in the class folders {some(empty)} of "
            f"{listing.root}; a class to train on needs at least one: add pictures, or take the "
            "folder away" + "".join(f"\n  {one}" for one in named)
        )
    remarks = []
    if empty:
        remarks.append(
            f"the class folders {some(empty)} of {listing.root} hold no picture that can be read, "
            "so that nothing is measured on these classes there"
        )
    halved = [
        f"{name} ({lost[name]:,} of {lost[name] + kept[label]:,})"
        for label, name in enumerate(listing.classes)
        if lost[name] > kept[label] > 0
    ]
    if halved:
        remarks.append(
            f"more than half of these classes of {listing.root} was lost: {some(halved)}"
        )
    return remarks
