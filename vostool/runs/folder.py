"""The run folder: everything one tracker left behind on one dataset.

    results/<dataset>/<run>/
        run.json                     what ran, on what, with what; a status per sequence
        masks/<sequence>/<frame>.png palette PNGs of object ids
        times.csv                    one row per call of `step`

A sequence is complete or absent: its masks are written to a hidden folder, its times and status
are recorded, and then the folder is renamed. Whatever is killed when, the next start knows what is
done. On an object store, which cannot rename, its masks are sent first and recorded last, see
`run_store`.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vostool.errors import ResultError
from vostool.io.listing import entries, folders
from vostool.io.locks import locked
from vostool.io.moving import move
from vostool.io.storage import (
    each_at_once,
    is_remote,
    make_folder,
    read_bytes,
    read_text,
    write_text,
)
from vostool.runs.manifest import SCHEMA, Manifest, SequenceStatus
from vostool.runs.remote import RunStore
from vostool.tracking.timing import StepTime

__all__ = [
    "SCHEMA",
    "Finished",
    "Manifest",
    "RunFolder",
    "SequenceStatus",
    "locked",
    "runs_in",
    "write_text",
]

_HEADING = ",".join(f.name for f in fields(StepTime)) + "\n"  # of times.csv


@dataclass(frozen=True, slots=True)
class Finished:
    """A sequence that is done but not yet part of its run.

    Args:
        sequence: its name.
        partial: hidden folder of its masks.
        status: for `run.json`.
        steps: for `times.csv`.
    """

    sequence: str
    partial: Path
    status: SequenceStatus
    steps: list[StepTime]


class RunFolder:
    """One run folder, on a disk or on a store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.masks = path / "masks"
        self.manifest_path = path / "run.json"
        self.times_path = path / "times.csv"
        self._store = RunStore() if is_remote(path) else None

    @property
    def name(self) -> str:
        return self.path.name

    def exists(self) -> bool:
        return self.manifest_path.is_file()

    def has_masks(self) -> bool:
        """Tell whether there are finished sequences, recorded or not."""
        return any(path.name[0] != "." for path in folders(self.masks))

    def manifest(self) -> Manifest:
        """Read `run.json`.

        Raises:
            ResultError: it is absent, damaged or of a newer vostool.
        """
        try:
            values = json.loads(read_text(self.manifest_path))
            if values.get("schema") != SCHEMA:
                raise ResultError(
                    f"{self.manifest_path} has the schema {values.get('schema')}, this vostool "
                    f"reads {SCHEMA}. Use the vostool that wrote it, or remove the run."
                )
            statuses = {k: SequenceStatus(**v) for k, v in values.pop("sequences").items()}
            return Manifest(**values, sequences=statuses)
        except FileNotFoundError:
            raise ResultError(f"{self.path} is no run folder: it has no run.json.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ResultError(
                f"{self.manifest_path} is damaged ({error}). Remove {self.path} and run again."
            ) from error

    def write_manifest(self, manifest: Manifest) -> None:
        values = asdict(manifest)
        for optional in ("imported", "experiment"):
            if values[optional] is None:
                del values[optional]
        write_text(self.manifest_path, json.dumps(values, indent=2) + "\n")

    def complete(self, manifest: Manifest) -> set[str]:
        """Return the names of the sequences that are recorded and have all their masks."""
        if self._store:
            self._store.look_again()
        return {n for n, status in manifest.sequences.items() if self._whole(n, status)}

    def _whole(self, sequence: str, status: SequenceStatus) -> bool:
        """Tell whether a recorded sequence has all its masks."""
        return sum(name.endswith(".png") for name in self._names(sequence)) >= status.frames

    def _names(self, inside: str) -> Collection[str]:
        """Return the names of the files in a folder below the masks, none if it is not there."""
        if self._store:
            return self._store.names(self.masks, inside)
        try:
            return os.listdir(self.masks / inside)
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def require(self, manifest: Manifest, names: Collection[str]) -> None:
        """Raise ResultError, saying how to finish the run, if it lacks any of some sequences."""
        done = self.complete(manifest)
        missing = [name for name in names if name not in done]
        if missing:
            raise ResultError(
                f"Run '{self.name}' lacks {len(missing)} of {len(names)} sequences "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}): finish it with "
                "the `vostool run` command that began it, but for --sequences if that had it, or "
                "name those to score with --sequences."
            )

    def partial(self, sequence: str, attempt: str = "") -> Path:
        """Return the hidden folder in which a sequence grows, emptied.

        On a store it is the folder where the masks stay: what is written there does not count
        before it is recorded. A process writes there through `storage.staged`.

        Args:
            sequence: its name.
            attempt: tells it from other attempts, whose processes may not be gone.
        """
        if self._store:
            return self._final(sequence)
        name = ".".join(("", sequence.replace("/", "+"), *filter(None, (attempt, "partial"))))
        path = self.masks / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def _final(self, sequence: str) -> Path:
        """Return the folder in which the files of a finished sequence are."""
        return self.masks / sequence

    def _sequence_of(self, file: str) -> str:
        """Return the sequence that a file belongs to by its path below the masks."""
        return file.rpartition("/")[0]

    def commit(
        self,
        manifest: Manifest,
        sequence: str,
        partial: Path,
        status: SequenceStatus,
        steps: Iterable[StepTime],
    ) -> None:
        """Make a finished sequence part of the run; the rename comes last and decides."""
        self.commit_all(manifest, [Finished(sequence, partial, status, list(steps))])

    def commit_all(self, manifest: Manifest, finished: Sequence[Finished]) -> None:
        """Make finished sequences part of the run; `run.json`, which grows, is written once."""
        if self._store:
            self._store.check()
        self._append_times(step for each in finished for step in each.steps)
        manifest.sequences.update((each.sequence, each.status) for each in finished)
        self.write_manifest(manifest)
        if self._store:  # the masks are where they belong already
            self._store.changed()
            return
        for each in finished:
            self._publish(each.sequence, each.partial)

    def discard_partials(self) -> None:
        """Remove hidden folders of sequences that were not finished; a store has none."""
        if self._store:
            return
        for path in self.masks.glob(".*.partial"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.path.glob(".*.partial"):  # of a killed process, see `write_bytes`
            path.unlink(missing_ok=True)

    def _publish(self, sequence: str, partial: Path) -> None:
        shutil.rmtree(self.masks / sequence, ignore_errors=True)  # masks were missing from it
        (self.masks / sequence).parent.mkdir(exist_ok=True)  # of a name such as video/object
        os.replace(partial, self.masks / sequence)

    def place_of(self, sequence: str) -> Path:
        """Return the file or folder that holds the results of a finished sequence."""
        return self.masks / sequence

    def adopt(self, sequence: str, other: "RunFolder") -> None:
        """Move a finished sequence here from another folder, unless that was done meanwhile."""
        make_folder(self.place_of(sequence).parent)
        move(other.place_of(sequence), self.place_of(sequence))

    def settle(self) -> None:
        """Do what is left to do when sequences have been added; the caller has locked the run."""

    def rewrite(self, manifest: Manifest, steps: Iterable[StepTime]) -> None:
        """Write `times.csv` and `run.json` anew."""
        self._write_times(_HEADING + _rows(steps))
        self.write_manifest(manifest)

    def times(self) -> list[StepTime]:
        """Read `times.csv`; a last row that a killed run left unfinished is skipped."""
        try:
            text = read_bytes(self.times_path).decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        steps = []
        for row in csv.DictReader(io.StringIO(text, newline="")):
            try:
                steps.append(
                    StepTime(
                        row["sequence"],
                        row["frame"],
                        int(row["objects"]),
                        int(row["prompts"]),
                        float(row["ms"]),
                    )
                )
            except (KeyError, TypeError, ValueError):
                continue
        return steps

    def tidy(self, manifest: Manifest) -> None:
        """Remove what a killed run left: unfinished sequences, and the times of them."""
        self.discard_partials()
        done = self.complete(manifest)
        if self._store:
            # Recorded ones that lack masks are no longer recorded before any is sent again.
            manifest.sequences = {n: s for n, s in manifest.sequences.items() if n in done}
            self.write_manifest(manifest)
            self._store.keep_only(self.masks, done, self._sequence_of)
        kept = [step for step in self.times() if step.sequence in done]
        self._write_times(_HEADING + _rows(kept))

    def _append_times(self, steps: Iterable[StepTime]) -> None:
        if self._store:
            self._write_times((self._store.times or _HEADING) + _rows(steps))
            return
        with self.times_path.open("a", newline="", encoding="utf-8") as file:
            file.write(("" if file.tell() else _HEADING) + _rows(steps))

    def _write_times(self, text: str) -> None:
        write_text(self.times_path, text)
        if self._store:
            self._store.times = text

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from writing this run at the same time, see `locked`."""
        if self._store:
            return self._store.locked(self.path)
        make_folder(self.masks)
        return locked(self.path, "writing")


def _rows(steps: Iterable[StepTime]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for step in steps:
        writer.writerow([step.sequence, step.frame, step.objects, step.prompts, step.ms])
    return text.getvalue()


def runs_in(folder: Path) -> list[RunFolder]:
    """Return the run folders directly below a results folder, by name."""
    places = sorted(e.path for e in entries(folder) if e.is_dir and e.path.name[0] != ".")
    found = [RunFolder(path) for path in places]
    there = each_at_once(RunFolder.exists, found, is_remote(folder))
    return [run for run, exists in zip(found, there, strict=True) if exists]
