"""Opening datasets by their names in the table of `entries.py`, wherever they lie."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

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
    "REGIONS",
    "Entry",
    "find_root",
    "has_regions",
    "open_dataset",
    "open_regions",
]

SYNTHETIC_SEED = 0


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
) -> Dataset:
    """Open a dataset by its name in the catalog, or `folder:PATH`.

    Args:
        name: `DAVIS2016`, another name of the catalog, or `folder:PATH`.
        root: folder that holds `JPEGImages/`; looked for in the workspace if not given.
        split: name of the split; the entry's first if not given.
        resolution: `480p`, `full` or the name of a resolution folder.
        sequences: keep only these.
        need_frames: the images must be there, not only the masks.
        seen: file with the categories that training has seen, one a line, or a `meta.json`; the
            train split's beside the split, if not given.
        workspace: where to look.

    Raises:
        UnknownNameError: no such dataset, split or sequence.
        UsageError: options that do not fit the dataset.
        DatasetError: it is not there, or its files are not what they should be.
    """
    workspace = workspace or Workspace.find()
    if has_regions(name):
        raise UsageError(
            f"{name} has boxes and no masks: only `vostool run` and `vostool eval` take it."
        )
    entry, root, key = _locate(name, root, workspace)
    refuse_undecodable([root])
    split = split or entry.splits[0]
    if split not in entry.splits:
        raise UnknownNameError.of("split", split, entry.splits, f"of {name}")
    if resolution and not entry.resolutions:
        raise UsageError(f"{name} has one resolution only; leave --resolution away.")
    chosen = resolution or (entry.resolutions[0] if entry.resolutions else "")
    if entry is CATALOG["synthetic"]:
        _check_synthetic(root)
    sequences = None if sequences is None else list(sequences)
    with only(sequences):
        contents = entry.adapter(root, split, chosen, need_frames)
    if seen is not None and not contents.objects:
        raise UsageError(f"{name} has no categories; leave --seen away.")
    key = _key(key, entry, split, chosen, contents.variant)
    dataset = _dataset(name, key, root, entry, split, contents)
    if seen is not None:
        dataset = replace(dataset, seen=_seen_of(seen, contents), notes=())
    dataset = dataset.select(sequences)
    if entry is FOLDER and holds_binary_masks(dataset.sequences):
        return replace(dataset, merged=True, binary=True)
    return dataset


def _dataset(
    name: str, key: str, root: Path, entry: Entry, split: str, contents: Contents
) -> Dataset:
    """Return what an adapter found with what the catalog says about it."""
    official = entry.official.get(split, ()) if contents.official is None else contents.official
    return Dataset(
        name=name,
        key=key,
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
        seen=contents.seen,
        server=None if contents.variant else entry.servers.get(split),
        notes=contents.notes,
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


def has_regions(name: str) -> bool:
    """Tell whether a dataset has boxes and polygons: `VOT2018`, `OTB100`, `vot:PATH`, ..."""
    prefix, colon, _ = name.partition(":")
    return name in REGIONS or (bool(colon) and prefix in OWN_REGIONS)


def open_regions(
    name: str,
    *,
    root: Path | None = None,
    sequences: Iterable[str] | None = None,
    need_frames: bool = True,
    workspace: Workspace | None = None,
) -> RegionDataset:
    """Open a dataset of boxes and polygons, see `has_regions`.

    Args:
        name: `VOT2018`, another name, or `vot:PATH` or `otb:PATH`.
        root: folder that holds the sequences; looked for in the workspace if not given.
        sequences: keep only these.
        need_frames: the images must be there, not only one of each sequence.
        workspace: where to look.

    Raises:
        UnknownNameError: no such dataset or sequence.
        UsageError: options that do not fit the dataset.
        DatasetError: it is not there, or its files are not what they should be.
    """
    workspace = workspace or Workspace.find()
    prefix, _, path = name.partition(":")
    if name in REGIONS:
        entry: RegionEntry = REGIONS[name]
        root = _given_or_found(entry, root, workspace)
    elif prefix in OWN_REGIONS and path:
        entry = OWN_REGIONS[prefix]
        if root is not None:
            raise UsageError(f"{prefix}:PATH names the folder already; leave --root away.")
        root = place(path)
        if not is_folder(root):
            raise DatasetError(f"{root} is not a folder. {entry.how_to_get}")
    else:
        raise UnknownNameError.of("dataset of boxes", name, [*REGIONS, "vot:PATH", "otb:PATH"])
    refuse_undecodable([root])
    own = entry.name != name
    sequences = None if sequences is None else list(sequences)
    with only(sequences):
        read = entry.read(root, need_frames=need_frames)
    return RegionDataset(
        name=name,
        key=f"{prefix}-{base_name(root)}" if own else name,
        split="all",
        root=root,
        sequences=read,
        task=entry.task,
        interval=entry.interval,
        count=entry.official,
    ).select(sequences)


def find_root(entry: Entry | RegionEntry, workspace: Workspace) -> Path | None:
    """Return the folder of the workspace that holds this dataset, or None."""
    for name in entry.folders:
        folder = workspace.datasets / name
        if any((folder / mark).exists() for mark in entry.marks):
            return folder
    return None


def _locate(name: str, root: Path | None, workspace: Workspace) -> tuple[Entry, Path, str]:
    """Return the catalog entry, the root that exists, and the base of the results folder's name."""
    if name.startswith("folder:"):
        if root is not None:
            raise UsageError("folder:PATH names the folder already; leave --root away.")
        path = place(name.removeprefix("folder:"))
        if not is_folder(path):
            raise DatasetError(f"{path} is not a folder. {FOLDER.how_to_get}")
        return FOLDER, path, f"folder-{base_name(path)}"
    if name not in CATALOG:
        known = [*CATALOG, *REGIONS, "folder:PATH", *(f"{prefix}:PATH" for prefix in OWN_REGIONS)]
        raise UnknownNameError.of("dataset", name, known)
    entry = CATALOG[name]
    if root is None and name == "synthetic" and find_root(entry, workspace) is None:
        return entry, _draw_synthetic(workspace.datasets / entry.folders[0]), name
    return entry, _given_or_found(entry, root, workspace), name


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
            f"{entry.name} is not there: {places} has no {entry.marks[0]}. {entry.how_to_get} "
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
