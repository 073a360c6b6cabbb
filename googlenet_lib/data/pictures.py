"""One picture file, whatever its kind, as RGB of 8 bits a channel."""

import io
import os
import re
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from googlenet_lib.data.kinds import HEAD, begins_as_picture, other_file, other_picture
from googlenet_lib.errors import UsageError, shown

SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), "JPEG"),
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WEBP",
    **dict.fromkeys((".ppm", ".pgm"), "PPM"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
}
# All that Pillow may open, whatever a file is called. It knows many more: EPS, for one, is a
# programming language, which it hands to another program.
FORMATS = tuple(dict.fromkeys(SUFFIXES.values()))

# Looked at before anything is decoded, so that no small file takes all memory, or minutes.
MOST_PIXELS = 2**26  # 67 million, which take up to a GiB: cameras have 61 million at most
MOST_SIDE = 65_535  # what a JPEG can have; each row costs time of its own
MOST_BYTES = 2**29  # of a file: 50 million pixels of 16 bits, not compressed, have 300 MB
MOST_TEXT = 2**24  # bytes of a picture in digits (PPM), each of which is read by Python
MOST_HEAD = 2**24  # bytes of a JPEG before its pixels
MOST_SCANS = 64  # of a JPEG: a progressive one has about ten, and each goes over all pixels
MOST_HEAD_PIECES = 10_000  # that a head is read in: most have a dozen, and each takes its time
MOST_PIECES = 500_000  # that the pixels are read in: a hundred MB of PNG have some ten thousand

ORIENTATION = 0x0112  # the EXIF field that says how the camera was held
NOT_READ = "a kind of picture that is not read"
TILE = (322, 323)  # the fields of a TIFF for a tile's width and height


class PictureError(UsageError):
    """A file that is no picture, or none that can be read. `reason` says why in a few words."""

    def __init__(self, path: str | Path, reason: str, advice: str = "") -> None:
        advice = advice or "give a JPEG, PNG or another picture file"
        super().__init__(f"{shown(path)} could not be read as a picture: {reason}; {advice}")
        self.reason = reason


class MemoryShortError(PictureError):
    """The file may be good, but there was too little memory to read it."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(
            path, "too little memory was free", "close other programs, or scale it down"
        )


def open_picture(path: Path) -> Image.Image:
    """A picture file as `upright` makes it; of an animation the first frame, with a warning.

    Raises PictureError, a UsageError, for a file that is missing, no picture, damaged, or larger
    than the limits above, so that no small file takes all memory or minutes.
    """
    with (
        without_pillow_warnings(),
        _file(path) as file,
        _opened(path, file) as (opened, animated),
    ):
        picture = upright(opened)
    if animated:
        warnings.warn(f"{shown(path)} holds several frames; the first is used", stacklevel=2)
    return picture


def decode_picture(
    path: str | Path, size: int, box: tuple[float, ...] | None = None
) -> tuple[np.ndarray, bool]:
    """One picture file: (its pixels, whether it is the first frame of several).

    The pixels are uint8 RGB (size, size, 3): shorter side resized, middle cropped; or what `box`
    cuts out, which is top, left, height and width as shares of the picture. Raises PictureError.
    Call it within `without_pillow_warnings`, which no thread may enter by itself.
    """
    with _file(path) as file:
        pixels = _plain_jpeg_pixels(file, size) if box is None else None
        if pixels is not None:
            return pixels, False
        with _opened(path, file) as (picture, animated):
            picture = upright(picture)
            if box is not None:
                top, left, height, width = box
                corners = (left, top, left + width, top + height)
                pixels = [part * side for part, side in zip(corners, picture.size * 2, strict=True)]
                picture = picture.resize((size, size), Image.Resampling.BILINEAR, box=pixels)
            elif picture.size != (size, size):
                picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
            return np.asarray(picture), animated


def upright(picture: Image.Image) -> Image.Image:
    """A picture as its camera was held, in RGB of 8 bits.

    What is transparent lies on white. 16 bits are scaled to 8. Raises ValueError for pixels of 32
    bits, of which nothing says how bright white is, and what Pillow raises for damaged files.
    """
    kind = picture.format
    picture.load()  # before EXIF, which is forgiven its faults: a picture is not
    try:
        turned = picture.getexif().get(ORIENTATION, 1) != 1
    except Exception:  # damaged EXIF raises many kinds, and the pixels need none of it
        turned = False
    if turned:
        picture = ImageOps.exif_transpose(picture)
    # Pillow calls 16-bit grey "I;16", or "I" in what it reads of older PNG and of PGM
    if picture.mode.startswith("I;16") or (picture.mode == "I" and kind in ("PNG", "PPM")):
        values = np.asarray(picture).astype(np.uint32)
        values += 128
        values //= 257
        picture = Image.fromarray(values.astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, of which nothing says how bright white is")
    if picture.mode in ("RGBA", "RGBa", "LA", "PA") or "transparency" in picture.info:
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture)
        return white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence what Pillow would say about files: those that are not read are reported by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def picture_size(path: str | Path) -> tuple[int, int] | None:
    """(width, height) in pixels as the file's head gives them; None where it cannot be read."""
    try:
        with without_pillow_warnings(), _file(path) as file, _head(file) as (picture, _):
            _refuse_large(path, picture)
            return picture.size
    except Exception:  # many kinds, as in `_opened`; whoever reads the file says what is wrong
        return None


def jpeg_quality(path: str | Path) -> int | None:
    """The quality (1 to 100) that a JPEG file was saved with; None for any other file."""
    try:
        with without_pillow_warnings(), _file(path) as file, _head(file) as (picture, _):
            tables = getattr(picture, "quantization", None)
    except Exception:
        return None
    return _qualities().get(tuple(tables[0])) if tables else None


@cache
def _qualities() -> dict[tuple[int, ...], int]:
    """The quantisation table of each quality, as the JPEG library itself writes it."""
    tables = {}
    for quality in range(1, 101):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
        tables[tuple(Image.open(buffer, formats=FORMATS).quantization[0])] = quality
    return tables


class _InPieces(io.BufferedReader):
    """A file that is read in so many pieces at most: a head of a million takes minutes."""

    left = MOST_HEAD_PIECES

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise PictureError(self.raw.name, "made of too many parts", "save it anew")
        return super().read(size)


def _file(path: str | Path) -> io.FileIO:
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MOST_BYTES:
            return io.FileIO(path)
    except (FileNotFoundError, NotADirectoryError):
        raise PictureError(path, "no such file", "check the path") from None
    except OSError as error:
        advice = "allow it to be read" if isinstance(error, PermissionError) else "check its name"
        raise PictureError(path, f"not readable ({error.strerror})", advice) from error
    except ValueError:  # a zero in its name, or what no encoding has
        raise PictureError(path, "no such file", "check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(path, "a folder", "give a file in it")
    if not stat.S_ISREG(status.st_mode):  # to read from a pipe would be to wait
        raise PictureError(path, "no plain file", "copy what it gives into a file")
    if not status.st_size:
        raise PictureError(path, "empty (0 bytes)", "copy or download it again")
    raise _too_large(path, f"{MOST_BYTES // 2**20} MiB")


@contextmanager
def _head(file: io.FileIO) -> Iterator[tuple[Image.Image, _InPieces]]:
    """A picture of which the head alone is read. No other place opens any by Pillow."""
    file.seek(0)
    with _InPieces(file) as pieces, Image.open(pieces, formats=FORMATS) as picture:
        yield picture, pieces


@contextmanager
def _opened(path: str | Path, file: io.FileIO) -> Iterator[tuple[Image.Image, bool]]:
    """(The picture, of which no more than the head is read yet, whether it has several frames).

    What goes wrong within the block becomes a PictureError.
    """
    picture = None
    size = os.fstat(file.fileno()).st_size
    try:
        _refuse_long_head(path, file, size)
        with _head(file) as (picture, pieces):
            _refuse_large(path, picture)
            animated = _is_animated(picture)
            pieces.left = MOST_PIECES
            with _room_for(picture, size):
                _refuse_slow(path, picture, size)
                yield picture, animated
    except PictureError:
        raise
    except MemoryError:
        raise MemoryShortError(path) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(path, f"{MOST_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise _no_picture(path) from None
    except Exception as error:  # Pillow's decoders raise many kinds; each means the same here
        if picture and _memory_is_short(picture.width * picture.height):
            raise MemoryShortError(path) from None
        if isinstance(error, OSError) and error.errno:
            raise PictureError(path, f"not readable ({error.strerror})", "try again") from error
        reason = "truncated" if "truncated" in str(error).lower() else f"damaged ({shown(error)})"
        if not picture and _memory_is_short(MOST_PIXELS):  # WebP takes it before its size is known
            reason = "damaged, or too little memory was free"
        raise PictureError(path, reason, "copy it again, or save it anew as PNG") from error


def _refuse_large(path: str | Path, picture: Image.Image) -> None:
    sizes = [picture.size]
    if picture.format == "TIFF":  # which is decoded a tile at a time, of whatever size that is
        sizes.append(tuple(picture.tag_v2.get(side, 1) for side in TILE))
    for width, height in sizes:
        if width * height > MOST_PIXELS:
            raise _too_large(path, f"{MOST_PIXELS:,} pixels")
        if max(width, height) > MOST_SIDE:
            raise _too_large(path, f"{MOST_SIDE:,} pixels a side")


def _too_large(path: str | Path, limit: str) -> PictureError:
    return PictureError(path, f"larger than {limit}", "scale it down with a picture editor")


def _refuse_long_head(path: str | Path, file: io.FileIO, size: int) -> None:
    if size > MOST_HEAD:
        file.seek(0)
        content = file.read(MOST_HEAD)
        if content[:2] == b"\xff\xd8" and _SCAN not in _jpeg_markers(content):
            raise _too_large(path, f"{MOST_HEAD // 2**20} MiB before its pixels")


def _refuse_slow(path: str | Path, picture: Image.Image, size: int) -> None:
    if picture.format in ("JPEG", "MPO"):
        with _file(path) as file:
            content = file.readall()
        if content.count(b"\xff\xda") <= MOST_SCANS:  # most files, in no time
            return
        markers = [*_jpeg_markers(content)]
        if markers.count(_SCAN) > MOST_SCANS or len(markers) == MOST_MARKERS:
            reason = f"a JPEG of more than {MOST_SCANS} scans, or of too many parts"
            raise PictureError(path, reason, "save it anew as PNG")
    if picture.format == "PPM" and picture.tile[0][0] == "ppm_plain" and size > MOST_TEXT:
        raise PictureError(
            path, f"digits of more than {MOST_TEXT // 2**20} MiB", "save it anew as PNG"
        )


def _no_picture(path: str | Path) -> PictureError:
    with _file(path) as file:
        head = file.read(HEAD)
    if kind := other_picture(head):
        reason = f"{NOT_READ} ({kind})"
        return PictureError(path, reason, "save it as JPEG or PNG")
    if begins_as_picture(head):
        return PictureError(path, "damaged (at its beginning)", "copy it again")
    kind = other_file(head)
    return PictureError(path, f"not a picture ({kind})" if kind else "not a picture")


def _memory_is_short(pixels: int) -> bool:
    """A decoder that gets no memory calls the file damaged: is there what it may have needed?"""
    try:
        bytes(12 * pixels)
    except MemoryError:
        return True
    return False


# Threads that read pictures share memory for ROOM million pixels, about one of the largest.
ROOM = 96
_room, _turn = threading.Semaphore(ROOM), threading.Lock()


@contextmanager
def _room_for(picture: Image.Image, size: int) -> Iterator[None]:
    needed = min(ROOM, 1 + max(picture.width * picture.height, size // 4) // 10**6)
    with _turn:  # one at a time: two that had half of it each would wait for ever
        for _ in range(needed):
            _room.acquire()
    try:
        yield
    finally:
        _room.release(needed)


def _is_animated(picture: Image.Image) -> bool:
    # a camera's MPO holds one photograph and previews of it
    try:
        return picture.format != "MPO" and bool(getattr(picture, "is_animated", False))
    except PictureError:
        raise
    except Exception:  # a damaged second frame, which is not needed
        return True


_MARKER = re.compile(rb"\xff+([^\0\xff\xd0-\xd7])", re.DOTALL)
_SCAN, _END = 0xDA, 0xD9
MOST_MARKERS = 4000


def _jpeg_markers(content: bytes) -> Iterator[int]:
    """What the parts of a JPEG are, a few thousand at most.

    What follows its end, such as a film or a second photograph, is not looked at.
    """
    at = 2
    for _ in range(MOST_MARKERS):
        found = _MARKER.search(content, at)
        if found is None or found[1][0] == _END:
            return
        yield found[1][0]
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])


def _plain_jpeg_pixels(file: io.FileIO, size: int) -> np.ndarray | None:
    """The pixels of a plain JPEG of size x size; None for all else, which takes the long way.

    Pillow's own decoder is called with what its JPEG reader would call it with: the same pixels
    in a third of the time, most of which that reader spends on the file's head.
    """
    try:
        most = 4 * size * size + 4096  # bytes: more are no plain one
        content = file.read(most + 1)
        if len(content) > most or _plain_jpeg_size(content) != (size, size):
            return None
        if content.count(b"\xff\xda") > MOST_SCANS:
            return None
        picture = Image.frombytes("RGB", (size, size), content, "jpeg", "RGB", "")
    except Exception:  # damaged: the long way says how
        return None
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(size, size, 3)


# JFIF, tables, restart interval, comment: what a decoder needs and what it may skip. All else,
# such as EXIF, which may turn the picture, is for the long way.
_PLAIN_SEGMENTS = frozenset((0xE0, 0xDB, 0xC4, 0xDD, 0xFE))
_FRAMES = frozenset((0xC0, 0xC2))  # baseline and progressive
_frame_of = struct.Struct(">HBHHB").unpack_from  # length, bits, height, width, channels


def _plain_jpeg_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) of an 8-bit colour JPEG without EXIF; None for every other file."""
    if content[:2] != b"\xff\xd8":
        return None
    size = None
    at = 2
    while at + 10 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _SCAN:
            return size
        if marker in _FRAMES:
            _, bits, height, width, channels = _frame_of(content, at + 2)
            if (bits, channels) != (8, 3):
                return None
            size = (width, height)
        elif marker not in _PLAIN_SEGMENTS:
            return None
        at += 2 + (content[at + 2] << 8 | content[at + 3])
    return None
