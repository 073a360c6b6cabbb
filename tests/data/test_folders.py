"""Class folders: which files are read, what is decoded, what is skipped, refused and told."""

import os
import sys
import tracemalloc
import warnings
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
import torch
from PIL import Image
from samples import CAN_LINK, CAN_PIPE, SLASH, noise_picture, write_class_folders

from googlenet_lib.data import folders
from googlenet_lib.data.folders import (
    check_folders,
    choose_size,
    find_classes,
    list_pictures,
    read_pictures,
)
from googlenet_lib.errors import UsageError

CLASSES = ("cat", "dog")
any_letter = pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="names of files are not in UTF-8 here"
)


def read(root, classes=CLASSES, size=32, **how):
    return read_pictures(list_pictures(root, classes), size, **how)


def channels_first(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)


# ---- what is listed ------------------------------------------------------------------------------


def test_only_pictures_in_class_folders_are_listed_and_the_rest_is_named(tmp_path):
    write_class_folders(tmp_path, CLASSES, suffix=".JPG")
    reasons = {
        ".git/": "hidden",
        "__MACOSX/": "left by a system",
        "cat/.DS_Store": "hidden",
        "cat/._0000.jpg": "hidden",
        "cat/Thumbs.db": "left by a system",
        "cat/folder.jpg/": "no plain file",
        "cat/notes.txt": "not called a picture",
        "dog/puppies/": "not called a picture",
        "lost+found/": "left by a system",
        "loose.png": "no folder",
        "runs/a/last.pt": "where training writes runs",
    }
    for name in reasons:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name[-1] == "/" else path.write_bytes(b"no picture")
    links = {"itself": "no folder", "dog/link.jpg": "no plain file"} if CAN_LINK else {}
    for name in links:
        (tmp_path / name).symlink_to(tmp_path / name)
    pipes = {"dog/pipe.jpg": "no plain file"} if CAN_PIPE else {}
    for name in pipes:
        os.mkfifo(tmp_path / name)  # to open it would be to wait
    reasons |= links | pipes
    reasons["runs"] = reasons.pop("runs/a/last.pt")
    assert check_folders(tmp_path) == CLASSES
    found = list_pictures(tmp_path, CLASSES)
    assert (found.names, found.labels) == (["cat/0000.JPG", "dog/0000.JPG"], [0, 1])
    passed = {path: reason for path, reason in found.passed}
    assert passed == {tmp_path / name.rstrip("/"): reason for name, reason in reasons.items()}
    assert read(tmp_path)[1].passed == found.passed


def test_runs_may_be_a_class(tmp_path):
    write_class_folders(tmp_path, ("jumps", "runs"))
    assert check_folders(tmp_path) == ("jumps", "runs")


@any_letter
def test_names_in_any_script_and_accents_of_one_letter_or_two(tmp_path):
    classes = ("Hündchen", "café", "ねこ", "кот")
    on_disk = [normalize("NFD", name) for name in classes]
    pixels = write_class_folders(tmp_path / "Tiere 动物", tuple(on_disk), 2)
    order = [classes.index(name) for name in sorted(classes)]
    assert check_folders(tmp_path / "Tiere 动物") == tuple(sorted(classes))
    images, _ = read(tmp_path / "Tiere 动物", tuple(sorted(classes)))
    expected = pixels.reshape(4, 2, 32, 32, 3)[order].reshape(-1, 32, 32, 3)
    assert torch.equal(images.images, channels_first(expected))
    again = tmp_path / "Tiere 动物" / "café"
    if not again.exists():  # on a file system that does not take both for one
        again.mkdir()
        with pytest.raises(UsageError, match="a name that another has"):
            check_folders(tmp_path / "Tiere 动物")


@any_letter
@pytest.mark.parametrize("name", ["caf\udce9", "\x1b[31mred", "two\nlines"])
def test_class_that_cannot_be_shown_is_refused_and_a_file_is_read(tmp_path, name):
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip("no file here can have such a name")
    (tmp_path / name).rmdir()
    write_class_folders(tmp_path, CLASSES, 2)
    path = tmp_path / "cat" / f"{name}.png"
    (tmp_path / "cat" / "0000.png").rename(path)
    assert len(read(tmp_path)[0]) == 4
    path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"1 files were skipped:\n.*\.png: not a") as caught:
        read(tmp_path)[1].warn(stacklevel=1)
    assert len(str(caught[0].message).splitlines()) == 2
    str(caught[0].message).encode()
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=r"has a name .* no UTF-8") as error:
        check_folders(tmp_path)
    assert str(error.value).isprintable()


# ---- folders that are not as they should be ------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "files", "said"),
    [
        (
            "",
            ("pets/pets/cat/a.png", "pets/pets/dog/a.png"),
            rf"\. .*{SLASH}pets{SLASH}pets is such a folder",
        ),
        ("", ("in/train/cat/a.png", "in/test/cat/a.png"), f"{SLASH}in is such a folder: give that"),
        ("", ("cat/2021/a.png", "dog/2021/a.png"), "2 class folders, 0 of them with pictures"),
        ("", ("cat/a.heic", "dog/a.heic"), r"right in them, 2 \.heic; .*called .*\.jpg"),
    ],
)
def test_folder_of_another_form_says_what_is_there_and_what_to_give(tmp_path, folder, files, said):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        noise_picture(0).save(tmp_path / name, "PNG")
    with pytest.raises(UsageError, match=said):
        check_folders(tmp_path / folder)


def test_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES)
    (tmp_path / "lost+found").mkdir()  # which is looked into by nobody
    scandir = os.scandir
    forbidden = {"lost+found"}

    def denied(path):
        if Path(path).name in forbidden:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", denied)
    assert tuple(find_classes(tmp_path)[0]) == CLASSES
    forbidden.add("dog")
    with pytest.raises(UsageError, match=r"dog cannot be listed \(Permission denied\); allow it"):
        list_pictures(tmp_path, CLASSES)


@pytest.mark.parametrize("damaged", [False, True])
def test_class_without_a_picture_is_refused_where_it_is_to_be_learnt(
    tmp_path, monkeypatch, damaged
):
    classes = ("ant", "bee", "cat", "dog")
    write_class_folders(tmp_path, classes, 2)
    for path in (tmp_path / "bee").iterdir():
        path.write_bytes(b"damaged") if damaged else path.unlink()
    images, findings = read(tmp_path, classes, to_train=False)
    assert images.labels.tolist() == [0, 0, 2, 2, 3, 3]
    assert "class folders bee of" in findings.remarks[0]
    if not damaged:
        monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    with pytest.raises(UsageError, match=r"is in the class folders bee of .*; a class to train on"):
        read(tmp_path, classes)


# ---- what is decoded -----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 65])
def test_pixels_and_labels_are_those_of_the_files_in_the_order_of_their_names(
    tmp_path, monkeypatch, count
):
    monkeypatch.setattr(folders, "count_cores", lambda: 4)
    pixels = write_class_folders(tmp_path, CLASSES, count, size=(3, 3), suffix=".bmp")
    images, findings = read(tmp_path, size=3)
    assert torch.equal(images.images, channels_first(pixels))
    assert images.labels.tolist() == [0] * count + [1] * count
    assert images.images.is_contiguous()
    assert findings == folders.Findings()


@pytest.mark.parametrize(
    ("sizes", "expected", "remark"),
    [
        ([(32, 32)] * 3, 32, False),
        ([(257, 257)] * 3, 224, False),
        ([(40, 30)] * 3, 224, False),
        ([(16, 16), (200, 200), (200, 200)], 200, True),
        ([], 224, False),
    ],
)
def test_size_is_that_of_most_small_squares_else_224(tmp_path, sizes, expected, remark):
    for name in CLASSES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(b"damaged")
        for number, size in enumerate(sizes, 1):
            noise_picture(number, size).save(tmp_path / name / f"{number}.png")
    size, remarks = choose_size(list_pictures(tmp_path, CLASSES))
    assert size == expected
    assert bool(remarks) == remark
    assert all("are not of 200x200" in text for text in remarks)


def test_lack_of_memory_is_no_damage_and_buffers_stay_small(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "count_cores", lambda: 2)
    write_class_folders(tmp_path, CLASSES, 20, size=(8, 8))
    tracemalloc.start()
    images, _ = read(tmp_path, size=600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * images.images.numel()

    def short(*_):
        raise MemoryError

    monkeypatch.setattr(folders, "decode_picture", short)
    with pytest.raises(MemoryError):
        read(tmp_path)


# ---- what is skipped -----------------------------------------------------------------------------


def test_damaged_pictures_bombs_and_animations_are_skipped_or_named(tmp_path, monkeypatch):
    pixels = write_class_folders(tmp_path, CLASSES, count=4, suffix=".bmp")
    (tmp_path / "cat" / "0001.bmp").write_bytes(b"no picture at all")
    whole = (tmp_path / "dog" / "0000.bmp").read_bytes()
    (tmp_path / "dog" / "0000.bmp").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dog" / "9.bmp").touch()
    Image.new("RGB", (60, 50)).save(tmp_path / "cat" / "0.png")
    frames = [noise_picture(seed) for seed in range(3)]
    frames[0].save(tmp_path / "dog" / "a.gif", save_all=True, append_images=frames[1:])
    monkeypatch.setattr("googlenet_lib.data.pictures.MOST_PIXELS", 2_999)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, findings = read(tmp_path)
    assert torch.equal(images.images[:-1], channels_first(pixels[[0, 2, 3, 5, 6, 7]]))
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert [(path.name, reason.split(",")[0]) for path, reason in findings.skipped] == [
        ("0.png", "larger than 2"),
        ("0001.bmp", "not a picture"),
        ("0000.bmp", "truncated"),
        ("9.bmp", "empty (0 bytes)"),
    ]
    (remark,) = findings.remarks
    assert remark.startswith(f"1 files hold several frames, such as {tmp_path / 'dog' / 'a.gif'};")


def test_more_than_half_damaged_is_refused(tmp_path):
    write_class_folders(tmp_path, CLASSES, 4)
    for number, name in enumerate(list_pictures(tmp_path, CLASSES).names):
        if number % 4 < 2:
            (tmp_path / name).write_text("damaged", encoding="utf-8")
    assert len(read(tmp_path)[0]) == 4
    (tmp_path / "cat" / "0003.png").write_text("damaged", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^5 of the 8 files in .*; expected at most half") as e:
        read(tmp_path)
    assert str(tmp_path / "cat" / "0000.png") in str(e.value)
