"""Reading video frames."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vostool.errors import DatasetError
from vostool.io.storage import read_bytes
from vostool.types import Frame

# Per format its signature, the mark before image data and the mark of the end, which must follow:
# decoders fill a file that was cut short with grey and say nothing. A thumbnail has marks of its
# own in front of the picture's, and what follows the end does no harm.
_MARKS = ((b"\xff\xd8\xff", b"\xff\xda", b"\xff\xd9"), (b"\x89PNG", b"IDAT", b"IEND"))


def read_frame(path: Path, read: Callable[[Path], bytes] = read_bytes) -> Frame:
    """Decode one frame.

    The orientation flag of photographs is ignored, because masks are drawn on the stored pixels.

    Args:
        path: JPEG, PNG or BMP file.
        read: reads a file.

    Returns:
        (H, W, 3) uint8 RGB, read-only.

    Raises:
        DatasetError: the file is absent, no image, or cut short.
    """
    import cv2

    try:
        data = read(path)
    except OSError as error:
        why = error.strerror or "it is not there"
        raise DatasetError(f"Frame {path} cannot be read: {why}.") from error
    for signature, begin, end in _MARKS:
        if data.startswith(signature) and data.rfind(end) < data.rfind(begin):
            raise DatasetError(f"Frame {path} is cut short. Copy or unpack it again.")
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if frame is None:
        raise DatasetError(f"Frame {path} is not an image. Copy or unpack it again.")
    frame.setflags(write=False)
    return np.asarray(frame, np.uint8)
