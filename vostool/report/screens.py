"""What each command shows in the terminal when it is done."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vostool.device import device_name
from vostool.errors import VostoolError
from vostool.report.format import percent, rate
from vostool.report.terminal import make_console, plain_table, summary_view

# Only their names are needed here, and importing them would load OpenCV.
if TYPE_CHECKING:
    from vostool.bench import Evaluated
    from vostool.check import Finding
    from vostool.datasets.dataset import Dataset
    from vostool.jobs import Job
    from vostool.report.leaderboard import Section
    from vostool.speed import Measurement
    from vostool.workspace import Workspace


def show_scores(evaluated: "Evaluated", dataset: "Dataset") -> None:
    """Print the scores of runs, of one run per sequence too, with what was assumed."""
    from vostool.evaluation import combined_summary

    console = make_console()
    table = combined_summary(evaluated.scores)
    protocol = table["protocol"][0]
    official = len(dataset.official)
    title = f"{dataset.name} {dataset.split}, protocol {protocol}, in percent"
    if len(evaluated.scores) == 1:
        sequences = evaluated.scores[0].sequences
        columns = ["J_mean", "F_mean"]
        rows = [
            [row["sequence"], row["objects"], row["frames"], *(percent(row[c]) for c in columns)]
            for row in sequences.to_dict("records")
        ]
        headings = ["sequence", "objects", "frames", "J mean", "F mean"]
        console.print(plain_table(headings, rows, right=range(1, 5)))
    console.print(summary_view(table, title, console, official))
    if official and not table["complete"].all():
        console.print(
            f"Only part of the {official} sequences of {dataset.name} {dataset.split}: not "
            "comparable with published numbers.",
            style="yellow",
        )
    for note in dict.fromkeys(note for scores in evaluated.scores for note in scores.notes):
        console.print(f"Note: {note}", style="yellow", markup=False)
    for reason in evaluated.left_out.values():
        console.print(f"Not scored: {reason}", style="red", markup=False)
    console.print(f"Tables: {evaluated.folder}", markup=False)


def show_leaderboard(sections: "list[Section]", files: tuple[Path, ...]) -> None:
    """Print the ranked runs of every section; published rows are only in the files."""
    console = make_console()
    for section in sections:
        own = section.rows[section.rows["source"] == "vostool run"]
        console.print(summary_view(own, section.title, console, section.official, ranks=True))
        cited = len(section.rows) - len(own)
        if cited:
            console.print(f"Ranked together with {cited} published methods, listed in the file.")
        if not section.whole:
            console.print(
                f"Only {section.sequences} of {section.official} sequences: not comparable with "
                "published numbers.",
                style="yellow",
            )
    console.print("Written: " + ", ".join(map(str, files)), markup=False)


def show_speed(job: "Job", measured: "Measurement", objects: int, size: str) -> None:
    """Print median and spread of repeated speed measurements."""
    console = make_console()
    rows = []
    for name, label in (
        ("fps", "frames per second"),
        ("fps_object", "frames x objects per second"),
        ("p50_ms", "ms per frame, median"),
        ("p95_ms", "ms per frame, 95th percentile"),
        ("init_ms", "ms for the first frame"),
    ):
        values = np.array([getattr(speed, name) for speed in measured.repeats])
        figures = (np.median(values), values.min(), values.max())
        rows.append([name, *(rate(float(figure)) for figure in figures), label])
    rows.append(["peak_mb", rate(measured.peak_mb), "", "", "memory"])
    title = (
        f"{job.tracker}/{job.config_name}: {size}, {objects} object(s), {job.runtime.precision}, "
        f"{device_name(job.runtime.device)}, {measured.protocol}, {len(measured.repeats)} repeats"
    )
    console.print(plain_table(["", "median", "min", "max", ""], rows, title, right=range(1, 4)))


def show_checks(tracker: str, findings: "list[Finding]") -> bool:
    """Print the outcome of every check; returns whether all hold."""
    console = make_console()
    rows = [["broken" if f.problem else "holds", f.rule, f.problem] for f in findings]
    console.print(plain_table(["", "rule", "problem"], rows, f"Contract of {tracker}", whole=(0,)))
    broken = sum(bool(finding.problem) for finding in findings)
    if broken:
        console.print(f"{tracker} breaks {broken} of {len(findings)} rules.", style="red")
    else:
        console.print(f"{tracker} keeps the contract: {len(findings)} of {len(findings)} rules.")
    return broken == 0


def show_trackers(workspace: "Workspace") -> None:
    """Print every tracker that is found, with its configurations, or why it cannot be used."""
    from vostool.plugins import load_tracker, tracker_names

    rows = []
    for name, source in tracker_names(workspace).items():
        try:
            cls = load_tracker(name, workspace).cls
            configs = load_tracker(name, workspace).configs
        except VostoolError as error:
            rows.append([name, "", "", f"Cannot be used: {error}"])
            continue
        text = [f"{cls.summary}." if cls.summary else ""]
        if cls.weights == "required":
            text.append("Needs --weights.")
        if configs:
            text.append(f"Configurations: {', '.join(configs)}.")
        if isinstance(source, Path):
            text.append(f"From {source}.")
        elif not source.value.startswith("vostool_trackers."):
            text.append(f"From {source.dist.name if source.dist else source.value}.")
        rows.append([name, cls.init, ", ".join(cls.devices), " ".join(filter(None, text))])
    headings = ["tracker", "init", "device", "what it is"]
    make_console().print(plain_table(headings, rows, whole=(0, 1, 2)))


def show_datasets(workspace: "Workspace") -> None:
    """Print every dataset of the catalog: where it is, or how to get it."""
    from vostool.datasets.catalog import CATALOG, FOLDER, find_root, open_dataset

    rows = []
    for entry in CATALOG.values():
        root = find_root(entry, workspace)
        splits = []
        for split in entry.splits if root else ():
            try:
                dataset = open_dataset(entry.name, split=split, workspace=workspace)
            except VostoolError:
                continue
            whole = len(dataset.official)
            count = len(dataset.sequences)
            splits.append(f"{split} {count} of {whole}" if whole > count else f"{split} {count}")
        state = "here" if splits else ("unreadable" if root else "missing")
        where = str(root) if splits else entry.how_to_get
        rows.append([entry.name, state, ", ".join(splits or entry.splits), where])
    rows.append(["folder:PATH", "", ", ".join(FOLDER.splits), FOLDER.how_to_get])
    headings = ["dataset", "", "splits (sequences)", "where, or how to get it"]
    make_console().print(plain_table(headings, rows, whole=(0, 1)))
