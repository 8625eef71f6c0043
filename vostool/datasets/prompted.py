"""Own material without masks: objects are given by a file of prompts, frames by folders or videos.

    PATH/prompts.json                   what `vostool track --prompts` reads, for every clip
    PATH/JPEGImages/<sequence>/         frames, for `folder:PATH`
    PATH/<sequence>.mp4, .mov, ...      videos, for `videos:PATH`

Trackers run on it as on any dataset; there is nothing to score against.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from vostool.datasets.dataset import Contents, Dataset
from vostool.datasets.layout import FRAME_SUFFIXES, files_in
from vostool.datasets.protocols import Protocol
from vostool.errors import DatasetError
from vostool.io.frames import read_frame
from vostool.io.storage import require_local
from vostool.types import Prompt, Sequence
from vostool.video.box_mask import mask_in
from vostool.video.images import FPS
from vostool.video.prompt_files import PromptFile
from vostool.video.prompts import Given, Prompts
from vostool.video.reader import SUFFIXES, VideoFile

FILES = ("prompts.json", "prompts.csv")
_CACHE = ".vostool-frames"  # below `videos:PATH`
_FROM = "video.json"  # in a folder of frames: which file they were taken from, and their times

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prompted:
    """What was given for one sequence.

    Args:
        given: boxes and masks.
        times: of its frames in seconds.
    """

    given: tuple[Given, ...]
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PromptedDataset(Dataset):
    """Sequences whose objects a file of prompts gives.

    Args:
        prompted: sequence -> what was given.
    """

    prompted: Mapping[str, Prompted] = field(default_factory=dict)

    def only(self, sequence: Sequence) -> "PromptedDataset":
        one = {sequence.name: self.prompted[sequence.name]}
        return replace(self, sequences=(sequence,), prompted=one)

    def under(self, protocol: Protocol) -> Dataset:
        """Refuse to be scored."""
        raise DatasetError(
            f"{self.name} has prompts and no ground truth, so there is nothing to score. "
            "`vostool show` shows the masks; scores need Annotations/."
        )

    def prompts(self, sequence: Sequence) -> Iterator[tuple[Prompt, ...]]:
        """Yield, frame by frame, the prompts that fall due there, as `vostool track` gives them.

        Those with a box alone get the mask of what `mask_in` finds in it.
        """
        about = self.prompted[sequence.name]
        for each in about.given:
            if not each.when.reached(len(sequence) - 1, about.times[-1]):
                raise DatasetError(
                    f"{each.text}: '{sequence.name}' ends before {each.when}; it has "
                    f"{len(sequence)} frames and ends at {about.times[-1]:.2f} s."
                )
        first = read_frame(sequence.frames[0])
        size = first.shape[0], first.shape[1]
        prompts = Prompts(about.given, size, len(sequence))
        for index, time in enumerate(about.times):
            due = prompts.at(index, time)
            if any(prompt.mask is None for prompt in due):
                frame = read_frame(sequence.frames[index])
                due = tuple(
                    prompt if prompt.mask is not None else replace(prompt, mask=mask)
                    for prompt, mask in ((each, mask_in(frame, each.box)) for each in due)
                )
            yield due

    def fingerprint(self, sequence: Sequence) -> str:
        digest = hashlib.sha256(self.first_mask_hash(sequence).encode())
        for path in sequence.frames:
            digest.update(f"{path.name}:{path.stat().st_size}\n".encode())
        return digest.hexdigest()[:16]

    def first_mask_hash(self, sequence: Sequence) -> str:
        """Return a hash of what was given, which tells whether a run was made with it."""
        digest = hashlib.sha256()
        for each in self.prompted[sequence.name].given:
            where = (each.object_id, str(each.when), each.box, each.relative)
            digest.update(repr(where).encode())
            if isinstance(each.mask, Path):
                digest.update(each.mask.read_bytes() if each.mask.is_file() else b"absent")
            elif each.mask is not None:
                digest.update(np.ascontiguousarray(each.mask).tobytes())
        return digest.hexdigest()[:16]


def with_prompts(dataset: Dataset, prompted: Mapping[str, Prompted]) -> PromptedDataset:
    """Return a dataset whose objects are given by prompts."""
    about = {each.name: getattr(dataset, each.name) for each in fields(dataset)}
    return PromptedDataset(**about, prompted=prompted)


def prompt_file(root: Path) -> Path | None:
    """Return the file of prompts of a folder, None if it has none."""
    return next((root / name for name in FILES if (root / name).is_file()), None)


def read_prompted_folder(root: Path, file: Path) -> Contents:
    """Read `folder:PATH` that has prompts in place of masks.

    Raises:
        DatasetError: a sequence that the file names has no frames.
        UsageError: the file cannot be read.
    """
    prompts = PromptFile(file)
    found: dict[str, tuple[Sequence, Prompted]] = {}
    for name in _named(prompts):
        folder = root / "JPEGImages" / name
        frames = files_in(folder, FRAME_SUFFIXES) if folder.is_dir() else []
        if not frames:
            raise DatasetError(
                f"{file} has prompts for '{name}', and {folder} has no JPEG, PNG or BMP files."
            )
        times = tuple(index / FPS for index in range(len(frames)))  # as `vostool track` has them
        sequence = Sequence(name, tuple(frames), {})
        found[name] = sequence, Prompted(tuple(prompts.of(name)), times)
    return _contents(found)


def read_videos(root: Path) -> Contents:
    """Read `videos:PATH`: video files and prompts; frames are extracted where they are not yet.

    Raises:
        DatasetError: there is no file of prompts, or a video that it names is not there.
        UsageError: the file cannot be read.
    """
    require_local(root, "videos:PATH extracts frames beside the videos")
    file = prompt_file(root)
    if file is None:
        raise DatasetError(
            f"{root} has no prompts.json that says where the objects are: "
            '{"clip.mp4": [{"frame": 0, "box": [x, y, w, h]}]}. `vostool track` draws and '
            "downloads one."
        )
    prompts = PromptFile(file)
    videos = {path.name: path for path in files_in(root, set(SUFFIXES))}
    stems = [path.stem for path in videos.values()]
    found: dict[str, tuple[Sequence, Prompted]] = {}
    for key in _named(prompts):
        fitting = [path for path in videos.values() if key in (path.name, path.stem)]
        if not fitting:
            raise DatasetError(f"{file} has prompts for '{key}', and {root} has no such video.")
        path = fitting[0]
        if stems.count(path.stem) > 1:
            raise DatasetError(f"{root} has two videos called '{path.stem}'. Rename one.")
        frames, times = extracted(path, root / _CACHE / path.stem)
        sequence = Sequence(path.stem, frames, {})
        found[path.stem] = sequence, Prompted(tuple(prompts.of(path)), times)
    return _contents(found)


def extracted(video: Path, folder: Path) -> tuple[tuple[Path, ...], tuple[float, ...]]:
    """Return the frames of a video as files, and their times; they are written once.

    PNG, so that trackers see what they see in `vostool track`.

    Args:
        video: the file.
        folder: where the frames go; whole or not at all.
    """
    about = video.stat()
    mark = {"name": video.name, "bytes": about.st_size, "changed": about.st_mtime_ns}
    times = _times(folder, mark)
    if times is None:
        _log.info("Extracting the frames of %s.", video)
        times = _extract(video, folder, mark)
    return tuple(folder / f"{index:05d}.png" for index in range(len(times))), tuple(times)


def _extract(video: Path, folder: Path, mark: Mapping[str, Any]) -> list[float]:
    import cv2

    source = VideoFile(video)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        times = []
        for frame in source.frames():
            path = partial / f"{frame.index:05d}.png"
            fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
            done, data = cv2.imencode(".png", frame.image[..., ::-1], fast)
            assert done
            path.write_bytes(data.tobytes())
            times.append(frame.time)
        for note in source.notes:
            _log.info(note)
        (partial / _FROM).write_text(json.dumps({**mark, "times": times}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return times


def _times(folder: Path, mark: Mapping[str, Any]) -> list[float] | None:
    """Return the times of frames that were extracted from this very file, None if they were not."""
    try:
        kept = json.loads((folder / _FROM).read_text(encoding="utf-8"))
        if {key: kept[key] for key in mark} == mark:
            return [float(time) for time in kept["times"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _named(prompts: PromptFile) -> tuple[str, ...]:
    if not prompts.videos:
        raise DatasetError(
            f'{prompts.path} must name the sequences: {{"clip": [{{"frame": 0, "box": [...]}}]}}.'
        )
    return prompts.videos


def _contents(found: Mapping[str, tuple[Sequence, Prompted]]) -> Contents:
    ordered = [found[name] for name in sorted(found)]
    return Contents(
        tuple(sequence for sequence, _ in ordered),
        prompted={sequence.name: prompted for sequence, prompted in ordered},
    )
