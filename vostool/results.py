"""The run folder: everything one tracker left behind on one dataset.

    results/<dataset>/<run>/
        run.json                     what ran, on what, with what; a status per sequence
        masks/<sequence>/<frame>.png palette PNGs of object ids
        times.csv                    one row per call of `step`

A sequence is complete or absent: its masks are written to a hidden folder, its times and status
are recorded, and then the folder is renamed. Whatever is killed when, the next start knows what is
done.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vostool.errors import ResultError
from vostool.timing import StepTime

SCHEMA = 1
_HEADING = ",".join(f.name for f in fields(StepTime)) + "\n"  # of times.csv

# What must not change between a run and its continuation, and what messages call it.
_IDENTITY = {
    "tracker": "tracker",
    "code": "version of the tracker's code",
    "config": "configuration",
    "weights": "weights",
    "dataset": "dataset",
    "split": "split",
    "device": "device",
    "precision": "precision",
    "seed": "seed",
    "experiment": "experiment",
}


@dataclass(frozen=True, slots=True)
class SequenceStatus:
    """What `run.json` keeps about a finished sequence.

    Args:
        fingerprint: of the sequence's files, see `Dataset.fingerprint`.
        first_mask: hash of its first label map, see `Dataset.first_mask_hash`.
        frames: number of frames.
        objects: number of objects.
        seconds: wall clock of the whole sequence, decoding and writing included.
        workers: processes that shared the machine.
        device_name: hardware it ran on.
        peak_mb: memory of the process or device so far; None where the system does not tell, or
            where several trackers shared it.
        spared: frames that another tracker of the process had decoded.
    """

    fingerprint: str
    first_mask: str
    frames: int
    objects: int
    seconds: float
    workers: int
    device_name: str
    peak_mb: float | None
    spared: int = 0


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


@dataclass
class Manifest:
    """The contents of `run.json`.

    `imported` is None for a run of this toolkit; for masks that were brought in it says from where
    (`from`, `sha256` of a zip) and when (`at`), and what nobody can know of them is empty.
    """

    run: str
    tracker: str
    config_name: str
    config: dict[str, Any]
    code: str
    init: str
    weights: dict[str, str] | None
    dataset: str
    split: str
    root: str
    device: str
    device_name: str
    precision: str
    fps_protocol: str
    seed: int
    versions: dict[str, str]
    git: str | None
    created: str
    sequences: dict[str, SequenceStatus] = field(default_factory=dict)
    schema: int = SCHEMA
    experiment: dict[str, Any] | None = None  # how boxes were made, where there are no masks
    imported: dict[str, str] | None = None

    def differences(self, other: "Manifest") -> list[str]:
        """Name what makes the other a different run, e.g. `configuration (alpha: 1 -> 2)`."""
        found = []
        for key, name in _IDENTITY.items():
            mine, theirs = getattr(self, key), getattr(other, key)
            if key == "weights":  # the same file may lie elsewhere
                mine, theirs = (w["sha256"] if w else "none" for w in (mine, theirs))
            if mine == theirs:
                continue
            if key in ("config", "experiment"):
                mine, theirs = mine or {}, theirs or {}
                keys = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
                what = ", ".join(f"{k}: {mine.get(k)} -> {theirs.get(k)}" for k in keys)
            elif key == "weights":
                what = f"{mine[:8]} -> {theirs[:8]}"
            else:
                what = f"{mine} -> {theirs}"
            found.append(f"{name} ({what})")
        return found


class RunFolder:
    """One run folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.masks = path / "masks"
        self.manifest_path = path / "run.json"
        self.times_path = path / "times.csv"

    @property
    def name(self) -> str:
        return self.path.name

    def exists(self) -> bool:
        return self.manifest_path.is_file()

    def has_masks(self) -> bool:
        """Tell whether there are finished sequences, recorded or not."""
        return any(path.name[0] != "." for path in self.masks.glob("*/"))

    def manifest(self) -> Manifest:
        """Read `run.json`.

        Raises:
            ResultError: it is absent, damaged or of a newer vostool.
        """
        try:
            values = json.loads(self.manifest_path.read_text(encoding="utf-8"))
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
        return {
            name
            for name, status in manifest.sequences.items()
            if sum(1 for _ in (self.masks / name).glob("*.png")) >= status.frames
        }

    def require(self, manifest: Manifest, names: Collection[str]) -> None:
        """Raise ResultError, saying how to finish the run, if it lacks any of some sequences."""
        done = self.complete(manifest)
        missing = [name for name in names if name not in done]
        if missing:
            raise ResultError(
                f"Run '{self.name}' lacks {len(missing)} of {len(names)} sequences "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}). Finish it with "
                "the `vostool run` command that began it, or name sequences with --sequences."
            )

    def partial(self, sequence: str, attempt: str = "") -> Path:
        """Return the hidden folder in which a sequence grows, emptied.

        Args:
            sequence: its name.
            attempt: tells it from other attempts, whose processes may not be gone.
        """
        name = ".".join(("", sequence.replace("/", "+"), *filter(None, (attempt, "partial"))))
        path = self.masks / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

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
        for each in finished:
            self._append_times(each.steps)
            manifest.sequences[each.sequence] = each.status
        self.write_manifest(manifest)
        for each in finished:
            self._publish(each.sequence, each.partial)

    def discard_partials(self) -> None:
        """Remove hidden folders of sequences that were not finished."""
        for path in self.masks.glob(".*.partial"):
            shutil.rmtree(path, ignore_errors=True)

    def _publish(self, sequence: str, partial: Path) -> None:
        shutil.rmtree(self.masks / sequence, ignore_errors=True)  # masks were missing from it
        (self.masks / sequence).parent.mkdir(exist_ok=True)  # of a name such as video/object
        os.replace(partial, self.masks / sequence)

    def times(self) -> list[StepTime]:
        """Read `times.csv`; a last row that a killed run left unfinished is skipped."""
        if not self.times_path.is_file():
            return []
        steps = []
        with self.times_path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
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
        """Remove what a killed run left: hidden folders, and times of unfinished sequences."""
        self.discard_partials()
        done = self.complete(manifest)
        kept = [step for step in self.times() if step.sequence in done]
        write_text(self.times_path, _HEADING + _rows(kept))

    def _append_times(self, steps: Iterable[StepTime]) -> None:
        with self.times_path.open("a", newline="", encoding="utf-8") as file:
            file.write(("" if file.tell() else _HEADING) + _rows(steps))

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from writing this run at the same time, see `locked`."""
        self.masks.mkdir(parents=True, exist_ok=True)
        return locked(self.path, "writing")


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Keep other processes away from a folder, which is made if it is not there.

    Args:
        folder: what is locked.
        doing: what a process does that holds it, e.g. `writing`.

    Raises:
        ResultError: another process is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        if not _try_lock(file.fileno()):
            raise ResultError(
                f"Another vostool is {doing} {folder}. Wait for it, or choose another --name."
            )
        yield


def _try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, or until its process ends however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _rows(steps: Iterable[StepTime]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for step in steps:
        writer.writerow([step.sequence, step.frame, step.objects, step.prompts, step.ms])
    return text.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all, whoever else is writing it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def runs_in(folder: Path) -> list[RunFolder]:
    """Return the run folders directly below a results folder, by name."""
    if not folder.is_dir():
        return []
    folders = (path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.is_dir())
    found = (RunFolder(path) for path in folders)
    return [run for run in found if run.exists()]
