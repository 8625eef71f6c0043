"""`vostool eval`."""

import gc
import re
from dataclasses import replace
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
from vostool.commands.run_several import run_missing
from vostool.errors import UsageError
from vostool.workspace import Workspace

# The options that say how results are scored, see `ScoringOptions`.
_SCORING = (
    "protocol",
    "attributes",
    "stability",
    "fresh",
    "allow_trivial",
    "overlap",
    "interval",
)


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
@click.option("--protocol", help="Scoring rules.  [default: the dataset's own]")
@seen_option
@click.option("--out", type=FOLDER, help="Folder for the tables; in the results if not given.")
@click.option("--attributes", is_flag=True, help="Show J and F by attribute of the sequences.")
@click.option("--stability", is_flag=True, help="Score temporal stability T, too: slow.")
@click.option("--fresh", is_flag=True, help="Ignore cached scores.")
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
    out: Path | None,
    shard: str | None,
    results: Path | None,
    **where: Any,
) -> None:
    """Score the runs of a dataset, or any masks.

    Writes frames.csv, objects.csv, sequences.csv and summary.csv, beside them intervals.csv, how
    sure the means are, and attributes.csv where attributes are known; and prints the summary.

    For VOT and OTB it writes frames.csv, sequences.csv, tags.csv, curves.csv and vot.csv.
    """
    if masks and trackers:
        raise click.UsageError("--masks scores a folder as it is; drop --tracker.")
    if shard:
        raise UsageError(
            "Scores are made of all sequences; --shard is for `vostool run`. Score when the shards "
            "are done, with --workers or --scheduler if that takes long."
        )
    gc.disable()  # what is imported stays, and looking for garbage in it takes time
    from vostool.datasets.catalog import open_dataset
    from vostool.report.terminal.scores import show_scores
    from vostool.scoring.batch import evaluate_folder, evaluate_runs
    from vostool.scoring.kinds import scorer_of
    from vostool.scoring.scorer import ScoringOptions

    gc.freeze()
    gc.enable()
    execution, results = execution_of(where), results or workspace.results
    options = ScoringOptions(**{name: where.pop(name) for name in _SCORING})
    subset = where["sequences"] is not None
    name = where.pop("dataset")
    dataset = open_dataset(name, **where, need_frames=bool(trackers), workspace=workspace)
    scorer_of(dataset, options)  # it refuses what does not fit before anything is tracked
    with execution.opened() as workers:
        options = replace(options, workers=workers)
        if masks:
            done = evaluate_folder(masks, dataset, options, results, out, subset=subset)
        else:
            names, failed = run_missing(trackers, dataset, workspace, results, workers)
            done = evaluate_runs(dataset, options, results, out, names=names, subset=subset)
            done.left_out.update(failed)
    show_scores(done, dataset, options.attributes)
