"""The table of datasets: name -> adapter, splits, protocol, and how to get it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from vostool.datasets.dataset import Dataset
from vostool.datasets.davis import read_davis
from vostool.datasets.folder import read_folder
from vostool.datasets.splits import OFFICIAL
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.protocol import PROTOCOLS
from vostool.sequence import Sequence
from vostool.workspace import Workspace

# (root, split, resolution, need_frames) -> sequences
Adapter = Callable[[Path, str, str, bool], tuple[Sequence, ...]]

SYNTHETIC_SEED = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalog.

    Args:
        name: what `--dataset` calls it.
        adapter: reads the files.
        splits: split names, the default first.
        resolutions: folder names or `full`, the default first; empty if there is no choice.
        protocol: name of the default protocol.
        folders: where it is looked for under `<workspace>/datasets/`, in this order.
        how_to_get: one sentence for people who lack it.
        official: split -> official sequence names.
        merged: all objects of a label map are one.
        late_objects: objects are prompted where they first appear.
    """

    name: str
    adapter: Adapter
    splits: tuple[str, ...]
    resolutions: tuple[str, ...]
    protocol: str
    folders: tuple[str, ...]
    how_to_get: str
    official: dict[str, tuple[str, ...]]
    merged: bool = False
    late_objects: bool = False


def _davis_adapter(year: int) -> Adapter:
    def read(root: Path, split: str, resolution: str, need_frames: bool) -> tuple[Sequence, ...]:
        return read_davis(root, year, split, resolution, need_frames=need_frames)

    return read


def _folder_adapter(
    root: Path, split: str, resolution: str, need_frames: bool
) -> tuple[Sequence, ...]:
    return read_folder(root, need_frames=need_frames)


def _official(year: int) -> dict[str, tuple[str, ...]]:
    return {split: names for (y, split), names in OFFICIAL.items() if y == year}


CATALOG = {
    entry.name: entry
    for entry in (
        Entry(
            name="DAVIS2016",
            adapter=_davis_adapter(2016),
            splits=("val", "train", "trainval"),
            resolutions=("480p", "full"),
            protocol="davis",
            folders=("DAVIS2016", "DAVIS"),
            how_to_get="Download DAVIS 2016 (or DAVIS 2017 TrainVal, which holds it) from "
            "davischallenge.org and unpack it as datasets/DAVIS.",
            official=_official(2016),
            merged=True,
        ),
        Entry(
            name="DAVIS2017",
            adapter=_davis_adapter(2017),
            splits=("val", "train", "trainval", "test-dev", "test-challenge"),
            resolutions=("480p", "full"),
            protocol="davis",
            folders=("DAVIS2017", "DAVIS"),
            how_to_get="Download DAVIS 2017 TrainVal (480p) from davischallenge.org and unpack it "
            "as datasets/DAVIS.",
            official=_official(2017),
        ),
        Entry(
            name="synthetic",
            adapter=_folder_adapter,
            splits=("all",),
            resolutions=(),
            protocol="after_first",
            folders=("synthetic",),
            how_to_get="Nothing to get: it is drawn when first used.",
            official={},
            late_objects=True,
        ),
    )
}

FOLDER = Entry(
    name="folder",
    adapter=_folder_adapter,
    splits=("all",),
    resolutions=(),
    protocol="davis",
    folders=(),
    how_to_get="Your own data: PATH/JPEGImages/<sequence>/ and PATH/Annotations/<sequence>/.",
    official={},
    late_objects=True,
)


def open_dataset(
    name: str,
    *,
    root: Path | None = None,
    split: str | None = None,
    resolution: str | None = None,
    sequences: Iterable[str] | None = None,
    need_frames: bool = True,
    workspace: Workspace | None = None,
) -> Dataset:
    """Open a dataset by its name in the catalog, or `folder:PATH`.

    Args:
        name: `DAVIS2016`, `DAVIS2017`, `synthetic` or `folder:PATH`.
        root: folder that holds `JPEGImages/`; looked for in the workspace if not given.
        split: name of the split; the entry's first if not given.
        resolution: `480p`, `full` or the name of a resolution folder.
        sequences: keep only these.
        need_frames: the images must be there, not only the masks.
        workspace: where to look.

    Raises:
        UnknownNameError: no such dataset, split or sequence.
        DatasetError: it is not there, or its files are not what they should be.
    """
    workspace = workspace or Workspace.find()
    entry, root, key = _locate(name, root, workspace)
    split = split or entry.splits[0]
    if split not in entry.splits:
        raise UnknownNameError.of(f"split of {name}", split, entry.splits)
    if resolution and not entry.resolutions:
        raise UsageError(f"{name} has one resolution only; leave --resolution away.")
    chosen = resolution or (entry.resolutions[0] if entry.resolutions else "")
    if entry is CATALOG["synthetic"]:
        _check_synthetic(root)
    dataset = Dataset(
        name=name,
        key=_key(key, entry, split, chosen),
        split=split,
        root=root,
        sequences=entry.adapter(root, split, chosen, need_frames),
        protocol=PROTOCOLS[entry.protocol],
        merged=entry.merged,
        late_objects=entry.late_objects,
        official=entry.official.get(split, ()),
    )
    return dataset.select(sequences)


def find_root(entry: Entry, workspace: Workspace) -> Path | None:
    """Return the folder of the workspace that holds this dataset, or None."""
    for name in entry.folders:
        if (workspace.datasets / name / "Annotations").is_dir():
            return workspace.datasets / name
    return None


def _locate(name: str, root: Path | None, workspace: Workspace) -> tuple[Entry, Path, str]:
    """Return the catalog entry, the root that exists, and the base of the results folder's name."""
    if name.startswith("folder:"):
        if root is not None:
            raise UsageError("folder:PATH names the folder already; leave --root away.")
        path = Path(name.removeprefix("folder:")).expanduser()
        if not path.is_dir():
            raise DatasetError(f"{path} is not a folder. {FOLDER.how_to_get}")
        return FOLDER, path, f"folder-{path.resolve().name}"
    if name not in CATALOG:
        raise UnknownNameError.of("dataset", name, [*CATALOG, "folder:PATH"])
    entry = CATALOG[name]
    if root is not None:
        if not root.is_dir():
            raise DatasetError(f"--root {root} is not a folder. {entry.how_to_get}")
        return entry, root, name
    found = find_root(entry, workspace)
    if found is None and name == "synthetic":
        found = _draw_synthetic(workspace.datasets / entry.folders[0])
    if found is None:
        places = " or ".join(str(workspace.datasets / folder) for folder in entry.folders)
        raise DatasetError(
            f"{name} is not there: {places} has no Annotations/. {entry.how_to_get} "
            "Or point to it with --root."
        )
    return entry, found, name


def _key(base: str, entry: Entry, split: str, resolution: str) -> str:
    """Return the folder name under results/: the plain name for the default split and size."""
    parts = [base]
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
        drawn_by = json.loads(about.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # somebody else's folder of the same layout
    if drawn_by != VERSION:
        raise DatasetError(
            f"{root} was drawn by version {drawn_by} of the generator, and this is version "
            f"{VERSION}: scores would not compare. Remove the folder; it is drawn again."
        )
