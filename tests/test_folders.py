"""Class folders: which files are read, what is decoded, what is skipped, refused and told."""

import os
import re
import shutil
import tracemalloc
import warnings
from pathlib import Path
from unicodedata import normalize

import pytest
import torch
from PIL import Image
from samples import noise_picture, write_class_folders

from googlenet_lib.data import folders, listing
from googlenet_lib.data.folders import read_pictures
from googlenet_lib.data.listing import checked_classes, class_folders, list_pictures
from googlenet_lib.data.pictures import MemoryShortError
from googlenet_lib.errors import UsageError

CLASSES = ("cat", "dog")


def read(root, classes=CLASSES, **how):
    return read_pictures(list_pictures(root, classes), **how)


def channels_first(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


# ---- what is listed ------------------------------------------------------------------------------


def test_only_pictures_that_are_not_hidden_are_listed(tmp_path):
    write_class_folders(tmp_path, CLASSES, suffix=".JPG")
    for hidden in (".DS_Store", "._0000.jpg", "notes.txt", "Thumbs.db", ".jpg"):
        (tmp_path / "cat" / hidden).write_bytes(b"no picture")
    (tmp_path / "labels.csv").touch()
    (tmp_path / "loose.png").touch()
    (tmp_path / "dog" / "puppies").mkdir()
    assert class_folders(tmp_path) == CLASSES
    found = list_pictures(tmp_path, CLASSES)
    assert (found.names, found.labels) == (["cat/0000.JPG", "dog/0000.JPG"], [0, 1])
    assert found.faults == []
    assert found.passed == [  # nothing is dropped without a word
        ("cat/.DS_Store", "hidden"),
        ("cat/._0000.jpg", "hidden"),
        ("cat/.jpg", "hidden"),
        ("cat/Thumbs.db", "left by a system"),
        ("cat/notes.txt", "neither called a picture nor one"),
        ("dog/puppies", "a folder"),
        ("labels.csv", "a file beside the class folders"),
        ("loose.png", "a file beside the class folders"),
    ]


@pytest.mark.parametrize(
    "left",
    [
        *("lost+found", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "__pycache__"),
        *("__MACOSX", "@eaDir", "#recycle", ".git", ".ipynb_checkpoints", ".Trash-1000"),
    ],
)
def test_folders_that_systems_leave_are_passed_over_and_named(tmp_path, monkeypatch, left):
    write_class_folders(tmp_path, CLASSES)
    (tmp_path / left).mkdir()
    scandir = os.scandir

    def denied(path):  # as lost+found is to all but root
        if Path(path).name == left:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(listing.os, "scandir", denied)
    assert checked_classes(tmp_path) == CLASSES
    ((name, reason),) = list_pictures(tmp_path, CLASSES).passed
    assert (name, reason) == (left, "hidden" if left[0] == "." else "left by a system")


def test_links_that_lead_to_no_class_are_passed_over_and_named(tmp_path):
    write_class_folders(tmp_path / "pets", CLASSES)
    write_class_folders(tmp_path / "elsewhere", ("cow",))
    for name, target in {
        "itself": tmp_path / "pets" / "itself",
        "nothing": tmp_path / "gone",
        "all": tmp_path / "pets",
        "more": "..",
        "cow": tmp_path / "elsewhere" / "cow",
    }.items():
        (tmp_path / "pets" / name).symlink_to(target)
    classes = checked_classes(tmp_path / "pets")
    assert classes == ("cat", "cow", "dog")
    assert list_pictures(tmp_path / "pets", classes).passed == [
        ("all", "a link to a folder that it is in"),
        ("itself", "a link to nothing"),
        ("more", "a link to a folder that it is in"),
        ("nothing", "a link to nothing"),
    ]


@pytest.mark.parametrize(
    "output",
    [
        *("runs/a/last.pt", "runs/a/b.lock", "mine/a/run.json", "mine/best.safetensors"),
        *("mine/history.json", "board/events.out.tfevents.1"),
    ],
)
def test_what_training_wrote_is_no_class(tmp_path, output):
    write_class_folders(tmp_path, CLASSES)
    (tmp_path / output).parent.mkdir(parents=True)
    (tmp_path / output).touch()
    (tmp_path / "cat" / "run.json").touch()  # beside pictures it makes no difference
    assert checked_classes(tmp_path) == CLASSES
    folder = output.partition("/")[0]
    assert (folder, "an output folder of runs") in list_pictures(tmp_path, CLASSES).passed


def test_what_predict_reads_a_class_folder_reads(tmp_path):
    """A name without a picture's suffix says nothing: the first bytes do."""
    pixels = write_class_folders(tmp_path, CLASSES, 5)
    for number, name in enumerate(("0000", "0001.png_large", "0002.PNG", "0003.png.bak")):
        (tmp_path / "cat" / f"{number:04}.png").rename(tmp_path / "cat" / name)
    images, findings = read(tmp_path)
    assert torch.equal(images.images, channels_first(pixels))
    assert findings.texts() == []
    for path in (tmp_path / "dog").iterdir():
        path.rename(path.with_suffix(""))
    assert checked_classes(tmp_path) == CLASSES
    assert len(read(tmp_path)[0]) == 10


def test_pictures_that_are_not_read_are_named_with_their_kind(tmp_path):
    write_class_folders(tmp_path, CLASSES, 5)
    (tmp_path / "cat" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "cat" / "b.jpg").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "cat" / "c.svg").write_bytes(b"<svg>")
    (tmp_path / "cat" / "d.jpg").write_bytes(b"<html>")
    _, findings = read(tmp_path)
    head, *lines = findings.texts()[0].splitlines()
    kind = "a kind of picture that is not read"
    assert head == f"4 of 14 files were skipped (3 {kind}, 1 not a picture):"
    assert [line.partition(": ")[2] for line in lines] == [
        f"{kind} (HEIC, which telephones take)",
        f"{kind} (HEIC, which telephones take)",
        f"{kind} (SVG, a drawing)",
        "not a picture (a web page)",
    ]


def test_accent_of_one_letter_or_two_is_the_same_class(tmp_path):
    composed, decomposed = (normalize(form, "café") for form in ("NFC", "NFD"))
    assert composed != decomposed
    write_class_folders(tmp_path, (decomposed, "dog"), 2)
    (tmp_path / decomposed / "0000.png").write_bytes(b"damaged")
    assert checked_classes(tmp_path) == (composed, "dog")
    images, findings = read(tmp_path, (composed, "dog"))
    assert images.labels.tolist() == [0, 1, 1]
    if (tmp_path / composed).exists():  # a file system that takes both for one
        return
    write_class_folders(tmp_path, (composed,), 3)
    assert class_folders(tmp_path) == (composed, "dog")
    images, findings = read(tmp_path, (composed, "dog"))
    assert images.labels.tolist() == [0, 0, 0, 0, 1, 1]
    assert len(findings.skipped) == 1


@pytest.mark.parametrize("name", ["caf\udce9", "\x1b[31mred", "two\nlines"])
def test_class_that_cannot_be_shown_is_refused_and_a_file_is_read(tmp_path, name):
    write_class_folders(tmp_path, CLASSES, 2)
    path = tmp_path / "cat" / f"{name}.png"
    (tmp_path / "cat" / "0000.png").rename(path)
    assert len(read(tmp_path)[0]) == 4
    path.write_bytes(b"damaged")
    (text,) = read(tmp_path)[1].texts()
    text.encode()
    assert len(text.splitlines()) == 2
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=r"has a name that is no UTF-8") as caught:
        checked_classes(tmp_path)
    assert str(caught.value).isprintable()


def test_files_come_in_the_order_of_their_names(tmp_path):
    write_class_folders(tmp_path, CLASSES, 1)
    for name in ("b.png", "a.PNG", "10.png", "9.png", "ä.png", "z.jpeg"):
        shutil.copy(tmp_path / "cat" / "0000.png", tmp_path / "cat" / name)
    names = list_pictures(tmp_path, CLASSES).names
    assert names == [
        *(f"cat/{name}" for name in ("0000.png", "10.png", "9.png", "a.PNG", "b.png", "z.jpeg")),
        "cat/ä.png",
        "dog/0000.png",
    ]


def test_files_that_only_look_like_pictures_are_told_apart_before_any_is_opened(tmp_path):
    write_class_folders(tmp_path, CLASSES, 3)
    (tmp_path / "cat" / "folder.jpg").mkdir()
    (tmp_path / "cat" / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "dog" / "empty.jpg").touch()
    os.mkfifo(tmp_path / "dog" / "pipe.jpg")  # to open it would be to wait
    (tmp_path / "dog" / "good.png").symlink_to(tmp_path / "dog" / "0000.png")
    found = list_pictures(tmp_path, CLASSES)
    assert found.faults == [
        ("cat/folder.jpg", "a folder"),
        ("cat/link.jpg", "a link to nothing (No such file or directory)"),
        ("dog/empty.jpg", "empty (0 bytes)"),
        ("dog/pipe.jpg", "no plain file"),
    ]
    images, findings = read(tmp_path)
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert findings.skipped == [(tmp_path / name, reason) for name, reason in found.faults]
    assert findings.files == 11


# ---- folders that are not as they should be ------------------------------------------------------


def test_class_folders_one_level_deeper(tmp_path):
    write_class_folders(tmp_path / "pets" / "pets", CLASSES)
    inner = tmp_path / "pets" / "pets"
    for given in (tmp_path, tmp_path / "pets"):
        with pytest.raises(
            UsageError, match=rf"^{given} holds no class .*, but {inner} does; give"
        ):
            checked_classes(given)
    assert checked_classes(inner) == CLASSES


def test_class_folders_that_hold_only_folders(tmp_path):
    for name in CLASSES:
        write_class_folders(tmp_path / name, ("2021", "2022"))
    with pytest.raises(
        UsageError, match=r"cat, dog in .* no pictures but more folders, such as cat"
    ):
        checked_classes(tmp_path)


def test_pictures_beside_the_class_folders(tmp_path):
    write_class_folders(tmp_path, ("cat",), 3)
    for path in (tmp_path / "cat").iterdir():
        shutil.copy(path, tmp_path)
    with pytest.raises(
        UsageError, match="holds 1 class folders and 3 pictures beside them; expect"
    ):
        checked_classes(tmp_path)


def test_class_folders_without_pictures_name_what_they_hold(tmp_path):
    for name in CLASSES:
        (tmp_path / name).mkdir()
    with pytest.raises(
        UsageError, match=r"no picture was found in the .*; .*cat.picture\.jpg, call"
    ):
        checked_classes(tmp_path)
    for number in range(3):
        (tmp_path / "dog" / f"{number}.heic").touch()
    with pytest.raises(UsageError, match=r"\(but 3 \.heic\); .*\.webp"):
        checked_classes(tmp_path)


def test_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES)
    scandir = os.scandir

    def denied(path):
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(listing.os, "scandir", denied)
    with pytest.raises(UsageError, match=r"dog cannot be listed \(Permission denied\); allow it"):
        list_pictures(tmp_path, CLASSES)


@pytest.mark.parametrize("damaged", [False, True])
def test_class_without_a_picture_is_refused_where_it_is_to_be_learnt(tmp_path, damaged):
    classes = ("ant", "bee", "cat", "dog")
    write_class_folders(tmp_path, classes, 2)
    for path in (tmp_path / "bee").iterdir():
        path.write_bytes(b"damaged") if damaged else path.unlink()
    with pytest.raises(UsageError, match=r"is in the class folders bee of .*; a class to train on"):
        read(tmp_path, classes)
    images, findings = read(tmp_path, classes, to_train=False)
    assert images.labels.tolist() == [0, 0, 2, 2, 3, 3]
    remark = findings.texts()[-1]
    assert remark.startswith(
        f"the class folders bee of {tmp_path} hold no picture that can be read"
    )


def test_class_without_a_picture_is_refused_before_any_is_decoded(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES)
    (tmp_path / "dog" / "0000.png").unlink()
    monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("one was decoded"))
    with pytest.raises(UsageError, match="class folders dog"):
        read(tmp_path)


# ---- what is decoded -----------------------------------------------------------------------------


def test_pixels_and_labels_are_those_of_the_files(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, count=3)
    images, findings = read(tmp_path)
    assert torch.equal(images.images, channels_first(pixels))
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.images.is_contiguous()
    assert findings.texts() == []


@pytest.mark.parametrize("count", [1, 63, 64, 65, 150])
def test_pictures_of_any_number_keep_their_order(tmp_path, monkeypatch, count):
    monkeypatch.setattr(folders, "usable_cores", lambda: 4)
    pixels = write_class_folders(tmp_path, CLASSES, count, size=(3, 3), suffix=".bmp")
    images, _ = read(tmp_path)
    assert torch.equal(images.images, channels_first(pixels))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 32), 32), ((256, 256), 256), ((257, 257), 224), ((40, 30), 224), ((8, 8), 8)],
)
def test_size_is_that_of_small_squares_else_224(tmp_path, size, expected):
    write_class_folders(tmp_path, CLASSES, size=size)
    assert read(tmp_path)[0].images.shape == (2, 3, expected, expected)


@pytest.mark.parametrize(
    ("sizes", "expected", "remark"),
    [
        ([16, 200, 200, 200, 200, 200], 200, r"1 of 6 pictures that were looked at in .* 200x200"),
        ([16, 16, 64, 64, 64, 64], 64, "2 of 6 pictures"),
        ([16, 24, 32, 48, 64, 80], 224, ""),
        ([16, 300, 300, 300, 300, 300], 224, ""),
        ([32, 32, 32, 32, 32, 32], 32, ""),
    ],
)
def test_size_is_that_of_most_and_it_is_said_if_others_differ(tmp_path, sizes, expected, remark):
    write_class_folders(tmp_path, CLASSES)
    for number, size in enumerate(sizes):
        noise_picture(number, (size, size)).save(tmp_path / "cat" / f"{number:04}.png")
    (tmp_path / "dog" / "0000.png").write_bytes(b"damaged")
    found = list_pictures(tmp_path, CLASSES)
    size, remarks = folders.size_of_most(found)
    assert size == folders.natural_size(found) == expected
    assert bool(remarks) == bool(remark)
    assert all(re.match(remark, text) for text in remarks)


def test_size_is_read_from_pictures_that_can_be(tmp_path):
    write_class_folders(tmp_path, CLASSES, size=(16, 16))
    (tmp_path / "cat" / "0.png").write_bytes(b"damaged")
    assert read(tmp_path)[0].images.shape == (2, 3, 16, 16)


def test_size_that_is_asked_for(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, size=(32, 32))
    images, _ = read(tmp_path, size=16)
    halved = channels_first(pixels).float().unflatten(2, (16, 2)).unflatten(4, (16, 2)).mean((3, 5))
    # half the size is, nearly, the mean of two pixels by two: Pillow's filter reaches a bit wider
    assert torch.corrcoef(torch.stack([images.images.flatten(), halved.flatten()]))[0, 1] > 0.9


def test_lack_of_memory_ends_it_in_one_line(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES, 2)

    def short(path, *_):
        raise MemoryShortError(path)

    monkeypatch.setattr(folders, "decode_picture", short)
    with pytest.raises(UsageError, match="png could not be read as a picture: too little memory"):
        read(tmp_path)


def test_buffers_stay_small_for_large_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "usable_cores", lambda: 2)
    write_class_folders(tmp_path, CLASSES, 20, size=(8, 8))
    found = list_pictures(tmp_path, CLASSES)
    tracemalloc.start()
    images, _ = read_pictures(found, size=600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * images.images.numel()


# ---- what is skipped -----------------------------------------------------------------------------


def test_damaged_pictures_are_skipped_and_named(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, count=3, suffix=".bmp")
    (tmp_path / "cat" / "0001.bmp").write_bytes(b"no picture at all")
    whole = (tmp_path / "dog" / "0000.bmp").read_bytes()
    (tmp_path / "dog" / "0000.bmp").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dog" / "9.bmp").touch()
    images, findings = read(tmp_path)
    assert torch.equal(images.images, channels_first(pixels[[0, 2, 4, 5]]))
    assert images.labels.tolist() == [0, 0, 1, 1]
    (text,) = findings.texts()
    assert text.splitlines() == [
        "3 of 7 files were skipped (1 not a picture, 1 truncated, 1 empty):",
        f"  {tmp_path / 'cat' / '0001.bmp'}: not a picture",
        f"  {tmp_path / 'dog' / '0000.bmp'}: truncated",
        f"  {tmp_path / 'dog' / '9.bmp'}: empty (0 bytes)",
    ]


@pytest.mark.parametrize("damage", ["damaged", ""])
def test_most_pictures_damaged(tmp_path, damage):
    write_class_folders(tmp_path, CLASSES, 4)
    for number, name in enumerate(list_pictures(tmp_path, CLASSES).names):
        if number % 4 < 2:
            (tmp_path / name).write_text(damage)
    assert len(read(tmp_path)[0]) == 4
    (tmp_path / "cat" / "0003.png").write_text(damage)
    with pytest.raises(
        UsageError, match=r"^5 of the 8 files in .*; expected at most half\. Copy"
    ) as e:
        read(tmp_path)
    assert str(tmp_path / "cat" / "0000.png") in str(e.value)
    for name in CLASSES:
        for path in (tmp_path / name).iterdir():
            path.write_text(damage)
    with pytest.raises(UsageError, match=r"^no picture could be read: 8 of the 8 files in .*"):
        read(tmp_path)


def test_class_that_lost_most_of_its_pictures_is_named(tmp_path):
    write_class_folders(tmp_path, CLASSES, 5)
    for number in range(3):
        (tmp_path / "dog" / f"000{number}.png").write_bytes(b"damaged")
    _, findings = read(tmp_path)
    assert findings.texts()[1:] == [
        f"more than half of these classes of {tmp_path} was lost: dog (3 of 5)"
    ]


def test_bombs_among_pictures_are_skipped_in_silence(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES, 2)
    Image.new("RGB", (60, 50)).save(tmp_path / "cat" / "0.png")  # the first, whose size is asked
    monkeypatch.setattr("googlenet_lib.data.pictures.MOST_PIXELS", 2_999)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, findings = read(tmp_path)
    assert images.images.shape == (4, 3, 32, 32)
    assert findings.skipped == [(tmp_path / "cat" / "0.png", "larger than 2,999 pixels")]


def test_animations_are_counted_in_one_text(tmp_path):
    write_class_folders(tmp_path, CLASSES, 2)
    frames = [noise_picture(seed) for seed in range(3)]
    for name in CLASSES:
        frames[0].save(tmp_path / name / "a.gif", save_all=True, append_images=frames[1:])
    _, findings = read(tmp_path)
    example = tmp_path / "cat" / "a.gif"
    assert findings.texts() == [
        f"2 files hold several frames, such as {example}; of each the first is used"
    ]


def test_names_in_any_script(tmp_path):
    classes = ("Hündchen", "ねこ", "кот")
    pixels = write_class_folders(tmp_path / "Tiere 动物", classes, 2)
    (tmp_path / "Tiere 动物" / "ねこ" / "É.jpg").write_text("no picture")
    assert checked_classes(tmp_path / "Tiere 动物") == tuple(sorted(classes))
    images, findings = read(tmp_path / "Tiere 动物", classes)
    assert torch.equal(images.images, channels_first(pixels))
    assert "É.jpg: not a picture" in findings.texts()[0]
