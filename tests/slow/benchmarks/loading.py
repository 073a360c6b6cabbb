"""How long data takes until it can be trained on: built in, decoded, listed.

    python tests/slow/benchmarks/loading.py [--data data/cifar10] [--files 100000]

Without --data, pictures of noise in CIFAR-10's layout stand in for it. All files are made in a
temporary folder. Processor seconds count all threads; on a busy machine they say more than the
seconds that passed.
"""

import argparse
import hashlib
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from googlenet_lib.data import CIFAR10_CLASSES, Data, cifar10, load
from googlenet_lib.data.folders import check_folders, list_pictures
from googlenet_lib.device import count_cores, list_versions

SIDES = {"train": 5000, "test": 1000}  # pictures a class, as in CIFAR-10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, help="CIFAR-10 as JPEGs in class folders")
    options.add_argument("--files", type=int, default=100_000, help="to list; default: 100000")
    options = options.parse_args()
    print(f"{count_cores()} cores, " + ", ".join(f"{k} {v}" for k, v in list_versions().items()))
    print(f"{'what':40}{'pictures':>9}{'seconds':>9}{'of processor':>14}{'pictures/s':>12}")
    with tempfile.TemporaryDirectory(prefix="googlenet-loading-") as made:
        made = Path(made)
        timed("digits", lambda: load("digits"))
        timed("shapes", lambda: load("shapes"))
        folder = options.data or noise_folders(made / "noise")
        timed("JPEGs in class folders, decoded", lambda: load(folder))
        batches = official_batches(made / "cifar-10-batches-py")
        timed("official batches of noise", lambda: load(batches))
        many = hard_links(made / "many", options.files)
        timed("files in class folders, listed", lambda: list_pictures(many, check_folders(many)))


def timed(what: str, work: Callable) -> Data:
    seconds, processor = time.perf_counter(), time.process_time()
    done = work()
    processor, seconds = time.process_time() - processor, time.perf_counter() - seconds
    sides = (done.train, done.validation, done.test) if isinstance(done, Data) else (done.names,)
    count = sum(len(side) for side in sides)
    print(f"{what:40}{count:9,}{seconds:9.2f}{processor:14.2f}{count / seconds:12,.0f}", flush=True)
    return done


def noise_folders(root: Path) -> Path:
    """60,000 JPEGs as large as CIFAR-10's; 100 of them differ, the others are links to these."""
    draw = np.random.default_rng(0)
    originals = root / "originals"
    originals.mkdir(parents=True)
    for number in range(100):
        coarse = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC)
        picture.save(originals / f"{number}.jpg", quality=75)
    for side, count in SIDES.items():
        for name in CIFAR10_CLASSES:
            link(originals, root / side / name, count)
    return root


def hard_links(root: Path, count: int) -> Path:
    """`count` files in ten class folders, links to ten: one file may have only so many names."""
    originals = root.with_name("few")
    originals.mkdir()
    for number in range(10):
        Image.new("RGB", (8, 8)).save(originals / f"{number}.jpg")
    for name in CIFAR10_CLASSES:
        link(originals, root / name, count // len(CIFAR10_CLASSES))
    return root


def link(originals: Path, folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    sources = sorted(originals.iterdir())
    for number in range(count):
        (folder / f"{number:05}.jpg").hardlink_to(sources[number % len(sources)])


def official_batches(folder: Path) -> Path:
    """CIFAR-10's batches in their form and size, of noise; they pass for the published ones."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]:
        pixels = draw.integers(0, 256, (10_000, 3072), dtype=np.uint8)
        batch = {b"data": pixels, b"labels": [row % 10 for row in range(len(pixels))]}
        # the published ones hold plain bytes, as Python 2 wrote them; Python 3 does from 3 on
        content = pickle.dumps(batch, protocol=3)
        (folder / name).write_bytes(content)
        cifar10.OFFICIAL_MD5[name] = hashlib.md5(content).hexdigest()
    return folder


if __name__ == "__main__":
    main()
