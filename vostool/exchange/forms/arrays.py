"""NumPy arrays: one `.npy` or `.npz` per video, opened as files and read frame by frame."""

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vostool.errors import ResultError
from vostool.exchange.forms.content import Objects, Video, checked, id_in
from vostool.exchange.forms.source import MaskSource
from vostool.types import Labels

_IDS = ("obj_ids", "object_ids", "ids")
_NAMES = ("frame_names", "frames", "names", "file_names")


class Arrays:
    """Arrays of label maps (T, H, W), or of masks (T, N, H, W), (N, T, H, W) or by object or frame.

    Args:
        source: folder or zip of them.
        files: video -> path.
        scratch: folder for arrays that are unpacked, one video at a time.
    """

    def __init__(self, source: MaskSource, files: dict[str, str], scratch: Path) -> None:
        self._source = source
        self._files = files
        self._scratch = scratch

    def has(self, name: str) -> bool:
        return name in self._files

    def masks(self, video: Video) -> Iterator[tuple[str, Objects | Labels]]:
        name = self._files[video.name]
        path = self._source.path / name
        folder = self._scratch / "arrays"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            local = self._source.local(name, folder, _most_bytes(video))
            yield from _frames(_arrays(local, path, folder, video), video, path)
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            hint = "Save it again"
            if "pickle" in str(error) or "Object arrays" in str(error):
                hint = "It holds Python objects, which could run code; save plain arrays of ids"
            raise ResultError(f"{path} cannot be read as NumPy arrays ({error}). {hint}.") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _arrays(local: Path, path: Path, folder: Path, video: Video) -> dict[str, np.ndarray]:
    """Open the arrays of a file as memory maps."""
    if not zipfile.is_zipfile(local):
        return {"": _opened(local)}
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(local) as archive:
        for number, entry in enumerate(archive.infolist()):
            if not entry.filename.endswith(".npy"):
                continue
            with archive.open(entry) as file:
                shape, size = _header(file)
            fits = len(shape) < 2 or shape[-2:] == video.shape or shape[-3:-1] == video.shape
            if not fits or size > _most_bytes(video) or entry.file_size < size:
                raise ResultError(
                    f"{path}: the array '{entry.filename}' has the shape {shape}, and masks of "
                    f"video '{video.name}' are {video.shape} (height, width)."
                )
            to = folder / f"{number}.npy"
            with archive.open(entry) as file, to.open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
            arrays[entry.filename.removesuffix(".npy")] = _opened(to)
    return arrays


def _most_bytes(video: Video) -> int:
    """Return how many bytes the masks of a video may have: numbers of 8 bytes, twice over."""
    frames = max(len(names) for names in video.names)
    return 2**20 + 16 * frames * max(len(video.ids), 1) * video.shape[0] * video.shape[1]


def _header(file: Any) -> tuple[tuple[int, ...], int]:
    """Return the shape of an array and its bytes, as its header says."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Object arrays")
    size = dtype.itemsize
    for length in shape:
        size *= int(length)
    return tuple(map(int, shape)), size


def _opened(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _frames(
    arrays: dict[str, np.ndarray], video: Video, path: Path
) -> Iterator[tuple[str, Objects | Labels]]:
    ids = next((arrays[key].reshape(-1).tolist() for key in _IDS if key in arrays), None)
    names = next((arrays[key].reshape(-1).tolist() for key in _NAMES if key in arrays), None)
    named = None if names is None else [PurePosixPath(str(name)).stem for name in names]
    masks = {k: a for k, a in arrays.items() if a.ndim >= 2 and k not in (*_IDS, *_NAMES)}
    if not masks:
        raise ResultError(f"{path} holds no array of masks.")
    if len(masks) == 1:
        array = next(iter(masks.values()))
        if array.ndim > 2:
            yield from _one(array, ids, named, video, path)
            return
    stems = {PurePosixPath(key).stem: array for key, array in masks.items()}
    if video.knows(list(stems)):
        for stem, array in stems.items():
            yield stem, _content(array, ids, video, path)
        return
    by_id = {id_in(key, path): array for key, array in masks.items()}
    counts = {len(array) for array in by_id.values()}
    if len(counts) > 1 or len(by_id) < len(masks):
        raise ResultError(
            f"{path} holds arrays {', '.join(list(masks)[:4])}, which are neither called after the "
            "frames nor one for each object with as many frames."
        )
    frames = named or video.names_for(counts.pop(), path)
    for index, name in enumerate(frames):
        yield name, {i: _mask(array[index], video, path) for i, array in by_id.items()}


def _one(
    array: np.ndarray, ids: list[int] | None, named: list[str] | None, video: Video, path: Path
) -> Iterator[tuple[str, Objects | Labels]]:
    """Yield the frames of one array of all of them."""
    objects = len(ids) if ids is not None else len(video.ids)
    if array.ndim == 4 and array.shape[1:] == (*video.shape, 1):
        array = array[..., 0]
    if array.ndim == 4 and array.shape[1] == 1 and objects != 1:  # label maps with a channel
        array = array[:, 0]
    by_frame = array
    if array.ndim == 4:
        counts = {len(names) for names in video.names} | ({len(named)} if named else set())
        first = array.shape[0] in counts and array.shape[1] == objects
        second = array.shape[1] in counts and array.shape[0] == objects
        if first == second:
            raise ResultError(
                f"{path} has the shape {array.shape}, and video '{video.name}' has {objects} "
                f"objects and {' or '.join(map(str, sorted(counts)))} frames. Save (frames, "
                "objects, height, width)."
            )
        by_frame = array if first else array.swapaxes(0, 1)
    names = named or video.names_for(len(by_frame), path)
    if len(names) != len(by_frame):
        raise ResultError(f"{path} has {len(by_frame)} frames and {len(names)} names of them.")
    for index, name in enumerate(names):
        yield name, _content(by_frame[index], ids, video, path)


def _content(
    frame: np.ndarray, ids: list[int] | None, video: Video, path: Path
) -> Objects | Labels:
    """Return a label map (H, W), or masks (N, H, W) by object."""
    if frame.ndim == 2 and frame.dtype == np.bool_:
        return {video.only_id(path): _mask(frame, video, path)}
    if frame.ndim == 2:
        return _labels(frame, video, path)
    numbers = list(video.ids) if ids is None else [id_in(str(i), path) for i in ids]
    if len(numbers) != len(frame):
        raise ResultError(
            f"{path} has masks of {len(frame)} objects, and video '{video.name}' has "
            f"{len(numbers)}: {numbers[:5]}."
        )
    return {i: _mask(m, video, path) for i, m in zip(numbers, frame, strict=True)}


def _mask(frame: np.ndarray, video: Video, path: Path) -> np.ndarray:
    if frame.dtype == np.bool_:
        return np.asarray(checked(frame, video, path))
    return np.asarray(_labels(frame, video, path) != 0)


def _labels(frame: np.ndarray, video: Video, path: Path) -> Labels:
    checked(frame, video, path)
    if frame.dtype.kind not in "biuf":
        raise ResultError(f"{path} holds {frame.dtype}, and masks are whole numbers or booleans.")
    low, high = frame.min(initial=0), frame.max(initial=0)
    exact = frame.dtype.kind != "f" or bool((frame == np.floor(frame)).all())
    if not exact or low < 0 or high > 255:
        raise ResultError(
            f"{path} holds values from {low} to {high}{'' if exact else ', not whole numbers'}: "
            "they are no ids. Save label maps of ids from 0 to 254, or masks of 0 and 1."
        )
    return np.ascontiguousarray(frame).astype(np.uint8)
