"""What a file really is, told by its contents: its name proves nothing."""

# Signatures at the start of a file, the longer of two that begin alike first.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"II+\0", "a TIFF image"),
    (b"MM\0+", "a TIFF image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (b"8BPS", "a Photoshop image"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a zip"),
    (b"PK\x05\x06", "a zip"),
    (b"\x1f\x8b", "a gzip file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
)
_HEIF = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
_NETPBM = {b"P%d" % number for number in range(1, 8)}
_WEB = (b"<!doctype", b"<!--", b"<html", b"<head", b"<body", b"<?xml", b"<error")


def kind_of(data: bytes) -> str:
    """Return what a file is, e.g. `a JPEG image`; empty if its first bytes do not tell.

    Args:
        data: the file, or its first kilobyte at least.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": "a WebP image", b"AVI ": "an AVI video"}.get(data[8:12], "")
    if data[:2] == b"BM" and data[6:10] == bytes(4):
        return "a BMP image"
    if data[4:8] == b"ftyp":
        return "a HEIF or AVIF image" if data[8:12] in _HEIF else "an MP4 or QuickTime video"
    if data[:2] in _NETPBM and data[2:3].isspace():
        return "a PNM image"
    return ""


def stand_in(data: bytes) -> str:
    """Say that a file was never fetched, and what to do; empty if it looks like the file itself.

    Repositories hold pointers to large files, and servers answer with pages of errors and logins:
    both end up under the names of files that people wanted.

    Args:
        data: the file, or its first kilobyte at least.
    """
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        return (
            "is a pointer of Git LFS in place of the file itself. Run `git lfs pull` in the "
            "repository it is from"
        )
    if len(data) < 1024 and b"/annex/objects/" in start.replace(b"\\", b"/"):
        return (
            "is a pointer of git-annex in place of the file itself. Run `git annex get` in the "
            "repository it is from"
        )
    if start.lower().startswith(_WEB):
        return (
            "is a web page, such as a login or an error of a server, saved in place of the file. "
            "Download it again, with a browser if a login is needed"
        )
    return ""


def what_it_is(data: bytes) -> str:
    """Return what a file is instead of what was wanted, to end `PATH ...` with, without a dot."""
    if not data:
        return "is empty (0 bytes). Copy or unpack it again"
    return stand_in(data) or (f"is {kind}" if (kind := kind_of(data)) else "")
