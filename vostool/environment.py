"""Where numbers come from: hashes, versions and the commit of the code."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from vostool.errors import ResourceError, require


def resolve_device(asked: str, usable: tuple[str, ...], cuda: bool | None = None) -> str:
    """Turn `auto`, `cpu` or `cuda` into the device a tracker runs on.

    Args:
        asked: what the user asked for.
        usable: device types the tracker can use, the preferred first.
        cuda: whether the workers that will track have a GPU; None if it is this machine that will.

    Raises:
        ResourceError: the tracker cannot use it, or there is no CUDA device.
    """
    if asked == "auto":
        return "cuda" if "cuda" in usable and _is_there(cuda) else "cpu"
    kind = asked.partition(":")[0]
    if kind not in usable:
        raise ResourceError(
            f"This tracker runs on {' or '.join(usable)}, not on {asked}. Drop --device."
        )
    if kind == "cuda" and not _is_there(cuda):
        if cuda is not None:
            raise ResourceError(
                'No worker offers a GPU. Start those that have one with --resources "GPU=1", or '
                "use --device cpu."
            )
        require("torch", what="--device cuda")
        raise ResourceError("There is no CUDA device here. Use --device cpu.")
    return asked


def _is_there(cuda: bool | None) -> bool:
    if cuda is not None:
        return cuda
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def device_name(device: str) -> str:
    """Return the name of the hardware behind a device, e.g. `NVIDIA H200` or the CPU model."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    return f"CPU ({_cpu_model()}, {cores()} cores)"


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


@cache
def code_version(*parts: str) -> str:
    """Return a hash of the toolkit's code, the version of the metrics that nobody need count.

    Args:
        parts: packages and modules, as `metrics` and `types`; all of the code if none is named.
    """
    home = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        name = path.relative_to(home).with_suffix("").parts
        if not parts or name[0] in parts:
            digest.update(
                f"{'.'.join(name)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
    return digest.hexdigest()
