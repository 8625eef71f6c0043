"""Folders that are not on this machine: object stores and servers, with the face of `Path`.

A folder of data or of results may be any URL that fsspec knows: `s3://bucket/DAVIS`, `gs://...`,
`https://...` to read from, `memory://...`. universal_pathlib gives such a URL the methods of
`pathlib.Path`, and this module adds what a store needs to be used well: one listing for a folder in
place of a question for each file, whole objects, several requests at once, and sentences for what
goes wrong. A path of this machine stays a `Path`, and neither package is imported for it.

What is a `Path` here may therefore be a `UPath`, unless it is said to be local.
"""

import os
import re
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import unquote

from vostool.errors import StoreError, UsageError, require
from vostool.io.store_errors import store_errors

AT_ONCE = 16  # requests under way at the same time
_PAUSES = (0.5, 2.0)  # seconds before a web server is asked again
_URL = re.compile(r"[a-z][a-z0-9+.-]+://|[a-z][a-z0-9+.-]+::", re.IGNORECASE)
_READ_ONLY = {"http", "https", "zip", "tar", "libarchive", "github", "git", "data", "reference"}
_NO_FOLDERS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"}
_LISTED = _NO_FOLDERS - {"memory"} | {"http", "https"}  # can remember what was listed
_CACHES = {"filecache", "simplecache", "blockcache", "cached"}
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs"}
_ITEM = TypeVar("_ITEM")
_RESULT = TypeVar("_RESULT")


def is_url(text: str) -> bool:
    """Return True if a text is a URL, `s3://bucket/data` or a chain such as `zip::s3://...`."""
    return _URL.match(text) is not None


def place(given: str | Path, *, listed: bool = True) -> Path:
    """Return the folder or file that a text names: a `Path`, or a `UPath` for a URL.

    Args:
        given: a path of this machine, or a URL.
        listed: what a folder holds is remembered from now on once it was asked for, as for data
            that nobody changes. Otherwise the store is asked again each time.

    Raises:
        UsageError: a package for it is not installed, or the URL is none.
    """
    if not isinstance(given, str):
        return given
    if not is_url(given):
        return Path(given).expanduser()
    protocol = given.partition(":")[0].lower()
    if protocol in _CACHES:
        raise UsageError(
            f"{given}: the caches of fsspec cannot be used by several threads. Copy the data to a "
            "disk instead, e.g. with `aws s3 sync`."
        )
    if protocol in ("file", "local") and "::" not in given:
        return Path(unquote(given.split("://", 1)[1]))
    try:
        import upath

        anything: Any = upath.UPath
        with warnings.catch_warnings():  # of protocols that upath has no class of its own for
            warnings.simplefilter("ignore", UserWarning)
            path = anything(given, **_options(protocol, listed))
        path.fs.invalidate_cache()  # here a package that is absent shows
    except ImportError as error:
        raise UsageError(_not_installed(given, protocol)) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{given} is no folder that can be opened ({error}). URLs look like s3://bucket/folder "
            "or https://server/folder."
        ) from error
    except Exception as error:
        raise StoreError(f"{given} cannot be opened: {error}") from error
    return cast(Path, path)


def _options(protocol: str, listed: bool) -> dict[str, Any]:
    """Return how fsspec should treat a store."""
    options: dict[str, Any] = {"use_listings_cache": listed} if protocol in _LISTED else {}
    if protocol in ("s3", "s3a"):  # otherwise s3fs asks how large a file is before it reads it
        options["max_concurrency"] = 1
    return options


def _not_installed(given: str, protocol: str) -> str:
    require("upath", "s3fs", "aiohttp", what=given)
    package = _PACKAGES.get(protocol)
    what = f"pip install {package}" if package else f"the fsspec package for {protocol}://"
    return f"{given} needs one more package: {what}"


def is_remote(path: object) -> bool:
    """Return True if a path is a URL's; nothing is imported to find out."""
    return not isinstance(path, str | os.PathLike)


def store_of(path: Path) -> tuple[Any, str]:
    """Return fsspec's file system of a remote path, and the path within it."""
    remote: Any = path
    return remote.fs, remote.path


def protocol_of(path: Path) -> str:
    """Return e.g. `s3`, empty for a path of this machine."""
    remote: Any = path
    return str(remote.protocol) if is_remote(path) else ""


def is_read_only(path: Path) -> bool:
    """Return True if a place can only be read, such as `https://`."""
    return protocol_of(path) in _READ_ONLY


def require_writable(path: Path) -> None:
    """Refuse a place that can only be read.

    Raises:
        UsageError: it is such a place.
    """
    if is_read_only(path):
        raise UsageError(
            f"{path} can only be read: {protocol_of(path)}:// takes no files. Name a folder of "
            "this machine or of an object store for what is written."
        )


def require_local(path: Path, why: str) -> None:
    """Refuse a URL where a path of this machine is needed; `why` ends the sentence.

    Raises:
        UsageError: it is a URL.
    """
    if is_remote(path):
        raise UsageError(f"{path} is a URL; {why}.")


def read_bytes(path: Path) -> bytes:
    """Return the contents of a file, of a store by one request.

    Raises:
        OSError: of this machine; FileNotFoundError also of a store.
        StoreError: the store cannot be reached, or refuses.
    """
    if not is_remote(path):
        return path.read_bytes()
    files, inside = store_of(path)
    # The packages for object stores try again themselves.
    for pause in _PAUSES if protocol_of(path) in ("http", "https") else ():
        with suppress(StoreError), store_errors(path):
            return bytes(files.cat_file(inside))
        time.sleep(pause)
    with store_errors(path):
        return bytes(files.cat_file(inside))


def read_text(path: Path, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return the text of a file, see `read_bytes`; ends of lines become `\\n`."""
    if not is_remote(path):
        return path.read_text(encoding=encoding, errors=errors)
    text = read_bytes(path).decode(encoding, errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def make_folder(path: Path) -> None:
    """Make a folder with those above it; object stores have none and need none."""
    if not is_remote(path):
        path.mkdir(parents=True, exist_ok=True)
    elif protocol_of(path) not in _NO_FOLDERS:
        require_writable(path)
        files, inside = store_of(path)
        with store_errors(path):
            files.makedirs(inside, exist_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, whoever else is writing it."""
    make_folder(path.parent)
    if is_remote(path):
        require_writable(path)
        files, inside = store_of(path)
        with store_errors(path):
            files.pipe_file(inside, data)
        return
    # Processes of several machines, whose numbers may be the same, may write it at a time.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def create(path: Path, data: bytes) -> bool:
    """Write a file unless it is there, which disk or store decides themselves; tells whether.

    Stores that cannot decide it are asked first, and two writers may then both be told yes.
    """
    make_folder(path.parent)
    if not is_remote(path):
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        return True
    files, inside = store_of(path)
    with store_errors(path):
        try:
            files.pipe_file(inside, data, mode="create")
        except FileExistsError:
            return False
        except (NotImplementedError, TypeError, ValueError, OSError) as error:
            if isinstance(error, OSError) and "implemented" not in str(error):
                raise
            if files.exists(inside):
                return False
            files.pipe_file(inside, data)
    return True


def remove(path: Path) -> None:
    """Remove a folder with all that is in it, or a file; nothing happens if it is not there."""
    if not is_remote(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return
    files, inside = store_of(path)
    with store_errors(path):
        try:
            files.rm(inside, recursive=True)
        except FileNotFoundError:
            return


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files of a store by their names below a folder, many by each request."""
    files, inside = store_of(folder)
    wanted = [f"{inside.rstrip('/')}/{name}" for name in names]
    if wanted:
        with store_errors(folder):
            files.rm(wanted)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a folder of this machine whose files are in a folder when the block ends well.

    That is the folder itself if it is on this machine. Otherwise it is a temporary one, and its
    files are sent several at once; nothing is sent if the block raises.
    """
    if not is_remote(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="vostool-") as name:
        local = Path(name)
        yield local
        paths = [path for path in sorted(local.rglob("*")) if path.is_file()]
        each_at_once(
            lambda path: write_bytes(
                folder / path.relative_to(local).as_posix(), path.read_bytes()
            ),
            paths,
        )


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Yield a path of this machine; what is there when the block ends is the file's contents.

    It appears whole or not at all.
    """
    make_folder(path.parent)
    if is_remote(path):
        require_writable(path)
        with staged(path.parent) as local:
            yield local / path.name
        return
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def each_at_once(
    function: Callable[[_ITEM], _RESULT], items: Sequence[_ITEM], remote: bool = True
) -> list[_RESULT]:
    """Return a function's results in order, of calls that wait for a store at the same time.

    Args:
        function: what waits.
        items: its arguments.
        remote: otherwise the calls are made one after the other, as plain code would.

    Raises:
        Exception: what the first call in order that failed raised; later ones are not begun.
    """
    if not remote or len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items)), "store") as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def resolved(path: Path) -> Path:
    """Return a path of this machine without links and `..`; a URL is what it is."""
    return path if is_remote(path) else path.resolve()


def base_name(path: Path) -> str:
    """Return the last part of a path without links and `..`; of a whole bucket its name."""
    return resolved(path).name or str(path).rstrip("/").rpartition("/")[2]


def same(first: Path, second: Path) -> bool:
    """Return True if two folders that are there are the same one."""
    if is_remote(first) or is_remote(second):
        return str(first).rstrip("/") == str(second).rstrip("/")
    return first.samefile(second)


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all, whoever else is writing it."""
    write_bytes(path, text.encode())
