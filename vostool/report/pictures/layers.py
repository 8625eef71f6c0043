"""Finding what `vostool show` is told to show: runs, folders of masks, the ground truth."""

from collections.abc import Sequence as Names
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vostool.datasets.catalog import open_masks
from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import files_in
from vostool.datasets.protocols import Protocol, protocol_named
from vostool.errors import ResultError, UnknownNameError, UsageError
from vostool.io.storage import each_at_once, is_remote, place, resolved
from vostool.report.pictures.show import GROUND_TRUTH, J_OF, Layer
from vostool.runs.folder import RunFolder, runs_in
from vostool.runs.lookup import dataset_of, find_run
from vostool.scoring.read import frame_scores
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be shown.

    Args:
        dataset: with the sequences that all layers have.
        first: what is shown.
        second: what it is compared with, if anything.
        home: folder for files that were given no name.
    """

    dataset: Dataset
    first: Layer
    second: Layer | None
    home: Path


def layers_of(
    names: list[str],
    results: Path,
    workspace: Workspace,
    sequences: Names[str],
    need_scores: bool,
    protocol: str | None,
    **where: Any,
) -> Found:
    """Find dataset and masks by the names that the user gave.

    Args:
        names: one or two of: a run, a path of a run or of masks, or `gt`.
        results: folder of run folders, by dataset.
        workspace: where datasets are.
        sequences: the ones to show; all that all layers have if empty.
        need_scores: the first must be scored.
        protocol: whose scores; the dataset's own if None.
        where: `dataset`, `root`, `split` and `resolution`; without a dataset it is that of the run.

    Raises:
        UsageError: there is no telling which dataset is meant.
        UnknownNameError: no such run or sequence.
        ResultError: a run lacks a sequence, or has no scores.
    """
    dataset = _dataset(names, results, workspace, **where)
    rules = protocol_named(protocol) if protocol else dataset.protocol
    runs = results / dataset.key
    dataset = dataset.select(sequences or None)
    layers = [_layer(name, runs, rules) for name in names]
    for layer in layers:
        dataset = _with_masks(dataset, layer, strict=bool(sequences))
    if need_scores and not layers[0].scores:
        raise ResultError(
            f"'{layers[0].name}' has no scores by protocol '{rules.name}', which would tell its "
            f"worst frames. Make them with `vostool eval --dataset {dataset.name}"
            f"{f' --protocol {rules.name}' if protocol else ''}`."
        )
    run = runs / names[0]
    home = run / "show" if RunFolder(run).exists() else Path()
    return Found(dataset, layers[0], layers[1] if len(layers) > 1 else None, home)


def _dataset(
    names: list[str], results: Path, workspace: Workspace, dataset: str | None, **where: Any
) -> Dataset:
    """Open the dataset that is named, or else that of the first run."""
    if dataset is not None:
        return open_masks(dataset, workspace=workspace, **where)
    if any(where.values()):
        raise UsageError("Name the --dataset that --root, --split and --resolution belong to.")
    for name in names:
        run = RunFolder(place(name))
        if not run.exists():
            if name == GROUND_TRUTH or run.path.is_dir():
                continue
            run = find_run(results, name)
        return dataset_of(run.manifest(), workspace, need_frames=True)
    raise UsageError(f"'{names[0]}' is of any dataset: name it with --dataset.")


def _layer(given: str, runs: Path, rules: Protocol) -> Layer:
    """Return the label maps of a name."""
    if given == GROUND_TRUTH:
        return Layer("ground truth", None, {})
    for folder in (runs / given.removeprefix(f"{runs.name}/"), place(given)):
        run = RunFolder(folder)
        if run.exists():
            return Layer(run.name, run.masks, _scores(run.path / "scores", rules))
    path = place(given)
    if path.is_dir():
        return Layer(resolved(path).name, path, {})
    raise UnknownNameError.of("run", given, [run.name for run in runs_in(runs)], f"in {runs}")


def _scores(folder: Path, rules: Protocol) -> J_OF:
    """Return J of the frames of a run, those of a part of it if the whole was never scored."""
    for name in (rules.name, f"{rules.name}.subset"):
        if (folder / name / "frames.csv").is_file():
            return frame_scores(folder / name)
    return {}


def _with_files(masks: Path, names: list[str]) -> list[str]:
    """Return the names of the sequences that have masks."""
    found = each_at_once(
        lambda name: bool(files_in(masks / name, {".png"})), names, is_remote(masks)
    )
    return [name for name, there in zip(names, found, strict=True) if there]


def _with_masks(dataset: Dataset, layer: Layer, *, strict: bool) -> Dataset:
    """Return the dataset with the sequences that a layer has.

    Raises:
        ResultError: it has none of them, or not all where it must.
    """
    if layer.masks is None:
        return dataset
    masks = layer.masks
    names = _with_files(masks, [sequence.name for sequence in dataset.sequences])
    missing = [s.name for s in dataset.sequences if s.name not in names]
    if not names or (missing and strict):
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise ResultError(f"{masks} has no masks of {shown}. Name sequences that it has.")
    return dataset.select(names)
