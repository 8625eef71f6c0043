"""`vostool compare`."""

from pathlib import Path
from typing import Any

import click

from vostool.commands.options import dataset_options, results_option
from vostool.workspace import Workspace


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@dataset_options
@click.option("--protocol", help="The dataset's own if not given.")
@click.option(
    "--most",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Show so many of the biggest gains and of the biggest losses.",
)
@click.option("--all", "all_sequences", is_flag=True, help="Show every sequence.")
@results_option
@click.pass_obj
def compare(
    workspace: Workspace,
    /,
    first: str,
    second: str,
    protocol: str | None,
    most: int,
    all_sequences: bool,
    results: Path | None,
    **where: Any,
) -> None:
    """Tell whether B is better than A, and where.

    A and B are runs that `vostool eval` has scored, or folders of scores. Whole sequences are
    resampled for the interval of a difference, and swapped between A and B for its p-value.
    """
    from vostool.comparison import compare_scores
    from vostool.datasets.catalog import open_dataset
    from vostool.protocol import protocol_named
    from vostool.report.screens import show_comparison
    from vostool.scored import find_scores, holds_scores, read_scores

    name = where.pop("dataset")
    folders = [Path(first), Path(second)]
    if not all(map(holds_scores, folders)):
        dataset = open_dataset(name, **where, need_frames=False, workspace=workspace)
        rules = protocol_named(protocol) if protocol else dataset.protocol
        runs = (results or workspace.results) / dataset.key
        told = {"dataset": name, **where, "protocol": protocol, "sequences": None}
        command = " ".join(["vostool eval", *(f"--{k} {v}" for k, v in told.items() if v)])
        folders = [find_scores(given, runs, rules.name, command) for given in (first, second)]
    a, b = (read_scores(folder, where["sequences"]) for folder in folders)
    show_comparison(compare_scores(a, b), None if all_sequences else most)
