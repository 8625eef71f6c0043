"""Opening datasets by their names in the table of `entries.py`, wherever they lie."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Kind
from vostool.datasets.dataset import Contents, Dataset
from vostool.datasets.entries import CATALOG, FOLDER, Entry
from vostool.datasets.folder import holds_binary_masks, holds_ids
from vostool.datasets.layout import only, refuse_undecodable
from vostool.datasets.protocols import PROTOCOLS
from vostool.datasets.region_entries import OWN_REGIONS, REGIONS, RegionEntry
from vostool.datasets.regions import RegionDataset
from vostool.datasets.youtube_vos import read_categories
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.io.listing import is_folder
from vostool.io.storage import base_name, place, read_text
from vostool.workspace import Workspace

__all__ = [
    "CATALOG",
    "FOLDER",
    "MASK_OPTIONS",
    "REGIONS",
    "Entry",
    "find_root",
    "kind_of",
    "open_dataset",
    "open_masks",
]

SYNTHETIC_SEED = 0
MASK_OPTIONS = ("split", "resolution", "seen")  # of `open_dataset`, which boxes do not have
_OWN: dict[str, Entry | RegionEntry] = {"folder": FOLDER, **OWN_REGIONS}  # by prefix of PREFIX:PATH


def open_dataset(
    name: str,
    *,
    root: Path | None = None,
    split: str | None = None,
    resolution: str | None = None,
    sequences: Iterable[str] | None = None,
    need_frames: bool = True,
    seen: Path | None = None,
    workspace: Workspace | None = None,
) -> Dataset | RegionDataset:
    """Open a dataset of any kind by its name in the catalog, or by its path.

    Args:
        name: `DAVIS2016`, another name of the catalog, or `folder:PATH`, `vot:PATH`, `otb:PATH`.
        root: folder that holds `JPEGImages/`, or of boxes the sequences; looked for in the
            workspace if not given.
        split: name of the split; the entry's first if not given.
        resolution: `480p`, `full` or the name of a resolution folder.
        sequences: keep only these.
        need_frames: the images must be there, not only the ground truth.
        seen: file with the categories that training has seen, one a line, or a `meta.json`; the
            train split's beside the split, if not given.
        workspace: where to look.

    Raises:
        UnknownNameError: no such dataset, split or sequence.
        UsageError: options that do not fit the dataset.
        DatasetError: it is not there, or its files are not what they should be.
    """
    workspace = workspace or Workspace.find()
    entry = _entry(name)
    if entry.kind != "masks":
        _refuse(name, split=split, resolution=resolution, seen=seen)
    root, key = _located(entry, name, root, workspace)
    refuse_undecodable([root])
    sequences = None if sequences is None else list(sequences)
    with only(sequences):  # half a download will do for a part of the sequences
        if isinstance(entry, RegionEntry):
            boxes = _of_boxes(entry, name, key, root, need_frames)
            return boxes.select(sequences)
        dataset = _of_masks(entry, name, key, root, split, resolution, need_frames, seen)
    dataset = dataset.select(sequences)
    if entry is FOLDER and holds_binary_masks(dataset.sequences):
        return replace(dataset, merged=True, binary=True)
    return dataset


def open_masks(name: str, **options: Any) -> Dataset:
    """Open a dataset of label maps, see `open_dataset`.

    Raises:
        UsageError: the dataset is of boxes, or the options do not fit it.
        VostoolError: see `open_dataset`.
    """
    if kind_of(name) == "masks":
        dataset = open_dataset(name, **options)
        if isinstance(dataset, Dataset):
            return dataset
    raise UsageError(
        f"{name} has boxes and no masks: only `vostool run` and `vostool eval` take it."
    )


def kind_of(name: str) -> Kind:
    """Return the kind of the dataset that has a name, see `open_dataset`.

    Raises:
        UnknownNameError: there is none.
    """
    return _entry(name).kind


def _entry(name: str) -> Entry | RegionEntry:
    prefix, _, path = name.partition(":")
    entry = _OWN.get(prefix) if path else CATALOG.get(name) or REGIONS.get(name)
    if entry is None:
        known = [*CATALOG, *REGIONS, *(f"{prefix}:PATH" for prefix in _OWN)]
        raise UnknownNameError.of("dataset", name, known)
    return entry


def _refuse(name: str, **options: Any) -> None:
    """Refuse options of datasets of masks."""
    for option, value in options.items():
        if value is not None:
            what = "no categories" if option == "seen" else f"one {option} only"
            raise UsageError(f"{name} has {what}; drop --{option}.")


def _of_boxes(
    entry: RegionEntry, name: str, key: str, root: Path, need_frames: bool
) -> RegionDataset:
    return RegionDataset(
        name=name,
        key=key,
        split="all",
        root=root,
        sequences=entry.read(root, need_frames=need_frames),
        kind=entry.kind,
        interval=entry.interval,
        count=entry.official,
    )


def _of_masks(
    entry: Entry,
    name: str,
    key: str,
    root: Path,
    split: str | None,
    resolution: str | None,
    need_frames: bool,
    seen: Path | None,
) -> Dataset:
    split = split or entry.splits[0]
    if split not in entry.splits:
        raise UnknownNameError.of("split", split, entry.splits, f"of {name}")
    if not entry.resolutions:
        _refuse(name, resolution=resolution)
    chosen = resolution or (entry.resolutions[0] if entry.resolutions else "")
    if entry is CATALOG["synthetic"]:
        _check_synthetic(root)
    contents = entry.adapter(root, split, chosen, need_frames)
    if not contents.objects:
        _refuse(name, seen=seen)
    official = entry.official.get(split, ()) if contents.official is None else contents.official
    return Dataset(
        name=name,
        key=_key(key, entry, split, chosen, contents.variant),
        split=f"{split} {contents.variant}".rstrip(),
        root=contents.root or root,
        sequences=contents.sequences,
        protocol=PROTOCOLS[entry.protocol],
        merged=entry.merged,
        binary=entry.merged and not holds_ids(contents.sequences),
        late_objects=entry.late_objects,
        official=official,
        count=0 if contents.variant else len(official) or entry.count(split),
        objects=contents.objects,
        seen=_seen_of(seen, contents) if seen is not None else contents.seen,
        server=None if contents.variant else entry.servers.get(split),
        notes=contents.notes if seen is None else (),
    )


def _seen_of(path: Path, contents: Contents) -> frozenset[str]:
    """Read the categories that training has seen; one of them at least must be here."""
    seen = read_categories(path)
    there = {about.category for objects in contents.objects.values() for about in objects.values()}
    if not seen & there:
        raise UsageError(
            f"None of the categories in {path} is one of this dataset, such as "
            f"{', '.join(sorted(there)[:3])}. They are spelt as in meta.json, one a line."
        )
    return seen


def find_root(entry: Entry | RegionEntry, workspace: Workspace) -> Path | None:
    """Return the folder of the workspace that holds this dataset, or None."""
    for name in entry.folders:
        folder = workspace.datasets / name
        if any((folder / mark).exists() for mark in entry.marks):
            return folder
    return None


def _located(
    entry: Entry | RegionEntry, name: str, root: Path | None, workspace: Workspace
) -> tuple[Path, str]:
    """Return the root, which exists, and the base of the results folder's name."""
    prefix, _, path = name.partition(":")
    if path:
        if root is not None:
            raise UsageError(f"{prefix}:PATH names the folder already; drop --root.")
        root = place(path)
        if not is_folder(root):
            raise DatasetError(f"{root} is not a folder. {entry.how_to_get}")
        return root, f"{prefix}-{base_name(root)}"
    if root is None and name == "synthetic" and find_root(entry, workspace) is None:
        return _draw_synthetic(workspace.datasets / entry.folders[0]), name
    return _given_or_found(entry, root, workspace), name


def _given_or_found(entry: Entry | RegionEntry, root: Path | None, workspace: Workspace) -> Path:
    """Return the root that was given, or the folder of the workspace that holds the dataset."""
    if root is not None:
        if not is_folder(root):
            raise DatasetError(f"--root {root} is not a folder. {entry.how_to_get}")
        return root
    found = find_root(entry, workspace)
    if found is None:
        places = " or ".join(str(workspace.datasets / folder) for folder in entry.folders)
        raise DatasetError(
            f"{entry.name} not found: no {entry.marks[0]} in {places}. {entry.how_to_get} "
            "Or point to it with --root."
        )
    return found


def _key(base: str, entry: Entry, split: str, resolution: str, variant: str) -> str:
    """Return the folder name under results/: the plain name for the default split and size."""
    parts = [base, variant] if variant else [base]
    if split != entry.splits[0]:
        parts.append(split)
    if entry.resolutions and resolution != entry.resolutions[0]:
        parts.append(resolution)
    return "-".join(parts)


def _draw_synthetic(directory: Path) -> Path:
    from vostool.datasets import synthetic  # OpenCV, needed only to draw

    try:
        return synthetic.make(directory, SYNTHETIC_SEED)
    except DatasetError:
        # Another process may have drawn it in the meantime.
        if (directory / "Annotations").is_dir():
            return directory
        raise


def _check_synthetic(root: Path) -> None:
    """Refuse a synthetic dataset that another version of the generator has drawn."""
    from vostool.datasets.synthetic import VERSION

    about = root / "dataset.json"
    try:
        drawn_by = json.loads(read_text(about))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # somebody else's folder of the same layout
    if drawn_by != VERSION:
        raise DatasetError(
            f"{root} was drawn by version {drawn_by} of the generator, and this is version "
            f"{VERSION}: scores would not compare. Remove the folder; it is drawn again."
        )
