"""One picture file, whatever its kind, as RGB of 8 bits a channel."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from googlenet_lib.errors import UsageError

# Pillow's own limit, a quarter of a GiB of RGB: here it holds whatever Pillow is set to.
MOST_PIXELS = 89_478_485
ORIENTATION = 0x0112  # the EXIF field that says how the camera was held


class PictureError(UsageError):
    """A file that is no picture, or none that can be read. `reason` says why in a few words.

    `lasting` is False where the same bytes may be readable another time: a lack of permission,
    a disk that fails.
    """

    def __init__(self, path: str | Path, reason: str, advice: str = "", *, lasting=True) -> None:
        advice = advice or "give a JPEG, PNG or another picture file"
        super().__init__(f"{path} could not be read as a picture: {reason}; {advice}")
        self.reason = reason
        self.lasting = lasting


def open_picture(path: Path) -> Image.Image:
    """A picture file as `upright` makes it; of an animation the first frame, with a warning.

    Raises PictureError, a UsageError, for a file that is missing, no picture, damaged, or larger
    than MOST_PIXELS, which would fill the memory once decoded.
    """
    with without_pillow_warnings():
        picture, animated = _opened(path, _content(path))
    if animated:
        warnings.warn(f"{path} holds several frames; the first is used", stacklevel=2)
    return picture


def decode_picture(
    path: str | Path, size: int, box: tuple[float, ...] | None = None
) -> tuple[np.ndarray, bool]:
    """One picture file: (its pixels, whether it is the first frame of several).

    The pixels are uint8 RGB (size, size, 3): shorter side resized, middle cropped; or what `box`
    cuts out, which is top, left, height and width as shares of the picture. Raises PictureError.
    Call it within `without_pillow_warnings`, which no thread may enter by itself.
    """
    content = _content(path)
    pixels = _plain_jpeg_pixels(content, size) if box is None else None
    if pixels is not None:
        return pixels, False
    picture, animated = _opened(path, content)
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
        picture = Image.fromarray(((np.asarray(picture).astype(int) + 128) // 257).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, of which nothing says how bright white is")
    if picture.mode in ("RGBA", "RGBa", "LA", "PA") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


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
        with without_pillow_warnings(), Image.open(path) as picture:
            return picture.size if _small_enough(picture) else None
    except Exception:  # many kinds, as in `_opened`; whoever reads the file says what is wrong
        return None


def jpeg_quality(path: str | Path) -> int | None:
    """The quality (1 to 100) that a JPEG file was saved with; None for any other file."""
    try:
        with without_pillow_warnings(), Image.open(path) as picture:
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
        tables[tuple(Image.open(buffer).quantization[0])] = quality
    return tables


def _content(path: str | Path) -> bytes:
    try:
        with io.FileIO(path) as file:
            content = file.readall()
    except FileNotFoundError:
        raise PictureError(path, "no such file", "check the path", lasting=False) from None
    except IsADirectoryError:
        raise PictureError(path, "a folder", "give a file in it") from None
    except OSError as error:
        if Path(path).is_dir():  # Windows calls that a lack of permission
            raise PictureError(path, "a folder", "give a file in it") from None
        reason = f"not readable ({error.strerror})"
        raise PictureError(path, reason, "allow it to be read", lasting=False) from error
    if not content:
        raise PictureError(path, "empty (0 bytes)", "copy or download it again")
    return content


def _opened(path: str | Path, content: bytes) -> tuple[Image.Image, bool]:
    """(The picture as `upright` makes it, whether it is the first frame of several)."""
    too_large = PictureError(
        path, f"larger than {MOST_PIXELS:,} pixels", "scale it down with a picture editor"
    )
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if not _small_enough(opened):  # nothing is decoded yet
                raise too_large
            animated = _is_animated(opened)
            return upright(opened), animated
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    except UnidentifiedImageError:
        raise PictureError(path, "not a picture") from None
    except Exception as error:  # Pillow's decoders raise many kinds; each means the same here
        reason = "truncated" if "truncated" in str(error).lower() else f"damaged ({error})"
        raise PictureError(path, reason, "copy it again, or save it anew as PNG") from error


def _small_enough(picture: Image.Image) -> bool:
    return picture.width * picture.height <= MOST_PIXELS


def _is_animated(picture: Image.Image) -> bool:
    # a camera's MPO holds one photograph and previews of it
    try:
        return picture.format != "MPO" and bool(getattr(picture, "is_animated", False))
    except Exception:  # a damaged second frame, which is not needed
        return True


def _plain_jpeg_pixels(content: bytes, size: int) -> np.ndarray | None:
    """The pixels of a plain JPEG of size x size; None for all else, which takes the long way.

    Pillow's own decoder is called with what its JPEG reader would call it with: the same pixels
    in a third of the time, most of which that reader spends on the file's head.
    """
    if _plain_jpeg_size(content) != (size, size):
        return None
    try:
        picture = Image.frombytes("RGB", (size, size), content, "jpeg", "RGB", "")
    except Exception:  # damaged: the long way says how
        return None
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(size, size, 3)


# JFIF, tables, restart interval, comment: what a decoder needs and what it may skip. All else,
# such as EXIF, which may turn the picture, is for the long way.
_PLAIN_SEGMENTS = frozenset((0xE0, 0xDB, 0xC4, 0xDD, 0xFE))
_FRAMES = frozenset((0xC0, 0xC2))  # baseline and progressive
_SCAN = 0xDA
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
