"""`vostool eval`."""

import gc
import re
from pathlib import Path
from typing import Any

import click

from vostool.commands.options import (
    FOLDER,
    FOLDER_OR_FILE,
    dataset_options,
    execution_of,
    executor_options,
    results_option,
    seen_option,
)
from vostool.commands.run_one import opened, opened_regions
from vostool.commands.run_several import run_missing
from vostool.workspace import Workspace


def _interval(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d+),(\d+)", value.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter("it is LOW,HIGH, whole numbers of frames, e.g. 100,356.")
    return int(match[1]), int(match[2])


@click.command(name="eval")
@dataset_options
@click.option(
    "--masks",
    type=FOLDER_OR_FILE,
    metavar="DIR_OR_FILE",
    help="Score this folder of <sequence>/<frame>.png, or another form of masks (docs/results.md); "
    "on VOT and OTB, a folder of result files.",
)
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Run what this tracker lacks first, then score it; 'all' for every one that can run "
    "without weights. May be repeated.",
)
@click.option("--protocol", help="The dataset's own if not given.")
@seen_option
@click.option("--out", type=FOLDER, help="Folder for the tables; in the results if not given.")
@click.option("--attributes", is_flag=True, help="Show J and F by attribute of the sequences.")
@click.option("--stability", is_flag=True, help="Score temporal stability T, too: slow.")
@click.option("--fresh", is_flag=True, help="Score again what has not changed.")
@click.option("--allow-trivial", is_flag=True, help="Accept scores that are all 0 or all 1.")
@click.option(
    "--overlap",
    type=click.Choice(["raster", "exact"]),
    help="VOT: count pixels, as published numbers do and if not given, or compute areas.",
)
@click.option(
    "--interval",
    metavar="LOW,HIGH",
    callback=_interval,
    help="VOT: lengths over which EAO is averaged; the dataset's if not given.",
)
@executor_options
@click.option("--shard", hidden=True)
@results_option
@click.pass_obj
def evaluate(
    workspace: Workspace,
    /,
    masks: Path | None,
    trackers: tuple[str, ...],
    protocol: str | None,
    out: Path | None,
    attributes: bool,
    stability: bool,
    fresh: bool,
    allow_trivial: bool,
    overlap: str | None,
    interval: tuple[int, int] | None,
    shard: str | None,
    results: Path | None,
    **where: Any,
) -> None:
    """Score the runs of a dataset, or any masks.

    Writes frames.csv, objects.csv, sequences.csv and summary.csv, beside them intervals.csv, how
    sure the means are, and attributes.csv where attributes are known; and prints the summary.

    Of VOT and OTB it writes frames.csv, sequences.csv, tags.csv, curves.csv and vot.csv.
    """
    from vostool.datasets.catalog import has_regions
    from vostool.errors import UsageError

    if masks and trackers:
        raise click.UsageError("--masks scores a folder as it is; leave --tracker away.")
    if shard:
        raise UsageError(
            "Scores are made of all sequences; --shard is for `vostool run`. Score when the shards "
            "are done, with --workers or --scheduler if that takes long."
        )
    execution = execution_of(where)
    results = results or workspace.results
    if has_regions(where["dataset"]):
        asked = {"--seen": where.pop("seen"), "--attributes": attributes, "--stability": stability}
        for option in (name for name, value in asked.items() if value):
            raise UsageError(f"{where['dataset']} has no masks; leave {option} away.")
        chosen: dict[str, Any] = {"protocol": protocol, "exact": overlap == "exact"}
        with execution.opened() as workers:
            chosen |= {"interval": interval, "workers": workers}
            _evaluate_regions(workspace, masks, trackers, chosen, results, out, where)
        return
    if overlap or interval:
        raise UsageError("--overlap and --interval are for VOT; leave them away.")
    gc.disable()  # what is imported stays, and looking for garbage in it takes time
    from vostool.datasets.attributes import check_attributes, known_attributes
    from vostool.datasets.protocols import protocol_named
    from vostool.exchange.unify import as_label_maps
    from vostool.report.terminal.masks import show_attributes, show_scores
    from vostool.scoring.batch import evaluate_folder, evaluate_runs

    gc.freeze()
    gc.enable()
    rules = protocol_named(protocol) if protocol else None
    dataset = opened(workspace, where, need_frames=bool(trackers))
    if attributes:
        names_of = (sequence.name for sequence in dataset.sequences)
        check_attributes(names_of, known_attributes(dataset.sequences))
    subset = where["sequences"] is not None
    how: dict[str, Any] = {
        "subset": subset,
        "fresh": fresh,
        "allow_trivial": allow_trivial,
        "stability": stability,
    }
    with execution.opened() as workers:
        if masks:
            with as_label_maps(masks, dataset, results) as unified:
                how |= {"source": masks, "notes": unified.notes}
                done = evaluate_folder(unified.path, dataset, rules, results, out, workers, **how)
        else:
            names, failed = run_missing(trackers, dataset, workspace, results, workers=workers)
            done = evaluate_runs(dataset, rules, results, out, workers, names=names, **how)
            done.left_out.update(failed)
    show_scores(done, dataset)
    if attributes:
        show_attributes({scores.run: scores.attributes for scores in done.scores})


def _evaluate_regions(
    workspace: Workspace,
    folder: Path | None,
    trackers: tuple[str, ...],
    rules: dict[str, Any],
    results: Path,
    out: Path | None,
    where: dict[str, Any],
) -> None:
    """Score runs on a dataset of boxes, or any folder of results for it."""
    from vostool.report.terminal.boxes import show_regions
    from vostool.scoring.box_evaluate import Rules, evaluate_region_folder, evaluate_region_runs
    from vostool.tracking.restarts import Experiment

    subset = where["sequences"] is not None
    dataset = opened_regions(workspace, where, need_frames=bool(trackers))
    chosen = Rules(**rules)
    chosen.check(dataset)
    if folder:
        done = evaluate_region_folder(folder, dataset, chosen, results, out, subset=subset)
    else:
        names, failed = run_missing(
            trackers, dataset, workspace, results, Experiment(), workers=chosen.workers
        )
        done = evaluate_region_runs(dataset, chosen, results, out, names=names, subset=subset)
        done.left_out.update(failed)
    show_regions(done, dataset)
