"""Are these masks what a dataset asks for? The first problem of each kind, sequence by sequence."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import files_in, folders_in, listed
from vostool.errors import DataError
from vostool.exchange.forms.expected import Expected, expected_of
from vostool.io.label_maps import VOID, decode_labels, merge_objects, read_file
from vostool.io.listing import folders
from vostool.io.readahead import Ahead
from vostool.runs.folder import Manifest, RunFolder
from vostool.scoring.masks import evaluated_frames
from vostool.types import Labels, Sequence


def frames_wanted(dataset: Dataset, sequence: Sequence) -> list[str]:
    """Return the names of the frames that the server of a dataset wants of a sequence."""
    if dataset.server is not None and dataset.server.listed_only:
        return sorted(dataset.frames_listed(sequence.name))
    return [sequence.frame_name(index) for index in range(len(sequence))]


def frames_required(dataset: Dataset, sequence: Sequence) -> list[str]:
    """Return the names of the frames without which masks of others cannot be scored or sent."""
    if dataset.server is not None:
        return frames_wanted(dataset, sequence)
    return [sequence.frame_name(i) for i in evaluated_frames(sequence, dataset.protocol)]


def mistakes(
    path: Path, labels: Labels, expected: Expected, *, own_ids: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield kind, `size` or `ids`, and sentence of what is wrong with one label map.

    Args:
        path: named in the sentence.
        labels: (H, W) uint8.
        expected: of its sequence.
        own_ids: the tracker was given no objects, so ids mean nothing.
    """
    if labels.shape != expected.shape:
        yield "size", size_mistake(path, labels.shape, expected)
        return
    strange = sorted(ids_of(labels) - set(expected.starts))
    if strange and not own_ids:
        hint = " A mask of 0 and 255 is binary: give objects their ids." if VOID in strange else ""
        yield (
            "ids",
            f"{path} holds the ids {strange[:5]}, and the first masks give "
            f"{sorted(expected.starts)[:20]}.{hint}",
        )


def size_mistake(path: Path, shape: tuple[int, ...], expected: Expected) -> str:
    """Say that a mask of a shape (H, W) is not of the size that is expected."""
    size, wanted = (f"{s[1]}x{s[0]}" for s in (shape, expected.shape))
    return f"{path} is {size}, and the first mask is {wanted}. Save masks in that size."


def ids_of(labels: Labels) -> set[int]:
    """Return all values of a label map but 0, void among them."""
    return set(np.flatnonzero(np.bincount(labels.reshape(-1))).tolist()) - {0}


def check_mask(
    dataset: Dataset, path: Path, labels: Labels, expected: Expected, *, own_ids: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield kind and sentence of what is wrong with a mask, read as the dataset reads masks."""
    try:
        labels = merge_objects(labels, path) if dataset.merged else labels
    except DataError as error:
        yield "file", str(error)
        return
    yield from mistakes(path, labels, expected, own_ids=own_ids)


class Problems:
    """Sentences about the masks of one sequence: the first of each kind, and how many follow."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def add(self, kind: str, sentence: str) -> None:
        """Note a problem."""
        self._first.setdefault(kind, sentence)
        self._count[kind] = self._count.get(kind, 0) + 1

    def __iter__(self) -> Iterator[str]:
        for kind, sentence in self._first.items():
            more = self._count[kind] - 1
            masks = "mask" if more == 1 else "masks"
            yield (
                f"{sentence} The same with {more} more {masks} of that sequence."
                if more
                else sentence
            )


def run_problems(
    run: RunFolder, dataset: Dataset, advance: Callable[[int, str], None] = lambda n, name: None
) -> list[str]:
    """Return what is wrong with a run, a sentence each; nothing if it is whole.

    Args:
        run: the folder.
        dataset: with its frames where they are here, else the annotated ones count.
        advance: told of each mask that was looked at.
    """
    try:
        manifest = run.manifest()
    except DataError as error:
        return [str(error)]
    found = list(_of_contents(run, manifest, dataset))
    for sequence in dataset.sequences:
        if sequence.name in manifest.sequences:
            found += _of_sequence(run, manifest, dataset, sequence, advance)
    return found


def _of_contents(run: RunFolder, manifest: Manifest, dataset: Dataset) -> Iterator[str]:
    """Yield what is missing, or more, than the dataset and the records say."""
    names = [sequence.name for sequence in dataset.sequences]
    missing = [name for name in names if name not in manifest.sequences]
    if missing:
        yield f"It lacks {len(missing)} of {len(names)} sequences ({_some(missing)})."
    unknown = sorted(set(manifest.sequences) - set(dataset.whole_names))
    if unknown:
        yield f"It has sequences that {dataset.name} {dataset.split} lacks: {_some(unknown)}."
    partial = [path.name for path in folders(run.masks) if path.name.endswith(".partial")]
    if partial:
        yield (
            f"{run.masks / partial[0]} was left by a run that was stopped. Go on with that run, "
            "or remove the folder."
        )
    tops = {name.partition("/")[0] for name in manifest.sequences}
    strange = sorted(set(folders_in(run.masks)) - tops)
    if strange:
        yield f"{run.masks / strange[0]} is there, but sequences.jsonl does not name it. Remove it."
    if manifest.imported is None:
        timed = {(step.sequence, step.frame) for step in run.times()}
        counts = Counter(sequence for sequence, _ in timed)
        short = [n for n, status in manifest.sequences.items() if counts[n] != status.frames]
        if short:
            yield (
                f"{run.times_path} has not a row for every frame of {_some(short)}: its fps is "
                "left blank."
            )


def _of_sequence(
    run: RunFolder,
    manifest: Manifest,
    dataset: Dataset,
    sequence: Sequence,
    advance: Callable[[int, str], None],
) -> Iterable[str]:
    """Return what is wrong with the masks of one sequence."""
    folder = run.masks / sequence.name
    problems = Problems()
    there = {path.stem for path in files_in(folder, {".png"})}
    names = [sequence.frame_name(index) for index in range(len(sequence))]
    wanted = names if manifest.imported is None else frames_required(dataset, sequence)
    missing = [name for name in wanted if name not in there]
    if missing:
        problems.add("missing", f"{folder} lacks {count_of(missing, wanted)}.")
    strange = sorted(there - set(names) - set(wanted))
    if strange:
        problems.add("strange", f"{folder} has {listed(strange)}, of no frame of the dataset.")
    status = manifest.sequences[sequence.name]
    if status.first_mask != dataset.first_mask_hash(sequence):
        problems.add(
            "data",
            f"Sequence '{sequence.name}' was read from {manifest.root} and began with another "
            "mask: the run was made on other data.",
        )
    expected = expected_of(dataset, sequence)
    own_ids = manifest.init == "none"
    paths = [folder / f"{name}.png" for name in sorted(there - set(strange))]
    with Ahead(paths) as ahead:
        for path in paths:
            advance(1, sequence.name)
            try:
                labels = decode_labels(read_file(path, ahead.read), path)
            except DataError as error:
                problems.add("file", str(error))
                continue
            for kind, sentence in check_mask(dataset, path, labels, expected, own_ids=own_ids):
                problems.add(kind, sentence)
    return list(problems)


def what_mends(run: RunFolder) -> str:
    """Say what to do about a run that has problems."""
    try:
        imported = run.manifest().imported
    except DataError:
        return "Remove it with `vostool results rm`, and run or import it again."
    if imported is not None:
        return f"Remove it with `vostool results rm`, and import {imported['from']} again."
    return (
        "Remove the folders of sequences with wrong masks, if there are any, then run the `vostool "
        "run` command that began it, but for its --sequences: it tracks what is missing."
    )


def count_of(missing: list[str], wanted: list[str]) -> str:
    """Return how many masks are missing and which, e.g. `2 of 9 masks (00001.png, 00004.png)`."""
    return f"{len(missing)} of {len(wanted)} masks ({listed(missing)})"


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
