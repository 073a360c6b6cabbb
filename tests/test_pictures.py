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
from samples import noise_picture

from googlenet_lib.data import pictures
from googlenet_lib.data.pictures import (
    FORMATS,
    MOST_BYTES,
    MOST_PIXELS,
    MemoryShortError,
    PictureError,
    decode_picture,
    jpeg_quality,
    open_picture,
    picture_size,
)
from googlenet_lib.errors import UsageError

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


def bomb(path, width, height, more=b""):
    """A PNG whose head promises so many pixels, and which holds next to none."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", head) + more + chunk(b"IDAT", pixels) + chunk(b"IEND")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def jpeg(picture, **how):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **how)
    return buffer.getvalue()


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
    grey = red.convert("LA")
    opened = open_picture(saved(tmp_path / "c.png", grey))
    assert opened.getpixel((0, 0)) == WHITE
    assert opened.getpixel((5, 5)) == (grey.getpixel((5, 5))[0],) * 3


def test_transparent_colour_of_a_palette_is_white(tmp_path):
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
def test_sixteen_bits_are_scaled_to_eight(tmp_path, suffix):
    values = np.array([[0, 128, 129, 257, 25_700, 32_767, 65_406, 65_535]] * 2, np.uint16)
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(values))
    expected = (values / 257).round().astype(int)
    assert expected.tolist()[0] == [0, 0, 1, 1, 100, 127, 254, 255]
    assert np.array_equal(np.asarray(open_picture(path)), expected[..., None].repeat(3, 2))


@pytest.mark.parametrize("mode", ["F", "I"])
def test_thirty_two_bits_have_no_white(tmp_path, mode):
    path = saved(tmp_path / "a.tif", Image.new(mode, (8, 8), 1000))
    with pytest.raises(PictureError, match="32 bits, of which nothing says how bright white is"):
        open_picture(path)


# ---- frames, turns, shapes -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_first_frame_of_several_is_used_and_said(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    how = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", frames[0], save_all=True, append_images=frames[1:], **how)
    with pytest.warns(UserWarning, match="holds several frames; the first is used") as caught:
        opened = open_picture(path)
    assert len(caught) == 1
    assert opened.getpixel((0, 0)) == RED
    pixels, animated = decode_picture(path, 8)
    assert animated
    assert (pixels == RED).all()
    lone = saved(tmp_path / f"b{suffix}", frames[0], **how)
    assert not decode_picture(lone, 8)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_picture(lone)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_photograph_is_turned_upright(tmp_path, suffix, orientation):
    picture = Image.new("RGB", (16, 16), "black")
    picture.paste("white", (8, 0, 16, 8))  # the corner at the top right
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = {"quality": 100} if suffix == ".jpg" else {"lossless": True} if suffix == ".webp" else {}
    turned = ImageOps.exif_transpose(_with(picture, orientation))
    path = saved(tmp_path / f"a{suffix}", picture, exif=exif, **how)
    for pixels in (np.asarray(open_picture(path)), decode_picture(path, 16)[0]):
        assert np.abs(pixels.astype(int) - np.asarray(turned).astype(int)).max() < 30


def _with(picture, orientation):
    picture = picture.copy()
    picture.getexif()[0x0112] = orientation
    return picture


def test_damaged_exif_costs_no_picture(tmp_path):
    picture = noise_picture(0)
    path = saved(tmp_path / "a.png", picture, exif=b"Exif\0\0 no directory at all")
    assert np.array_equal(open_picture(path), picture)


def test_middle_of_a_long_picture_is_kept(tmp_path):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for width, height in ((48, 16), (16, 48)):
        thirds = Image.new("RGB", (width, height))
        for third, colour in enumerate(colours):
            corner = (16 * third, 0) if width > height else (0, 16 * third)
            thirds.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
        pixels, _ = decode_picture(saved(tmp_path / "thirds.png", thirds), 16)
        assert pixels.shape == (16, 16, 3)
        assert (pixels == colours[1]).all()


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1)])
def test_very_flat_picture(tmp_path, size):
    pixels, _ = decode_picture(saved(tmp_path / "flat.png", Image.new("RGB", size, RED)), 32)
    assert pixels.shape == (32, 32, 3)
    assert (pixels == RED).all()


# ---- plain JPEGs, which take the short way -------------------------------------------------------


@pytest.mark.parametrize("size", [8, 15, 32, 33])
@pytest.mark.parametrize(
    "how",
    [
        {"quality": 75},
        {"quality": 100, "subsampling": 0},
        {"quality": 30, "subsampling": 1},
        {"progressive": True},
        {"optimize": True, "comment": b"a comment"},
        {"restart_marker_blocks": 1},
    ],
    ids=lambda how: ",".join(how),
)
def test_short_way_gives_the_pixels_of_the_long_one(tmp_path, monkeypatch, size, how):
    path = saved(tmp_path / "a.jpg", noise_picture(size, (size, size)), **how)
    expected = np.asarray(Image.open(path))
    monkeypatch.setattr(pictures, "_opened", lambda *_: pytest.fail("it took the long way"))
    pixels, animated = decode_picture(path, size)
    assert np.array_equal(pixels, expected)
    assert not animated


def test_other_jpegs_take_the_long_way(tmp_path):
    noise = noise_picture(0, (32, 32))
    exif = Image.Exif()
    exif[0x0112] = 3
    others = {
        "another size": saved(tmp_path / "a.jpg", noise_picture(0, (32, 31))),
        "EXIF": saved(tmp_path / "b.jpg", noise, exif=exif),
        "grey": saved(tmp_path / "c.jpg", noise.convert("L")),
        "CMYK": saved(tmp_path / "d.jpg", noise.convert("CMYK")),
        "RGB, not YCbCr": saved(tmp_path / "e.jpg", noise, keep_rgb=True),
    }
    for what, path in others.items():
        assert pictures._plain_jpeg_pixels(path.read_bytes(), 32) is None, what
        assert decode_picture(path, 32)[0].shape == (32, 32, 3)


def test_jpeg_cut_anywhere_is_refused_or_whole(tmp_path):
    buffer = io.BytesIO()
    noise_picture(0).save(buffer, "JPEG")
    whole = buffer.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(whole)
    expected, _ = decode_picture(path, 32)
    for length in [*range(1, 700, 7), len(whole) // 2, len(whole) - 60]:
        path.write_bytes(whole[:length])
        with pytest.raises(PictureError, match=r"truncated|damaged|not a picture"):
            decode_picture(path, 32)
    path.write_bytes(whole[:-2])  # the end mark alone: no pixel is missing
    with pytest.raises(PictureError, match="truncated"):
        decode_picture(path, 32)
    path.write_bytes(whole + b"and more")
    assert np.array_equal(decode_picture(path, 32)[0], expected)


# ---- no pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [open_picture, lambda path: decode_picture(path, 32)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".webp", ".tif"])
def test_truncated_picture(tmp_path, read, suffix):
    path = saved(tmp_path / f"a{suffix}", noise_picture(0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PictureError, match=r"(truncated|damaged \(.*\)|not a picture); ") as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("read", [open_picture, lambda path: decode_picture(path, 32)])
def test_what_is_no_picture_says_what_it_is(tmp_path, read):
    (tmp_path / "text.jpg").write_text("Dear reader, this is a text.")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    for name, reason in (
        ("text.jpg", "not a picture; give a JPEG, PNG or another picture file"),
        ("empty.jpg", r"empty \(0 bytes\); copy or download it again"),
        ("folder.jpg", "a folder; give a file in it"),
        ("link.jpg", "no such file; check the path"),
        ("missing.jpg", "no such file; check the path"),
    ):
        message = rf"{name} could not be read as a picture: {reason}$"
        with pytest.raises(UsageError, match=message):
            read(tmp_path / name)


def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", noise_picture(0))

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pictures.io, "FileIO", denied)
    with pytest.raises(PictureError, match=r"not readable \(Permission denied\); allow"):
        open_picture(path)


READ = [open_picture, lambda path: decode_picture(path, 32)]
NOT_READ = "a kind of picture that is not read"


@pytest.mark.parametrize("name", ["cat.jpg", "cat"])
@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO", "JPEG2000", "TGA", "PCX", "SGI", "DDS"])
def test_other_formats_are_not_opened_whatever_the_file_is_called(
    tmp_path, monkeypatch, kind, name
):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("it ran gs"))
    noise_picture(0, (16, 16)).save(tmp_path / name, kind)
    for read in READ:
        with pytest.raises(PictureError, match=f"(not a picture|{NOT_READ})"):
            read(tmp_path / name)


def test_pillow_opens_nothing_without_the_list(tmp_path, monkeypatch):
    opened = []
    real = Image.open

    def watched(file, **options):
        opened.append(tuple(options["formats"]))
        return real(file, **options)

    monkeypatch.setattr(Image, "open", watched)
    path = saved(tmp_path / "a.jpg", noise_picture(0, (40, 30)))
    open_picture(path)
    decode_picture(path, 8)
    picture_size(path)
    jpeg_quality(path)
    assert len(opened) >= 4
    assert set(opened) == {FORMATS}


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", rf"{NOT_READ} \(HEIC, .*\); save it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", rf"{NOT_READ} \(HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", rf"{NOT_READ} \(AVIF\)"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", rf"{NOT_READ} \(AVIF\)"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", rf"{NOT_READ} \(JPEG 2000\)"),
        (b"\xff\x0a\xfa\x7f", rf"{NOT_READ} \(JPEG XL\)"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', rf"{NOT_READ} \(SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg>', rf"{NOT_READ} \(SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", rf"{NOT_READ} \(PostScript\)"),
        (b"\xd7\xcd\xc6\x9a", rf"{NOT_READ} \(WMF\)"),
        (b"\1\0\0\0" + bytes(36) + b" EMF", rf"{NOT_READ} \(WMF\)"),
        (b"SIMPLE  =                    T", rf"{NOT_READ} \(FITS\)"),
        (b"8BPS\0\1", rf"{NOT_READ} \(PSD\)"),
        (bytes(128) + b"DICM", rf"{NOT_READ} \(DICOM\)"),
        (b"\n<!DOCTYPE HTML><html><svg>", r"not a picture \(a web page\)"),
        (b"<html>404</html>", r"not a picture \(a web page\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid", r"\(.*Git LFS: run git lfs pull\)"),
        (b"%PDF-1.7", r"not a picture \(a PDF\)"),
        (b"PK\3\4", r"not a picture \(a zip archive\)"),
        (b"\x1f\x8b\x08", r"not a picture \(an archive\)"),
        (b"\0\0\0\x18ftypisom", r"not a picture \(a video\)"),
        (b"\x93NUMPY\1\0", r"not a picture \(an array of NumPy\)"),
        (b"<?xml version='1.0'?><Error>", r"not a picture \(XML\)"),
        (b"\0\5\x16\7", r"not a picture \(notes of macOS"),
        (bytes(5000), r"not a picture \(nothing but zeros\)"),
        (b"\x89PNG\r\n\x1a\n", r"damaged \(at its beginning\)"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", r"damaged|truncated|not a picture"),
        (b"Dear reader", "not a picture; give"),
    ],
)
def test_first_bytes_say_what_it_is(tmp_path, head, what):
    (tmp_path / "a.jpg").write_bytes(head)
    for read in READ:
        with pytest.raises(PictureError, match=what):
            read(tmp_path / "a.jpg")


# ---- what would take too long, or too much memory ------------------------------------------------


def sparse(path):
    with path.open("wb") as file:
        file.write(jpeg(noise_picture(0)))
        file.truncate(MOST_BYTES + 1)


def of_many_scans(path):
    content = jpeg(Image.new("RGB", (32, 32), RED), progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    path.write_bytes(content[:-2] + scan * 70 + content[-2:])


def of_wide_tiles(path):
    tags = {256: 32, 257: 32, 258: 8, 259: 1, 262: 1, 277: 1, 322: 30_000, 323: 30_000, 325: 1024}
    tags[324] = 8 + 2 + 12 * 10 + 4  # where the tile begins
    fields = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())]
    path.write_bytes(b"II*\0\x08\0\0\0\x0a\0" + b"".join(fields) + bytes(4 + 1024))


def of_digits(path):
    with path.open("wb") as file:
        file.write(b"P3 300 300 255\n" + b"0 " * 300)
        file.truncate(2**24 + 1)


def of_long_comment(path):
    noise_picture(0).convert("P").save(path, "GIF")
    content = path.read_bytes()
    at = content.index(b",\0\0\0\0")
    comment = b"!\xfe" + (b"\xff" + b"c" * 255) * 10_000 + b"\0"
    path.write_bytes(content[:at] + comment + content[at:])


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: bomb(path, 1, 60_000_000), "larger than 65,535 pixels a side; scale it"),
        (lambda path: bomb(path, 60_000_000, 1), "larger than 65,535 pixels a side; scale it"),
        (sparse, "larger than 512 MiB"),
        (os.mkfifo, "no plain file"),
        (lambda path: path.symlink_to("/dev/zero"), "no plain file"),
        (lambda path: path.symlink_to(path), r"not readable \(.*\); check its name"),
        (of_many_scans, "a JPEG of more than 64 scans"),
        (of_wide_tiles, "larger than 67,108,864 pixels"),
        (of_digits, "digits of more than 16 MiB"),
        (lambda path: bomb(path, 8, 8, chunk(b"abCd") * 10_000), "made of too many parts"),
        (of_long_comment, "made of too many parts"),
        (
            lambda path: path.write_bytes(b"\xff\xd8" + b"\xff\xfe\xff\xfe" + bytes(2**24 + 100)),
            "larger than 16 MiB before its pixels",
        ),
    ],
    ids=[
        *("tall", "wide", "bytes", "pipe", "device", "loop"),
        *("scans", "tiles", "digits", "parts", "comment", "head"),
    ],
)
def test_costly_file_is_refused_undecoded(tmp_path, monkeypatch, read, make, reason):
    make(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "upright", lambda _: pytest.fail("it was decoded"))
    monkeypatch.setattr(Image, "frombytes", lambda *_: pytest.fail("it was decoded"))
    began = time.process_time()
    with pytest.raises(PictureError, match=reason):
        read(tmp_path / "a.png")
    assert time.process_time() - began < 3


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["folder"] * 800), "a\0b", "caf\udce9\n"])
def test_name_that_no_file_has_is_one_short_line(tmp_path, name):
    for read in READ:
        with pytest.raises(PictureError, match=r"no such file|not readable") as caught:
            read(tmp_path / f"{name}.jpg")
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 500
        str(caught.value).encode()


def test_photograph_of_fifty_million_pixels_is_read(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8_660, 5_774), RED), quality=10)
    pixels, _ = decode_picture(path, 32)
    assert np.abs(pixels.astype(int) - RED).max() < 15


def test_camera_s_file_of_a_photograph_and_its_preview_is_read(tmp_path):
    picture = noise_picture(0, (64, 48))
    preview = picture.resize((32, 24))
    saved(tmp_path / "a.jpg", picture, format="MPO", save_all=True, append_images=[preview])
    pixels, animated = decode_picture(tmp_path / "a.jpg", 48)
    assert open_picture(tmp_path / "a.jpg").size == (64, 48)
    assert (pixels.shape, animated) == ((48, 48, 3), False)


def test_what_follows_a_photograph_is_no_part_of_it(tmp_path):
    """Telephones append a film."""
    content = jpeg(noise_picture(0), progressive=True)
    (tmp_path / "a.jpg").write_bytes(content + b"\xff\xda" * 1000)
    (tmp_path / "b.jpg").write_bytes(content)
    assert open_picture(tmp_path / "a.jpg") == open_picture(tmp_path / "b.jpg")


@pytest.mark.parametrize("side", [100, 1_100])
def test_threads_share_memory_for_one_large_picture(tmp_path, monkeypatch, side):
    path = saved(tmp_path / "a.png", Image.new("L", (side, side)))
    monkeypatch.setattr(pictures, "ROOM", 2)
    monkeypatch.setattr(pictures, "_room", threading.Semaphore(2))
    at_work, most = [], []

    def slow(picture):
        at_work.append(None)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.pop()
        return picture.convert("RGB")

    monkeypatch.setattr(pictures, "upright", slow)
    with pictures.without_pillow_warnings(), ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: decode_picture(path, 8), range(12)))
    assert max(most) == (1 if side > 1_000 else 2)
    assert pictures._room._value == 2


@pytest.mark.parametrize("read", READ)
def test_lack_of_memory_is_no_damage(tmp_path, monkeypatch, read):
    path = saved(tmp_path / "a.png", noise_picture(0, (40, 30)))

    def short(error):
        def raise_it(_):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(pictures, "upright", raise_it)
            with pytest.raises(MemoryShortError, match="too little memory was free; close") as e:
                read(path)
        assert "damaged" not in str(e.value)

    short(MemoryError())
    with pytest.raises(PictureError, match="damaged"):
        read(saved_half(tmp_path / "half.tif"))
    monkeypatch.setattr(pictures, "_memory_is_short", lambda pixels: pixels >= 40 * 30)
    short(OSError("broken data stream when reading image file"))


def saved_half(path):
    saved(path, noise_picture(0), compression="tiff_adobe_deflate")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3] + bytes(99) + content[len(content) // 3 + 99 :])
    return path


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("side", [8_200, 9_460, 20_000, 60_000])
def test_bomb_is_refused_undecoded_and_pillow_left_as_it_was(tmp_path, monkeypatch, read, side):
    path = bomb(tmp_path / "bomb.png", side, side)
    limit = Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(pictures, "upright", lambda _: pytest.fail("it was decoded"))
    with warnings.catch_warnings():
        if read is open_picture:
            warnings.simplefilter("error")
        else:  # within which it is called
            warnings.simplefilter("ignore")
        filters = list(warnings.filters)
        with pytest.raises(PictureError, match=f"larger than {MOST_PIXELS:,} pixels; scale it"):
            read(path)
        assert warnings.filters == filters
        assert picture_size(path) is None
    assert limit == Image.MAX_IMAGE_PIXELS
    assert side**2 > MOST_PIXELS


def test_bomb_is_refused_whatever_pillow_is_set_to(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(PictureError, match="larger than"):
        open_picture(bomb(tmp_path / "bomb.png", 20_000, 20_000))


# ---- what is known before decoding ---------------------------------------------------------------


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
