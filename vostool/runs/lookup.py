"""Finding runs by name in a results folder, and the dataset that a run was made on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vostool.datasets.catalog import CATALOG, open_dataset
from vostool.datasets.dataset import Dataset
from vostool.datasets.entries import OWN, Entry
from vostool.errors import DatasetError, ResultError, UnknownNameError, UsageError
from vostool.io.listing import folders, is_folder
from vostool.io.storage import each_at_once, is_remote, place, remove
from vostool.runs.folder import Manifest, RunFolder, runs_in
from vostool.workspace import Workspace


def all_runs(results: Path, dataset: str | None = None) -> list[RunFolder]:
    """Return all run folders, by dataset and name.

    Args:
        results: folder of run folders, by dataset.
        dataset: only those in the folder of that name.

    Raises:
        UnknownNameError: there is no such folder.
    """
    places = folders(results)
    found = dict(zip(places, each_at_once(runs_in, places, is_remote(results)), strict=True))
    found = {path: runs for path, runs in found.items() if runs}
    if dataset is not None:
        known = {path.name: path for path in found}
        if dataset not in known:
            raise UnknownNameError.of("dataset with runs", dataset, known, f"in {results}")
        return found[known[dataset]]
    return [run for runs in found.values() for run in runs]


def full_name(run: RunFolder) -> str:
    """Return `DATASET/RUN`, which no other run of the results folder has."""
    return f"{run.path.parent.name}/{run.name}"


def find_run(results: Path, given: str, dataset: str | None = None) -> RunFolder:
    """Return the run of a name.

    Args:
        results: folder of run folders, by dataset.
        given: `RUN`, or `DATASET/RUN` where several datasets have it.
        dataset: look only in the folder of that name.

    Raises:
        UnknownNameError: there is none.
        UsageError: several datasets have a run of that name.
    """
    runs = all_runs(results, dataset)
    found = [run for run in runs if given in (run.name, full_name(run))]
    if len(found) > 1:
        names = " or ".join(full_name(run) for run in found)
        raise UsageError(f"There are several runs '{given}'. Name one of them in full: {names}.")
    if not found:
        known = {full_name(run) if "/" in given else run.name for run in runs}
        raise UnknownNameError.of("run", given, known, f"in {results}")
    return found[0]


def shared_key(results: Path, names: Iterable[str]) -> str:
    """Return the one folder of a results folder that has scores or runs of all these names.

    Raises:
        UnknownNameError: a name is in none.
        UsageError: they are in no common folder, or in several.
    """
    everywhere = {}
    keys: set[str] | None = None
    for name in names:
        holders = {
            path.name for path in folders(results) if _holds(path, name) and path.name[0] != "."
        }
        if not holders:
            known = {run.name for run in all_runs(results)}
            known |= {path.name for path in results.glob("*/scores/*/")}
            raise UnknownNameError.of("run", name, known, f"in {results}")
        everywhere[name] = sorted(holders)
        keys = holders if keys is None else keys & holders
    if keys and len(keys) == 1:
        return keys.pop()
    if keys:
        raise UsageError(
            f"Several datasets have them: {', '.join(sorted(keys))}. Name one with --dataset."
        )
    where = "; ".join(f"'{name}' is in {', '.join(found)}" for name, found in everywhere.items())
    raise UsageError(f"They are of different datasets and do not compare: {where}.")


def _holds(folder: Path, name: str) -> bool:
    return RunFolder(folder / name).exists() or (folder / "scores" / name).is_dir()


def entry_of(key: str) -> Entry | None:
    """Return the catalog entry whose results are in a folder of that name, None if it is nobody's.

    Args:
        key: see `Dataset.key`, e.g. `DAVIS2016-train`.
    """
    own = key.partition("-")[0]  # results of `folder:PATH` are in `folder-<name of PATH>`
    if own in OWN and key != own:
        return OWN[own]
    fitting = [name for name in CATALOG if key == name or key.startswith(f"{name}-")]
    return CATALOG[max(fitting, key=len)] if fitting else None


def dataset_of(manifest: Manifest, workspace: Workspace, *, need_frames: bool = False) -> Dataset:
    """Open the dataset that a run was made on, where it was or where it is looked for now.

    Args:
        manifest: of the run.
        workspace: where to look.
        need_frames: frames must be here; otherwise, if they are not, only what is annotated counts.

    Raises:
        DatasetError: it is not there any more, or it is another one.
    """
    entry = entry_of(manifest.dataset)
    if entry is None:
        raise DatasetError(
            f"'{manifest.dataset}' is no dataset of masks. Runs on boxes are looked through by "
            "`vostool eval`."
        )
    root = place(manifest.root)
    there = is_folder(root)
    opened = open_dataset if need_frames else with_frames
    if entry.name in OWN:
        return opened(f"{entry.name}:{root}", workspace=workspace)
    split = manifest.split.partition(" ")[0]
    resolution = _resolution(manifest.dataset, entry, split)
    options: dict[str, Any] = {"root": root if there else None, "resolution": resolution}
    dataset = opened(entry.name, workspace=workspace, split=split, **options)
    if dataset.key != manifest.dataset:
        raise DatasetError(f"{root} is {dataset.key}, and the run was made on {manifest.dataset}.")
    return dataset


def with_frames(name: str, *, workspace: Workspace, **options: Any) -> Dataset:
    """Open a dataset with its frames, or without them where masks alone tell what there is.

    Args:
        name: as `--dataset` has it.
        workspace: where to look.
        options: of `open_dataset`.

    Raises:
        DatasetError: it is not there, or its frames are not and masks do not tell their names.
    """
    try:
        return open_dataset(name, **options, workspace=workspace)
    except DatasetError:
        dataset = open_dataset(name, **options, workspace=workspace, need_frames=False)
        if dataset.server is not None and not dataset.server.listed_only:
            raise
        return dataset


def _resolution(key: str, entry: Entry, split: str) -> str | None:
    """Return the resolution that the name of a results folder ends with, None for the usual one."""
    rest = key.removeprefix(entry.name).removeprefix(f"-{split}").removeprefix("-")
    return rest if entry.resolutions and rest else None


def remove_run(run: RunFolder) -> None:
    """Remove a run folder at once: it is renamed out of sight first.

    On a store, which cannot rename, `run.json` goes first.

    Raises:
        ResultError: it is a link, or another process is writing it.
    """
    import shutil

    if is_remote(run.path):
        with run.locked():
            remove(run.manifest_path)  # from here on it is no run
        remove(run.path)
        return
    if run.path.is_symlink():
        raise ResultError(f"{run.path} is a link. Remove the link itself, or what it leads to.")
    hidden = run.path.with_name(f".{run.name}.removed")
    shutil.rmtree(hidden, ignore_errors=True)  # left by one that was stopped
    with run.locked():
        pass  # nobody is writing it
    run.path.rename(hidden)
    shutil.rmtree(hidden)
