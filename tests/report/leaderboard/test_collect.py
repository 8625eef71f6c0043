"""The leaderboard ranks only what may be compared, and prints what the csv files hold."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vostool.datasets.catalog import CATALOG
from vostool.errors import UnknownNameError
from vostool.report.format import SCORES, percent
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.markdown import as_markdown, escaped, markdown_table
from vostool.report.leaderboard.published import published, published_on, published_sequences
from vostool.report.leaderboard.section import Section, ranked
from vostool.report.leaderboard.write import as_table
from vostool.scoring.tables import SUMMARY_COLUMNS

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
        names: list[str] | None = None,
        fps: float = 34.56,
        fps_protocol: str = "step-wall",
        device: str = "A processor",
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
            "fps": fps,
            "fps_protocol": fps_protocol,
            "device": device,
            "precision": "fp32",
        }
        path = folder / "scores" / (leaf or protocol) / "summary.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame([row]).to_csv(path, index=False)
        covered = names or [f"sequence-{i}" for i in range(sequences)]
        if sequences == 20:
            covered = list(CATALOG["DAVIS2016"].official["val"])
        pd.DataFrame({"sequence": covered}).to_csv(path.with_name("sequences.csv"), index=False)
        return path

    return add


def of_runs(results: Path) -> list[Section]:
    """Return the sections that runs are in, without those of published numbers alone."""
    return [section for section in collect(results) if section.own]


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


def test_speed_is_ranked_among_those_that_were_timed_alike(add_run: AddRun, results: Path) -> None:
    add_run("slow", 0.5, fps=10)
    add_run("fast", 0.4, fps=90)
    add_run("box", 0.4, fps=95, init="box")
    add_run("cuda", 0.3, fps=300, fps_protocol="step-cuda", device="A card")
    add_run("other", 0.2, fps=40, device="Another processor")
    add_run("untimed", 0.1, fps=float("nan"))
    (section,) = of_runs(results)
    ranks = section.rows.set_index("run")["fps_rank"].to_dict()
    assert ranks == {"slow": "2", "fast": "1", "box": "1", "cuda": "1", "other": "1", "untimed": ""}


def test_published_speeds_have_no_rank(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.8, sequences=20)
    (section,) = of_runs(results)
    cited = section.rows[section.rows["source"] != "vostool run"]
    assert cited["fps"].notna().any()
    assert (cited["fps_rank"] == "").all()
    assert set(cited["fps_protocol"]) == {"", "as published"}


# --- what is compared with what ---


def test_runs_of_one_kind_share_a_section(add_run: AddRun, results: Path) -> None:
    add_run("low", 0.25)
    add_run("high", 0.5)
    (section,) = of_runs(results)
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
    sections = of_runs(results)
    assert [section.rows["rank"].tolist() for section in sections] == [["1"], ["1"]]


def test_whole_splits_first_and_synthetic_last(add_run: AddRun, results: Path) -> None:
    add_run("a", 0.9, dataset="synthetic", split="all")
    add_run("b", 0.5, sequences=6)
    add_run("c", 0.5, sequences=20)
    found = [(section.dataset, section.sequences) for section in of_runs(results)]
    assert found == [("DAVIS2016", 20), ("DAVIS2016", 6), ("synthetic", 6)]


def test_scores_of_chosen_sequences_are_left_out(add_run: AddRun, results: Path) -> None:
    add_run("one", 0.25, leaf="davis.subset")
    assert of_runs(results) == []


def test_nothing_there(results: Path) -> None:
    assert of_runs(results) == []


# --- published numbers ---


def test_a_whole_split_is_ranked_among_the_published(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.8, sequences=20)
    (section,) = of_runs(results)
    cited = published("DAVIS2016", "val")
    better = cited[(cited["init"] == "mask") & (cited["JF_mean"] > 0.8)]
    assert len(section.rows) == 1 + len(cited[cited["protocol"] == "davis"])
    mine = section.rows[section.rows["run"] == "mine"].iloc[0]
    assert mine["rank"] == str(len(better) + 1)


def test_as_many_other_sequences_are_not_the_split(add_run: AddRun, results: Path) -> None:
    path = add_run("mine", 0.8, sequences=20)
    names = pd.DataFrame({"sequence": [f"other-{i}" for i in range(20)]})
    names.to_csv(path.with_name("sequences.csv"), index=False)
    (section,) = of_runs(results)
    assert section.rows["run"].tolist() == ["mine"]


def test_a_part_of_a_split_is_never_ranked_with_them(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.99, sequences=6)
    (section,) = of_runs(results)
    assert section.rows["source"].tolist() == ["vostool run"]
    assert not section.whole
    text = as_markdown(collect(results))
    assert "Only 6 of the split's 20 sequences: not comparable" in text
    assert "<details><summary>Published numbers for all 20 sequences" in text
    assert len(table_rows(text)) == 1


PART = ["blackswan", "car-shadow", "horsejump-high", "kite-surf", "libby", "scooter-black"]


def test_a_part_is_ranked_with_published_means_over_the_same_sequences(
    add_run: AddRun, results: Path
) -> None:
    add_run("mine", 0.9, sequences=6, names=PART)
    (section,) = of_runs(results)
    cited = section.rows[section.rows["source"] != "vostool run"]
    assert len(cited) == 59
    assert (cited["source"].str.startswith("mean over these 6 sequences of")).all()
    mine = section.rows[section.rows["run"] == "mine"].iloc[0]
    better = cited[(cited["init"] == "mask") & (cited["JF_mean"] > 0.9)]
    assert mine["rank"] == str(len(better) + 1)
    assert "The published rows are means over the same sequences." in as_markdown([section])


def test_published_means_are_those_of_their_sequences() -> None:
    means = published_on("DAVIS2016", "davis", PART).set_index(["method", "init"])
    whole = published("DAVIS2016", "val").set_index(["method", "init"])
    both = published_on("DAVIS2016", "davis", CATALOG["DAVIS2016"].official["val"])
    both = both.set_index(["method", "init"])
    assert len(means) == len(both) == 59
    stated = whole.loc[both.index]
    # The site rounds to 3 digits, and its values per frame too, which recall feels.
    for column, tolerance in (("J_mean", 6e-4), ("F_mean", 6e-4), ("J_recall", 4e-3)):
        assert (both[column] - stated[column]).abs().max() < tolerance


def test_published_sequences_are_those_of_the_site(shared: Path) -> None:
    for path in sorted((shared / "data/davis-official/raw_eval/2016").glob("*.json")):
        raw = json.loads(path.read_text())
        name = raw.pop("id")
        method, init = published_as(name)
        table = published_sequences("DAVIS2016", "davis").set_index(["method", "init"])
        table = table.loc[[(method, init)]].set_index("sequence")
        assert set(table.index) == set(raw)
        for sequence, values in raw.items():
            for measure in "JF":
                found = table.loc[sequence, [f"{measure}_mean", f"{measure}_recall"]]
                frames = np.array(values[measure], float)
                assert found.tolist() == pytest.approx(
                    [frames.mean(), (frames > 0.5).mean()], abs=6e-5
                )


def published_as(name: str) -> tuple[str, str]:
    """Return what the tables here call a method of davischallenge.org."""
    names = {"sfls": ("SFL", "mask"), "sflu": ("SFL", "none")}
    names |= {"mugs": ("MuG-W", "mask"), "mugu": ("MuG-W", "none")}
    table = published_sequences("DAVIS2016", "davis")
    known = set(zip(table["method"], table["init"], strict=True))
    plain = {m.lower().replace("-", "").replace(" ", ""): (m, i) for m, i in known}
    return names.get(name) or plain[name]


def test_a_split_of_published_numbers_alone(results: Path) -> None:
    sections = collect(results, ["DAVIS2017"])
    assert {section.split for section in sections} == {"val", "test-dev"}
    assert all(section.own == 0 and len(section.rows) for section in sections)


def test_only_the_named_datasets(add_run: AddRun, results: Path) -> None:
    add_run("a", 0.9, dataset="synthetic", split="all")
    add_run("b", 0.5)
    assert {section.dataset for section in collect(results, ["synthetic"])} == {"synthetic"}
    with pytest.raises(UnknownNameError, match="Did you mean 'DAVIS2016'"):
        collect(results, ["DAVIS206"])


def test_another_protocol_is_not_ranked_with_them(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.99, sequences=20, protocol="after_first")
    (section,) = of_runs(results)
    assert section.rows["run"].tolist() == ["mine"]
    assert "published:" not in as_markdown([section])


def test_data_of_ones_own_has_no_published_numbers(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.5, dataset="folder:clips", split="all")
    (section,) = of_runs(results)
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
    sections = of_runs(results)
    csv = as_table(sections).set_index("run")
    rows = {row[1].strip("*"): row for row in table_rows(as_markdown(sections))}
    for name, path in paths.items():
        summary = pd.read_csv(path).iloc[0]
        shown = [rows[name][3], *rows[name][5 : 4 + len(SCORES)]]
        assert shown == [percent(summary[column]) for column in PERCENTS]
        assert shown == [percent(csv.loc[name, column]) for column in PERCENTS]
        assert csv.loc[name, PERCENTS].tolist() == pytest.approx(
            summary[PERCENTS].tolist(), rel=1e-15
        )
    assert rows["b"][3] == "100.0"
    assert rows["a"][4 + len(SCORES) :] == ["34.6", "step-wall", "A processor", "vostool run"]


def test_ranks_of_the_csv_are_those_of_the_markdown(add_run: AddRun, results: Path) -> None:
    for number in range(5):
        add_run(f"run{number}", 0.1 * number, init="box" if number % 2 else "mask")
    sections = of_runs(results)
    csv = as_table(sections)
    shown = [(row[0], row[1].strip("*"), row[2]) for row in table_rows(as_markdown(sections))]
    assert shown == list(zip(csv["rank"], csv["run"], csv["init"], strict=True))
    first = ["rank", "fps_rank", *SUMMARY_COLUMNS]
    assert csv.columns.tolist()[: len(first)] == first


def test_the_csv_holds_every_row_of_every_section(add_run: AddRun, results: Path) -> None:
    add_run("mine", 0.8, sequences=20)
    add_run("part", 0.8, sequences=6)
    sections = collect(results)
    assert len(as_table(sections)) == sum(len(section.rows) for section in sections)


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
    (row,) = table_rows(as_markdown(of_runs(results)))
    assert row[1] == r"**a\|b\_\<i\>**"
    assert len(row) == 8 + len(SCORES)


@pytest.mark.parametrize(
    "name",
    ["2024", "007", "1e5", "True", "nan", "NA"],
)
def test_names_that_look_like_something_else(add_run: AddRun, results: Path, name: str) -> None:
    add_run(name, 0.5)
    (row,) = table_rows(as_markdown(of_runs(results)))
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
    sections = of_runs(plain_resolutions)
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
    sections = of_runs(tmp_path / "results")
    assert len(sections) == 2
