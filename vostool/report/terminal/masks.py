"""What each command shows in the terminal when it is done."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vostool.environment import device_name
from vostool.errors import VostoolError
from vostool.report.format import percent, rate
from vostool.report.terminal.console import make_console, plain_table, summary_view

# Only their names are needed here, and importing them would load OpenCV.
if TYPE_CHECKING:
    import pandas as pd

    from vostool.datasets.dataset import Dataset
    from vostool.report.leaderboard.section import Section
    from vostool.report.leaderboard.write import Written
    from vostool.scoring.batch import Evaluated
    from vostool.scoring.compare import Comparison, Difference
    from vostool.tracking.check import Finding
    from vostool.tracking.job import Job
    from vostool.tracking.speed import Measurement
    from vostool.workspace import Workspace


FEW = 10  # sequences below which bootstrap intervals are plainly too narrow


def show_scores(evaluated: "Evaluated", dataset: "Dataset") -> None:
    """Print the scores of runs, of one run per sequence too, with what was assumed."""
    from vostool.scoring.evaluate import combined_summary
    from vostool.scoring.tables import lead_score

    console = make_console()
    table = combined_summary(evaluated.scores)
    protocol = table["protocol"][0]
    official = dataset.count
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
    intervals = {scores.run: scores.interval(lead_score(table)) for scores in evaluated.scores}
    console.print(summary_view(table, title, console, official, intervals=intervals))
    if official and not table["complete"].all():
        console.print(
            f"Only part of the {official} sequences of {dataset.name} {dataset.split}: not "
            "comparable with published numbers.",
            style="yellow",
        )
    count = int(table["sequences"].max())
    if 1 < count < FEW:
        console.print(f"{count} sequences are few: the intervals are too narrow.", style="yellow")
    for note in dict.fromkeys(note for scores in evaluated.scores for note in scores.notes):
        console.print(f"Note: {note}", style="yellow")
    for reason in evaluated.left_out.values():
        console.print(f"Not scored: {reason}", style="red")
    console.print(f"Tables: {evaluated.folder}")


def show_leaderboard(
    sections: "list[Section]", written: "Written", drawn: tuple[Path, ...] = ()
) -> None:
    """Print the ranked runs of every section; published rows are only in the files."""
    from vostool.report.leaderboard.markdown import partial_note
    from vostool.report.leaderboard.section import OWN

    console = make_console()
    for section in sections:
        own = section.rows[section.rows["source"] == OWN]
        if own.empty:
            continue
        console.print(summary_view(own, section.title, console, section.official, ranks=True))
        cited = len(section.rows) - len(own)
        if cited:
            console.print(f"Ranked together with {cited} published methods, listed in the files.")
        if not section.whole:
            console.print(partial_note(section), style="yellow")
    alone = [section.title for section in sections if not section.own]
    if alone:
        console.print(f"Published numbers alone, in the files: {'; '.join(alone)}.")
    for note in written.notes:
        console.print(f"Note: {note} Give the page more with --budget.", style="yellow")
    console.print(written.page)
    console.print("Written: " + ", ".join(map(str, (*written.paths, *drawn))))


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
    from vostool.tracking.plugins import load_tracker, tracker_names

    rows = []
    for name, source in tracker_names(workspace).items():
        try:
            plugin = load_tracker(name, workspace)
            cls, configs = plugin.cls, plugin.configs
            own = cls.own_weights(plugin.config(None))
        except VostoolError as error:
            rows.append([name, "", "", f"Cannot be used: {error}"])
            continue
        text = [f"{cls.summary}." if cls.summary else ""]
        if own is not None:
            text.append("Weights come along; other configurations need --weights.")
        elif cls.weights == "required":
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
    from vostool.datasets.catalog import CATALOG, find_root, open_dataset
    from vostool.datasets.entries import OWN
    from vostool.datasets.region_entries import OWN_REGIONS

    rows = []
    for entry in CATALOG.values():
        root = find_root(entry, workspace)
        splits, reasons = [], []
        for split in entry.splits if root else ():
            try:
                dataset = open_dataset(entry.name, split=split, workspace=workspace)
            except VostoolError as error:
                reasons.append(str(error))
                continue
            whole = dataset.count
            count = len(dataset.sequences)
            splits.append(f"{split} {count} of {whole}" if whole > count else f"{split} {count}")
        state = "here" if splits else ("not in it" if root else "missing")
        where = str(root) if splits else (*reasons, entry.how_to_get)[0]
        rows.append([entry.name, state, ", ".join(splits or entry.splits), where])
    rows += _region_rows(workspace)
    for prefix, own in OWN.items():
        rows.append([f"{prefix}:PATH", "", ", ".join(own.splits), own.how_to_get])
    rows += [[f"{name}:PATH", "", "all", entry.how_to_get] for name, entry in OWN_REGIONS.items()]
    headings = ["dataset", "", "splits (sequences)", "where, or how to get it"]
    make_console().print(plain_table(headings, rows, whole=(0, 1)))


def _region_rows(workspace: "Workspace") -> list[list[str]]:
    """Return the rows of the datasets of boxes."""
    from vostool.datasets.catalog import REGIONS, find_root, open_regions

    rows = []
    for entry in REGIONS.values():
        root = find_root(entry, workspace)
        state, splits, where = "missing", "all", entry.how_to_get
        if root is not None:
            try:
                count = len(open_regions(entry.name, workspace=workspace).sequences)
                state, splits, where = "here", f"all {count} of {entry.official}", str(root)
            except VostoolError as error:
                state, where = "not in it", str(error)
        rows.append([entry.name, state, splits, where])
    return rows


def show_comparison(comparison: "Comparison", most: int | None) -> None:
    """Print what two runs differ by, how sure that is, and on which sequences.

    Args:
        comparison: of runs A and B.
        most: how many of the biggest gains and of the biggest losses; None for all sequences.
    """
    console = make_console()
    labels = {"JF": "J&F", "J": "J mean", "F": "F mean"}
    rows = []
    for each in comparison.overall:
        low, high = each.paired.interval
        interval = "" if np.isnan(low) else f"{_signed(low)} to {_signed(high)}"
        change, p = _signed(each.paired.difference), _p_value(each.paired.p_value)
        means = percent(each.first), percent(each.second)
        rows.append([labels[each.measure], *means, change, interval, p])
    title = f"{comparison.title}, in percent" if comparison.title else "In percent"
    title += f"\nA: {comparison.first}\nB: {comparison.second}"
    headings = ["", "A", "B", "B - A", "95 % interval", "p"]
    console.print(plain_table(headings, rows, title, right=range(1, 6), whole=range(6)))
    console.print(_verdict(comparison.overall[0], comparison))
    for note in comparison.notes:
        console.print(f"Note: {note}", style="yellow")
    _show_sequences(comparison, most)


def _show_sequences(comparison: "Comparison", most: int | None) -> None:
    """Print gains of B, the biggest first, then its losses, the biggest first."""
    table = comparison.sequences
    change = table["JF_difference"]
    parts = [table[change > 0], table[change < 0].iloc[::-1], table[change == 0]]
    shown = parts
    if most is not None and len(table) > 2 * most:
        shown = [parts[0].head(most), parts[1].head(most), table[:0]]
    known = "second_ahead" in table.columns
    rows: list[list[object]] = []
    sections = []
    for part in shown:
        rows += [_sequence_row(row, known) for row in part.to_dict("records")]
        sections.append(len(rows) - 1)
    left_out = len(table) - len(rows)
    if left_out:
        rows.append([f"({left_out} more, see --all)"])
    title = f"B gains on {len(parts[0])} and loses on {len(parts[1])} of {len(table)} sequences"
    title += "\nJ&F of A and B, B - A in J&F, J and F"
    title += ", and on which share of frames each is ahead" if known else ""
    headings = ["sequence", "A", "B", "B - A", "in J", "in F"]
    headings += ["A ahead", "B ahead"] if known else []
    columns = range(1, len(headings))
    view = plain_table(headings, rows, title, right=columns, whole=range(1, 6))
    for end in sections:
        if 0 <= end < len(rows) - 1:
            view.rows[end].end_section = True
    make_console().print(view)


def _sequence_row(row: Mapping[Hashable, Any], known: bool) -> list[object]:
    """Return one sequence of a comparison; `known` if it has shares of frames."""
    figures = [percent(row["JF_first"]), percent(row["JF_second"])]
    figures += [_signed(row[f"{measure}_difference"]) for measure in ("JF", "J", "F")]
    shares = [f"{100 * row[side]:.0f} %" for side in ("first_ahead", "second_ahead") if known]
    return [row["sequence"], *figures, *shares]


def _verdict(difference: "Difference", comparison: "Comparison") -> str:
    """Say in one sentence what the difference in J&F means."""
    gained = difference.paired.difference
    size = percent(abs(gained))
    better = comparison.second if gained > 0 else comparison.first
    count = len(comparison.sequences)
    if difference.verdict == "same":
        return f"{comparison.first} and {comparison.second} do not differ in J&F."
    if difference.verdict == "chance":
        return f"The difference of {size} J&F is within what the choice of sequences explains."
    if difference.verdict == "unsure":
        number = "1 sequence is" if count == 1 else f"{count} sequences are"
        return f"{better} is ahead by {size} J&F, but {number} too few to tell it from chance."
    agree = int(1000 * difference.paired.agreement) / 10  # never rounded up to all of them
    return (
        f"{better} is better by {size} J&F: {agree:g} % of resamplings of the sequences agree on "
        "the sign."
    )


def show_attributes(tables: Mapping[str, "pd.DataFrame"]) -> None:
    """Print J and F with and without each attribute, in percent.

    Args:
        tables: run -> its `attributes.attribute_table`; empty ones are left out.
    """
    from vostool.datasets.attributes import NAMES

    console = make_console()
    for run, table in tables.items():
        rows: list[list[object]] = [
            [
                row["attribute"],
                NAMES.get(row["attribute"], ""),
                row["sequences"],
                *(percent(row[name]) for name in ("J_mean", "J_without")),
                _signed(row["J_difference"]),
                *(percent(row[name]) for name in ("F_mean", "F_without")),
                _signed(row["F_difference"]),
            ]
            for row in table.to_dict("records")
        ]
        if rows:
            title = f"{run}: J and F of sequences with an attribute, without it, and what it costs"
            headings = ["", "", "seqs", "J", "without", "cost", "F", "without", "cost"]
            console.print(
                plain_table(headings, rows, title, right=range(2, 9), whole=(0, *range(2, 9)))
            )


def _signed(value: float) -> str:
    """Return a difference of fractions in percent with its sign; none for nought."""
    text = percent(value)
    return text if text in ("", "0.0") or text.startswith("-") else f"+{text}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
