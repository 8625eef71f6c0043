"""One number, five files: summary.csv, and what the leaderboard prints of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from click.testing import Result

from tests.report.conftest import ODD_NAME, draw_run
from tests.report.leaderboard.page.test_html import Page
from tests.report.leaderboard.test_latex import bare, rows_of
from vostool.report.format import SCORES, percent, rate
from vostool.report.leaderboard.latex import latex_escaped
from vostool.report.leaderboard.markdown import escaped

Cli = Callable[..., Result]
COLUMNS = [column for column, _ in SCORES]


def test_all_files_agree_with_the_summary(cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    drawn = (("a_run", 0.123), ("second", 0.5), (ODD_NAME, 0.9))
    paths = {name: draw_run(results, name, level=level, seed=7) for name, level in drawn}
    done = cli("leaderboard", "--frames", "none", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    markdown = (out / "LEADERBOARD.md").read_text()
    table = pd.read_csv(out / "leaderboard.csv", keep_default_na=False).query(
        "source=='vostool run'"
    )
    table = table.set_index("run")
    latex = rows_of((out / "leaderboard.tex").read_text().partition("\\end{longtable}")[0])
    data = Page((out / "leaderboard.html").read_text()).blocks["data"]["sections"][0]
    html = {row["run"]: row for row in data["rows"]}
    for name, path in paths.items():
        summary = pd.read_csv(path / "summary.csv").iloc[0]
        wanted = [percent(summary[column]) for column in COLUMNS]
        (line,) = [line for line in markdown.splitlines() if f"| **{escaped(name)}**" in line]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        assert [cells[4], *cells[6 : 5 + len(COLUMNS)]] == wanted
        assert cells[5 + len(COLUMNS)] == rate(summary["fps"])
        assert [percent(float(table.loc[name, column])) for column in COLUMNS] == wanted
        assert [float(table.loc[name, c]) for c in COLUMNS] == [summary[c] for c in COLUMNS]
        cells = latex[latex_escaped(name)]
        assert [bare(cell) for cell in cells[3 : 3 + len(COLUMNS)]] == wanted
        assert bare(cells[3 + len(COLUMNS)]) == rate(summary["fps"])
        assert [f"{value:.1f}" for value in html[name]["scores"]] == wanted
        assert html[name]["fps"] == rate(summary["fps"])
        assert html[name]["rank"] == str(table.loc[name, "rank"]) == cells[2]


def test_the_size_of_the_page_is_printed(cli: Cli, tmp_path: Path) -> None:
    draw_run(tmp_path / "results", "a")
    printed = cli("leaderboard", "--budget", "3.5").output
    size = (tmp_path / "results" / "leaderboard.html").stat().st_size / 1e6
    assert f"leaderboard.html: {size:.1f} of at most 3.5 MB" in printed


def test_pictures_beside_the_page(cli: Cli, real_board: Path, tmp_path: Path) -> None:
    where = ("--results", real_board / "results", "--out", tmp_path / "out", "--frames", "folder")
    done = cli("leaderboard", *where, "--dataset", "synthetic")
    assert done.exit_code == 0, done.output
    pictures = sorted((tmp_path / "out" / "leaderboard_frames").rglob("*.webp"))
    assert len(pictures) == 144
    assert "MB in leaderboard_frames/" in done.output
    page = (tmp_path / "out" / "leaderboard.html").read_text()
    assert pictures[0].relative_to(tmp_path / "out").as_posix() in page


def test_bad_input_ends_with_a_sentence(cli: Cli, tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        done = cli("leaderboard", *arguments)
        assert done.exit_code == 2
        return " ".join(done.output.split())

    assert "vostool leaderboard --run" in refused()
    path = draw_run(tmp_path / "results", "a")
    assert "Did you mean 'DAVIS2016'" in refused("--dataset", "davis2016x")
    assert "--budget" in refused("--budget", "0.01")
    for budget in ("nan", "inf", "-3", "0", "much"):
        assert "--budget" in refused("--budget", budget)
    assert not (tmp_path / "results" / "leaderboard.html").exists()
    (path / "frames.csv").write_bytes(b"\xff\x00sequence")
    assert "frames.csv cannot be read" in refused()


def test_a_damaged_manifest_does_not_hide_a_scored_run(cli: Cli, tmp_path: Path) -> None:
    path = draw_run(tmp_path / "results", "a")
    (path.parent.parent / "run.json").write_text("{")
    assert cli("leaderboard").exit_code == 0
    html = (tmp_path / "results" / "leaderboard.html").read_text()
    (row,) = [r for r in Page(html).blocks["data"]["sections"][0]["rows"] if r["own"]]
    assert ["run.json", "cannot be read"] in row["about"]
    assert row["trained"] == "not stated"
    assert json.dumps(row["scores"])


def test_a_damaged_frame_costs_its_pictures_only(
    cli: Cli, plain_folder: Callable[..., Path], tmp_path: Path
) -> None:
    root = plain_folder()
    data = ("--dataset", f"folder:{root}")
    assert cli("eval", *data, "--tracker", "copy_first").exit_code == 0
    frame = next((root / "JPEGImages" / "one").glob("*.jpg"))
    frame.write_bytes(frame.read_bytes()[:200])
    done = cli("leaderboard")
    assert done.exit_code == 0, done.output
    assert "No pictures of one" in done.output
    html = (tmp_path / "results" / "leaderboard.html").read_text()
    clips = Page(html).blocks["data"]["about"]["clips"]
    assert [key.partition("/")[2] for key in clips] == ["two"]


def test_published_numbers_without_runs(cli: Cli, tmp_path: Path) -> None:
    done = cli("leaderboard", "--dataset", "DAVIS2017")
    assert done.exit_code == 0, done.output
    html = (tmp_path / "results" / "leaderboard.html").read_text()
    titles = [section["title"] for section in Page(html).blocks["data"]["sections"]]
    assert "DAVIS2017 val, protocol davis, 30 sequences" in titles
