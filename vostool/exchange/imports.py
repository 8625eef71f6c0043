"""Bringing in the masks of other programs as a run: checked first, whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vostool.datasets.dataset import Dataset
from vostool.environment import sha256_of
from vostool.errors import DataError, ResultError
from vostool.exchange.forms.expected import Expected, expected_of
from vostool.exchange.forms.source import MaskSource, opened_source, prefix_of
from vostool.exchange.forms.unify import as_label_maps
from vostool.exchange.verification import (
    Problems,
    check_mask,
    count_of,
    frames_required,
    size_mistake,
)
from vostool.io.label_maps import decode_labels, write_labels
from vostool.io.png import size_of
from vostool.io.storage import (
    is_remote,
    make_folder,
    require_writable,
    resolved,
    staged,
    write_bytes,
)
from vostool.runs.folder import Manifest, RunFolder, SequenceStatus
from vostool.scoring.predictions import misnamed
from vostool.types import Sequence

_SHOWN = 8  # problems shown at once
Advance = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought in.

    Args:
        run: the new run folder.
        sequences: number of sequences.
        frames: number of masks.
        notes: what was left out, for people.
    """

    run: RunFolder
    sequences: int
    frames: int
    notes: tuple[str, ...]


def import_run(
    source: Path,
    dataset: Dataset,
    target: RunFolder,
    *,
    tracker: str,
    init: str = "",
    advance: Advance = lambda done, sequence: None,
) -> Imported:
    """Copy the masks of a folder or zip into a run folder that did not exist.

    Every mask is decoded, compared with the first masks in size and ids, and written anew with the
    DAVIS palette; values stay as they are. If anything is wrong with one of them, nothing stays.

    Args:
        source: folder or zip that holds `<sequence>/<frame>.png` somewhere, or another form of
            masks, see `as_label_maps`.
        dataset: the sequences to bring in, with its frames where they are here.
        target: the run folder to make.
        tracker: what made the masks, for the tables.
        init: what it started from: `mask`, `box`, `none` (ids are its own), or empty if that is
            not known.
        advance: told of masks as they are done.

    Raises:
        ResultError: the run exists, or what is wrong with the masks, sequence by sequence.
    """
    if target.exists() or target.has_masks():
        raise ResultError(
            f"{target.path} exists. Choose another --name, or remove it with `vostool results rm "
            f"{target.path.parent.name}/{target.name}`."
        )
    require_writable(target.path)
    make_folder(target.path.parent)
    # Beside the runs, so that the last step is a rename; one level deeper, so that it is no run.
    beside = None if is_remote(target.path) else target.path.parent
    hidden = Path(tempfile.mkdtemp(prefix=".import-", dir=beside))
    try:
        growing = RunFolder(hidden / target.name)
        with (
            as_label_maps(source, dataset, hidden, zips=True) as unified,
            opened_source(unified.path) as opened,
        ):
            manifest = _manifest(source, dataset, target.name, tracker, init)
            done = _copied(opened, dataset, growing, manifest)
            frames, notes = _all_or_nothing(source, done, advance)
        _publish(growing, target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return Imported(target, len(dataset.sequences), frames, (*unified.notes, *notes))


def _publish(growing: RunFolder, target: RunFolder) -> None:
    """Put a run where it belongs, whole; on a store `run.json` comes last and decides."""
    if not is_remote(target.path):
        try:
            growing.path.rename(target.path)
        except OSError:
            raise ResultError(
                f"{target.path} was made by another process in the meantime. Choose another --name."
            ) from None
        return
    manifest = growing.manifest_path.read_bytes()
    growing.manifest_path.unlink()
    (growing.path / ".lock").unlink(missing_ok=True)
    with target.locked():
        with staged(target.path) as local:
            shutil.copytree(growing.path, local, dirs_exist_ok=True)
        write_bytes(target.manifest_path, manifest)


@dataclass(frozen=True, slots=True)
class _Copied:
    """What copying one sequence gave; `ahead` counts masks that will never come."""

    sequence: str
    frames: int
    ahead: int
    problems: tuple[str, ...]
    note: str = ""


def _all_or_nothing(
    source: Path, done: Iterable[_Copied], advance: Advance
) -> tuple[int, tuple[str, ...]]:
    """Return the number of masks and the notes of all sequences.

    Raises:
        ResultError: there are problems.
    """
    problems: list[str] = []
    notes: list[str] = []
    frames = 0
    for each in done:
        advance(each.frames + each.ahead, each.sequence)
        problems += each.problems
        notes += [each.note] if each.note else []
        frames += each.frames
    if problems:
        more = len(problems) - _SHOWN
        text = "\n".join(problems[:_SHOWN]) + (f"\nAnd {more} more." if more > 0 else "")
        raise ResultError(f"{source} cannot be scored, and nothing was imported:\n{text}")
    return frames, tuple(notes)


def _copied(
    source: MaskSource, dataset: Dataset, run: RunFolder, manifest: Manifest
) -> Iterator[_Copied]:
    """Copy sequence after sequence; those with problems stay hidden in the growing run."""
    files = source.files()
    prefix = prefix_of(source, files, dataset.whole_names)
    by_sequence: dict[str, list[str]] = {}
    for file in files:
        if file.startswith(prefix):
            folder, _, name = file.removeprefix(prefix).rpartition("/")
            by_sequence.setdefault(folder, []).append(name)
    missing = [s.name for s in dataset.sequences if s.name not in by_sequence]
    if missing:
        raise ResultError(
            f"{source.path} lacks {len(missing)} of {len(dataset.sequences)} sequences: "
            f"{', '.join(missing[:20])}{', ...' if len(missing) > 20 else ''}. Complete it, or "
            "name the sequences to import with --sequences."
        )
    for sequence in dataset.sequences:  # others that are there are of no interest
        names = by_sequence[sequence.name]
        yield _copy_sequence(source, prefix, names, dataset, sequence, run, manifest)


def _copy_sequence(
    source: MaskSource,
    prefix: str,
    names: list[str],
    dataset: Dataset,
    sequence: Sequence,
    run: RunFolder,
    manifest: Manifest,
) -> _Copied:
    there = {Path(name).stem: f"{prefix}{sequence.name}/{name}" for name in names}
    required = frames_required(dataset, sequence)
    known = {sequence.frame_name(i) for i in range(len(sequence))} | set(required)
    strange = sorted(set(there) - known)
    missing = [name for name in required if name not in there]
    if missing:
        instead = f" It has {strange[0]}.png; masks are named like the frames." if strange else ""
        folder = source.path / prefix / sequence.name
        text = f"{folder} lacks {count_of(missing, required)}.{instead}"
        return _Copied(sequence.name, 0, len(known), (text,))
    shifted = misnamed(sequence, sorted(there))
    if shifted:
        text = f"{source.path / prefix / sequence.name} {shifted}"
        return _Copied(sequence.name, 0, len(known), (text,))
    expected, partial = expected_of(dataset, sequence), run.partial(sequence.name)
    problems, wanted = Problems(), sorted(set(there) & known)
    for name in wanted:
        to = partial / f"{name}.png"
        own_ids = manifest.init == "none"
        for kind, sentence in _copy_mask(source, there[name], to, dataset, expected, own_ids):
            problems.add(kind, sentence)
    sentences = tuple(problems)
    if not sentences:
        status = SequenceStatus(
            fingerprint=dataset.fingerprint(sequence),
            first_mask=dataset.first_mask_hash(sequence),
            frames=len(wanted),
            objects=len(expected.starts),
            seconds=0.0,
            workers=1,
            device_name="",
            peak_mb=None,
        )
        run.commit(manifest, sequence.name, partial, status, ())
    ahead = len(known) - len(wanted)
    return _Copied(sequence.name, len(wanted), ahead, sentences, _left_out(sequence, strange))


def _left_out(sequence: Sequence, strange: list[str]) -> str:
    if not strange:
        return ""
    masks = "mask is" if len(strange) == 1 else "masks are"
    return (
        f"Sequence '{sequence.name}': {len(strange)} {masks} of no frame of the dataset "
        f"({strange[0]}.png), and left out."
    )


def _copy_mask(
    source: MaskSource, name: str, to: Path, dataset: Dataset, expected: Expected, own_ids: bool
) -> Iterator[tuple[str, str]]:
    """Write one mask anew; yields kind and sentence of what is wrong with it."""
    path = source.path / name
    try:
        data = source.read(name)
        claimed = size_of(data)
        if claimed is not None and claimed != expected.shape:  # before memory is taken for it
            yield "size", size_mistake(path, claimed, expected)
            return
        labels = decode_labels(data, path)
    except DataError as error:
        yield "file", str(error)
        return
    yield from check_mask(dataset, path, labels, expected, own_ids=own_ids)
    write_labels(to, labels)


def _manifest(source: Path, dataset: Dataset, run: str, tracker: str, init: str) -> Manifest:
    """Return the manifest of masks of which nobody knows how they were made."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    imported = {"from": str(resolved(source)), "at": now}
    if source.is_file():
        imported["sha256"] = sha256_of(source)
    return Manifest(
        run=run,
        tracker=tracker,
        config_name="",
        config={},
        code="",
        init=init,
        weights=None,
        dataset=dataset.key,
        split=dataset.split,
        root=str(resolved(dataset.root)),
        device="",
        device_name="",
        precision="",
        fps_protocol="",
        seed=0,
        versions={},
        git=None,
        created=now,
        imported=imported,
    )
