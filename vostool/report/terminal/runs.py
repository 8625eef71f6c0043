"""The runs of a results folder as a table."""

from collections.abc import Iterable
from pathlib import Path

from vostool.errors import VostoolError
from vostool.report.format import coverage, is_blank, percent, rate
from vostool.report.terminal.console import make_console, plain_table
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.lookup import entry_of


def show_runs(runs: Iterable[RunFolder]) -> None:
    """Print what there is: completeness, scores by every protocol and where it came from."""
    rows: list[list[object]] = []
    for run in runs:
        try:
            manifest = run.manifest()
        except VostoolError as error:
            rows.append([run.path.parent.name, run.name, "", "", "", "", "", "", str(error)])
            continue
        rows += _rows(run, manifest)
    headings = ["dataset", "run", "init", "sequences", "protocol", "J&F", "J", "fps", "from"]
    right, whole = (5, 6, 7), (2, 3, 5, 6, 7)
    make_console().print(plain_table(headings, rows, right=right, whole=whole))


def _rows(run: RunFolder, manifest: Manifest) -> list[list[object]]:
    """Return a row per protocol that the run was scored by, the first with all that is known."""
    first = [run.path.parent.name, run.name, manifest.init, _completeness(run, manifest)]
    scores = _scores(run)
    rows = [
        [*(first if number == 0 else [""] * 4), *figures, _origin(manifest) if not number else ""]
        for number, figures in enumerate(scores)
    ]
    state = "not scored" if entry_of(manifest.dataset) else "(boxes)"
    return rows or [[*first, state, "", "", "", _origin(manifest)]]


def _completeness(run: RunFolder, manifest: Manifest) -> str:
    """Return e.g. `20`, `6 of 20`, or `5 of 20 (1 damaged)`."""
    entry = entry_of(manifest.dataset)
    if entry is None:  # of boxes, whose files are others
        return str(len(manifest.sequences))
    done, official = len(run.complete(manifest)), entry.count(manifest.split)
    damaged = len(manifest.sequences) - done
    text = coverage(done, official)
    return f"{text} ({damaged} damaged)" if damaged else text


def _scores(run: RunFolder) -> list[list[object]]:
    """Return protocol, J&F, J and fps of every summary; chosen sequences have no figures."""
    from vostool.scoring.tables import read_csv  # pandas takes long

    found: list[list[object]] = []
    for path in sorted(run.path.glob("scores/*/summary.csv")):
        if path.parent.name.endswith(".subset"):
            found.append([f"{path.parent.name.removesuffix('.subset')}, chosen", "", "", ""])
            continue
        try:
            row = read_csv(path).iloc[0]
            figures = [percent(row["JF_mean"]), percent(row["J_mean"]), rate(row.get("fps"))]
        except (OSError, ValueError, LookupError):
            found.append([f"{path.parent.name} (damaged)", "", "", ""])
            continue
        found.append([path.parent.name, *figures])
    return found


def _origin(manifest: Manifest) -> str:
    if manifest.imported is not None:
        return f"imported from {Path(manifest.imported['from']).name}"
    settings = "" if is_blank(manifest.config_name) else f"/{manifest.config_name}"
    tracker = manifest.tracker + ("" if settings == "/default" else settings)
    return f"{tracker}, {manifest.created[:10]}"
