"""What a file is, by its first bytes: names lie, and "not a picture" helps nobody."""

import re

HEAD = 1024  # bytes that tell it

# what each format of pictures.FORMATS begins with
_READ = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM.{4}\0{4}|RIFF.{4}WEBP|P[1-6][\s#]"
    rb"|II[*+]\0|MM\0[*+]",
    re.DOTALL,
)
_OTHER_PICTURES = {
    "AVIF": rb".{4}ftyp.{0,32}avi[fs]",
    "HEIC, which telephones take": rb".{4}ftyp(hei|hev|mif1|msf1)",
    "JPEG 2000": rb"\0\0\0\x0cjP|\xff\x4f\xff\x51",
    "JPEG XL": rb"\0\0\0\x0cJXL|\xff\x0a",
    "SVG, a drawing": rb"\s*<svg|\s*<(\?xml|!--|!doctype svg)(?!.*<html).*<svg",
    "ICO": rb"\0\0[\x01\x02]\0[^\0]",
    "ICNS": rb"icns",
    "PSD": rb"8BPS",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "WMF": rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF",
    "FITS": rb"SIMPLE  =",
    "OpenEXR": rb"\x76\x2f\x31\x01",
    "DICOM": rb".{128}DICM",
}
_OTHERS = {
    "a web page": rb"\s*(<\?xml[^>]*>\s*)?(<!--.*-->\s*)?<(!doctype html|html|head|body)",
    "a pointer of Git LFS: run git lfs pull": rb"version https://git-lfs",
    "a PDF": rb"%PDF",
    "a zip archive": rb"PK[\x03\x05]",
    "an archive": rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|.{257}ustar",
    "a video": rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01\xba",
    "a sound": rb"ID3|OggS|fLaC|RIFF.{4}WAVE",
    "an array of NumPy": rb"\x93NUMPY",
    "an HDF5 file": rb"\x89HDF",
    "XML": rb"\s*<\?xml",
    "a shortcut": rb"L\0\0\0\x01\x14\x02\0|\[InternetShortcut\]|book\0\0\0\0mark",
    "notes of macOS on another file": rb"\0\x05\x16\x07",
    "a program": rb"MZ|\x7fELF",
    "nothing but zeros": rb"\0{64}",
}


def begins_as_picture(head: bytes) -> bool:
    """True for the first bytes of a format that is read here."""
    return bool(_READ.match(head))


def other_picture(head: bytes) -> str:
    """The name of the format, for pictures of one that is not read here; else nothing."""
    return _first(_OTHER_PICTURES, head)


def other_file(head: bytes) -> str:
    """What it is, for files that are no pictures; nothing where that is not known."""
    return _first(_OTHERS, head)


def _first(patterns: dict[str, bytes], head: bytes) -> str:
    head = head.removeprefix(b"\xef\xbb\xbf")  # a mark that some editors write before a text
    how = re.DOTALL | re.IGNORECASE
    return next((name for name, pattern in patterns.items() if re.match(pattern, head, how)), "")
