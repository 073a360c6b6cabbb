"""Data sets by name and by folder: what is found, how it is split, what a reader is told."""

import sys
import tracemalloc
import warnings
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
import torch
from samples import take_as_official, write_cifar10_batches, write_class_folders

from googlenet_lib.data import CIFAR10_CLASSES, SHAPES, ImageSet, find_cifar10, folders, load
from googlenet_lib.data.digits import read_digits
from googlenet_lib.data.folders import read_pictures
from googlenet_lib.data.imageset import combined_checksum
from googlenet_lib.data.listing import class_folders, list_pictures
from googlenet_lib.errors import UsageError

CLASSES = ("cat", "dog")
REAL = Path(__file__).parents[1] / "data" / "cifar10-jpeg"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where CIFAR-10 is looked for."""
    monkeypatch.setenv("GOOGLENET_DATA", str(tmp_path))
    return tmp_path


def write_sides(root, classes=CIFAR10_CLASSES, train=5, test=1, **how):
    """train/ and test/ in class folders; the pixels of each."""
    return (
        write_class_folders(root / "train", classes, train, seed=1, **how),
        write_class_folders(root / "test", classes, test, seed=2, **how),
    )


def pixels_of(*sides):
    """All pictures as a set of their bytes, to tell which went where."""
    return {picture.numpy().tobytes() for side in sides for picture in side.images}


def pixels_in(array):
    return {picture.transpose(2, 0, 1).tobytes() for picture in array}


def sizes(data):
    return [len(side) for side in (data.train, data.validation, data.test)]


# ---- CIFAR-10 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "batches"])
def test_a_size_that_the_data_cannot_have_is_refused(tmp_path, monkeypatch, name):
    write_cifar10_batches(tmp_path / "cifar-10-batches-py")
    take_as_official(monkeypatch, tmp_path / "cifar-10-batches-py")
    source = tmp_path if name == "batches" else name
    with pytest.raises(UsageError, match=r"--size 64 came, but .* has pictures of 32x32"):
        load(source, size=64)
    assert load(source, size=32).image_size == 32


def test_cifar10_from_jpegs_says_so(home):
    write_sides(home / "cifar10-jpeg", suffix=".jpg", quality=75)
    data = load("cifar10")
    assert (data.name, data.note) == ("CIFAR-10, JPEG q75", "JPEG q75")
    assert (data.classes, data.image_size, data.mirrors) == (CIFAR10_CLASSES, 32, True)
    assert sizes(data) == [45, 5, 10]


def test_quality_is_told_when_the_first_picture_is_damaged_or_none(home):
    write_sides(home / "cifar10", suffix=".jpg", quality=90)
    (home / "cifar10" / "train" / "airplane" / "0000.jpg").write_bytes(b"damaged")
    (home / "cifar10" / "train" / "airplane" / ".DS_Store").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 60 files were skipped"):
        assert load("cifar10").name == "CIFAR-10, JPEG q90"


def test_cifar10_from_png_needs_no_note(home):
    train, test = write_sides(home / "cifar10")
    data = load("cifar10")
    assert (data.name, data.note) == ("CIFAR-10", "")
    assert pixels_of(data.train, data.validation) == pixels_in(train)
    assert pixels_of(data.test) == pixels_in(test)


def test_official_batches_win_over_class_folders(home, monkeypatch):
    write_sides(home / "cifar10-a", suffix=".jpg")
    pixels = torch.from_numpy(write_cifar10_batches(home / "cifar10-b" / "cifar-10-batches-py"))
    take_as_official(monkeypatch, home / "cifar10-b" / "cifar-10-batches-py")
    assert find_cifar10() == home / "cifar10-b"
    data = load("cifar10")
    assert (data.name, data.note, data.classes) == ("CIFAR-10", "", CIFAR10_CLASSES)
    assert sizes(data) == [45, 5, 10]
    assert torch.equal(data.test.images, pixels[50:])
    assert data.checksum == load(home / "cifar10-b" / "cifar-10-batches-py").checksum


@pytest.mark.parametrize("place", ["", "cifar-10-batches-py", "cifar-10-python"])
def test_official_batches_are_found_and_not_downloaded(home, monkeypatch, place):
    batches = home / ("" if place != "cifar-10-python" else place) / "cifar-10-batches-py"
    write_cifar10_batches(batches)
    take_as_official(monkeypatch, batches)
    monkeypatch.setenv("GOOGLENET_DATA", str(home / place))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no picture of")
        assert load("cifar10").name == load(batches).name == "CIFAR-10"
    batches.rename(home / "renamed")
    assert sizes(load(home / "renamed")) == [45, 5, 10]


def test_official_batches_and_png_folders_of_the_same_pictures_have_one_checksum(home):
    train, test = write_sides(home / "cifar10")
    labels = torch.arange(10)
    batches = [
        ImageSet(torch.from_numpy(pixels).permute(0, 3, 1, 2), labels.repeat_interleave(count))
        for pixels, count in ((train, 5), (test, 1))
    ]
    assert load("cifar10").checksum == combined_checksum(*batches)


def test_cifar10_is_looked_for_under_data_without_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("GOOGLENET_DATA")
    monkeypatch.chdir(tmp_path)
    write_sides(tmp_path / "data" / "cifar10")
    assert sizes(load("cifar10")) == [45, 5, 10]


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_cifar10_not_found_names_the_ways_out(home, monkeypatch, place):
    monkeypatch.setenv("GOOGLENET_DATA", str(home / place))
    write_class_folders(home / "cifar10" / "train", CLASSES)  # of that name, but with other classes
    with pytest.raises(
        UsageError, match=r"cifar-10-batches-py.*GOOGLENET_DATA.*--data digits"
    ) as e:
        load("cifar10")
    assert str(home / place) in str(e.value)


def test_cifar10_in_full_is_split_45000_5000_10000(home, monkeypatch):
    def read(folder):
        images = torch.zeros(60_000, 3, 1, 1, dtype=torch.uint8)
        everything = ImageSet(images, torch.arange(60_000) % 10)
        return everything[:50_000], everything[50_000:]

    (home / "cifar-10-batches-py").mkdir()
    monkeypatch.setattr(sys.modules["googlenet_lib.data.load"], "read_cifar10_batches", read)
    data = load("cifar10")
    assert sizes(data) == [45_000, 5_000, 10_000]
    assert set(data.validation.labels.bincount().tolist()) != {500}
    data = load("cifar10", stratified=True)
    assert sizes(data) == [45_000, 5_000, 10_000]
    assert data.validation.labels.bincount().tolist() == [500] * 10


@pytest.mark.skipif(not REAL.is_dir(), reason="CIFAR-10 is not here")
def test_the_real_thing():
    """All of it is there; decoding is tried on the side to test on, which takes two seconds."""
    assert class_folders(REAL / "train") == CIFAR10_CLASSES
    labels = torch.tensor(list_pictures(REAL / "train", CIFAR10_CLASSES).labels)
    assert labels.bincount().tolist() == [5_000] * 10
    test, findings = read_pictures(list_pictures(REAL / "test", CIFAR10_CLASSES))
    assert test.images.shape == (10_000, 3, 32, 32)
    assert test.labels.bincount().tolist() == [1_000] * 10
    assert findings.texts() == []


# ---- splits --------------------------------------------------------------------------------------


def test_validation_is_split_from_train_and_all_is_kept(tmp_path):
    train, _ = write_sides(tmp_path, CLASSES, train=25, test=3)
    data = load(tmp_path)
    assert sizes(data) == [45, 5, 6]
    assert not pixels_of(data.train) & pixels_of(data.validation)
    assert pixels_of(data.train, data.validation) == pixels_in(train)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    in_order = torch.from_numpy(train).permute(0, 3, 1, 2)
    assert torch.equal(data.train.images, in_order[order[:45]])
    assert torch.equal(data.validation.images, in_order[order[45:]])


def test_split_follows_its_seed_and_the_checksum_does_not(tmp_path):
    write_sides(tmp_path, CLASSES, train=20, test=1, size=(8, 8))
    plain, again, other = (load(tmp_path, split_seed=seed) for seed in (0, 0, 1))
    stratified = load(tmp_path, stratified=True)
    assert torch.equal(plain.validation.images, again.validation.images)
    assert pixels_of(plain.validation) != pixels_of(other.validation)
    assert stratified.validation.labels.bincount().tolist() == [2, 2]
    assert len({data.checksum for data in (plain, again, other, stratified)}) == 1


def test_checksum_is_changed_by_one_pixel_of_any_side(tmp_path):
    write_sides(tmp_path, CLASSES, train=10, size=(8, 8), suffix=".bmp")
    checksums = {load(tmp_path).checksum}
    for side in ("train", "test"):
        path = tmp_path / side / "dog" / "0000.bmp"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        checksums.add(load(tmp_path).checksum)
    assert len(checksums) == 3


# ---- any folder ----------------------------------------------------------------------------------


def test_class_folders_alone_are_split_three_ways(tmp_path):
    pixels = write_class_folders(tmp_path / "pets", CLASSES, 50)
    data = load(tmp_path / "pets")
    assert (data.name, data.classes, sizes(data)) == ("pets", CLASSES, [81, 9, 10])
    assert pixels_of(data.train, data.validation, data.test) == pixels_in(pixels)
    assert len(pixels_of(data.train) | pixels_of(data.validation)) == 90


def test_very_few_pictures_are_enough(tmp_path):
    write_class_folders(tmp_path, CLASSES, 2)
    assert sizes(load(tmp_path)) == [2, 1, 1]


def test_notes_on_any_folder(tmp_path):
    write_class_folders(tmp_path / "pets", CLASSES, 5, suffix=".jpeg", quality=60)
    assert (load(tmp_path / "pets").name, load(tmp_path / "pets").note) == ("pets", "JPEG q60")


@pytest.mark.parametrize("side", ["val", "valid", "validation"])
def test_train_and_val(tmp_path, side):
    """ImageNet's layout: what is called val is the side to test on."""
    train = write_class_folders(tmp_path / "train", CLASSES, 10, seed=1)
    held_out = write_class_folders(tmp_path / side, CLASSES, 2, seed=2)
    data = load(tmp_path)
    assert sizes(data) == [18, 2, 4]
    assert pixels_of(data.test) == pixels_in(held_out)
    assert pixels_of(data.train, data.validation) == pixels_in(train)


def test_train_val_and_test(tmp_path):
    sides = ("train", "val", "test")
    pixels = [write_class_folders(tmp_path / s, CLASSES, 3, seed=n) for n, s in enumerate(sides)]
    data = load(tmp_path)
    for side, expected in zip((data.train, data.validation, data.test), pixels, strict=True):
        assert torch.equal(side.images, torch.from_numpy(expected).permute(0, 3, 1, 2))
    assert data.checksum == combined_checksum(data.train, data.validation, data.test)


def test_train_alone_is_split_and_that_is_said(tmp_path):
    pixels = write_class_folders(tmp_path / "train", CLASSES, 50)
    with pytest.warns(UserWarning, match=r"train/ but neither test/ nor val/, so that train/ is"):
        data = load(tmp_path)
    assert (data.name, sizes(data)) == (tmp_path.name, [81, 9, 10])
    assert pixels_of(data.train, data.validation, data.test) == pixels_in(pixels)
    assert data.checksum == load(tmp_path / "train").checksum


@pytest.mark.parametrize("sides", [("test",), ("val",), ("val", "test")])
def test_sides_without_train_say_what_to_do(tmp_path, sides):
    for side in sides:
        write_class_folders(tmp_path / side, CLASSES, 5)
    held = " and ".join(f"{side}/" for side in sides)
    with pytest.raises(UsageError, match=f"holds {held} but no train/; .* give .*/{sides[0]}$"):
        load(tmp_path)


@pytest.mark.parametrize("names", [("Train", "Test"), ("TRAIN", "Val"), ("training", "testing")])
def test_sides_by_other_names(tmp_path, names):
    for name, count in zip(names, (20, 3), strict=True):
        write_class_folders(tmp_path / name, CLASSES, count)
    assert sizes(load(tmp_path)) == [36, 4, 6]


def test_train_may_be_a_class(tmp_path):
    write_class_folders(tmp_path, ("car", "plane", "train"), 20)
    assert load(tmp_path).classes == ("car", "plane", "train")


def test_sides_without_class_folders_are_no_classes(tmp_path):
    write_class_folders(tmp_path, ("train", "test"), 20)
    with pytest.raises(UsageError, match="train holds 0 class folders and 20 pictures"):
        load(tmp_path)


def test_what_is_passed_over_is_said_once_over_all_sides(tmp_path):
    write_sides(tmp_path, CLASSES, train=20, test=3)
    for path in ("extra", "lost+found", "runs/a", "train/__pycache__"):
        (tmp_path / path).mkdir(parents=True)
    for path in ("README.md", "train/cat/.DS_Store", "train/dog/.DS_Store", "test/cat/notes.txt"):
        (tmp_path / path).touch()
    with pytest.warns(UserWarning, match="entries were passed over") as caught:
        data = load(tmp_path)
    assert sizes(data) == [36, 4, 6]
    (text,) = [str(warning.message) for warning in caught]
    head, *lines = text.splitlines()
    assert head == "8 entries were passed over:"
    assert {line.partition(":")[0].strip() for line in lines} == {
        "hidden (2)",
        "left by a system (2)",
        "an output folder of runs (1)",
        "a folder beside the sides (1)",
        "a file beside the class folders (1)",
        "empty (0 bytes) (1)",
    }
    assert f"{tmp_path / 'train' / 'cat' / '.DS_Store'}, " in text


def test_accent_of_one_letter_or_two_on_either_side(tmp_path):
    for side, form in (("train", "NFC"), ("test", "NFD")):
        write_class_folders(tmp_path / side, (normalize(form, "café"), "dog"), 20)
    data = load(tmp_path)
    assert data.classes == (normalize("NFC", "café"), "dog")
    assert data.test.labels.tolist() == [0] * 20 + [1] * 20


def test_every_class_keeps_a_picture_to_train_on_and_what_is_missing_is_said(tmp_path):
    classes = tuple(f"c{number:02}" for number in range(20))
    write_class_folders(tmp_path, classes, 2, size=(8, 8))
    with pytest.warns(UserWarning, match="no picture of c") as caught:
        data = load(tmp_path)
    assert sizes(data) == [33, 3, 4]
    assert data.train.labels.unique().tolist() == list(range(20))
    for side in ("validation", "test"):
        held = {classes[label] for label in getattr(data, side).labels.tolist()}
        (text,) = [str(w.message) for w in caught if f"the {side} side" in str(w.message)]
        assert all((name in text) == (name not in held) for name in classes)


@pytest.mark.parametrize("counts", [(1, 1), (2, 1), (1, 1, 1, 1)])
def test_too_few_pictures_for_three_sides(tmp_path, counts):
    for number, count in enumerate(counts):
        write_class_folders(tmp_path, (f"c{number}",), count)
    with pytest.raises(UsageError, match=r"set aside out of \d; .*classes is left to train on"):
        load(tmp_path)


def test_sides_with_other_classes(tmp_path):
    write_class_folders(tmp_path / "train", ("cat", "cow", "dog"))
    write_class_folders(tmp_path / "test", ("cat", "dog", "emu"))
    with pytest.raises(UsageError, match=r"only in one of the two are cow, emu;"):
        load(tmp_path)


@pytest.mark.parametrize("classes", [(), ("cat",)])
def test_fewer_than_two_classes(tmp_path, classes):
    write_class_folders(tmp_path, classes or ("x",))
    if not classes:
        (tmp_path / "x" / "0000.png").rename(tmp_path / "0000.png")
        (tmp_path / "x").rmdir()
    with pytest.raises(
        UsageError, match=f"holds {len(classes)} class folders.*; expected at least 2"
    ):
        load(tmp_path)


@pytest.mark.parametrize("name", [None, 3, b"digits", ["digits"], ""], ids=repr)
def test_what_is_no_name(name):
    with pytest.raises(UsageError, match="came instead of a data set; expected cifar10, digits"):
        load(name)


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["folder"] * 800), "a\0b", "caf\udce9\n"])
def test_name_that_no_folder_has_is_one_short_line(tmp_path, monkeypatch, name):
    for given in (name, tmp_path / name):
        with pytest.raises(UsageError, match=r"neither a data set|cannot be read") as caught:
            load(given)
        assert len(str(caught.value).splitlines()) == 1
        str(caught.value).encode()
        assert len(str(caught.value)) < 800
    if "\0" not in name:  # which no variable may hold
        monkeypatch.setenv("GOOGLENET_DATA", name)
        with pytest.raises(UsageError, match="CIFAR-10 was not found in"):
            find_cifar10()


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_built_in_wins_over_a_folder_of_its_name_and_says_so(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_class_folders(tmp_path / name, CLASSES, 20)
    with pytest.warns(UserWarning, match=f"means what is built in, not .* give ./{name} for that"):
        assert len(load(name).classes) == 10
    assert load(f"./{name}").classes == load(Path(name)).classes == CLASSES


def test_cifar10_wins_over_another_folder_of_its_name_and_says_so(home, monkeypatch):
    write_sides(home / "cifar10", train=20)
    (home / "elsewhere" / "cifar10").mkdir(parents=True)
    monkeypatch.chdir(home / "elsewhere")
    with pytest.warns(UserWarning, match=r"cifar10 means what is in .*, not the folder cifar10/"):
        load("cifar10")
    monkeypatch.chdir(home)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "cifar10 means")
        load("cifar10")


def test_data_here_is_called_by_its_folder(tmp_path, monkeypatch):
    write_class_folders(tmp_path / "pets", CLASSES, 20)
    monkeypatch.chdir(tmp_path / "pets")
    assert load(".").name == "pets"


def test_name_that_is_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"'cifar11' is neither .*cifar10, digits, shapes"):
        load("cifar11")
    (tmp_path / "file.zip").touch()
    with pytest.raises(UsageError, match="nor a folder"):
        load(tmp_path / "file.zip")


def test_all_sides_have_the_size_of_the_first(tmp_path):
    write_class_folders(tmp_path / "train", CLASSES, 10, size=(20, 20))
    write_class_folders(tmp_path / "test", CLASSES, size=(48, 40))
    data = load(tmp_path)
    assert [side.images.shape[2:] for side in (data.train, data.test)] == [(20, 20)] * 2
    assert load(tmp_path, size=12).test.images.shape[2:] == (12, 12)


def test_side_without_class_folders_is_told_from_one_with_others(tmp_path):
    """ImageNet's validation side, as it is downloaded."""
    write_class_folders(tmp_path / "train", CLASSES)
    (tmp_path / "val").mkdir()
    with pytest.raises(
        UsageError, match=r"val holds no class folders; expected the same .* cat, d"
    ):
        load(tmp_path)


def test_classes_are_compared_before_any_picture_is_decoded(tmp_path, monkeypatch):
    write_class_folders(tmp_path / "train", CLASSES)
    write_class_folders(tmp_path / "test", ("cat", "emu"))
    monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    with pytest.raises(UsageError, match="dog, emu"):
        load(tmp_path)


def test_many_classes_that_differ_are_not_all_named(tmp_path):
    names = tuple(f"n{number:04}" for number in range(30))
    write_class_folders(tmp_path / "train", names, size=(4, 4))
    write_class_folders(tmp_path / "test", CLASSES, size=(4, 4))
    with pytest.raises(UsageError, match=r"cat, dog, n0000, .* n0017 and 12 more; make them"):
        load(tmp_path)


@pytest.mark.parametrize("side", ["val", "test"])
def test_class_without_pictures_on_a_side_to_measure_on_is_said(tmp_path, side):
    for name in ("train", "val", "test"):
        write_class_folders(tmp_path / name, CLASSES, 3)
    for path in (tmp_path / side / "dog").iterdir():
        path.unlink()
    with pytest.warns(UserWarning, match="class folders dog of .* hold no picture") as caught:
        assert sum(sizes(load(tmp_path))) == 15
    assert len(caught) == 1


def test_class_without_pictures_to_train_on_is_refused(tmp_path):
    write_sides(tmp_path, CLASSES, train=2)
    for path in (tmp_path / "train" / "dog").iterdir():
        path.unlink()
    with pytest.raises(
        UsageError, match=r"class folders dog of .*train; a class to train on needs"
    ):
        load(tmp_path)


def test_train_within_train(tmp_path):
    write_class_folders(tmp_path / "train" / "train", CLASSES)
    write_class_folders(tmp_path / "test" / "test", CLASSES)
    inner = tmp_path / "train" / "train"
    with pytest.raises(UsageError, match=f"but {inner} does; give {inner}, or move what is in it"):
        load(tmp_path)


def test_sides_one_level_deeper(tmp_path):
    write_sides(tmp_path / "pets", CLASSES, train=5)
    with pytest.raises(UsageError, match=f"but {tmp_path / 'pets'} does; give"):
        load(tmp_path)


def test_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def denied(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(UsageError, match=rf"^{tmp_path} may not be read; allow it"):
        load(tmp_path)


def test_cifar10_in_another_size_is_not_called_cifar10(home):
    write_sides(home / "cifar10")
    assert load("cifar10", size=16).name == "cifar10"


@pytest.mark.parametrize("size", [32.0, np.int64(32), torch.tensor(32)])
def test_whole_numbers_are_taken_as_sizes(size):
    assert load("digits", size=size).image_size == 32


@pytest.mark.parametrize("size", ["32", 32.5, float("nan"), float("inf"), [32], 10**9, True])
@pytest.mark.parametrize("name", ["digits", "shapes", "a folder"])
def test_other_sizes_are_refused(tmp_path, name, size):
    write_class_folders(tmp_path, CLASSES, 2)
    with pytest.raises(UsageError, match=r"a size of .* came; expected"):
        load(tmp_path if name == "a folder" else name, size=size)


def test_shapes_too_large_for_memory_are_refused():
    with pytest.raises(UsageError, match=r"6,000 shapes of 500x500 would take 4\.2 GiB"):
        load("shapes", size=500)


@pytest.mark.parametrize("seed", [1.5, "x", None, 2**70])
def test_seeds_that_are_none_are_refused(seed):
    with pytest.raises(UsageError, match=r"a split seed of .* came; expected a whole number"):
        load("digits", split_seed=seed)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_lack_of_memory_is_one_line(tmp_path, monkeypatch, error):
    def short(*_, **__):
        raise error

    write_class_folders(tmp_path, CLASSES, 2)
    monkeypatch.setattr(sys.modules[load.__module__], "split_validation", short)
    with pytest.raises(UsageError, match=r"too little memory was free to load .*--size"):
        load(tmp_path)


@pytest.mark.parametrize("sided", [False, True])
def test_loading_takes_at_most_two_copies_of_the_pictures(tmp_path, sided):
    if sided:
        write_sides(tmp_path, CLASSES, train=30, test=1, size=(64, 64))
    else:
        write_class_folders(tmp_path, CLASSES, 30, size=(64, 64))
    load(tmp_path, size=160)  # what is made once is made before
    tracemalloc.start()
    data = load(tmp_path, size=160)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.4 * sum(sizes(data)) * 3 * 160 * 160


@pytest.mark.parametrize("size", [7, 0, -32])
@pytest.mark.parametrize("name", ["shapes", "a folder"])
def test_size_too_small_is_refused(tmp_path, name, size):
    write_class_folders(tmp_path, CLASSES, 2)
    with pytest.raises(UsageError, match=f"a size of {size} pixels came; expected at least 8"):
        load(tmp_path if name == "a folder" else name, size=size)


def test_damaged_pictures_are_listed_in_one_warning(tmp_path):
    write_sides(tmp_path, CLASSES, train=30, test=2)
    damaged = [tmp_path / "train" / "cat" / f"{n:04}.png" for n in range(24)]
    damaged.append(tmp_path / "test" / "dog" / "0001.png")
    for path in damaged:
        path.write_bytes(b"damaged")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load(tmp_path)
    assert {warning.filename for warning in caught} == {__file__}  # it is told where it was loaded
    text, remark, *_ = [str(warning.message) for warning in caught]
    assert remark.endswith(f"classes of {tmp_path / 'train'} was lost: cat (24 of 30)")
    assert text.startswith("25 of 64 files were skipped (25 not a picture):")
    assert all(str(path) in text for path in damaged[:20])
    assert text.endswith("and 5 more")
    assert str(damaged[20]) not in text
    assert sum(sizes(data)) == 64 - 25


# ---- built in ------------------------------------------------------------------------------------


def test_digits_are_all_scans_each_with_its_label():
    data, scans = load("digits"), read_digits()
    assert (data.name, data.classes, data.image_size) == ("digits", tuple("0123456789"), 32)
    assert sizes(data) == [1350, 150, 297]
    assert not data.mirrors

    def labelled(*sides):
        return sorted(
            (picture.numpy().tobytes(), int(label))
            for side in sides
            for picture, label in zip(side.images, side.labels, strict=True)
        )

    assert labelled(data.train, data.validation, data.test) == labelled(scans)


def test_shapes_in_the_size_that_is_asked_for():
    data = load("shapes", size=8)
    assert (data.name, data.classes, data.image_size) == ("shapes", SHAPES, 8)
    assert sizes(data) == [4000, 1000, 1000]
    assert data.mirrors
    assert not pixels_of(data.test) & pixels_of(data.train, data.validation)
