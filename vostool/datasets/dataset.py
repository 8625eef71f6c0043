"""An opened dataset: sequences, how their label maps are read, and the prompts they give."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vostool.errors import DatasetError, UnknownNameError
from vostool.masks import VOID, box_of, ids_in, merge_objects, read_labels
from vostool.protocol import Protocol
from vostool.sequence import Labels, Prompt, Sequence


@dataclass(frozen=True, slots=True)
class Dataset:
    """Sequences on disk, with the rules for reading them.

    Args:
        name: what `--dataset` was, e.g. `DAVIS2016` or `folder:clips`.
        key: folder name under `results/`; differs for other splits and resolutions.
        split: name of the split.
        root: folder that holds `JPEGImages/` and `Annotations/`.
        sequences: in the order of the split file.
        protocol: the rules by which it is scored unless others are asked for.
        merged: label maps are one object, foreground, whatever ids they hold.
        late_objects: objects are prompted where they first appear; otherwise only those of the
            first frame are prompted.
        official: names of the official split, empty if there is none.
    """

    name: str
    key: str
    split: str
    root: Path
    sequences: tuple[Sequence, ...]
    protocol: Protocol
    merged: bool = False
    late_objects: bool = False
    official: tuple[str, ...] = ()

    def select(self, names: Iterable[str] | None) -> "Dataset":
        """Return the dataset with only the named sequences, in the order of the split.

        Raises:
            UnknownNameError: a name is not in the split.
        """
        if names is None:
            return self
        wanted = list(names)
        known = {sequence.name for sequence in self.sequences}
        for name in wanted:
            if name not in known:
                raise UnknownNameError.of(f"sequence in {self.name} ({self.split})", name, known)
        kept = tuple(s for s in self.sequences if s.name in set(wanted))
        return replace(self, sequences=kept)

    def covers_official(self, names: Iterable[str]) -> bool:
        """Tell whether these sequences are all of the official split, or of the dataset itself."""
        whole = self.official or tuple(s.name for s in self.sequences)
        return set(whole) <= set(names)

    def labels(self, path: Path) -> Labels:
        """Read one label map of this dataset or of a prediction for it."""
        labels = read_labels(path)
        return merge_objects(labels, path) if self.merged else labels

    def prompts(self, sequence: Sequence) -> Iterator[tuple[Prompt, ...]]:
        """Yield, frame by frame, the prompts of the objects that start there.

        Every prompt carries a mask; the runner takes it away from box-initialised trackers.

        Raises:
            DatasetError: the first annotated frame has no object.
        """
        seen: set[int] = set()
        for index in range(len(sequence)):
            path = sequence.annotations.get(index)
            if path is None or (index > 0 and not self.late_objects):
                yield ()
                continue
            labels = self.labels(path)
            new = [i for i in ids_in(labels).tolist() if i not in seen]
            if index == 0 and not new:
                raise DatasetError(_no_object(self, sequence, path, labels))
            seen.update(new)
            yield tuple(_prompt(labels, object_id, index) for object_id in new)

    def fingerprint(self, sequence: Sequence) -> str:
        """Return a hash of the names and sizes of a sequence's files and of its first mask.

        It tells another dataset, resolution or annotation from this one without reading it all.
        """
        digest = hashlib.sha256()
        for path in (*sequence.frames, *sequence.annotations.values()):
            digest.update(f"{path.name}:{path.stat().st_size}\n".encode())
        digest.update(next(iter(sequence.annotations.values())).read_bytes())
        return digest.hexdigest()[:16]


def _prompt(labels: Labels, object_id: int, index: int) -> Prompt:
    mask = labels == object_id
    box = box_of(mask)
    assert box is not None
    return Prompt(object_id=object_id, frame_index=index, box=box, mask=mask)


def _no_object(dataset: Dataset, sequence: Sequence, path: Path, labels: Labels) -> str:
    message = f"{path} has no object, so sequence '{sequence.name}' cannot start."
    if (labels == VOID).any():
        message += " It holds only 255 (void): for binary masks use --dataset DAVIS2016."
    elif dataset.late_objects:
        message += " The first frame must show at least one object; drop the frames before it."
    return message
