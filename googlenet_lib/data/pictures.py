"""One picture file, whatever its kind, as RGB of 8 bits a channel."""

import io
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from googlenet_lib.errors import UsageError, escape

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
)
# All that Pillow may open, whatever a file is called. It knows many more: EPS, for one, is a
# programming language, which it hands to another program.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
OTHER_KINDS = {  # by their first bytes, for the message
    "HEIC, which telephones take": rb".{4}ftyp(hei|hev|mif1|msf1)",
    "AVIF": rb".{4}ftypavi[fs]",
    "SVG, a drawing": rb"\s*<(svg|\?xml)",
    "a web page": rb"\s*<(!doctype )?html",
    "a pointer of Git LFS: run git lfs pull": rb"version https://git-lfs",
    "a PDF": rb"%PDF",
    "PostScript": rb"%!PS",
    "an archive": rb"PK[\x03\x05]|\x1f\x8b",
}

# Looked at before anything is decoded, so that no small file takes all memory, or minutes.
MOST_PIXELS = 2**26  # 67 million, which take up to a GiB: cameras have 61 million at most
MOST_SIDE = 65_535  # what a JPEG can have; each row costs time of its own
MOST_BYTES = 2**29  # of a file: 50 million pixels of 16 bits, not compressed, have 300 MB
MOST_TEXT = 2**24  # bytes of a picture in digits (PPM), each of which is read by Python
MOST_WORK = 64 * MOST_PIXELS  # pixels times scans of a JPEG: each scan goes over all pixels
MOST_HEAD = 2**24  # bytes of a JPEG before its pixels, some of which Pillow copies many times
MOST_HEAD_PIECES = 10_000  # that a head is read in: most have a dozen, and each takes its time
MOST_PIECES = 500_000  # that the pixels are read in: a hundred MB of PNG have some ten thousand

ORIENTATION = 0x0112  # the EXIF field that says how the camera was held
TURNS = {  # by its value, what makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TILE = (322, 323)  # the fields of a TIFF for a tile's width and height
LARGE = 2**24  # pixels; of larger pictures, threads decode one at a time
_one_at_a_time = threading.Lock()


class PictureError(UsageError):
    """A file that is no picture, or none that can be read. `reason` says why in a few words."""

    def __init__(self, path: str | Path, reason: str, advice: str = "") -> None:
        advice = advice or "give a JPEG, PNG or another picture file"
        super().__init__(f"{escape(path)} could not be read as a picture: {reason}; {advice}")
        self.reason = reason


def open_picture(path: str | Path) -> Image.Image:
    """Read a picture file, upright and in RGB; warn if it holds several frames.

    Raises PictureError, a UsageError, for a file that is missing, no picture, damaged, or larger
    than the limits above; MemoryError where there is too little memory for it.
    """
    with silence_pillow():
        picture, animated = read_picture(path)
    if animated:
        warnings.warn(f"{escape(path)} holds several frames; the first is used", stacklevel=2)
    return picture


def decode_picture(
    path: str | Path, size: int, box: tuple[float, ...] | None = None
) -> tuple[np.ndarray, bool]:
    """Read a picture file as (uint8 RGB of (size, size, 3), has it several frames?).

    The shorter side is resized and the middle cropped, or `box` is cut out: top, left, height and
    width, as `Augmentation` draws them for a square. Raises as `open_picture` does. Call it within
    `silence_pillow`, which no thread may enter by itself.
    """
    picture, animated = read_picture(path)
    if box is not None:
        corners = _place_box(box, *picture.size)
        picture = picture.resize((size, size), Image.Resampling.BILINEAR, box=corners)
    elif picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture), animated


def _place_box(box: tuple[float, ...], width: int, height: int) -> tuple[float, ...]:
    """Place a box of shares of a square in a picture: left, top, right and bottom in pixels.

    It keeps its own ratio of sides, and its share of the area where the picture is wide and high
    enough for that.
    """
    top, left, share_down, share_across = box
    scale = min((width * height) ** 0.5, width / share_across, height / share_down)
    across, down = min(share_across * scale, width), min(share_down * scale, height)
    x = (width - across) * (left / (1 - share_across) if share_across < 1 else 0.5)
    y = (height - down) * (top / (1 - share_down) if share_down < 1 else 0.5)
    return x, y, min(x + across, width), min(y + down, height)


def read_size(path: str | Path) -> tuple[int, int] | None:
    """Read (width, height) in pixels from a file's head; None where that cannot be done."""
    try:
        with _open(path) as (picture, _):
            return picture.size
    except Exception:  # many kinds, as in `read_picture`, which says what is wrong
        return None


def read_picture(path: str | Path) -> tuple[Image.Image, bool]:
    """Read a picture file: (its first frame by `convert_to_rgb`, has it several frames?)."""
    picture = None
    try:
        with _open(path) as (picture, file):
            file.pieces, file.bytes = MOST_PIECES, MOST_BYTES * 2
            animated = _is_animated(picture)  # a GIF goes over its first frame for this
            large = picture.width * picture.height > LARGE
            with _one_at_a_time if large else nullcontext():
                return convert_to_rgb(picture), animated
    except (PictureError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise PictureError(path, _what_instead(path)) from None
    except Exception as error:  # Pillow's decoders raise many kinds; each means the same here
        if isinstance(error, Image.DecompressionBombError):
            raise _too_large(path, f"{MOST_PIXELS:,} pixels") from None
        if isinstance(error, OSError) and error.errno:
            reason = f"not readable ({escape(error.strerror)})"
            raise PictureError(path, reason, "allow it to be read, or copy it") from error
        # a decoder that gets no memory calls the file damaged: is there what it may have needed?
        bytes(12 * picture.width * picture.height if picture else MOST_PIXELS)
        reason = "truncated" if "truncated" in str(error).lower() else f"damaged ({escape(error)})"
        raise PictureError(path, reason, "copy it again, or save it anew as PNG") from error


def convert_to_rgb(picture: Image.Image) -> Image.Image:
    """Turn a picture as its camera was held, and make it RGB of 8 bits.

    What is transparent lies on white. 16 bits are scaled to 8. Raises ValueError for pixels of 32
    bits, of which nothing says how bright white is, and what Pillow raises for damaged files.
    """
    kind = picture.format
    picture.load()  # before EXIF, which is forgiven its faults: a picture is not
    try:
        turn = TURNS.get(picture.getexif().get(ORIENTATION))
    except Exception:  # damaged EXIF raises many kinds, and the pixels need none of it
        turn = None
    if turn is not None:
        # not by ImageOps.exif_transpose, which writes all EXIF anew and fails where one field
        # cannot be written; without EXIF, nobody turns the picture once more
        kept = {key: value for key, value in picture.info.items() if key == "transparency"}
        picture = picture.transpose(turn)
        picture.info = kept
    # Pillow calls 16-bit grey "I;16", or "I" in what it reads of older PNG and of PGM
    if picture.mode.startswith("I;16") or (picture.mode == "I" and kind in ("PNG", "PPM")):
        values = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, of which nothing says how bright white is")
    if picture.mode in ("RGBA", "RGBa", "LA", "PA") or "transparency" in picture.info:
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture)
        return white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@contextmanager
def silence_pillow() -> Iterator[None]:
    """Silence what Pillow would say about files: those that are not read are reported by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


class _Bounded(io.BufferedReader):
    """A file of which so many bytes are read at most, in so many pieces."""

    pieces, bytes = MOST_HEAD_PIECES, MOST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        self.pieces -= 1
        self.bytes -= max(size or 0, 0)
        if self.pieces < 0 or self.bytes < 0:
            raise PictureError(self.raw.name, "made of too many parts", "save it anew as PNG")
        return super().read(size)


@contextmanager
def _open(path: str | Path) -> Iterator[tuple[Image.Image, _Bounded]]:
    """Open a file by Pillow, which has read no more than its head. No other place opens any."""
    try:
        status = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a name that none has
        raise PictureError(path, "no such file", "check the path") from None
    if not stat.S_ISREG(status.st_mode):  # to read from a pipe would be to wait
        folder = stat.S_ISDIR(status.st_mode)
        raise PictureError(path, "a folder" if folder else "no plain file")
    if not status.st_size:
        raise PictureError(path, "empty (0 bytes)", "copy or download it again")
    if status.st_size > MOST_BYTES:
        raise _too_large(path, f"{MOST_BYTES // 2**20} MiB")
    with _Bounded(io.FileIO(path)) as file:
        if file.peek(2)[:2] == b"\xff\xd8":
            file.bytes = MOST_HEAD
        with Image.open(file, formats=FORMATS) as picture:
            _refuse_costly(path, picture, status.st_size)
            yield picture, file


def _refuse_costly(path: str | Path, picture: Image.Image, size: int) -> None:
    sides = [picture.size]
    if picture.format == "TIFF":  # which is decoded a tile at a time, of whatever size that is
        sides.append(tuple(picture.tag_v2.get(side, 1) for side in TILE))
    for width, height in sides:
        if width * height > MOST_PIXELS:
            raise _too_large(path, f"{MOST_PIXELS:,} pixels")
        if max(width, height) > MOST_SIDE:
            raise _too_large(path, f"{MOST_SIDE:,} pixels a side")
    if picture.format == "PPM" and picture.tile[0][0] == "ppm_plain" and size > MOST_TEXT:
        raise _too_large(path, f"{MOST_TEXT // 2**20} MiB of digits")
    pixels = max(picture.width * picture.height, 2**16)
    if picture.format in ("JPEG", "MPO") and size * pixels > MOST_WORK:
        # the same two bytes may stand in a film that a telephone has appended: a few are no fault
        scans = Path(path).read_bytes().count(b"\xff\xda")
        if scans * pixels > MOST_WORK:
            raise PictureError(path, f"a JPEG of {scans:,} scans", "save it anew as PNG")


def _too_large(path: str | Path, limit: str) -> PictureError:
    return PictureError(path, f"larger than {limit}", "scale it down with a picture editor")


def _what_instead(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        head = file.read(64)
    how = re.DOTALL | re.IGNORECASE
    kinds = (kind for kind, start in OTHER_KINDS.items() if re.match(start, head, how))
    kind = next(kinds, "")
    return f"not a picture ({kind})" if kind else "not a picture, or damaged at its beginning"


def _is_animated(picture: Image.Image) -> bool:
    # a camera's MPO holds one photograph and previews of it
    try:
        return picture.format != "MPO" and bool(getattr(picture, "is_animated", False))
    except PictureError:
        raise
    except Exception:  # a damaged second frame, which is not needed
        return True
