"""Anybody's own data: `JPEGImages/<sequence>/` and `Annotations/<sequence>/`, nothing else."""

from collections.abc import Iterable
from pathlib import Path

from vostool.datasets.layout import folders_in, read_sequence, read_sequences
from vostool.errors import DatasetError, MaskError
from vostool.io.label_maps import VOID, ids_in, read_labels
from vostool.io.listing import is_folder
from vostool.io.smoothing import is_rimmed, is_smoothed
from vostool.io.storage import each_at_once, is_remote
from vostool.io.text import read_json
from vostool.types import Sequence


def read_folder(root: Path, *, need_frames: bool) -> tuple[Sequence, ...]:
    """Read every sequence that has masks, by name; masks may be sparse, the first is needed.

    Attributes are taken from `dataset.json`, which the synthetic dataset has.

    Args:
        root: folder that holds `JPEGImages/` and `Annotations/`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
    """
    annotations = root / "Annotations"
    if not is_folder(annotations):
        raise DatasetError(
            f"{root} has no folder Annotations/. Put masks into {annotations}/<sequence>/ and "
            f"frames into {root / 'JPEGImages'}/<sequence>/."
        )
    names = folders_in(annotations)
    if not names:
        raise DatasetError(f"{annotations} has no sequence folders.")
    deeper = annotations / names[0]
    if names in (["480p"], ["Full-Resolution"], ["1080p"]) and any(deeper.glob("*/*.png")):
        raise DatasetError(
            f"{root} has the layout of DAVIS, with a folder per resolution. Use --dataset "
            f"DAVIS2016 or DAVIS2017 with --root {root}."
        )
    attributes = _attributes(root / "dataset.json")

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            root / "JPEGImages" / name,
            annotations / name,
            dense=False,
            need_frames=need_frames,
            attributes=attributes.get(name),
        )

    return read_sequences(names, root, read)


def holds_binary_masks(sequences: Iterable[Sequence]) -> bool:
    """Return True if the first masks hold nothing but 0 and 255, as those of DAVIS 2016 do.

    Raises:
        DatasetError: those of some sequences do, and others hold ids.
    """
    binary: Path | None = None
    ids: Path | None = None
    paths = [sequence.annotations[min(sequence.annotations)] for sequence in sequences]
    kinds = each_at_once(_kind, paths, bool(paths) and is_remote(paths[0]))
    for path, kind in zip(paths, kinds, strict=True):
        ids = path if kind == "ids" else ids
        binary = path if kind == "binary" else binary
        if ids and binary:
            raise DatasetError(
                f"{binary} is a binary mask of 0 and 255, and {ids} holds object ids. Write 1 for "
                "255, or name sequences of one kind with --sequences."
            )
    return binary is not None


def holds_ids(sequences: tuple[Sequence, ...]) -> bool:
    """Return True if first masks hold ids, so that 255 is void beside them, and none is binary.

    Args:
        sequences: of a dataset whose objects are merged.
    """
    paths = [each.annotations[min(each.annotations)] for each in sequences if each.annotations]
    kinds = each_at_once(_kind, paths, bool(paths) and is_remote(paths[0]))
    return "ids" in kinds and "binary" not in kinds


def _kind(path: Path) -> str:
    """Return what a mask holds: `ids`, `binary`, or nothing that tells.

    A mask of 255 stays binary if its edge has other values.
    """
    try:
        labels = read_labels(path)
    except MaskError:
        return ""  # it is refused where it is used
    void = bool((labels == VOID).any())
    if ids_in(labels).size and not (void and (is_rimmed(labels) or is_smoothed(labels))):
        return "ids"
    return "binary" if void else ""


def _attributes(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the attributes that the synthetic dataset writes beside its folders; none elsewhere."""
    try:
        described = read_json(path, DatasetError)["sequences"]
        return {name: tuple(map(str, each["attributes"])) for name, each in described.items()}
    except (OSError, DatasetError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # somebody else's file of that name
