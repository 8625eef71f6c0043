"""The plots of the leaderboard as files, with matplotlib, which the extra `report` brings."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vostool.errors import require
from vostool.io.storage import make_folder, staged_file
from vostool.report.format import in_percent, score, scores_of
from vostool.report.leaderboard.section import OWN, TIMED_ALIKE, Section

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = {"mask": "o", "box": "s", "none": "^", "": "D"}
_NAMED = 40  # marks beyond which names would cover each other


def check_installed() -> None:
    """Raise MissingExtraError if matplotlib is absent."""
    require("matplotlib", what="--plots")


def write_plots(sections: list[Section], folder: Path) -> tuple[Path, ...]:
    """Draw score against speed and the scores with their intervals, as svg and png.

    Args:
        sections: those without runs are left out.
        folder: for the files.

    Returns:
        Paths of the files.

    Raises:
        UsageError: matplotlib is absent.
    """
    check_installed()
    import matplotlib

    written: list[Path] = []
    make_folder(folder)
    # No names of machines or days in the files: the same scores give the same plots.
    with matplotlib.rc_context(
        {"svg.hashsalt": "vostool", "font.size": 9, "text.parse_math": False}
    ):
        for section in sections:
            for name, draw in (("pareto", _pareto), ("scores", _scores)):
                figure = draw(section) if section.own else None
                if figure is None:
                    continue
                stem = folder / f"{name}-{_plain(section.title)}"
                same = sum(path.name.startswith(f"{stem.name}.") for path in written)
                if same:  # as many other sequences of the same split
                    stem = stem.with_name(f"{stem.name}-{len(written)}")
                for suffix in ("svg", "png"):
                    path = stem.with_name(f"{stem.name}.{suffix}")
                    metadata = {"Date": None} if suffix == "svg" else None
                    with staged_file(path) as partial:
                        figure.savefig(partial, dpi=200, bbox_inches="tight", metadata=metadata)
                    written.append(path)
    return tuple(written)


def _plain(title: str) -> str:
    """Return a title as part of a file name."""
    words = "".join(c if c.isalnum() or c in "-_" else " " for c in title).split()
    return "-".join(words)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))  # without pyplot: works without a display
    axes = figure.subplots()
    axes.grid(visible=True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _pareto(section: Section) -> Any:
    """Draw the lead score against fps; None if nobody has both."""
    column, label = scores_of(section.rows)[0]
    if "fps" not in section.rows:
        return None
    rows = section.rows.dropna(subset=[column, "fps"])
    if rows.empty:
        return None
    figure, axes = _figure(7, 4.2)
    own = rows["source"] == OWN
    for _, group in rows[own].groupby(TIMED_ALIKE):
        _draw_alike(axes, group, column)
    for _, group in rows[~own].groupby("init"):
        marker, start = _start(group)
        hollow = {"facecolors": "none", "edgecolors": "0.5", "label": f"{start}: as published"}
        axes.scatter(group["fps"], _full(column) * group[column], marker=marker, **hollow)
    named = (rows if len(rows) <= _NAMED else rows[own]).to_dict("records")
    for place, row in enumerate(named):  # above and below in turn: neighbours are alike
        at, offset = (row["fps"], _full(column) * row[column]), (6, -9 if place % 2 else 4)
        axes.annotate(row["run"], at, offset, textcoords="offset points", fontsize=7)
    axes.set(
        xscale="log", xlabel="frames per second", ylabel=_axis(column, label), title=section.title
    )
    axes.xaxis.set_major_formatter("{x:g}")  # the usual one needs the parser of formulas
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "25" else "")
    axes.legend(fontsize=7, frameon=False)
    return figure


def _draw_alike(axes: Any, group: "pd.DataFrame", column: str) -> None:
    """Draw runs that start alike and were timed alike, with their Pareto front."""
    marker, start = _start(group)
    timing = [str(group.iloc[0][key]) for key in TIMED_ALIKE if key != "init"]
    bars = axes.errorbar(
        group["fps"],
        _full(column) * group[column],
        yerr=_spread(group, column),
        fmt=marker,
        label=f"{start}: {', '.join(filter(None, timing))}",
        elinewidth=1,
    )
    front = group.sort_values(["fps", column], ascending=False)
    front = front[front[column] > front[column].cummax().shift(fill_value=-1)]
    axes.plot(front["fps"], _full(column) * front[column], color=bars[0].get_color(), linewidth=1)


def _full(column: str) -> int:
    """Return what the axis of a score has where the score is 1."""
    return 100 if in_percent(column) else 1


def _axis(column: str, label: str) -> str:
    return f"{label} (%)" if in_percent(column) else label


def _start(group: "pd.DataFrame") -> tuple[str, str]:
    """Return the marker of an initialisation, and what it is called."""
    init = str(group.iloc[0]["init"])
    return _MARKERS.get(init, "D"), init or "start not stated"


def _spread(rows: "pd.DataFrame", column: str) -> Any:
    """Return (2, N) lengths of whiskers down and up, on the axis; 0 where there is no interval."""
    low = rows[column] - rows["low"]
    high = rows["high"] - rows[column]
    return _full(column) * np.nan_to_num(np.clip([low, high], 0, None))


def _scores(section: Section) -> Any:
    """Draw the lead score of every row as a bar, by rank within each initialisation."""
    column, label = scores_of(section.rows)[0]
    rows = section.rows.dropna(subset=[column])
    if rows.empty:
        return None
    figure, axes = _figure(7, 1 + 0.22 * len(rows))
    places = np.arange(len(rows))[::-1]
    full = _full(column)
    colors = ["C0" if source == OWN else "0.75" for source in rows["source"]]
    axes.barh(places, _full(column) * rows[column], color=colors, height=0.7)
    axes.errorbar(
        _full(column) * rows[column],
        places,
        xerr=_spread(rows, column),
        fmt="none",
        color="0.2",
        elinewidth=1,
    )
    names = [f"{row['run']} ({row['init']})" for row in rows.to_dict("records")]
    axes.set_yticks(places, names)
    for place, value, color in zip(places, rows[column], colors, strict=True):
        ink = "white" if color == "C0" else "black"
        axes.text(full / 100, place, score(column, value), va="center", fontsize=7, color=ink)
    axes.set(
        xlim=(0, full),
        ylim=(-0.6, len(rows) - 0.4),
        xlabel=_axis(column, label),
        title=section.title,
    )
    axes.grid(visible=False, axis="y")
    return figure
