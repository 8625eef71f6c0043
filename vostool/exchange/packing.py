"""The zip that an evaluation server takes, checked before a byte of it is written.

Layouts: YouTube-VOS and LVOS want `Annotations/<sequence>/<frame>.png`, DAVIS and MOSE
`<sequence>/<frame>.png`, all of them palette PNGs of the ids that the first masks have.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vostool.datasets.dataset import Dataset, Server
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import DataError, DatasetError, ResultError, UnknownNameError, UsageError
from vostool.exchange.forms.expected import Expected, expected_of
from vostool.exchange.verification import (
    count_of,
    frames_wanted,
    ids_of,
    mistakes,
)
from vostool.io.frames import frame_size
from vostool.io.label_maps import davis_palette, decode_labels, read_file
from vostool.io.listing import missing_files, missing_folders
from vostool.io.readahead import Ahead
from vostool.io.storage import place, resolved, staged_file
from vostool.runs.folder import RunFolder, runs_in
from vostool.scoring.predictions import check_folder
from vostool.types import Labels, Sequence

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip, whenever it is made
MOST_PROPOSALS = PROTOCOLS["davis-unsupervised"].proposals
_SHOWN = 5  # problems shown at once
_PALETTE_OF_BYTES = bytes([8, 3])  # bit depth and colour type in the header of a PNG


@dataclass(frozen=True, slots=True)
class Packed:
    """A zip that was written.

    Args:
        path: the file.
        sequences: number of sequences in it.
        frames: number of masks in it.
    """

    path: Path
    sequences: int
    frames: int


def find_masks(given: str, runs: Path, dataset: Dataset) -> tuple[str, Path]:
    """Return the name and the folder of masks of a run, or of any folder of masks.

    Args:
        given: name of a run, or path of a run folder or of a folder of `<sequence>/<frame>.png`.
        runs: `results/<dataset>`, where names are looked for.
        dataset: what the run must be complete for.

    Raises:
        UsageError: the ground truth of the split is public.
        UnknownNameError: it is neither.
        ResultError: the run lacks sequences.
    """
    _server_of(dataset)
    for folder in (runs / given, place(given)):
        run = RunFolder(folder)
        if run.exists():
            run.require(run.manifest(), [sequence.name for sequence in dataset.sequences])
            return run.name, run.masks
    path = place(given)
    if path.is_dir():
        return resolved(path).name, path
    raise UnknownNameError.of("run", given, [run.name for run in runs_in(runs)], f"in {runs}")


def pack(
    dataset: Dataset,
    masks: Path,
    out: Path,
    advance: Callable[[int, str], None] = lambda done, name: None,
) -> Packed:
    """Check masks against what is public of the ground truth, and write the server's zip.

    The file appears whole or not at all, and the same masks always give the same bytes.

    Args:
        dataset: the whole split of a dataset whose ground truth a server keeps.
        masks: holds `<sequence>/<frame>.png`.
        out: the zip to write; replaced if it is there.
        advance: called with a number of masks and their sequence, twice for each mask: when it
            is checked and when it is written.

    Raises:
        UsageError: the ground truth of the split is public.
        DatasetError: the split is not whole.
        ResultError: what is wrong with the masks, sequence by sequence.
    """
    server = _server_of(dataset)
    _check_whole(dataset)
    names = [sequence.name for sequence in dataset.sequences]
    if len(missing_folders(masks, names)) == len(names):
        check_folder(dataset, masks)  # it says which folder was probably meant
    problems = [
        problem for s in dataset.sequences for problem in _problems(dataset, s, masks, advance)
    ]
    if problems:
        more = len(problems) - _SHOWN
        text = "\n".join(problems[:_SHOWN]) + (f"\nAnd {more} more." if more > 0 else "")
        raise ResultError(f"{masks} is not what {server.where} takes:\n{text}")
    frames = 0
    with staged_file(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for sequence in dataset.sequences:  # stored: PNGs do not shrink
            paths = [
                masks / f"{sequence.name}/{frame}.png" for frame in frames_wanted(dataset, sequence)
            ]
            with Ahead(paths) as ahead:
                for path in paths:
                    name = f"{sequence.name}/{path.name}"
                    entry = f"{server.folder}/{name}" if server.folder else name
                    _add(archive, entry, path, ahead)
                    advance(1, sequence.name)
                    frames += 1
    return Packed(out, len(dataset.sequences), frames)


def _server_of(dataset: Dataset) -> Server:
    if dataset.server is None:
        raise UsageError(
            f"No server keeps the ground truth of {dataset.name} {dataset.split}: score it with "
            "`vostool eval`."
        )
    return dataset.server


def _check_whole(dataset: Dataset) -> None:
    there = {sequence.name for sequence in dataset.sequences}
    whole = dataset.official or dataset.whole_names
    missing = sorted(set(whole) - there)
    if missing:
        raise DatasetError(
            f"{dataset.root} holds {len(whole) - len(missing)} of the {len(whole)} sequences of "
            f"{dataset.name} {dataset.split} ({missing[0]}, ... missing), and the server wants "
            "all. Unpack the dataset again."
        )


def _problems(
    dataset: Dataset, sequence: Sequence, masks: Path, advance: Callable[[int, str], None]
) -> Iterator[str]:
    """Yield what is wrong with the masks of one sequence; the first problem of each kind."""
    frames = frames_wanted(dataset, sequence)
    folder = masks / sequence.name
    lacking = set(missing_files(folder, (f"{name}.png" for name in frames)))
    missing = [name for name in frames if f"{name}.png" in lacking]
    if missing:
        advance(len(frames), sequence.name)
        if len(missing) == len(frames):
            yield f"{folder} has no masks of sequence '{sequence.name}'."
        else:
            yield f"{folder} lacks {count_of(missing, frames)}."
        return
    expected = expected_of(dataset, sequence) if sequence.annotations else _of_frames(sequence)
    found: dict[str, str] = {}
    paths = [folder / f"{name}.png" for name in frames]
    with Ahead(paths) as ahead:
        for name, path in zip(frames, paths, strict=True):
            try:
                labels = decode_labels(read_file(path, ahead.read), path)
            except DataError as error:
                found.setdefault("file", str(error))
                continue
            finally:
                advance(1, sequence.name)
            for kind, problem in _mistakes(path, name, labels, expected):
                found.setdefault(kind, problem)
    yield from found.values()


def _of_frames(sequence: Sequence) -> Expected:
    """Return what masks must be like where none are given: as large as the frames."""
    width, height = frame_size(sequence.frames[0])
    return Expected({}, (height, width))


def _mistakes(
    path: Path, name: str, labels: Labels, expected: Expected
) -> Iterator[tuple[str, str]]:
    """Yield kind and sentence of what is wrong with one mask."""
    own_ids = not expected.starts  # of the unsupervised task
    found = list(mistakes(path, labels, expected, own_ids=own_ids))
    highest = int(labels.max(initial=0))
    if own_ids and highest > MOST_PROPOSALS:
        yield (
            "ids",
            f"{path} holds the id {highest}, and the unsupervised task takes {MOST_PROPOSALS} "
            f"proposals at most. Renumber them from 1 to {MOST_PROPOSALS}.",
        )
    yield from found
    if any(kind == "size" for kind, _ in found):
        return
    ids, starts = ids_of(labels), expected.starts
    early = sorted(i for i in ids & set(starts) if starts[i] > name)
    if early:
        yield (
            "early",
            f"{path} has object {early[0]}, which is first given on frame {starts[early[0]]}. "
            "Leave it out before.",
        )
    absent = sorted(i for i, start in starts.items() if start == name and i not in ids)
    if absent:
        yield (
            "first",
            f"{path} lacks object {absent[0]}, which is given on this frame. The mask of a frame "
            "where objects are given holds them.",
        )


def _add(archive: zipfile.ZipFile, name: str, path: Path, ahead: Ahead) -> None:
    data = ahead.read(path)
    if data[24:26] != _PALETTE_OF_BYTES:
        data = _with_palette(decode_labels(data, path))
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, wherever it is made
    archive.writestr(entry, data)


def _with_palette(labels: Labels) -> bytes:
    image = Image.fromarray(labels)
    image.putpalette(davis_palette())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
