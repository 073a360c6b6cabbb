"""One picture file: every kind that there is becomes RGB, and what is none says so."""

import io
import os
import struct
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageOps
from samples import CAN_LINK, CAN_PIPE, noise_picture

from googlenet_lib.data import pictures
from googlenet_lib.data.pictures import (
    MOST_BYTES,
    PictureError,
    decode_picture,
    open_picture,
    read_size,
    silence_pillow,
)

NEEDS_PIPES = pytest.mark.skipif(not CAN_PIPE, reason="no named pipes here")
NEEDS_LINKS = pytest.mark.skipif(not CAN_LINK, reason="no links here")
MODES = {
    ".png": "1 L LA P RGB RGBA",
    ".tif": "1 L LA P RGB RGBA CMYK YCbCr",
    ".jpg": "1 L RGB CMYK YCbCr",
    ".webp": "L RGB RGBA",
    ".bmp": "1 L P RGB RGBA",
    ".gif": "1 L P RGB RGBA",
    ".ppm": "1 L RGB",
}
WHITE, RED = (255, 255, 255), (200, 10, 20)


def saved(path, picture, **how):
    picture.save(path, **how)
    return path


def chunk(kind, content=b""):
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(width, height, more=b""):
    """A PNG whose head promises so many pixels, and which holds next to none."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND")


def packed(picture, kind="JPEG", **how):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def refused(path, match):
    """Both ways to read a picture refuse it, in one line, without a change to Pillow."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match=match) as caught:
            open_picture(path)
    with silence_pillow(), pytest.raises(PictureError, match=match):
        decode_picture(path, 32)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600
    str(caught.value).encode()


# ---- colours -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [(suffix, mode) for suffix, modes in MODES.items() for mode in modes.split()],
)
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode, suffix):
    grey = Image.new("RGB", (8, 8), (200, 200, 200))
    picture = grey.quantize(4) if mode == "P" else grey.convert(mode)
    # without compression, Pillow 12 and older do not read YCbCr that they have written
    how = {"compression": "jpeg"} if (mode, suffix) == ("YCbCr", ".tif") else {}
    opened = open_picture(saved(tmp_path / f"picture{suffix}", picture, **how))
    assert opened.mode == "RGB"
    if mode == "1":  # dithered
        assert {0, 255} == {int(value > 127) * 255 for value in np.unique(opened)}
    else:
        assert np.abs(np.asarray(opened).astype(int) - 200).max() <= 1


def test_transparent_pixels_are_white(tmp_path):
    red = Image.new("RGBA", (8, 8), (*RED, 255))
    red.paste((0, 0, 0, 0), (0, 0, 4, 8))
    red.paste((0, 0, 0, 102), (4, 0, 8, 4))  # black, at 40 of 100
    opened = open_picture(saved(tmp_path / "a.png", red))
    assert [opened.getpixel(at) for at in ((0, 0), (5, 5), (5, 0))] == [WHITE, RED, (153,) * 3]
    opened = open_picture(saved(tmp_path / "b.webp", red, lossless=True, exact=True))
    assert [opened.getpixel(at) for at in ((0, 0), (5, 5))] == [WHITE, RED]
    assert open_picture(saved(tmp_path / "c.png", red.convert("LA"))).getpixel((0, 0)) == WHITE
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *RED])
    palette.paste(0, (0, 0, 4, 8))
    for name in ("a.png", "a.gif"):
        opened = open_picture(saved(tmp_path / name, palette, transparency=0))
        assert (opened.getpixel((0, 0)), opened.getpixel((5, 5))) == (WHITE, RED)
    shades = saved(tmp_path / "b.png", palette, transparency=bytes([0, 255]))
    assert open_picture(shades).getpixel((0, 0)) == WHITE
    assert open_picture(saved(tmp_path / "c.png", palette)).getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_to_eight_and_of_32_none_knows_white(tmp_path, suffix):
    values = np.array([[0, 128, 129, 257, 25_700, 32_767, 65_406, 65_535]] * 2, np.uint16)
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(values))
    expected = (values / 257).round().astype(int)
    assert np.array_equal(np.asarray(open_picture(path)), expected[..., None].repeat(3, 2))
    for mode in "FI":
        path = saved(tmp_path / "a.tif", Image.new(mode, (8, 8), 1000))
        refused(path, "32 bits, of which nothing says how bright white is")


# ---- frames, turns, shapes -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_first_frame_of_several_is_used_and_said(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    how = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", frames[0], save_all=True, append_images=frames[1:], **how)
    with pytest.warns(UserWarning, match="holds several frames; the first is used") as caught:
        assert open_picture(path).getpixel((0, 0)) == RED
    assert len(caught) == 1
    pixels, animated = decode_picture(path, 8)
    assert animated
    assert (pixels == RED).all()
    assert not decode_picture(saved(tmp_path / f"b{suffix}", frames[0], **how), 8)[1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_photograph_is_turned_upright(tmp_path, suffix, orientation):
    picture = Image.new("RGB", (16, 16), "black")
    picture.paste("white", (8, 0, 16, 8))  # the corner at the top right
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = {"quality": 100} if suffix == ".jpg" else {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", picture, exif=exif, **how)
    picture.getexif()[0x0112] = orientation
    turned = np.asarray(ImageOps.exif_transpose(picture)).astype(int)
    for pixels in (np.asarray(open_picture(path)), decode_picture(path, 16)[0]):
        assert np.abs(pixels.astype(int) - turned).max() < 30


def test_turning_writes_no_exif_and_happens_once(tmp_path, monkeypatch):
    """Fields that cannot be written, such as a negative altitude, are no fault of the pixels."""
    picture = Image.new("RGB", (16, 8), "black")
    picture.paste("white", (8, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.png", picture, exif=exif)
    monkeypatch.setattr(Image.Exif, "tobytes", lambda *_: pytest.fail("EXIF was written"))
    turned = open_picture(path)
    assert turned.size == (8, 16)
    assert pictures.convert_to_rgb(turned).size == (8, 16)


def test_boxes_keep_their_ratio_in_pictures_that_are_no_squares(tmp_path):
    """One brightens from left to right and from top to bottom: equally in a square box."""
    ramp = np.zeros((160, 240, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(240), np.arange(160)[:, None]
    for pixels in (ramp, ramp.transpose(1, 0, 2)):
        path = saved(tmp_path / "a.png", Image.fromarray(pixels))
        for box in ((0.25, 0.25, 0.5, 0.5), (0, 0, 1, 1), (0.1, 0.5, 0.3, 0.4)):
            found = decode_picture(path, 16, box)[0].astype(float)
            across, down = (np.ptp(found, axis=axis).max((0, 1)) for axis in (1, 0))
            assert across / down == pytest.approx(box[3] / box[2], rel=0.02)


def test_a_large_gif_is_read(tmp_path):
    """Its pixels lie in blocks of 255 bytes, which is_animated goes over one by one."""
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1300), np.uint8)
    palette = Image.fromarray(noise).convert("P")
    assert open_picture(saved(tmp_path / "a.gif", palette)).size == (1300, 1200)


def test_damaged_exif_and_what_follows_a_picture_cost_no_picture(tmp_path):
    noise = noise_picture(0)
    path = saved(tmp_path / "a.png", noise, exif=b"Exif\0\0 no directory at all")
    assert np.array_equal(open_picture(path), noise)
    content = packed(noise, progressive=True)
    (tmp_path / "a.jpg").write_bytes(content + b"\xff\xda" * 1000)  # telephones append a film
    (tmp_path / "b.jpg").write_bytes(content)
    assert open_picture(tmp_path / "a.jpg") == open_picture(tmp_path / "b.jpg")
    # a camera's file of a photograph and its preview
    preview = noise.resize((16, 16))
    saved(tmp_path / "c.jpg", noise, format="MPO", save_all=True, append_images=[preview])
    assert not decode_picture(tmp_path / "c.jpg", 32)[1]
    assert open_picture(tmp_path / "c.jpg").size == (32, 32)


def test_middle_of_a_long_picture_is_kept_or_a_box_cut_out(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for width, height in ((48, 16), (16, 48)):
        thirds = Image.new("RGB", (width, height))
        for third, colour in enumerate(colours):
            corner = (16 * third, 0) if width > height else (0, 16 * third)
            thirds.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
        path = saved(tmp_path / "thirds.png", thirds)
        pixels, _ = decode_picture(path, 16)
        assert pixels.shape == (16, 16, 3)
        assert (pixels == colours[1]).all()
        box = (0, 2 / 3, 1, 1 / 3) if width > height else (2 / 3, 0, 1 / 3, 1)
        assert (decode_picture(path, 16, box)[0] == colours[2]).all()


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1)])
def test_very_flat_pictures(tmp_path, size):
    path = saved(tmp_path / "flat.jpg", Image.new("RGB", size, RED), quality=90)
    pixels, _ = decode_picture(path, 32)
    assert pixels.shape == (32, 32, 3)
    assert np.abs(pixels.astype(int) - RED).max() < 15


# ---- no pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".webp", ".tif"])
def test_truncated_picture(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", noise_picture(0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, rf"a{suffix} could.* (truncated|damaged \(.*\)|not a picture)")


@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO", "TGA"])
def test_other_formats_are_not_opened_whatever_the_file_is_called(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("it ran gs"))
    path = saved(tmp_path / "cat.jpg", noise_picture(0, (16, 16)), format=kind)
    refused(path, "not a picture")
    assert read_size(path) is None


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", r"not a picture \(HEIC"),
        (b"\n<!DOCTYPE HTML><html><svg>", r"not a picture \(a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", r"\(.*Git LFS: run git lfs pull"),
        (b"Dear reader", "not a picture, or damaged at its beginning; give a JPEG, PNG"),
        (b"", r"empty \(0 bytes\); copy or download it again"),
    ],
)
def test_first_bytes_say_what_it_is(tmp_path, head, what):
    (tmp_path / "a.jpg").write_bytes(head)
    refused(tmp_path / "a.jpg", what)


@pytest.mark.parametrize(
    "name", ["missing", "x" * 300, "/".join(["folder"] * 800), "a\0b", "caf\udce9\n"]
)
def test_name_that_no_file_has_is_one_short_line(tmp_path, name):
    refused(tmp_path / f"{name}.jpg", "no such file|not readable")


def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", noise_picture(0))

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pictures.io, "FileIO", denied)
    refused(path, r"not readable \(Permission denied\); allow")


# ---- what would take too long, or too much memory ------------------------------------------------


def huge(path):
    path.write_bytes(packed(noise_picture(0)))
    os.truncate(path, MOST_BYTES + 1)


def of_many_scans(path):
    content = packed(Image.new("RGB", (1000, 1000), RED), progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    path.write_bytes(content[:-2] + scan * 4400 + content[-2:])


def of_wide_tiles(path):
    tags = {256: 32, 257: 32, 258: 8, 259: 1, 262: 1, 277: 1, 322: 30_000, 323: 30_000, 325: 1024}
    tags[324] = 8 + 2 + 12 * 10 + 4  # where the tile begins
    fields = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())]
    path.write_bytes(b"II*\0\x08\0\0\0\x0a\0" + b"".join(fields) + bytes(4 + 1024))


def of_digits(path):
    path.write_bytes(b"P3 300 300 255\n" + b"0 " * 300)
    os.truncate(path, 2**24 + 1)


def of_long_comment(path):
    content = packed(noise_picture(0).convert("P"), "GIF")
    at = content.index(b",\0\0\0\0")
    comment = b"!\xfe" + (b"\xff" + b"c" * 255) * 10_000 + b"\0"
    path.write_bytes(content[:at] + comment + content[at:])


def of_long_exif(path):
    content, segment = packed(noise_picture(0)), b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)
    path.write_bytes(content[:2] + segment * 300 + content[2:])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(png(1, 60_000_000)), "larger than 65,535 pixels a side"),
        (lambda path: path.write_bytes(png(8_200, 8_200)), "larger than 67,108,864 pixels"),
        (huge, "larger than 512 MiB"),
        (of_wide_tiles, "larger than 67,108,864 pixels"),
        (of_digits, "larger than 16 MiB of digits"),
        (of_many_scans, r"a JPEG of 4,4\d\d scans"),
        (
            lambda path: path.write_bytes(png(8, 8, chunk(b"abCd") * 10_000)),
            "made of too many parts",
        ),
        (of_long_comment, "made of too many parts"),
        (of_long_exif, "made of too many parts"),
        (lambda path: path.mkdir(), "a folder"),
        pytest.param(lambda path: os.mkfifo(path), "no plain file", marks=NEEDS_PIPES),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "no plain file", marks=NEEDS_LINKS),
        pytest.param(lambda path: path.symlink_to(path), "not readable", marks=NEEDS_LINKS),
    ],
    ids=range(13),
)
def test_costly_file_is_refused_undecoded(tmp_path, monkeypatch, make, reason):
    make(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "convert_to_rgb", lambda _: pytest.fail("it was decoded"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # whatever Pillow is set to
    began = time.process_time()
    refused(tmp_path / "a.png", reason)
    assert read_size(tmp_path / "a.png") is None
    assert time.process_time() - began < 3


def test_threads_decode_large_pictures_one_at_a_time(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", Image.new("L", (100, 100)))
    both = threading.Barrier(2)

    def wait(picture):
        both.wait(0.2)
        return picture.convert("RGB")

    monkeypatch.setattr(pictures, "convert_to_rgb", wait)
    for limit, together in ((10_000, True), (9_999, False)):
        monkeypatch.setattr(pictures, "LARGE", limit)
        both.reset()
        with silence_pillow(), ThreadPoolExecutor(2) as pool:
            tasks = [pool.submit(decode_picture, path, 8) for _ in range(2)]
        assert all(task.exception() is None for task in tasks) == together


@pytest.mark.parametrize("error", [MemoryError(), OSError("broken data stream")])
def test_lack_of_memory_is_no_damage(tmp_path, monkeypatch, error):
    path = saved(tmp_path / "a.png", noise_picture(0, (40, 30)))

    def short(*_):
        raise error

    monkeypatch.setattr(pictures, "convert_to_rgb", short)
    if isinstance(error, OSError):
        refused(path, "damaged")

        def no_room(count):  # of the size that a decoder may have needed
            assert count >= 3 * 40 * 30
            raise MemoryError

        monkeypatch.setattr(pictures, "bytes", no_room, raising=False)
    for read in (open_picture, lambda path: decode_picture(path, 32)):
        with pytest.raises(MemoryError):
            read(path)
