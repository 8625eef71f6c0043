"""`vostool campaign`."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.options import execution_of, executor_options, results_option
from vostool.errors import ResultError, UsageError
from vostool.execution.pools import Workers
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.campaign.file import Campaign
    from vostool.campaign.plan import Planned
    from vostool.campaign.running import Outcome
    from vostool.report.leaderboard.page.budget import Frames


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan, and write nothing.")
@click.option(
    "--probe", is_flag=True, help="Run what was never timed for a few seconds, to know its cost."
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only the runs of this name, tracker or dataset; * stands for anything. May be repeated.",
)
@executor_options
@click.option(
    "--frames",
    type=click.Choice(["embed", "folder", "none"]),
    default="embed",
    show_default=True,
    help="Pictures of the leaderboard's page, as for `vostool leaderboard`.",
)
@results_option
@click.pass_obj
def campaign(
    workspace: Workspace,
    /,
    file: Path,
    dry_run: bool,
    probe: bool,
    only: tuple[str, ...],
    frames: "Frames",
    results: Path | None,
    **options: Any,
) -> None:
    """Run, score and rank the experiments listed in a TOML file.

    Prints what of it is there, what is missing and what that will cost, runs what is missing, and
    writes the leaderboard into <results>/campaigns/NAME. The same command goes on wherever it was
    stopped; a run that fails stops no other. docs/campaign.md says what the file may hold.
    """
    from vostool.campaign.file import read_campaign
    from vostool.campaign.plan import nothing_drawn

    execution = execution_of(options)
    if probe and execution.scheduler:
        raise UsageError("--probe measures this machine, not a cluster; drop it.")
    results = results or workspace.results
    described = read_campaign(file)
    with execution.opened() as workers:
        asked = (file, workspace, results, only, workers, probe)
        if not dry_run:
            _run(described, *_plan(described, *asked), workspace, results, workers, frames)
            return
        with nothing_drawn(described.datasets, workspace) as rows:
            planned, _ = _plan(replace(described, datasets=tuple(rows)), *asked)
    refused = sum(each.state == "refused" for each in planned)
    if refused:
        raise ResultError(f"{refused} of {len(planned)} runs cannot run; the plan says why.")


def _plan(
    described: "Campaign",
    file: Path,
    workspace: Workspace,
    results: Path,
    only: tuple[str, ...],
    workers: Workers,
    probe: bool,
) -> "tuple[list[Planned], list[Planned]]":
    """Plan the campaign and show it; returns what is chosen, and its other runs."""
    from vostool.campaign.cells import cells_of, chosen
    from vostool.campaign.plan import Planner
    from vostool.report.terminal.campaign import looking, show_plan

    cells = cells_of(described, str(file))
    wanted = chosen(cells, only)
    planner = Planner(workspace, results, workers)
    with looking() as told:
        planned = planner.plan(
            wanted, measure=probe, looking_at=lambda cell: told(f"looking at {cell.run}")
        )
        others = planner.plan([cell for cell in cells if cell not in wanted])
    show_plan(planned, planner.processes, _free(results))
    return planned, others


def _run(
    described: "Campaign",
    planned: "list[Planned]",
    others: "list[Planned]",
    workspace: Workspace,
    results: Path,
    workers: Workers,
    frames: "Frames",
) -> None:
    """Track, score and rank; fails in the end if anything did."""
    from vostool.campaign.running import CampaignContext, scored, track_missing
    from vostool.report.terminal.campaign import looking, show_needed, show_parts
    from vostool.report.terminal.console import frame_progress

    with frame_progress(described.name, sum(each.cost.frames for each in planned)) as advance:
        context = CampaignContext(workspace, results, workers, advance)
        outcomes = list(track_missing(planned, context))
    show_needed(outcomes)
    with looking() as told:
        for index, outcome in enumerate(outcomes):
            told(f"scoring {outcome.planned.cell.run}")
            outcomes[index] = scored(outcome, results, workers)
    _rank(described.name, [*planned, *others], workspace, results, frames)
    show_parts(outcomes)
    _fail(outcomes)


def _rank(
    name: str,
    planned: "list[Planned]",
    workspace: Workspace,
    results: Path,
    frames: "Frames",
) -> None:
    """Write the leaderboard of all runs of the campaign that have scores, and show it."""
    from vostool.execution.run import folder_of
    from vostool.report.leaderboard.collect import collect
    from vostool.report.leaderboard.write import write_leaderboard
    from vostool.report.terminal.console import frame_progress
    from vostool.report.terminal.masks import show_leaderboard

    runs = {
        folder_of(each.cell.request, each.dataset, results).path
        for each in planned
        if each.dataset is not None
        and each.state != "refused"
        and not each.cell.dataset.sequences  # those are ranked in the terminal alone
    }
    sections = collect(results, runs=runs)
    if sections:
        folder = results / "campaigns" / name
        with frame_progress("pictures", None) as advance:
            written = write_leaderboard(sections, folder, workspace, frames=frames, advance=advance)
        show_leaderboard(sections, written)


def _fail(outcomes: "list[Outcome]") -> None:
    """End with an error if a run failed, saying why each did."""
    refused = [each for each in outcomes if each.planned.state == "refused"]
    failed = [each for each in outcomes if each.error and each.planned.state != "refused"]
    for each in failed:
        cell = each.planned.cell
        click.echo(f"Failed: {cell.dataset.title}/{cell.run}: {each.error}", err=True)
    told = []
    if failed:
        told.append(
            f"{len(failed)} of {len(outcomes)} runs failed; what is finished is kept, and the same "
            "command tries them again."
        )
    if refused:
        told.append(f"{len(refused)} of {len(outcomes)} runs cannot run; the plan says why.")
    if told:
        raise ResultError(" ".join(told))


def _free(results: Path) -> int | None:
    """Return the bytes that are left where the results are; None if that is not known."""
    from vostool.io.storage import is_remote

    if is_remote(results):
        return None
    there = next((p for p in (results.absolute(), *results.absolute().parents) if p.is_dir()), None)
    return None if there is None else shutil.disk_usage(there).free
