"""Boards of VOT and OTB: beside those of masks, among what is published, and never mixed."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from tests.report.conftest import ODD_NAME, draw_box_run, draw_run
from tests.report.leaderboard.page.test_html import Page
from tests.report.leaderboard.test_latex import bare, rows_of
from vostool.errors import ResultError
from vostool.report.format import rate
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.latex import latex_escaped
from vostool.report.leaderboard.markdown import escaped
from vostool.report.leaderboard.section import Section

Cli = Callable[..., Result]
# The README of foolwood/SiamMask and pysot's MODEL_ZOO.md: EAO, A, R.
PUBLISHED = {
    "VOT2016": {
        "SiamMask-box (repo)": (0.412, 0.623, 0.233),
        "SiamMask (repo)": (0.433, 0.639, 0.214),
        "SiamMask-LD (repo)": (0.455, 0.634, 0.219),
    },
    "VOT2018": {
        "SiamMask-box (repo)": (0.363, 0.584, 0.300),
        "SiamMask (repo)": (0.380, 0.609, 0.276),
        "SiamMask-LD (repo)": (0.423, 0.615, 0.248),
    },
    "VOT2019": {"siammask_r50_l3 (pysot)": (0.283, 0.597, 0.461)},
}


def own(results: Path) -> list[Section]:
    return [section for section in collect(results) if section.own]


def ranks(section: Section) -> dict[str, str]:
    return dict(zip(section.rows["run"], section.rows["rank"], strict=True))


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_published_numbers_are_those_of_their_authors(tmp_path: Path, dataset: str) -> None:
    (section,) = collect(tmp_path, [dataset])
    rows = section.rows.set_index("run")[["EAO", "A", "R"]]
    found = {name: tuple(values) for name, *values in rows.itertuples()}
    assert found == PUBLISHED[dataset]
    assert section.title == f"{dataset}, protocol vot-pysot, 60 sequences"


def test_a_run_is_ranked_among_the_published(tmp_path: Path) -> None:
    draw_box_run(tmp_path, "mine", scores=(0.4, 0.6, 0.25))
    draw_box_run(tmp_path, "masked", scores=(0.2, 0.6, 0.25), init="mask")
    (section,) = own(tmp_path)
    wanted = {"masked": "1", "SiamMask-LD (repo)": "1", "mine": "2"}
    wanted |= {"SiamMask (repo)": "3", "SiamMask-box (repo)": "4"}
    assert ranks(section) == wanted
    assert section.title == "VOT2018, protocol vot-pysot, 60 sequences"
    assert "over 100 to 356 frames" in section.meaning
    alone = [s.dataset for s in collect(tmp_path) if not s.own and s.boxes]
    assert alone == ["VOT2016", "VOT2019"]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"overlap": "exact"}, "exact overlap"),
        ({"low": 50, "high": 60}, "EAO over 50 to 60 frames"),
        ({"protocol": "vot-toolkit"}, "protocol vot-toolkit"),
        ({"dataset": "VOT2019", "low": 46, "high": 291}, "VOT2019"),
    ],
)
def test_numbers_made_otherwise_are_on_another_board(
    tmp_path: Path, changed: dict, part: str
) -> None:
    draw_box_run(tmp_path, "usual")
    draw_box_run(tmp_path, "other", **changed)
    first, second = own(tmp_path)
    assert "other" not in ranks(first)
    assert "usual" not in ranks(second)
    assert part in second.title
    assert len(second.rows) == (2 if changed.get("dataset") else 1)


def test_only_whole_datasets_are_ranked(tmp_path: Path) -> None:
    draw_box_run(tmp_path, "part", names=["bag", "ball1"])
    (section,) = own(tmp_path)
    assert ranks(section) == {"part": ""}
    assert section.title.endswith("2 of 60 sequences")


def test_a_dataset_of_ones_own_has_a_board_without_published_rows(tmp_path: Path) -> None:
    about = {"dataset": "vot:/home/me/clips", "folder": "vot-clips", "complete": True}
    draw_box_run(tmp_path, "a", names=["x", "y"], scores=(0.3, 0.5, 1.0), **about)
    draw_box_run(tmp_path, "b", names=["x", "y"], scores=(0.5, 0.4, 2.0), **about)
    (section,) = own(tmp_path)
    assert ranks(section) == {"b": "1", "a": "2"}
    assert section.title == "vot:clips, protocol vot-pysot, EAO over 100 to 356 frames, 2 sequences"
    assert [s.title for s in collect(tmp_path, ["vot:elsewhere/clips"])] == [section.title]


def test_otb_is_ranked_by_its_area(tmp_path: Path) -> None:
    draw_box_run(tmp_path, "vot")
    names = [f"s{number}" for number in range(100)]
    for name, area in (("low", 0.4), ("high", 0.6)):
        draw_box_run(
            tmp_path,
            name,
            scores=(area, 0.9 - area, 0.5),
            protocol="ope",
            dataset="OTB100",
            names=names,
            complete=True,
        )
    otb, vot = own(tmp_path)
    assert ranks(otb) == {"high": "1", "low": "2"}
    assert otb.title == "OTB100, protocol ope, 100 sequences"
    assert {"EAO", "R"}.isdisjoint(otb.rows.columns)
    assert {"AUC", "NP20"}.isdisjoint(vot.rows.columns)


def test_an_unknown_expected_overlap_has_no_rank(tmp_path: Path) -> None:
    draw_box_run(tmp_path, "short", scores=(float("nan"), 0.5, 1.0), dataset="vot:x")
    (section,) = own(tmp_path)
    assert ranks(section) == {"short": ""}


def test_boards_of_masks_are_the_same_with_and_without(tmp_path: Path) -> None:
    draw_run(tmp_path, "masks")
    (before,) = own(tmp_path)
    draw_box_run(tmp_path, "boxes")
    after = own(tmp_path)
    assert [section.dataset for section in after] == ["DAVIS2016", "VOT2018"]
    pd.testing.assert_frame_equal(after[0].rows, before.rows)


def test_damaged_tables_are_named(tmp_path: Path) -> None:
    path = draw_box_run(tmp_path, "mine")
    (path / "sequences.csv").write_text("nothing\n")
    with pytest.raises(ResultError, match=r"sequences\.csv cannot be read"):
        collect(tmp_path)
    (path / "vot.csv").write_text("run,split,EAO\nmine,all,0.5\n")
    with pytest.raises(ResultError, match=r"vot\.csv lacks dataset, protocol, sequences"):
        collect(tmp_path)
    (path / "vot.csv").write_bytes(b"\xff\x00")
    with pytest.raises(ResultError, match=r"vot\.csv cannot be read"):
        collect(tmp_path)


def three(value: float) -> str:
    return f"{value:.3f}"


def tenth(value: float) -> str:
    return f"{100 * value:.1f}"


@pytest.mark.parametrize(
    ("protocol", "labels", "dataset", "write"),
    [
        ("vot-pysot", ["EAO", "A", "R"], "VOT2018", three),
        ("ope", ["AUC", "P20", "NP20"], "otb:x", tenth),
    ],
)
def test_all_files_agree_with_the_summary(
    cli: Cli,
    tmp_path: Path,
    protocol: str,
    labels: list[str],
    dataset: str,
    write: Callable[[float], str],
) -> None:
    drawn = {"<script>": (0.12345, 0.45678, 0.9), "b": (0.5, 0.25, 1.23456), ODD_NAME: (0.3,) * 3}
    paths = {
        name: named_run(tmp_path / "results", folder, name, values, protocol, dataset)
        for folder, (name, values) in zip("xyz", drawn.items(), strict=True)
    }
    done = cli("leaderboard", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    markdown = (out / "LEADERBOARD.md").read_text().partition("<details>")[0]
    table = pd.read_csv(out / "leaderboard.csv").query("source == 'vostool run'").set_index("run")
    latex = rows_of((out / "leaderboard.tex").read_text().partition("\\end{tabular}")[0])
    page = Page((out / "leaderboard.html").read_text())
    (section,) = [s for s in page.blocks["data"]["sections"] if s["runs"]]
    html = {row["run"]: row for row in section["rows"]}
    assert page.tags.count("script") == len(page.blocks) + 1
    assert "img" not in page.tags
    assert section["boxes"]
    for name, path in paths.items():
        summary = pd.read_csv(path / "vot.csv").iloc[0]
        wanted = [write(summary[label]) for label in labels]
        (line,) = [line for line in markdown.splitlines() if f"| **{escaped(name)}**" in line]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:]
        assert [*cells[3:6], cells[6]] == [*wanted, rate(summary["fps"])]
        assert [table.loc[name, label] for label in labels] == [summary[label] for label in labels]
        assert [bare(cell) for cell in latex[latex_escaped(name)][3:6]] == wanted
        printed = [f"{value:.{section['digits']}f}" for value in html[name]["scores"]]
        assert printed == wanted
        assert html[name]["rank"] == cells[0] == str(int(table.loc[name, "rank"]))
        measures = pd.read_csv(path / "sequences.csv").sort_values("sequence")
        first = [write(value) for value in measures.iloc[0][labels[-len(section["measures"]) :]]]
        values = html[name]["sequences"][0]
        assert [f"{value:.{section['digits']}f}" for value in values] == first


def named_run(
    results: Path,
    folder: str,
    name: str,
    scores: tuple[float, float, float],
    protocol: str,
    dataset: str,
) -> Path:
    """Leave a run whose name no folder could have."""
    path = draw_box_run(
        results,
        folder,
        scores=scores,
        protocol=protocol,
        dataset=dataset,
        folder="boxes",
        complete=True,
    )
    table = pd.read_csv(path / "vot.csv")
    table.assign(run=name).to_csv(path / "vot.csv", index=False)
    return path


def test_nothing_but_a_run_on_boxes(cli: Cli, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    made = cli("datasets", "make", "vot", clips, "--frames", 12, "--size", "128x96")
    assert made.exit_code == 0, made.output
    done = cli("eval", "--dataset", f"vot:{clips}", "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    done = cli("leaderboard", "--plots")
    assert done.exit_code == 0, done.output
    summary = pd.read_csv(next((tmp_path / "results").rglob("copy_first/scores/*/vot.csv"))).iloc[0]
    assert three(summary["EAO"]) in done.output
    text = (tmp_path / "results" / "LEADERBOARD.md").read_text()
    assert "## vot:clips, protocol vot-pysot" in text
    assert text.index("## vot:clips") < text.index("DAVIS2016")
    assert str(tmp_path) not in text
    assert str(tmp_path) not in (tmp_path / "results" / "leaderboard.html").read_text()
