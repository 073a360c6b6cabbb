"""Data sets by name and by folder: what is found, how it is split, what a reader is told."""

import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import (
    SLASH,
    noise_picture,
    take_as_official,
    write_cifar10_batches,
    write_class_folders,
)

from googlenet_lib.data import CIFAR10_CLASSES, SHAPES, ImageSet, find_cifar10, folders, load
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.imageset import combine_checksums
from googlenet_lib.errors import UsageError

CLASSES = ("cat", "dog")
MODULE = sys.modules["googlenet_lib.data.load"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where CIFAR-10 is looked for."""
    monkeypatch.setenv("GOOGLENET_DATA", str(tmp_path))
    return tmp_path


def write_sides(root, classes=CLASSES, seed=0, *, size=(32, 32), **counts):
    """A folder of class folders for each side; the pixels of each."""
    return {
        side: write_class_folders(root / side, classes, count, seed=seed + number, size=size)
        for number, (side, count) in enumerate(counts.items())
    }


def pixels_of(*sides):
    """All pictures as a set of their bytes, to tell which went where."""
    return {picture.numpy().tobytes() for side in sides for picture in side.images}


def pixels_in(array):
    return {picture.transpose(2, 0, 1).tobytes() for picture in array}


def sizes(data):
    return [len(side) for side in (data.train, data.validation, data.test)]


# ---- CIFAR-10 ------------------------------------------------------------------------------------


def test_official_batches_win_over_class_folders_and_are_cifar10(home, monkeypatch):
    write_sides(home / "cifar10-a", CIFAR10_CLASSES, train=5, test=1)
    assert find_cifar10() == home / "cifar10-a"
    inner = home / "cifar10-b" / "cifar-10-batches-py"
    pixels = torch.from_numpy(write_cifar10_batches(inner))
    take_as_official(monkeypatch, inner)
    assert find_cifar10() == home / "cifar10-b"
    data = load("cifar10")
    assert (data.name, data.note, data.classes) == ("CIFAR-10", "", CIFAR10_CLASSES)
    assert sizes(data) == [45, 5, 10]
    assert torch.equal(data.test.images, pixels[50:])
    monkeypatch.setenv("GOOGLENET_DATA", str(inner))
    assert load("cifar10").checksum == load(inner.parent).checksum == data.checksum
    assert load(inner.rename(home / "renamed"), size=32).checksum == data.checksum
    for name in (home / "renamed", "digits"):
        with pytest.raises(UsageError, match=r"--size 64 came, but .* has pictures of 32x32"):
            load(name, size=64)


def test_cifar10_in_class_folders_has_the_checksum_of_the_same_pictures_in_batches(home):
    pixels = write_sides(home / "cifar10", CIFAR10_CLASSES, train=5, test=1)
    labels = torch.arange(10)
    batches = [
        ImageSet(
            torch.from_numpy(pixels[side]).permute(0, 3, 1, 2), labels.repeat_interleave(count)
        )
        for side, count in (("train", 5), ("test", 1))
    ]
    data = load("cifar10")
    assert (data.name, data.checksum) == ("CIFAR-10", combine_checksums(*batches))
    assert (data.image_size, data.mirrors) == (32, True)
    assert load("cifar10", size=16).name == "cifar10"


@pytest.mark.parametrize("place", ["", "nowhere", "x" * 300, "caf\udce9\n"])
def test_cifar10_not_found_names_the_ways_out(home, monkeypatch, place):
    monkeypatch.setenv("GOOGLENET_DATA", str(home / place))
    write_class_folders(home / "cifar10" / "train", CLASSES)  # of that name, but with other classes
    ways = r"was not found in .*cifar-10-batches-py.*GOOGLENET_DATA.*--data digits"
    with pytest.raises(UsageError, match=ways) as caught:
        find_cifar10()
    str(caught.value).encode()


def test_cifar10_in_full_is_split_45000_5000_10000(home, monkeypatch):
    def read(folder):
        images = torch.zeros(60_000, 3, 1, 1, dtype=torch.uint8)
        everything = ImageSet(images, torch.arange(60_000) % 10)
        return everything[:50_000], everything[50_000:]

    (home / "cifar-10-batches-py").mkdir()
    monkeypatch.setattr(MODULE, "read_cifar10_batches", read)
    data = load("cifar10")
    assert sizes(data) == [45_000, 5_000, 10_000]
    assert set(data.validation.labels.bincount().tolist()) != {500}
    assert load("cifar10", stratified=True).validation.labels.bincount().tolist() == [500] * 10


# ---- splits --------------------------------------------------------------------------------------


def test_split_follows_its_seed_and_the_checksum_does_not(tmp_path):
    pixels = write_sides(tmp_path, train=20, test=1, size=(8, 8))["train"]
    plain, again, other = (load(tmp_path, split_seed=seed) for seed in (0, 0, 1))
    stratified = load(tmp_path, stratified=True)
    assert sizes(plain) == sizes(stratified) == [36, 4, 2]
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    in_order = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    assert torch.equal(plain.train.images, in_order[order[:36]])
    assert torch.equal(plain.validation.images, in_order[order[36:]])
    assert torch.equal(plain.validation.images, again.validation.images)
    assert pixels_of(plain.validation) != pixels_of(other.validation)
    assert stratified.validation.labels.bincount().tolist() == [2, 2]
    assert len({data.checksum for data in (plain, again, other, stratified)}) == 1


# ---- any folder ----------------------------------------------------------------------------------


def test_class_folders_alone_are_split_three_ways(tmp_path, monkeypatch):
    pixels = write_class_folders(tmp_path / "pets", CLASSES, 50)
    data = load(tmp_path / "pets")
    assert (data.name, data.classes, sizes(data)) == ("pets", CLASSES, [81, 9, 10])
    assert pixels_of(data.train, data.validation, data.test) == pixels_in(pixels)
    monkeypatch.chdir(tmp_path / "pets")
    assert (load(".").name, load(".").checksum) == ("pets", data.checksum)


@pytest.mark.parametrize("side", ["val", "Test", "testing"])
def test_train_and_another_side_to_test_on(tmp_path, side):
    """ImageNet's layout: what is called val is the side to test on."""
    train = "Training" if side == "testing" else "train"
    pixels = write_sides(tmp_path, **{train: 10, side: 2})
    data = load(tmp_path)
    assert sizes(data) == [18, 2, 4]
    assert pixels_of(data.test) == pixels_in(pixels[side])
    assert pixels_of(data.train, data.validation) == pixels_in(pixels[train])
    assert not pixels_of(data.train) & pixels_of(data.validation)


def test_train_alone_is_split_and_that_is_said(tmp_path):
    write_sides(tmp_path, train=50)
    with pytest.warns(UserWarning, match=r"train/ but neither test/ nor val/, so that train/ is"):
        data = load(tmp_path)
    assert (data.name, sizes(data)) == (tmp_path.name, [81, 9, 10])
    assert data.checksum == load(tmp_path / "train").checksum


def test_train_may_be_a_class(tmp_path):
    write_class_folders(tmp_path, ("car", "plane", "train"), 20)
    assert load(tmp_path).classes == ("car", "plane", "train")


def test_loose_pictures_to_test_on_do_not_make_train_a_class(tmp_path):
    """As a Kaggle archive has them: the answers to its test pictures are not given."""
    write_class_folders(tmp_path / "train", CLASSES, 10)
    write_class_folders(tmp_path, ("test", "sample"), 3)
    with pytest.raises(UsageError, match="test has other class folders than"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("folders_", "said"),
    [
        (("val/cat", "test/cat"), f"holds val/ and test/ but no train/; .* give .*{SLASH}val$"),
        (("train/cat", "train/cow", "test/cat", "test/emu"), "only in one of the two are cow, emu"),
        (("train/cat", "train/dog", "val"), r"val has other class folders .* are cat, dog; make"),
        (
            ("in/train/cat", "in/train/dog", "in/test/cat", "in/test/dog"),
            f"{SLASH}in is such a folder",
        ),
        (("cat",), "holds 1 class folders"),
        (("cat", "dog"), "were to be set aside out of 2; .*classes is left to train on"),
    ],
)
def test_folders_of_another_form_are_refused_before_any_picture_is_decoded(
    tmp_path, monkeypatch, folders_, said
):
    for name in folders_:
        (tmp_path / name).mkdir(parents=True)
        if name != "val":
            noise_picture(0).save(tmp_path / name / "0.png")
    if folders_ != CLASSES:
        monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    with pytest.raises(UsageError, match=said):
        load(tmp_path)


def test_what_is_skipped_passed_over_or_missing_is_said_once_over_all_sides(tmp_path):
    write_sides(tmp_path, train=30, val=3, test=3)
    damaged = [tmp_path / "train" / "cat" / f"{n:04}.png" for n in range(24)]
    damaged.append(tmp_path / "test" / "dog" / "0001.png")
    for path in damaged:
        path.write_bytes(b"damaged")
    for path in (tmp_path / "val" / "dog").iterdir():
        path.unlink()
    for path in ("README.md", "train/cat/.DS_Store", "test/cat/notes.txt"):
        (tmp_path / path).touch()
    (tmp_path / "extra").mkdir()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load(tmp_path)
    assert {warning.filename for warning in caught} == {__file__}  # it is told where it was loaded
    skipped, passed, remark = (str(warning.message) for warning in caught)
    assert skipped.startswith("25 files were skipped:\n")
    assert all(f"  {path}: not a picture" in skipped for path in damaged[:20])
    assert skipped.endswith("and 5 more")
    assert passed.startswith("4 entries were passed over:\n")
    for line in (
        f"  {tmp_path / 'train' / 'cat' / '.DS_Store'}: hidden",
        f"  {tmp_path / 'extra'}: a folder beside the sides",
    ):
        assert line in passed.splitlines()
    assert "class folders dog of" in remark
    assert sizes(data) == [36, 3, 5]


def test_all_sides_have_the_size_of_the_first(tmp_path):
    write_sides(tmp_path, train=10, size=(20, 20))
    write_sides(tmp_path, test=1, size=(48, 40))
    data = load(tmp_path)
    assert [side.images.shape[2:] for side in (data.train, data.test)] == [(20, 20)] * 2
    assert load(tmp_path, size=12).test.images.shape[2:] == (12, 12)


def test_a_data_set_wins_over_a_folder_of_its_name_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_class_folders(tmp_path / "digits", CLASSES, 20)
    with pytest.warns(UserWarning, match=r"digits is a data set's name; \./digits is the folder"):
        assert len(load("digits").classes) == 10
    assert load("./digits").classes == load(Path("digits")).classes == CLASSES


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(None, b"digits", ["digits"], "", "file.zip", Path("folder") / "nowhere"),
        *("x" * 300, "/".join(["folder"] * 800), "a\0b", "caf\udce9\n"),
    ],
    ids=range(10),
)
def test_what_is_no_data_set_is_one_short_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.zip").touch()
    with pytest.raises(UsageError, match="is neither a data set by name") as caught:
        load(name)
    assert len(str(caught.value).splitlines()) == 1
    str(caught.value).encode()
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("size", ["32", 32.5, float("nan"), [32], 10**9, 7])
def test_other_sizes_are_refused(size):
    assert load("digits", size=np.int64(32)).image_size == 32
    with pytest.raises(UsageError, match=r"a size of .* pixels came; expected a whole.* 8 to"):
        load("digits", size=size)


def test_shapes_too_large_for_memory_are_refused():
    with pytest.raises(UsageError, match=r"6,000 shapes of 500x500 would take 4\.2 GiB"):
        load("shapes", size=500)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "too little memory was free to load .*--size"),
        (RuntimeError("can't allocate memory"), "too little memory was free to load .*--size"),
        (PermissionError(13, "Permission denied", "cat"), r"^cat cannot be read \(Perm.* allow"),
    ],
)
def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    write_class_folders(tmp_path, CLASSES, 2)
    monkeypatch.setattr(MODULE, "split_validation", fail)
    with pytest.raises(UsageError, match=said):
        load(tmp_path)


@pytest.mark.parametrize("sided", [False, True])
def test_loading_takes_at_most_two_copies_of_the_pictures(tmp_path, sided):
    if sided:
        write_sides(tmp_path, train=30, test=1, size=(64, 64))
    else:
        write_class_folders(tmp_path, CLASSES, 30, size=(64, 64))
    load(tmp_path, size=160)  # what is made once is made before
    tracemalloc.start()
    data = load(tmp_path, size=160)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.4 * sum(sizes(data)) * 3 * 160 * 160


# ---- built in ------------------------------------------------------------------------------------


def test_digits_are_all_scans_and_have_no_mirror_images():
    data = load("digits")
    assert sizes(data) == [1350, 150, 297]
    labels = torch.cat([side.labels for side in (data.train, data.validation, data.test)])
    assert torch.equal(labels.bincount(), read_digits().labels.bincount())
    assert not data.mirrors


def test_shapes_in_the_size_that_is_asked_for():
    data = load("shapes", size=8)
    assert (data.name, data.classes, data.image_size) == ("shapes", SHAPES, 8)
    assert sizes(data) == [4000, 1000, 1000]
    assert data.mirrors
    assert not pixels_of(data.test) & pixels_of(data.train, data.validation)
