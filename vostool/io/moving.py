"""Moving a finished folder to its place on a disk, where one may be already."""

import errno
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path


def move(source: Path, target: Path) -> None:
    """Move a folder or file, in place of what is there; nothing happens if it has been moved."""
    try:
        os.replace(source, target)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _replace(source, target)


def _replace(source: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.partial")
    with suppress(FileNotFoundError):
        os.replace(target, aside)
    try:
        os.replace(source, target)
    except FileNotFoundError:  # somebody was faster, and it is theirs that was put aside
        with suppress(OSError):
            os.replace(aside, target)
    shutil.rmtree(aside, ignore_errors=True)
