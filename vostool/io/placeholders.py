"""What is found in place of a file: a pointer of Git LFS, or a web page that was saved."""

import re

_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|\?xml)", re.IGNORECASE)


def placeholder(start: bytes) -> str | None:
    """Return what a file is instead of what its name says, and the fix; None if it may be itself.

    Args:
        start: the first 512 bytes of the file.

    Returns:
        The end of a sentence that begins with the name of the file, e.g. "is a web page ...".
    """
    if start.startswith(_POINTER):
        return "is a pointer of Git LFS, not the file itself. Fetch it with `git lfs pull`."
    if _PAGE.match(start):
        return (
            "is a web page, as a download saves it where a site asks for a login or a "
            "confirmation. Download the file itself."
        )
    return None
