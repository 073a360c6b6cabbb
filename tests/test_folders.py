"""Pictures from files: sizes, colours, damage; CIFAR-10's batches, which may run no code."""

import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from samples import noise_picture, write_cifar10_batches, write_class_folders

from googlenet_lib.data import folders
from googlenet_lib.data.folders import (
    class_folders,
    decode_picture,
    jpeg_quality,
    open_picture,
    picture_files,
    read_cifar10_batches,
    read_class_folders,
)
from googlenet_lib.errors import UsageError

CLASSES = ("cat", "dog")


def channels_first(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


# ---- class folders -------------------------------------------------------------------------------


def test_pixels_and_labels_are_those_of_the_files(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, count=3)
    images, skipped = read_class_folders(tmp_path, CLASSES)
    assert torch.equal(images.images, channels_first(pixels))
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.images.is_contiguous()
    assert skipped == []


def test_only_pictures_that_are_not_hidden_are_read(tmp_path):
    write_class_folders(tmp_path, CLASSES, suffix=".JPG")
    for hidden in (".DS_Store", "._0000.jpg", "notes.txt", "Thumbs.db"):
        (tmp_path / "cat" / hidden).write_bytes(b"no picture")
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / "labels.csv").touch()
    assert class_folders(tmp_path) == CLASSES
    assert [(path.name, label) for path, label in picture_files(tmp_path, CLASSES)] == [
        ("0000.JPG", 0),
        ("0000.JPG", 1),
    ]
    assert read_class_folders(tmp_path, CLASSES)[1] == []


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 32), 32), ((256, 256), 256), ((257, 257), 224), ((40, 30), 224), ((8, 8), 8)],
)
def test_size_is_that_of_small_squares_else_224(tmp_path, size, expected):
    write_class_folders(tmp_path, CLASSES, size=size)
    assert read_class_folders(tmp_path, CLASSES)[0].images.shape == (2, 3, expected, expected)


def test_size_is_read_from_the_first_picture_that_can_be(tmp_path):
    write_class_folders(tmp_path, CLASSES, size=(16, 16))
    (tmp_path / "cat" / "0.png").write_bytes(b"damaged")
    assert read_class_folders(tmp_path, CLASSES)[0].images.shape == (2, 3, 16, 16)


def test_size_that_is_asked_for(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, size=(32, 32))
    images, _ = read_class_folders(tmp_path, CLASSES, size=16)
    halved = channels_first(pixels).float().unflatten(2, (16, 2)).unflatten(4, (16, 2)).mean((3, 5))
    # half the size is, nearly, the mean of two pixels by two: Pillow's filter reaches a bit wider
    assert torch.corrcoef(torch.stack([images.images.flatten(), halved.flatten()]))[0, 1] > 0.9


def test_damaged_pictures_are_skipped_and_named(tmp_path):
    pixels = write_class_folders(tmp_path, CLASSES, count=3, suffix=".bmp")
    (tmp_path / "cat" / "0001.bmp").write_bytes(b"no picture at all")
    whole = (tmp_path / "dog" / "0000.bmp").read_bytes()
    (tmp_path / "dog" / "0000.bmp").write_bytes(whole[: len(whole) // 2])
    images, skipped = read_class_folders(tmp_path, CLASSES)
    assert torch.equal(images.images, channels_first(pixels[[0, 2, 4, 5]]))
    assert images.labels.tolist() == [0, 0, 1, 1]
    for fault, name in zip(skipped, ("cat/0001.bmp", "dog/0000.bmp"), strict=True):
        assert f"{tmp_path / name} could not be read as a picture" in fault


def test_nothing_but_damaged_pictures(tmp_path):
    write_class_folders(tmp_path, CLASSES)
    for path, _ in picture_files(tmp_path, CLASSES):
        path.write_bytes(b"damaged")
    with pytest.raises(UsageError, match=r"no picture .* could be read; the first fault: .*0000"):
        read_class_folders(tmp_path, CLASSES)


def test_class_folders_without_pictures(tmp_path):
    for name in CLASSES:
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=r"no picture was found .*cat.picture\.jpg"):
        read_class_folders(tmp_path, CLASSES)


def test_too_many_pictures_for_memory_are_refused_before_any_is_decoded(tmp_path, monkeypatch):
    write_class_folders(tmp_path, CLASSES)
    monkeypatch.setattr(folders, "MOST_BYTES", 2 * 3 * 32 * 32)
    read_class_folders(tmp_path, CLASSES, size=32)
    monkeypatch.setattr(folders, "decode_picture", lambda *_: pytest.fail("a picture was decoded"))
    with pytest.raises(UsageError, match=r"2 pictures of 33x33 .* choose a smaller --size"):
        read_class_folders(tmp_path, CLASSES, size=33)


# ---- one picture ---------------------------------------------------------------------------------


def test_middle_of_a_long_picture_is_kept(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for width, height in ((48, 16), (16, 48)):
        thirds = Image.new("RGB", (width, height))
        for third, colour in enumerate(colours):
            corner = (16 * third, 0) if width > height else (0, 16 * third)
            thirds.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
        thirds.save(tmp_path / "thirds.png")
        decoded = decode_picture(tmp_path / "thirds.png", 16)
        assert decoded.shape == (16, 16, 3)
        assert (decoded == colours[1]).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
    grey = Image.new("RGB", (8, 8), (200, 200, 200))
    picture = grey.quantize(4) if mode == "P" else grey.convert(mode)
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    picture.save(path)
    opened = open_picture(path)
    assert opened.mode == "RGB"
    if mode == "1":  # dithered
        assert set(np.unique(opened)) == {0, 255}
    else:
        assert set(np.unique(opened)) == {200}


def test_rotated_photograph_is_turned_upright(tmp_path):
    upright = noise_picture(0, (24, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright, by its right side
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "rotated.png", exif=exif)
    assert np.array_equal(np.asarray(open_picture(tmp_path / "rotated.png")), np.asarray(upright))


@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_quality_of_a_jpeg_is_recognised(tmp_path, quality):
    noise_picture(0).save(tmp_path / "a.jpg", quality=quality)
    assert jpeg_quality(tmp_path / "a.jpg") == quality


def test_other_files_have_no_quality(tmp_path):
    noise_picture(0).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("no picture")
    noise_picture(0).save(tmp_path / "b.jpg", qtables=[list(range(1, 65))] * 2)  # a table unknown
    for name in ("a.png", "a.txt", "b.jpg", "missing.jpg"):
        assert jpeg_quality(tmp_path / name) is None


# ---- CIFAR-10's batches --------------------------------------------------------------------------


@pytest.mark.parametrize("numpy_1", [True, False], ids=["numpy 1", "numpy 2"])
def test_official_batches(tmp_path, numpy_1):
    pixels = write_cifar10_batches(tmp_path / "batches", per_batch=10, numpy_1=numpy_1)
    module = b"numpy.core.multiarray" if numpy_1 else b"numpy._core.multiarray"
    assert module in (tmp_path / "batches" / "data_batch_1").read_bytes()
    train, test = read_cifar10_batches(tmp_path / "batches")
    assert torch.equal(train.images, torch.from_numpy(pixels[:50]))
    assert torch.equal(test.images, torch.from_numpy(pixels[50:]))
    assert train.labels.tolist() == list(range(10)) * 5
    assert test.labels.tolist() == list(range(10))


class Evil:
    """What it becomes when unpickled: the call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickle_that_carries_code_runs_nothing(tmp_path, protocol):
    write_cifar10_batches(tmp_path)
    marker = tmp_path / "it ran"
    attacks = {
        "mkdir": Evil(Path.mkdir, marker),
        "eval": Evil(eval, f"open({str(marker)!r}, 'w')"),
        "copy": Evil(shutil.copy, tmp_path / "data_batch_1", marker),
        "numpy": Evil(np.save, str(marker), [1]),
    }
    for attack in attacks.values():
        content = pickle.dumps({b"data": attack, b"labels": [0]}, protocol)
        (tmp_path / "data_batch_3").write_bytes(content)
        with pytest.raises(UsageError, match=r"data_batch_3 is not a batch .*which no picture"):
            read_cifar10_batches(tmp_path)
        assert not marker.exists()
        pickle.loads(content)  # it would have run
        created = [path for path in tmp_path.iterdir() if path.name.startswith(marker.name)]
        assert created
        for path in created:
            path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("name", ["data_batch_5", "test_batch"])
def test_missing_batch_is_named(tmp_path, name):
    write_cifar10_batches(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=rf"{name} is missing; .* unpack cifar-10-python\.tar\.gz"):
        read_cifar10_batches(tmp_path)


def test_truncated_batch_is_refused_wherever_it_ends(tmp_path):
    write_cifar10_batches(tmp_path)
    whole = (tmp_path / "data_batch_2").read_bytes()
    for length in (0, 1, 20, 60, 200, len(whole) // 2, len(whole) - 1):
        (tmp_path / "data_batch_2").write_bytes(whole[:length])
        with pytest.raises(UsageError, match="data_batch_2 is not a batch of CIFAR-10"):
            read_cifar10_batches(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG no pickle",
        pickle.dumps([1, 2, 3]),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8)}, 2),
        pickle.dumps({b"data": np.zeros((4, 100), np.uint8), b"labels": [0] * 4}, 2),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0] * 5}, 2),
        pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": ["cat"] * 4}, 2),
        b"\x80\x02X" + struct.pack("<I", 2**31) + b"a text that never comes",
        b"\x80\x02]q\x00a.",  # append to an empty stack
        b"\x80\x02}q\x00K\x01a.",  # append to a dictionary
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, content):
    write_cifar10_batches(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(UsageError, match="test_batch is not a batch of CIFAR-10"):
        read_cifar10_batches(tmp_path)
