"""The leaderboard ranks only what may be compared, and prints what the csv files hold."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vostool.report.format import SCORES, percent
from vostool.report.leaderboard import (
    as_markdown,
    collect,
    escaped,
    markdown_table,
    ranked,
    write_leaderboard,
)
from vostool.report.published import published
from vostool.tables import SUMMARY_COLUMNS

AddRun = Callable[..., Path]
PERCENTS = [column for column, _ in SCORES]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def add_run(results: Path) -> AddRun:
    """Return a function that leaves a scored run; `J_mean` and `F_mean` come from `score`."""

    def add(
        run: str,
        score: float,
        *,
        init: str = "mask",
        dataset: str = "DAVIS2016",
        split: str = "val",
        protocol: str = "davis",
        sequences: int = 6,
        key: str | None = None,
        leaf: str | None = None,
    ) -> Path:
        folder = results / (key or dataset.replace(":", "-").replace("/", "-")) / run
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        row = dict.fromkeys(SUMMARY_COLUMNS, 0.125) | {
            "run": run,
            "tracker": "some_tracker",
            "init": init,
            "dataset": dataset,
            "split": split,
            "protocol": protocol,
            "sequences": sequences,
            "objects": sequences,
            "frames": 10 * sequences,
            "complete": sequences == 20,
            "JF_mean": score,
            "J_mean": score - 1 / 300,
            "F_mean": score + 1 / 300,
            "fps": 34.56,
            "device": "A processor",
        }
        path = folder / "scores" / (leaf or protocol) / "summary.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame([row]).to_csv(path, index=False)
        names = pd.DataFrame({"sequence": [f"sequence-{i}" for i in range(sequences)]})
        names.to_csv(path.with_name("sequences.csv"), index=False)
        return path

    return add


def table_rows(markdown: str, heading: str = "#") -> list[list[str]]:
    """Return the cells of the first markdown table whose first heading is this one."""
    lines = markdown.splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(rf"\|\s*{heading}\s*\|", line))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        rows.append([cell.strip() for cell in cells])
    return rows


# --- ranks ---


def ranks_of(*rows: tuple[str, str, float]) -> list[tuple[str, str]]:
    table = ranked(pd.DataFrame(rows, columns=["run", "init", "JF_mean"]))
    return list(zip(table["run"], table["rank"], strict=True))


def test_the_best_first() -> None:
    found = ranks_of(("low", "mask", 0.2), ("high", "mask", 0.9), ("mid", "mask", 0.5))
    assert found == [("high", "1"), ("mid", "2"), ("low", "3")]


def test_each_initialisation_has_its_own_ranks() -> None:
    found = ranks_of(
        ("b1", "box", 0.9), ("m1", "mask", 0.5), ("n1", "none", 0.99), ("b2", "box", 0)
    )
    assert found == [("m1", "1"), ("b1", "1"), ("b2", "2"), ("n1", "1")]


def test_equal_scores_share_a_rank() -> None:
    found = ranks_of(
        *[(name, "mask", score) for name, score in zip("abcd", (3, 5, 5, 1), strict=True)]
    )
    assert found == [("b", "1"), ("c", "1"), ("a", "3"), ("d", "4")]


def test_no_score_no_rank() -> None:
    assert ranks_of(("a", "mask", float("nan")), ("b", "mask", 0.5)) == [("b", "1"), ("a", "")]


def test_where_g_is_known_it_decides() -> None:
    rows = pd.DataFrame(
        {"run": ["a", "b"], "init": "mask", "JF_mean": [0.9, 0.5], "G": [0.4, 0.6], "source": "own"}
    )
    assert ranked(rows)["run"].tolist() == ["b", "a"]


# --- what is compared with what ---


def test_runs_of_one_kind_share_a_section(add_run: AddRun, results: Path) -> None:
    add_run("low", 0.25)
    add_run("high", 0.5)
    (section,) = collect(results)
    assert section.rows["run"].tolist() == ["high", "low"]
    assert section.rows["rank"].tolist() == ["1", "2"]
    assert section.title == "DAVIS2016 val, protocol davis, 6 of 20 sequences"


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "DAVIS2017"},
        {"split": "train"},
        {"protocol": "after_first"},
        {"sequences": 5},
    ],
)
def test_runs_of_another_kind_do_not(add_run: AddRun, results: Path, other: dict) -> None:
    add_run("one", 0.25)
    add_run("two", 0.5, **other)
    sections = collect(results)
    assert [section.rows["rank"].tolist() for section in sections] == [["1"], ["1"]]


def test_whole_splits_first_and_synthetic_last(add_run: AddRun, results: Path) -> None:
    add_run("a", 0.9, dataset="synthetic", split="all")
    add_run("b", 0.5, sequences=6)
    add_run("c", 0.5, sequences=20)
    found = [(section.dataset, section.sequences) for section in collect(results)]
    assert found == [("DAVIS2016", 20), ("DAVIS2016", 6), ("synthetic", 6)]


def test_scores_of_chosen_sequences_are_left_out(add_run: AddRun, results: Path) -> None:
    add_run("one", 0.25, leaf="davis.subset")
    assert collect(results) == []


def test_nothing_there(results: Path) -> None:
    assert collect(results) == []


# --- published numbers ---


def test_a_whole_split_is_ranked_among_the_published(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.8, sequences=20)
    (section,) = collect(results)
    cited = published("DAVIS2016", "val")
    better = cited[(cited["init"] == "mask") & (cited["JF_mean"] > 0.8)]
    assert len(section.rows) == 1 + len(cited[cited["protocol"] == "davis"])
    mine = section.rows[section.rows["run"] == "mine"].iloc[0]
    assert mine["rank"] == str(len(better) + 1)


def test_a_part_of_a_split_is_never_ranked_with_them(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.99, sequences=6)
    (section,) = collect(results)
    assert section.rows["source"].tolist() == ["vostool run"]
    assert not section.whole
    text = as_markdown([section])
    assert "Only 6 of the split's 20 sequences: not comparable" in text
    assert "<details><summary>Published numbers for all 20 sequences" in text
    assert len(table_rows(text)) == 1
    cited = table_rows(text, "method")
    assert len(cited) > 5
    assert not any(re.fullmatch(r"\d+", row[0]) for row in cited)


def test_another_protocol_is_not_ranked_with_them(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.99, sequences=20, protocol="after_first")
    (section,) = collect(results)
    assert section.rows["run"].tolist() == ["mine"]
    assert "published:" not in as_markdown([section])


def test_data_of_ones_own_has_no_published_numbers(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.5, dataset="folder:clips", split="all")
    (section,) = collect(results)
    assert section.whole
    assert section.title == "folder:clips, protocol davis, 6 sequences"
    assert "Published" not in as_markdown([section])


def test_published_numbers_are_fractions_with_a_source() -> None:
    table = published("DAVIS2016", "val")
    assert table["JF_mean"].dropna().between(0.1, 1).all()
    assert table["JF_mean"].dropna().is_monotonic_decreasing
    assert (table["source"].str.len() > 5).all()
    osvos = table[table["method"].str.fullmatch("OSVOS")]
    assert not osvos.empty
    assert (osvos["J_mean"] - 0.798).abs().max() < 0.005  # Caelles et al., CVPR 2017, table 1


def test_published_numbers_of_nothing() -> None:
    assert published("mine", "val").empty


# --- what is printed ---


def test_printed_scores_are_those_of_the_summary(add_run: AddRun, results: Path) -> None:
    paths = {name: add_run(name, score) for name, score in (("a", 0.54321), ("b", 0.99996))}
    markdown, table = write_leaderboard(collect(results), results)
    csv = pd.read_csv(table).set_index("run")
    rows = {row[1].strip("*"): row for row in table_rows(markdown.read_text())}
    for name, path in paths.items():
        summary = pd.read_csv(path).iloc[0]
        shown = rows[name][3 : 3 + len(SCORES)]
        assert shown == [percent(summary[column]) for column in PERCENTS]
        assert shown == [percent(csv.loc[name, column]) for column in PERCENTS]
        assert csv.loc[name, PERCENTS].tolist() == pytest.approx(
            summary[PERCENTS].tolist(), rel=1e-15
        )
    assert rows["b"][3] == "100.0"
    assert rows["a"][3 + len(SCORES) :] == ["34.6", "A processor"]


def test_ranks_of_the_csv_are_those_of_the_markdown(add_run: AddRun, results: Path) -> None:
    for number in range(5):
        add_run(f"run{number}", 0.1 * number, init="box" if number % 2 else "mask")
    markdown, table = write_leaderboard(collect(results), results)
    csv = pd.read_csv(table)
    shown = [(int(row[0]), row[1].strip("*"), row[2]) for row in table_rows(markdown.read_text())]
    assert shown == list(zip(csv["rank"], csv["run"], csv["init"], strict=True))
    assert csv.columns.tolist()[: len(SUMMARY_COLUMNS) + 1] == ["rank", *SUMMARY_COLUMNS]


def test_the_csv_holds_every_row_of_every_section(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.8, sequences=20)
    add_run("part", 0.8, sequences=6)
    sections = collect(results)
    _, table = write_leaderboard(sections, results)
    assert len(pd.read_csv(table)) == sum(len(section.rows) for section in sections)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a|b", r"a\|b"),
        ("*bold*", r"\*bold\*"),
        ("snake_case", r"snake\_case"),
        ("<script>", r"\<script\>"),
        ("[link](x)", r"\[link\](x)"),
        ("`code`", r"\`code\`"),
        ("back\\slash", "back\\\\slash"),
        ("two\nlines", "two lines"),
        ("# title", r"\# title"),
    ],
)
def test_escaping(text: str, safe: str) -> None:
    assert escaped(text) == safe


def test_names_are_escaped_in_the_table(add_run: AddRun, results: Path) -> None:
    add_run("a|b_<i>", 0.5)
    (row,) = table_rows(as_markdown(collect(results)))
    assert row[1] == r"**a\|b\_\<i\>**"
    assert len(row) == 5 + len(SCORES)


@pytest.mark.parametrize(
    "name",
    ["2024", "007", "1e5", "True", "nan", "NA"],
)
def test_names_that_look_like_something_else(add_run: AddRun, results: Path, name: str) -> None:
    add_run(name, 0.5)
    (row,) = table_rows(as_markdown(collect(results)))
    assert row[1] == f"**{name}**"


def test_a_markdown_table_lines_up() -> None:
    text = markdown_table(["#", "name"], [["1", "long name"], ["10", "x"]], right={0})
    assert text.splitlines() == [
        "|   # | name      |",
        "| --: | --------- |",
        "|   1 | long name |",
        "|  10 | x         |",
    ]


# --- what looks the same but is not ---


def test_resolutions_do_not_share_a_section(plain_resolutions: Path) -> None:
    sections = collect(plain_resolutions)
    assert [section.rows["rank"].tolist() for section in sections] == [["1"], ["1"]]


@pytest.fixture
def plain_resolutions(davis_folder, cli, tmp_path: Path) -> Path:
    """Run one tracker on DAVIS 2017 at 480p and at 240p."""
    for resolution in ("480p", "240p"):
        davis_folder(folder="datasets/DAVIS", resolution=resolution)
        where = ("--dataset", "DAVIS2017", "--resolution", resolution)
        assert cli("eval", "--tracker", "copy_first", *where).exit_code == 0
    return tmp_path / "results"


def test_other_sequences_of_the_same_number_do_not_share_a_section(
    davis_folder, cli, tmp_path: Path
) -> None:
    for tracker, name in (("copy_first", "bear"), ("box_fill", "goat")):
        root = davis_folder(2016, names=(name,), folder=name)
        where = ("--dataset", "DAVIS2016", "--root", root)
        assert cli("run", tracker, *where).exit_code == 0
        assert cli("eval", "--tracker", tracker, *where).exit_code == 0
    sections = collect(tmp_path / "results")
    assert len(sections) == 2
