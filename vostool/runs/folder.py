"""The run folder: everything one tracker left behind on one dataset.

    results/<dataset>/<run>/
        run.json                     what ran, on what, with what
        sequences.jsonl              a record per finished sequence
        masks/<sequence>/<frame>.png palette PNGs of object ids
        times.csv                    one row per call of `step`

A sequence is complete or absent: its masks are written to a hidden folder, its times and record
are added, and then the folder is renamed. Whatever is killed when, the next start knows what is
done. Adding takes as long for the last sequence of a run as for the first. Where the folder is, see
`runs.places`; what it holds of a sequence, see `runs.layouts`. `run.json` is `.run.json` until a
sequence is recorded, so that a start that fails is no run.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from vostool.errors import ResultError, VostoolError
from vostool.io.listing import entries
from vostool.io.locks import locked
from vostool.io.moving import move
from vostool.io.storage import each_at_once, is_remote, make_folder, read_text, remove, write_text
from vostool.runs.layouts import MASKS, Layout
from vostool.runs.manifest import (
    SCHEMA,
    Manifest,
    SequenceStatus,
    manifest_text,
    parse_manifest,
    parse_records,
    records_text,
)
from vostool.runs.places import place_for
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
    """One run folder, on a disk or on a store.

    Args:
        path: of the folder.
        layout: what it holds of a sequence.
    """

    def __init__(self, path: Path, layout: Layout = MASKS) -> None:
        self.path = path
        self.layout = layout
        self.masks = path / layout.folder
        self.manifest_path = path / "run.json"
        self.records_path = path / "sequences.jsonl"
        self.times_path = path / "times.csv"
        self._begun = path / ".run.json"
        self._place = place_for(path, layout)
        self._records = self._place.log(self.records_path.name)
        self._times = self._place.log(self.times_path.name, _HEADING)
        self._started = False  # this object has begun a run
        self._shown = False  # it has written `run.json`

    @property
    def name(self) -> str:
        return self.path.name

    def exists(self) -> bool:
        """Return True if there is a run: a sequence was recorded."""
        return self.manifest_path.is_file()

    def is_begun(self) -> bool:
        """Return True if there is a run, or one that has not finished a sequence yet."""
        return self._begun.is_file() or self.exists()

    def has_masks(self) -> bool:
        """Return True if there are finished sequences, recorded or not."""
        found = (entry for entry in entries(self.masks) if entry.path.name[0] != ".")
        return any(self.layout.is_result(entry) for entry in found)

    def manifest(self) -> Manifest:
        """Read `run.json`, and the records of sequences.

        Raises:
            ResultError: it is absent, damaged or of a newer vostool.
        """
        try:
            text = read_text(self.manifest_path)
        except FileNotFoundError:
            raise ResultError(f"{self.path} is no run folder: it has no run.json.") from None
        except ValueError as error:
            raise ResultError(
                f"{self.manifest_path} is damaged ({error}). Remove {self.path} and run again."
            ) from error
        manifest, elsewhere = parse_manifest(text, self.manifest_path)
        if elsewhere:
            records = self._records.read()
            if records is None:
                raise ResultError(
                    f"{self.records_path} is missing, which says what is finished. Put it back, "
                    f"or remove {self.path} and run again."
                )
            manifest.sequences = parse_records(records, self.records_path)
        return manifest

    def begin(self, manifest: Manifest) -> None:
        """Write what runs; the records of a run that goes on are there already, see `tidy`."""
        self._started = True
        write_text(self.manifest_path if self.exists() else self._begun, manifest_text(manifest))

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the records of all sequences anew, and then `run.json`."""
        self._records.write(records_text(manifest.sequences))
        self._show(manifest)

    def _show(self, manifest: Manifest) -> None:
        write_text(self.manifest_path, manifest_text(manifest))
        remove(self._begun)
        self._shown = True

    def complete(self, manifest: Manifest) -> set[str]:
        """Return the names of the sequences that are recorded and have all their masks."""
        return self.layout.whole(self._place.listing(), manifest.sequences)

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
        return self._place.partial(sequence, attempt)

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
        """Make finished sequences part of the run, in a time that depends on nothing else."""
        self._place.check()
        new = {each.sequence: each.status for each in finished}
        self._times.append(_rows(step for each in finished for step in each.steps))
        self._records.append(records_text(new))
        manifest.sequences.update(new)
        if not self._shown:
            self._show(manifest)
        for each in finished:
            self._place.publish(each.sequence, each.partial)

    def discard_partials(self) -> None:
        """Remove hidden folders of sequences that were not finished; a store has none."""
        self._place.discard_partials()

    def place_of(self, sequence: str) -> Path:
        """Return the file or folder that holds the results of a finished sequence."""
        return self.masks / self.layout.result(sequence)

    def adopt(self, sequence: str, other: "RunFolder") -> None:
        """Move a finished sequence here from another folder, unless that was done meanwhile."""
        make_folder(self.place_of(sequence).parent)
        move(other.place_of(sequence), self.place_of(sequence))

    def settle(self) -> None:
        """Do what is left to do when sequences have been added; the caller has locked the run."""
        if self.exists():
            self.layout.settle(self.masks, self.manifest().sequences)
            self._records.settle()
            self._times.settle()

    def rewrite(self, manifest: Manifest, steps: Iterable[StepTime]) -> None:
        """Write times, records and `run.json` anew."""
        self._times.write(_rows(steps))
        self.write_manifest(manifest)

    def times(self) -> list[StepTime]:
        """Read `times.csv`; a last row that a killed run left unfinished is skipped."""
        steps = []
        for row in csv.DictReader(io.StringIO(self._times.read() or "", newline="")):
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
        """Remove what a killed run left, and from the manifest the sequences that lost masks.

        Recorded is then what is in the manifest, before anything is tracked again. Nothing is
        written if that is so already.
        """
        self.discard_partials()
        done = self.complete(manifest)
        manifest.sequences = {n: s for n, s in manifest.sequences.items() if n in done}
        wanted, there = records_text(manifest.sequences), self._records.read()
        if wanted != (there or ""):
            self._records.write(wanted)
        self._records.settle()
        self._place.keep_only(done)
        times = self._times.read()
        if times is not None:
            kept = _rows_of(times, done)
            if _HEADING + kept != times:
                self._times.write(kept)
            self._times.settle()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing this run at the same time, see `locked`.

        If nothing is recorded in the end, nothing is left.
        """
        with self._place.locked():
            self._started = self._shown = False
            try:
                yield
            finally:
                with suppress(VostoolError, OSError):  # what ended the work is worth more
                    self._leave_nothing()

    def _leave_nothing(self) -> None:
        if self.exists():
            return
        self._place.check()
        if self._started:  # what is there is its own
            for log in (self._records, self._times):
                log.clear()
            remove(self._begun)
            self._place.withdraw()
        self._place.remove_empty()


def _rows_of(text: str, sequences: Collection[str]) -> str:
    """Return the rows of `times.csv` that are of some sequences, without the heading."""
    kept = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows, None)
    csv.writer(kept, lineterminator="\n").writerows(
        row for row in rows if len(row) == len(fields(StepTime)) and row[0] in sequences
    )
    return kept.getvalue()


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
