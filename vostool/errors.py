"""Every exception vostool raises on purpose, and nothing else.

    VostoolError
    ├── UsageError          a name, option or combination that cannot be meant
    │   ├── UnknownNameError    no tracker, dataset, protocol, key ... of that name
    │   ├── ConfigError         a configuration key or value that does not fit
    │   └── MissingExtraError   a package that an extra brings is not installed
    ├── DataError           files that are not what they should be
    │   ├── DatasetError        a dataset root, split file or sequence
    │   ├── MaskError           one label-map PNG
    │   └── ResultError         a run folder or a folder of predictions
    ├── WeightsError        weights that are absent or do not fit
    ├── TrainingError       training diverged: a loss or gradient is NaN or infinite
    ├── ContractError       a tracker that breaks the plugin contract
    ├── StoreError          an object store or server that does not answer, or refuses
    └── ResourceError       the machine ran out: disk, device memory, a worker
        └── ClusterError        a scheduler or worker that cannot be used

A message is one or two sentences: what is wrong, naming the file, and how to fix it. The command
line prints it without a traceback and ends with exit code 2.
"""

import difflib
import errno
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Self

# What the base does not bring: top-level package -> extra of vostool that does.
EXTRAS = {
    "torch": "track",
    "torchvision": "track",
    "safetensors": "track",
    "pycocotools": "coco",
    "matplotlib": "report",
    "dask": "cluster",
    "distributed": "cluster",
    "fsspec": "remote",
    "upath": "remote",
    "s3fs": "remote",
    "aiohttp": "remote",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "skimage": "all",
}


class VostoolError(Exception):
    """Base of all errors that a user can fix."""


class UsageError(VostoolError):
    """A name, option or combination of options that cannot be meant."""


class UnknownNameError(UsageError):
    """No thing of that kind and name; the message lists the names and the nearest one."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], where: str = "") -> Self:
        """Return the error for a name that is none of the known ones.

        Args:
            kind: of thing that is named.
            name: as it was given.
            known: names that there are.
            where: they were looked for, such as "in FILE".
        """
        names = sorted(known)
        folded = {known_name.casefold(): known_name for known_name in reversed(names)}
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
        hint = f" Did you mean '{folded[near[0]]}'?" if near else ""
        place = f" {where}" if where else ""
        return cls(
            f"There is no {kind} '{name}'{place}.{hint} Known: {', '.join(names) or 'none'}."
        )


class ConfigError(UsageError):
    """A configuration key or value that does not fit the tracker's configuration."""


class MissingExtraError(UsageError):
    """A package that an extra of vostool brings is not installed."""

    @classmethod
    def of(cls, package: str, what: str = "This") -> Self:
        """Return the error for a package of `EXTRAS`, with the line that installs it.

        Args:
            package: name of the package.
            what: what needs it, to begin the sentence.
        """
        return cls(
            f"{what} needs {package}, which is not installed: "
            f"pip install 'vostool[{EXTRAS[package]}]'"
        )


def require(*packages: str, what: str = "This") -> None:
    """Raise MissingExtraError for the first of some packages that is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError.of(package, what)


class DataError(VostoolError):
    """Files that are not what they should be."""


class DatasetError(DataError):
    """A dataset root, split file or sequence that cannot be read as the dataset it should be."""


class MaskError(DataError):
    """One label-map PNG that cannot be read as ids."""


class ResultError(DataError):
    """A run folder or a folder of predictions that cannot be used."""


class WeightsError(VostoolError):
    """Weights that are absent, damaged or of the wrong shape."""


class TrainingError(VostoolError):
    """Training diverged: a loss or gradient is NaN or infinite."""


class ContractError(VostoolError):
    """A tracker that breaks the contract of `vostool.tracking.base`."""


class StoreError(VostoolError):
    """An object store or server that does not answer, or refuses."""


class ResourceError(VostoolError):
    """The machine ran out of something: disk, device memory, a worker process."""


class ClusterError(ResourceError):
    """A scheduler or a worker on another machine that cannot be used."""


def missing_extra(error: BaseException, what: str = "This") -> MissingExtraError | None:
    """Return the sentence for an import that failed for want of an extra, else None."""
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in EXTRAS:
        return MissingExtraError.of(package, what)
    return None


def resource_error(error: BaseException) -> ResourceError | None:
    """Return the sentence for a full disk, a forbidden file or exhausted memory, else None."""
    again = "What is finished is kept; run the same command again to go on."
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            where = f" at {error.filename}" if error.filename else ""
            return ResourceError(f"The disk is full{where}. Free some space. {again}")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return ResourceError(
                f"{error.filename} cannot be written or read: {error.strerror}. Change its "
                "permissions, or choose another folder with --results or --out."
            )
        if error.filename is not None:
            return ResourceError(f"{error.filename}: {error.strerror}. {again}")
    # torch is not imported here, so its error is known by name.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return ResourceError(
            "Out of memory. Use a smaller configuration, --precision fp16 or --device cpu. " + again
        )
    return None
