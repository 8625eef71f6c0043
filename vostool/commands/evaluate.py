"""`vostool eval`."""

import gc
from pathlib import Path
from typing import Any

import click

from vostool.commands.options import (
    FOLDER,
    dataset_options,
    results_option,
    seen_option,
    workers_option,
)
from vostool.commands.running import opened, run_missing
from vostool.workspace import Workspace


@click.command(name="eval")
@dataset_options
@click.option("--masks", type=FOLDER, help="Score this folder of <sequence>/<frame>.png.")
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
@workers_option
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
    workers: int,
    results: Path | None,
    **where: Any,
) -> None:
    """Score the runs of a dataset, or any masks.

    Writes frames.csv, objects.csv, sequences.csv and summary.csv, beside them intervals.csv, how
    sure the means are, and attributes.csv where attributes are known; and prints the summary.
    """
    gc.disable()  # what is imported stays, and looking for garbage in it takes time
    from vostool.attributes import check_attributes, known_attributes
    from vostool.bench import evaluate_folder, evaluate_runs
    from vostool.protocol import protocol_named
    from vostool.report.screens import show_attributes, show_scores

    gc.freeze()
    gc.enable()
    if masks and trackers:
        raise click.UsageError("--masks scores a folder as it is; leave --tracker away.")
    rules = protocol_named(protocol) if protocol else None
    dataset = opened(workspace, where, need_frames=bool(trackers))
    if attributes:
        names_of = (sequence.name for sequence in dataset.sequences)
        check_attributes(names_of, known_attributes(dataset.sequences))
    results = results or workspace.results
    subset = where["sequences"] is not None
    how = {
        "subset": subset,
        "fresh": fresh,
        "allow_trivial": allow_trivial,
        "stability": stability,
    }
    if masks:
        done = evaluate_folder(masks, dataset, rules, results, out, workers, **how)
    else:
        names, failed = run_missing(trackers, dataset, workspace, results)
        done = evaluate_runs(dataset, rules, results, out, workers, names=names, **how)
        done.left_out.update(failed)
    show_scores(done, dataset)
    if attributes:
        show_attributes({scores.run: scores.attributes for scores in done.scores})
