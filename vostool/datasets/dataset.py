"""An opened dataset: sequences, how their label maps are read, and the prompts they give."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from vostool.datasets.clips import Clips, Kind
from vostool.datasets.protocols import Protocol
from vostool.errors import DatasetError
from vostool.io.frames import read_frame
from vostool.io.label_maps import VOID, box_of, ids_in, merge_objects, read_labels, refuse_soft
from vostool.io.listing import missing_files, sizes
from vostool.io.readahead import Ahead
from vostool.io.storage import read_bytes
from vostool.types import Frame, Labels, Prompt, Sequence

ANNOTATIONS = "Annotations"  # the usual folder of the ground truth


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a dataset says about one object.

    Args:
        category: e.g. `giant_panda`.
        frames: names of the annotated frames that are listed for it, e.g. `00005`.
    """

    category: str
    frames: frozenset[str]


Objects = Mapping[str, Mapping[int, ObjectInfo]]  # sequence -> object id -> what is said about it


@dataclass(frozen=True, slots=True)
class Server:
    """The server that keeps the ground truth of a split, of which first masks alone are public.

    Args:
        folder: what the zip it takes holds the sequences in, empty if they are at its top.
        where: its address, for people.
        listed_only: it takes the frames that `meta.json` lists, otherwise all.
    """

    folder: str
    where: str
    listed_only: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What an adapter finds on disk.

    Args:
        sequences: in the order of the split.
        root: folder that holds `JPEGImages/` and `Annotations/`, if it is another than was given.
        objects: what is said about objects, empty if nothing.
        seen: categories that training has seen, None if that is not known.
        notes: what people should know about what was found.
        variant: tells it from the official dataset of that layout, e.g. `holdout-0.1-0`.
        official: names of its official sequences, None if they are those that the catalog knows.
    """

    sequences: tuple[Sequence, ...]
    root: Path | None = None
    objects: Objects = field(default_factory=dict)
    seen: frozenset[str] | None = None
    notes: tuple[str, ...] = ()
    variant: str = ""
    official: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Dataset(Clips[Sequence]):
    """Sequences with label maps, and the rules for reading them.

    Args:
        protocol: the rules by which it is scored unless others are asked for.
        merged: label maps are one object, foreground, whatever ids they hold.
        binary: the ground truth is binary masks, in which 255 is foreground like all that is not
            0; otherwise 255 is void. Known for a dataset as a whole, whatever a map holds.
        late_objects: objects are prompted where they first appear; otherwise only those of the
            first frame are prompted.
        objects: what the dataset says about its objects, empty if nothing.
        seen: categories that training has seen, None if that is not known.
        server: keeps the ground truth of the split, None if it is public.
        notes: what people should know when scores are made with it.
    """

    protocol: Protocol
    merged: bool = False
    binary: bool = False
    late_objects: bool = False
    objects: Objects = field(default_factory=dict)
    seen: frozenset[str] | None = None
    server: Server | None = None
    notes: tuple[str, ...] = ()
    kind: Kind = field(default="masks", kw_only=True)

    @property
    def title(self) -> str:
        """Return what people call it, its split included."""
        return f"{self.name} {self.split}"

    def count_objects(self, sequence: Sequence) -> int:
        """Return how many objects a sequence has; late ones count where the dataset lists them."""
        if self.merged:
            return 1
        listed = self.objects.get(sequence.name, {})
        return len(listed) or _objects_on(sequence.annotations[min(sequence.annotations)])

    def truth_files(self, sequence: Sequence) -> tuple[Path, ...]:
        """Return the label maps of the ground truth."""
        return tuple(sequence.annotations.values())

    def only(self, sequence: Sequence) -> "Dataset":
        """Return the dataset with one sequence and nothing about others, to be sent to a worker."""
        objects = {name: infos for name, infos in self.objects.items() if name == sequence.name}
        return replace(self, sequences=(sequence,), objects=objects)

    def under(self, protocol: Protocol) -> "Dataset":
        """Return the dataset as a protocol sees it: its ground truth, objects merged or not.

        Raises:
            DatasetError: the protocol's own ground truth is there, but not whole.
        """
        self.require_masks()
        merged = self.merged or protocol.objects == "foreground"
        usual, own = self.root / ANNOTATIONS, self.root / protocol.annotations
        sequences = self.sequences
        if own != usual and own.is_dir():
            sequences = tuple(_annotated_in(own, usual, sequence) for sequence in sequences)
        return replace(self, merged=merged, sequences=sequences)

    def require_masks(self) -> None:
        """Refuse a dataset that has no masks at all, such as the test sets of unsupervised tasks.

        Raises:
            DatasetError: a sequence has none.
        """
        for sequence in self.sequences:
            if not sequence.annotations:
                raise DatasetError(
                    f"Sequence '{sequence.name}' of {self.name} {self.split} has no masks: the "
                    "archives of the unsupervised task give none, so nothing can be scored, and "
                    "trackers have nothing to start from. `vostool pack FOLDER` makes the zip for "
                    "the server from masks of another program."
                )

    def doubts(self, protocol: Protocol) -> tuple[str, ...]:
        """Return what stands between scores by a protocol and official ones, for people."""
        own = self.root / protocol.annotations
        if protocol.annotations == ANNOTATIONS or own.is_dir():
            return self.notes
        return (
            *self.notes,
            f"{own} is not there, so the ground truth is that of {ANNOTATIONS}/: not comparable "
            f"with official numbers of protocol '{protocol.name}'.",
        )

    def listed_frames(self, sequence: Sequence) -> Mapping[int, frozenset[str]]:
        """Return the names of the frames that the dataset lists for each object of a sequence.

        Raises:
            DatasetError: it lists none.
        """
        if sequence.name not in self.objects:
            raise DatasetError(
                f"{self.name} has no meta.json that lists the frames of the objects of sequence "
                f"'{sequence.name}'. Score it with another --protocol."
            )
        return {i: info.frames for i, info in self.objects[sequence.name].items()}

    def check_truth(self, sequence: Sequence) -> None:
        """Refuse a ground truth that lacks frames which the dataset lists.

        Raises:
            DatasetError: it does, like those that are kept by a server.
        """
        there = {path.stem for path in sequence.annotations.values()}
        folder = next(iter(sequence.annotations.values())).parent
        missing = sorted(self.frames_listed(sequence.name) - there)
        if missing:
            raise DatasetError(
                f"Sequence '{sequence.name}' has masks for {len(there)} of the "
                f"{len(there) + len(missing)} frames that its meta.json lists ({missing[0]}.png is "
                f"missing from {folder}). {self._advice()}"
            )
        if self.server and len(there) == 1:
            raise DatasetError(
                f"Sequence '{sequence.name}' has a mask for its first frame only, in {folder}. "
                f"{self._advice()}"
            )

    def _advice(self) -> str:
        """Say what to do where ground truth is missing."""
        if self.server is None:
            return "Unpack the dataset again."
        return (
            f"The ground truth of {self.name} {self.split} is kept by {self.server.where}: send a "
            "`vostool pack` there, or score another split."
        )

    def frames_listed(self, name: str) -> frozenset[str]:
        """Return the names of all frames that the dataset lists for objects of a sequence."""
        infos = self.objects.get(name, {}).values()
        return frozenset().union(*(info.frames for info in infos))

    def labels(self, path: Path, read: Callable[[Path], bytes] = read_bytes) -> Labels:
        """Read one label map of this dataset or of a prediction for it; `read` reads a file."""
        return self.merge(read_labels(path, read), path)

    def merge(self, labels: Labels, path: Path) -> Labels:
        """Return a label map of the ground truth with objects merged, if they are here."""
        return merge_objects(labels, path, void=not self.binary) if self.merged else labels

    def annotated(self, sequence: Sequence) -> Iterator[tuple[int, Frame, Labels]]:
        """Yield index, frame and label map of every annotated frame; of a store, fetched ahead.

        Raises:
            DatasetError: a frame cannot be decoded.
            MaskError: a label map cannot be read as ids.
        """
        wanted = sorted(sequence.annotations.items())
        paths = (path for index, mask in wanted for path in (sequence.frames[index], mask))
        with Ahead(paths) as ahead:
            for index, mask in wanted:
                frame = read_frame(sequence.frames[index], ahead.read)
                yield index, frame, self.labels(mask, ahead.read)

    def prompts(self, sequence: Sequence) -> Iterator[tuple[Prompt, ...]]:
        """Yield, frame by frame, the prompts of the objects that start there.

        Every prompt carries a mask; the runner takes it away from box-initialised trackers.

        Raises:
            DatasetError: the first annotated frame has no object.
            MaskError: a label map with new objects cannot be read as ids.
        """
        self.require_masks()
        asked = {i: p for i, p in sequence.annotations.items() if i == 0 or self.late_objects}
        seen: set[int] = set()
        with Ahead((asked[index] for index in sorted(asked)), bursts=True) as ahead:
            for index in range(len(sequence)):
                path = asked.get(index)
                if path is None:
                    yield ()
                    continue
                labels = self.labels(path, ahead.read)
                new = [i for i in ids_in(labels).tolist() if i not in seen]
                if index == 0 and not new:
                    raise DatasetError(_no_object(self, sequence, path, labels))
                if new:
                    refuse_soft(labels, path)
                seen.update(new)
                yield tuple(_prompt(labels, object_id, index) for object_id in new)

    def fingerprint(self, sequence: Sequence) -> str:
        """Return a hash of the names and sizes of a sequence's files and of its first mask.

        It tells another dataset, resolution or annotation from this one without reading it all.
        """
        digest = hashlib.sha256()
        paths = (*sequence.frames, *sequence.annotations.values())
        for path, size in zip(paths, sizes(paths), strict=True):
            digest.update(f"{path.name}:{size}\n".encode())
        digest.update(read_bytes(next(iter(sequence.annotations.values()))))
        return digest.hexdigest()[:16]

    def first_mask_hash(self, sequence: Sequence) -> str:
        """Return a hash of the first label map, which tells whether a run was made on this data."""
        labels = self.labels(sequence.annotations[min(sequence.annotations)])
        return hashlib.sha256(f"{labels.shape}".encode() + labels.tobytes()).hexdigest()[:16]


@lru_cache(maxsize=1 << 18)
def _objects_on(path: Path) -> int:
    """Return how many objects a label map shows; every run of a campaign asks for it."""
    return max(1, len(ids_in(read_labels(path))))


def _annotated_in(own: Path, usual: Path, sequence: Sequence) -> Sequence:
    """Return a sequence with its label maps taken from another folder of the same layout."""
    paths = sequence.annotations
    if all(path.is_relative_to(own) for path in paths.values()):
        return sequence
    moved = {i: own / path.relative_to(usual) for i, path in paths.items()}
    folder = next(iter(moved.values())).parent
    missing = missing_files(folder, (path.name for path in moved.values()))
    if missing:
        raise DatasetError(
            f"Sequence '{sequence.name}': {len(missing)} of {len(moved)} masks missing from "
            f"{folder} ({missing[0]}, ...). Unpack the dataset again."
        )
    return replace(sequence, annotations=moved)


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
