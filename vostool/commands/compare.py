"""`vostool compare`."""

from pathlib import Path
from typing import Any

import click

from vostool.commands.options import of_run_options, results_option, sequences_option
from vostool.errors import UsageError
from vostool.workspace import Workspace


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@of_run_options
@sequences_option
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
    from vostool.datasets.protocols import protocol_named
    from vostool.io.storage import place
    from vostool.report.terminal.masks import show_comparison
    from vostool.scoring.compare import compare_scores
    from vostool.scoring.read import find_scores, holds_scores, read_scores

    folders = [place(first), place(second)]
    if not all(map(holds_scores, folders)):
        runs, usual, told = _where(workspace, (first, second), results, where)
        rules = protocol_named(protocol or usual)
        chosen = where["sequences"]
        options = {**told, "protocol": protocol, "sequences": ",".join(chosen or ())}
        command = " ".join(["vostool eval", *(f"--{k} {v}" for k, v in options.items() if v)])
        folders = [
            find_scores(given, runs, rules.name, command, subset=bool(chosen))
            for given in (first, second)
        ]
    a, b = (read_scores(folder, where["sequences"]) for folder in folders)
    show_comparison(compare_scores(a, b), None if all_sequences else most)


def _where(
    workspace: Workspace, names: tuple[str, str], results: Path | None, where: dict[str, Any]
) -> tuple[Path, str, dict[str, Any]]:
    """Return the folder of the runs, the usual protocol there, and options that name the data.

    Without a dataset it is the one that has runs, or scored masks, of both names.
    """
    from vostool.datasets.catalog import open_masks
    from vostool.io.storage import place
    from vostool.runs.lookup import entry_of, shared_key
    from vostool.scoring.read import holds_scores

    results = results or workspace.results
    places = {k: v for k, v in where.items() if k != "sequences"}
    name = places.pop("dataset")
    if name is not None:
        options = {**places, "sequences": where["sequences"]}
        dataset = open_masks(name, **options, need_frames=False, workspace=workspace)
        return results / dataset.key, dataset.protocol.name, {"dataset": name, **places}
    if any(places.values()):
        raise UsageError("Name the --dataset that --root, --split and --resolution belong to.")
    wanted = [given for given in names if not holds_scores(place(given))]
    key = shared_key(results, wanted)
    entry = entry_of(key)
    if entry is None:
        raise UsageError(f"{results / key} is of no dataset that is known. Name it with --dataset.")
    return results / key, entry.protocol, {"dataset": entry.name}
