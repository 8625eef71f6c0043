"""Masks of other programs, whatever their form, as a folder of label maps for a dataset."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import files_in, frames_beside
from vostool.errors import ResultError, VostoolError, require
from vostool.exchange.forms.arrays import Arrays
from vostool.exchange.forms.content import Form, Objects, Overlaps, Video
from vostool.exchange.forms.expected import expected_of
from vostool.exchange.forms.folders import LabelMaps, sorted_out
from vostool.exchange.forms.source import MaskSource, opened_source
from vostool.io.label_maps import write_labels
from vostool.io.listing import is_folder
from vostool.io.storage import is_remote
from vostool.types import Labels, Sequence


@dataclass(frozen=True, slots=True)
class Unified:
    """Masks as label maps.

    Args:
        path: holds `<sequence>/<frame>.png`, or is a zip that does.
        notes: what was decided on the way, for people.
    """

    path: Path
    notes: tuple[str, ...] = ()


@contextmanager
def as_label_maps(
    source: Path, dataset: Dataset, near: Path | None = None, *, zips: bool = False
) -> Iterator[Unified]:
    """Yield label maps of what another program wrote; copies are gone when the block ends.

    The forms are: folders of label maps; a folder per object, `<video>/<object>/<frame>.png`; files
    `<video>_<frame>.png`; JSON of run-length encoded masks; a NumPy file per video; zips of these.
    One frame is in memory at a time.

    Args:
        source: folder or file.
        dataset: the sequences that are wanted.
        near: folder in which a hidden folder for copies may be made; that of the system if None.
        zips: zips of label maps are left as they are.

    Raises:
        ResultError: there are masks, and they cannot be read or do not fit.
    """
    if _is_plain(source, dataset):
        yield Unified(source)
        return
    place = None if near is None or is_remote(near) else near
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".masks-", dir=place))
    try:
        with opened_source(source) as opened:
            form = _form_of(opened, source, dataset, scratch)
            left = isinstance(form, LabelMaps) and form.nested and zips
            notes = () if form is None or left else _write(form, dataset, scratch / "masks")
        if form is None or left:
            yield Unified(source)
            return
        try:
            yield Unified(scratch / "masks", notes)
        except VostoolError as error:  # what is wrong is wrong with the source
            text = str(error).replace(str(scratch / "masks"), str(source))
            raise type(error)(text) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_plain(source: Path, dataset: Dataset) -> bool:
    """Return True for a folder that holds label maps where scoring looks for them."""
    if not is_folder(source) or source.is_file() or (source / "run.json").is_file():
        return source.is_dir()
    return any(files_in(source / each.name, {".png"}) for each in dataset.sequences[:20])


def _form_of(opened: MaskSource, source: Path, dataset: Dataset, scratch: Path) -> Form | None:
    """Return what a source holds; None if label maps may be there, or nothing that is known."""
    names = [sequence.name for sequence in dataset.sequences]
    videos = list(dict.fromkeys(name.partition("/")[0] for name in names))
    pictures = opened.files()
    form = sorted_out(opened, pictures, names, lone=len(dataset.whole_names) == 1)
    if isinstance(form, LabelMaps) and form.nested and is_folder(source):
        return None  # in a folder below, which scoring asks about and import finds
    if form is not None:
        return form
    others = opened.others()
    arrays = _arrays_of([name for name in others if not name.endswith(".json")], videos)
    if arrays:
        return Arrays(opened, arrays, scratch)
    texts = [name for name in others if name.endswith(".json")]
    if not texts:
        if others:
            raise ResultError(
                f"{source} holds {', '.join(others[:3])}, called after none of the videos of the "
                f"dataset ({', '.join(videos[:3])}). Call each file <video>.npz or <video>.npy."
            )
        return None
    require("pycocotools", what=f"Reading the JSON in {source}")
    from vostool.exchange.forms.rle_json import RleJson

    found = RleJson(opened, texts, videos)
    if not any(found.has(video) for video in videos):
        raise ResultError(
            f"{source} holds JSON, but no masks under the name of a video of the dataset, such as "
            f"{', '.join(videos[:3])}."
        )
    return found


def _arrays_of(files: list[str], videos: list[str]) -> dict[str, str]:
    """Return video -> array file: `<video>.npz`, or the only one in a folder `<video>/`."""
    found: dict[str, str] = {}
    for file in files:
        path = Path(file)
        name = path.stem if path.stem in videos else path.parent.name
        if name not in videos:
            continue
        if name in found:
            raise ResultError(f"{found[name]} and {file} are both masks of video '{name}'.")
        found[name] = file
    return found


def _write(form: Form, dataset: Dataset, folder: Path) -> tuple[str, ...]:
    """Write the masks of all sequences that there are; returns notes."""
    folder.mkdir(parents=True)
    overlaps = Overlaps()
    for video, sequences in _by_video(dataset, form).items():
        known = _video(video, sequences, dataset)
        for frame, content in form.masks(known):
            for sequence in sequences:
                to = folder / sequence.name / f"{frame}.png"
                to.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, bytes):
                    to.write_bytes(content)
                    continue
                write_labels(to, _labels(content, sequence, dataset, known, overlaps, frame))
    return tuple(filter(None, [overlaps.note()]))


def _by_video(dataset: Dataset, form: Form) -> dict[str, list[Sequence]]:
    """Return the sequences by the video that the form has: their own, or that of their object."""
    videos: dict[str, list[Sequence]] = {}
    for sequence in dataset.sequences:
        own = form.has(sequence.name)
        name = sequence.name if own else sequence.name.partition("/")[0]
        if form.has(name):
            videos.setdefault(name, []).append(sequence)
    return videos


def _video(name: str, sequences: list[Sequence], dataset: Dataset) -> Video:
    """Return what is known of a video."""
    first = sequences[0]
    expected = expected_of(dataset, first)
    per_object = [each.name.partition("/")[2] for each in sequences if each.name != name]
    ids = sorted(map(int, per_object)) if per_object else sorted(expected.starts)
    annotated = tuple(first.frame_name(index) for index in range(len(first)))
    frames = tuple(frames_beside(first))
    return Video(name, tuple(ids), expected.shape, (frames, annotated) if frames else (annotated,))


def _labels(
    content: Objects | Labels,
    sequence: Sequence,
    dataset: Dataset,
    video: Video,
    overlaps: Overlaps,
    frame: str,
) -> Labels:
    """Return the label map of one frame of a sequence."""
    own = sequence.name == video.name
    if isinstance(content, np.ndarray):
        return content if own else np.asarray(content == _object_of(sequence), np.uint8)
    if not own:  # one of its objects, whose masks may overlap others
        number = _object_of(sequence)
        content = {1: content[number]} if number in content else {}
    if dataset.merged:
        return Overlaps().merged({max(i, 1): mask for i, mask in content.items()}, video.shape, "")
    if 0 in content:
        raise ResultError(
            f"Object 0 of video '{video.name}': 0 is background in a label map, and the first mask "
            f"has {list(video.ids)[:5]}. Number objects as there."
        )
    return overlaps.merged(content, video.shape, f"{video.name}/{frame}")


def _object_of(sequence: Sequence) -> int:
    return int(sequence.name.partition("/")[2])
