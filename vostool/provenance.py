"""Where numbers come from: hashes, versions and the commit of the code."""

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a folder by name."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as data:
            while chunk := data.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of Python and of the packages that decide results, where they are here.

    Args:
        more: names of further packages.
    """
    found = {"python": platform.python_version()}
    for package in ("vostool", "torch", "opencv-python", "numpy", *more):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """Return the commit of the checkout vostool runs from, with `-dirty` if it was changed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    here = Path(__file__).parent
    if not (here.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
