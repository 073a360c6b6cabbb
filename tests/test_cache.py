"""The cache of decoded pictures: the same pictures, faster; never in the way, whatever happens."""

import os
import sys
import time
from pathlib import Path

import pytest
import torch
from samples import write_class_folders

from googlenet_lib.data import cache, folders, load
from googlenet_lib.data.cache import cache_folder
from googlenet_lib.data.folders import read_pictures
from googlenet_lib.data.listing import list_pictures

CLASSES = ("cat", "dog")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty cache, in which sets of any number of pictures are kept."""
    monkeypatch.setenv("GOOGLENET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LEAST_PICTURES", 1)
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path, kept):
    """Class folders that have been read once, so that they are in the cache."""
    write_class_folders(tmp_path / "pets", CLASSES, 3, size=(9, 9), suffix=".bmp")
    read(tmp_path / "pets")
    return tmp_path / "pets"


def read(root, **how):
    return read_pictures(list_pictures(root, CLASSES), **how)


def files(folder):
    return sorted(folder.iterdir())


def test_tests_keep_nothing_in_the_home():
    assert not cache_folder().is_relative_to(Path.home())


def test_second_time_the_same_comes_without_decoding(tmp_path, kept, monkeypatch):
    write_class_folders(tmp_path / "pets", CLASSES, 4, size=(9, 9))
    (tmp_path / "pets" / "cat" / "0001.png").write_bytes(b"damaged")
    (tmp_path / "pets" / "dog" / "0009.png").touch()
    images, findings = read(tmp_path / "pets")
    (file,) = files(kept)
    monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    monkeypatch.setattr(folders.ImageSet, "digest", lambda _: pytest.fail("it was hashed"))
    again, same = read(tmp_path / "pets")
    assert torch.equal(again.images, images.images)
    assert torch.equal(again.labels, images.labels)
    assert again.digest() == images.digest()
    assert same == findings
    assert len(same.skipped) == 2
    assert files(kept) == [file]


def test_load_tells_the_same_from_the_cache(tmp_path, kept):
    for seed, side in enumerate(("train", "test")):
        write_class_folders(tmp_path / "pets" / side, CLASSES, 10, size=(8, 8), seed=seed)
        (tmp_path / "pets" / side / "cat" / "0001.png").write_bytes(b"damaged")
    told = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="skipped") as caught:
            data = load(tmp_path / "pets")
        told.append(([str(warning.message) for warning in caught], data.checksum))
    assert told[0] == told[1]
    (text,) = told[0][0]
    assert text.startswith("2 of 40 files were skipped (2 not a picture):")
    assert len(files(kept)) == 2


def test_few_pictures_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLENET_CACHE", str(tmp_path / "cache"))
    write_class_folders(tmp_path / "pets", CLASSES, 2)
    read(tmp_path / "pets")
    assert not (tmp_path / "cache").exists()


# ---- when it holds no longer ---------------------------------------------------------------------


@pytest.mark.parametrize("change", ["touched", "grown", "renamed", "added", "removed", "class"])
def test_any_change_is_seen_and_the_old_file_goes(pets, kept, monkeypatch, change):
    path = pets / "cat" / "0001.bmp"
    if change == "touched":
        os.utime(path, ns=(0, 10**18))
    elif change == "grown":
        stamp = path.stat().st_mtime_ns
        path.write_bytes(path.read_bytes() + b"more")
        os.utime(path, ns=(stamp, stamp))
    elif change == "renamed":
        path.rename(path.with_name("0009.bmp"))
    elif change == "added":
        path.with_name("0009.bmp").write_bytes(path.read_bytes())
    elif change == "removed":
        path.unlink()
    else:
        path.rename(pets / "dog" / "0009.bmp")
    (before,) = files(kept)
    images, _ = read(pets)
    (after,) = files(kept)
    assert after != before
    monkeypatch.setenv("GOOGLENET_CACHE", "")
    assert torch.equal(images.images, read(pets)[0].images)
    assert torch.equal(images.labels, read(pets)[0].labels)


def test_changed_pixels_come_new(pets):
    path = pets / "cat" / "0001.bmp"
    content = bytearray(path.read_bytes())
    content[-4] ^= 255
    path.write_bytes(content)
    os.utime(path, ns=(0, 10**18))
    before = read(pets)[0]
    content[-4] ^= 255
    path.write_bytes(content)
    os.utime(path, ns=(0, 2 * 10**18))
    assert read(pets)[0].digest() != before.digest()


def test_sizes_are_kept_beside_each_other(pets, kept, monkeypatch):
    assert read(pets, size=16)[0].images.shape[2:] == (16, 16)
    assert len(files(kept)) == 2
    monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    assert read(pets, size=16)[0].images.shape[2:] == (16, 16)
    assert read(pets)[0].images.shape[2:] == (9, 9)


def test_folders_are_kept_beside_each_other(tmp_path, pets, kept):
    write_class_folders(tmp_path / "others", CLASSES, 3, seed=5)
    read(tmp_path / "others")
    assert len(files(kept)) == 2


def test_another_form_or_pillow_is_decoded_anew(pets, kept, monkeypatch):
    for module, name in ((cache.PIL, "__version__"), (cache, "FORM")):
        monkeypatch.setattr(module, name, "other")
        assert cache.taken(list_pictures(pets, CLASSES), None) is None


def test_file_that_could_not_be_opened_today_is_tried_again(tmp_path, kept, monkeypatch):
    write_class_folders(tmp_path / "pets", CLASSES, 3)
    decode = folders.decode_picture

    def denied(path, size):
        if path.endswith("cat/0001.png"):
            raise folders.PictureError(path, "not readable (Permission denied)", lasting=False)
        return decode(path, size)

    with monkeypatch.context() as patch:
        patch.setattr(folders, "decode_picture", denied)
        assert len(read(tmp_path / "pets")[0]) == 5
    assert len(read(tmp_path / "pets")[0]) == 6


# ---- trouble -------------------------------------------------------------------------------------


def damaged_at(share):
    def damage(content):
        content[int(len(content) * share)] ^= 255
        return content

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"x" * len(content),
        lambda content: content[:-500] + bytes(500),
        damaged_at(0),
        damaged_at(0.9),
    ],
    ids=["empty", "half", "one byte short", "other", "zeros", "first byte", "a pixel"],
)
def test_damaged_file_is_said_and_decoded_anew(pets, kept, damage):
    expected, _ = read(pets)
    (file,) = files(kept)
    file.write_bytes(damage(bytearray(file.read_bytes())))
    images, findings = read(pets)
    assert torch.equal(images.images, expected.images)
    assert images.digest() == expected.digest()
    (text,) = findings.texts()
    assert text.startswith(f"the decoded pictures kept in {file} cannot be read (")
    assert "\n" not in text
    assert read(pets)[1].texts() == []  # it was written again


@pytest.mark.parametrize("trouble", ["a file", "read-only", "no room"])
def test_place_that_cannot_be_written_to_is_said_in_one_line(tmp_path, kept, monkeypatch, trouble):
    write_class_folders(tmp_path / "pets", CLASSES, 3)
    if trouble == "a file":
        kept.touch()
    else:
        error = OSError(30 if trouble == "read-only" else 28, trouble)

        def refused(tensors, path, metadata):
            path.write_bytes(b"a part")
            raise error

        monkeypatch.setattr(cache, "save_file", refused)
    images, findings = read(tmp_path / "pets")
    assert len(images) == 6
    (text,) = findings.texts()
    assert text.startswith(f"the decoded pictures could not be kept in {kept} (")
    assert "GOOGLENET_CACHE" in text
    assert "\n" not in text
    assert kept.is_file() or files(kept) == []


def test_trouble_on_both_sides_is_said_once(tmp_path, kept):
    for side in ("train", "test"):
        write_class_folders(tmp_path / "pets" / side, CLASSES, 10, size=(8, 8))
    kept.touch()
    with pytest.warns(UserWarning, match="could not be kept") as caught:
        load(tmp_path / "pets")
    assert len(caught) == 1


def test_what_was_never_finished_is_removed_after_an_hour(pets, kept):
    old, new = kept / ".a.tmp", kept / ".b.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 4000,) * 2)
    read(pets, size=16)
    assert (old.exists(), new.exists()) == (False, True)


def test_two_processes_at_once(tmp_path, kept, monkeypatch):
    """Before one is done, another finds nothing yet, and writes the same to the same place."""
    write_class_folders(tmp_path / "pets", CLASSES, 3, size=(9, 9))
    save_file = cache.save_file
    others = []

    def interrupted(tensors, path, metadata):
        monkeypatch.setattr(cache, "save_file", save_file)
        save_file(tensors, path, metadata)
        others.append(read(tmp_path / "pets"))

    monkeypatch.setattr(cache, "save_file", interrupted)
    images, findings = read(tmp_path / "pets")
    (other, found_by_other), taken = others[0], read(tmp_path / "pets")
    assert findings.texts() == found_by_other.texts() == taken[1].texts() == []
    assert torch.equal(images.images, other.images)
    assert torch.equal(images.images, taken[0].images)
    assert len(files(kept)) == 1


# ---- where it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/googlenet_lib"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/googlenet_lib"),
        ("darwin", {}, "home/Library/Caches/googlenet_lib"),
        ("win32", {}, "home/AppData/Local/googlenet_lib"),
        ("win32", {"LOCALAPPDATA": "/y"}, "/y/googlenet_lib"),
        ("linux", {"GOOGLENET_CACHE": "/z"}, "/z"),
    ],
)
def test_place_is_the_usual_one_of_the_platform(monkeypatch, system, variables, expected):
    for name in ("GOOGLENET_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(cache.Path, "home", lambda: Path("home"))
    assert cache_folder() == Path(expected)


def test_nothing_is_kept_where_the_variable_is_set_to_nothing(pets, kept, monkeypatch):
    monkeypatch.setenv("GOOGLENET_CACHE", "")
    assert cache_folder() is None
    assert cache.taken(list_pictures(pets, CLASSES), None) is None
    before = files(kept)
    (pets / "cat" / "0000.bmp").unlink()
    images, findings = read(pets)
    assert (len(images), findings.texts(), files(kept)) == (5, [], before)


def test_nothing_is_kept_without_a_home(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GOOGLENET_CACHE")
    monkeypatch.setattr(cache.Path, "home", homeless)
    assert cache_folder() is None
