"""`vostool run`, `eval` and `datasets` on boxes, as they are typed."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from vostool.runs.folder import RunFolder
from vostool.scoring.box_tables import collect_summaries, read_summaries

Cli = Callable[..., Result]
GOLDEN = Path(__file__).parent.parent / "golden/vot"
VOT = ("--dataset", "VOT2018")


def flat(outcome: Result, code: int = 0) -> str:
    assert outcome.exit_code == code, outcome.output
    return " ".join(outcome.output.split())


def test_drawn_run_and_scored(cli: Cli, tmp_path: Path) -> None:
    made = cli("datasets", "make", "vot", tmp_path / "drawn", "--frames", 40, "--size", "160x120")
    assert "use it with --dataset vot:" in flat(made)
    truth = (tmp_path / "drawn/occlusion/groundtruth.txt").read_text().splitlines()
    assert len(truth) == 40
    assert len(truth[0].split(",")) == 8
    assert len((tmp_path / "drawn/crowd/groundtruth.txt").read_text().split(",", 4)) == 5
    data = ("--dataset", f"vot:{tmp_path / 'drawn'}", "--sequences", "translation,fast-motion")
    shown = flat(cli("eval", *data, "--tracker", "copy_first", "--tracker", "color_model"))
    assert "EAO is the mean over lengths from 20 to 40 frames" in shown
    results = tmp_path / "results/vot-drawn"
    lost = (results / "copy_first/baseline/fast-motion/fast-motion_001.txt").read_text()
    assert lost.split("\n").count("2") > 0
    assert lost.split("\n").count("1") > 1
    tables = {
        run: pd.read_csv(results / run / "scores/vot-pysot.subset/vot.csv").iloc[0]
        for run in ("copy_first", "color_model")
    }
    assert tables["color_model"]["EAO"] > tables["copy_first"]["EAO"]
    assert tables["color_model"]["fps"] > 0
    assert not (results / "vot.csv").exists()  # of a part of the sequences


def test_the_same_seed_draws_the_same(cli: Cli, tmp_path: Path) -> None:
    size = ("--frames", 4, "--size", "80x64")
    for name in ("one", "two"):
        flat(cli("datasets", "make", "vot", tmp_path / name, *size))
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.txt"))
    assert len(files) == 11
    for file in files:
        assert (tmp_path / "one" / file).read_text() == (tmp_path / "two" / file).read_text()
    refused = flat(cli("datasets", "make", "vot", tmp_path / "one", *size), 2)
    assert "is not an empty folder" in refused


def test_results_of_others(cli: Cli, tmp_path: Path) -> None:
    data = ("--dataset", f"vot:{GOLDEN / 'dataset'}", "--interval", "30,80")
    shown = flat(cli("eval", *data, "--masks", GOLDEN / "results/random"))
    # Computed by pysot's toolkit: EAO 0.2097, A 0.2184, R 1.641, 4.33 failures.
    assert "│ 3 │ 3 │ 0.210 │ 0.218 │ 1.641 │ 4.3 │" in shown
    assert "camera_motion" not in shown
    assert "occlusion" in shown
    folder = tmp_path / "results/vot-dataset/scores/random/vot-pysot"
    assert {path.name for path in folder.iterdir()} == {
        "vot.csv",
        "sequences.csv",
        "tags.csv",
        "curves.csv",
        "frames.csv",
        "eao_curve.svg",
    }
    exact = cli("eval", *data, "--masks", GOLDEN / "results/random", "--overlap", "exact")
    assert "exact overlap" in flat(exact)
    flat(cli("eval", *data, "--masks", GOLDEN / "results/random", "--protocol", "vot-toolkit"))
    table = read_summaries(folder.parent)
    assert set(zip(table["protocol"], table["overlap"], strict=True)) == {
        ("vot-pysot", "raster"),
        ("vot-pysot", "exact"),
        ("vot-toolkit", "raster"),
    }


def test_a_run_has_a_summary_for_the_leaderboard(
    cli: Cli, vot_folder, scripted, tmp_path: Path
) -> None:
    vot_folder()
    flat(cli("run", scripted(lost=(3,)), *VOT))
    run = RunFolder(tmp_path / "results/VOT2018/scripted")
    assert read_summaries(run).empty
    flat(cli("eval", *VOT, "--sequences", "bag"))
    assert read_summaries(run).empty
    shown = flat(cli("eval", *VOT))
    assert "Only part of the 60 sequences of VOT2018: not comparable" in shown
    assert "EAO is not known: no sequence is 100 frames long" in shown
    row = read_summaries(run).iloc[0]
    assert (row["run"], row["tracker"], row["init"]) == ("scripted", "scripted", "mask")
    assert (row["dataset"], row["protocol"], row["region"]) == ("VOT2018", "vot-pysot", "auto")
    assert not row["complete"]
    assert row["failures"] == 2
    assert row["R"] == pytest.approx(100 * 2 / 34)
    assert 0.5 < row["A"] < 1
    assert collect_summaries(run.path.parent.parent)["folder"].tolist() == ["VOT2018"]
    assert collect_summaries(tmp_path).empty
    (run.path / "scores/vot-pysot/vot.csv").write_text("")
    with pytest.raises(Exception, match="cannot be read"):
        read_summaries(run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--protocol", "davis"), "There is no protocol of VOT 'davis'"),
        (("--split", "val"), "has one split only; drop --split"),
        (("--stability",), "has no masks; drop --stability"),
        (("--interval", "9,3"), "it is LOW,HIGH"),
        (("--sequences", "dog"), "There is no sequence 'dog' in VOT2018 (all)"),
        (("--masks", "nowhere"), "nowhere is not a folder of results"),
        ((), "There are no runs in"),
    ],
)
def test_what_cannot_be_meant(cli: Cli, vot_folder, options: tuple[str, ...], message: str) -> None:
    vot_folder()
    assert message in flat(cli("eval", *VOT, *options), 2)


def test_other_repetitions_than_others(cli: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results-of-others"
    for sequence in ("kite", "ball", "cart"):
        for number in (1, 2, 3) if sequence != "ball" else (1, 2):
            source = GOLDEN / f"results/random/baseline/{sequence}/{sequence}_{number:03d}.txt"
            copied = results / sequence / source.name
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(source.read_text())
    data = ("--dataset", f"vot:{GOLDEN / 'dataset'}", "--interval", "30,80", "--masks", results)
    shown = flat(cli("eval", *data), 2)
    assert "Sequence 'ball' has 2 repetitions and another has 3" in shown
    (results / "ball/ball_002.txt").unlink()
    assert "'ball' has 1 result and others have 3: taken for" in flat(cli("eval", *data))


def test_a_run_of_other_data(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    root = vot_folder()
    flat(cli("run", scripted(), *VOT))
    truth = root / "bag/groundtruth.txt"
    truth.write_text(truth.read_text().replace("10.00", "11.00"))
    assert "was made on other data" in flat(cli("eval", *VOT), 2)
    truth.unlink()
    assert "groundtruth.txt is missing" in flat(cli("eval", *VOT), 2)


def test_a_cut_short_result(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    vot_folder()
    flat(cli("run", scripted(), *VOT))
    path = tmp_path / "results/VOT2018/scripted/baseline/bag/bag_001.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:9]))
    assert "is cut short: it has 9 lines" in flat(cli("eval", *VOT), 2)
    path.unlink()
    assert "lacks 1 of 2 sequences (bag)" in flat(cli("eval", *VOT), 2)


def test_datasets_are_listed(cli: Cli, vot_folder) -> None:
    vot_folder()
    shown = flat(cli("datasets"))
    assert "VOT2018 │ here │ all 2 of 60" in shown
    for name in ("VOT2016", "VOT2019", "OTB100"):
        assert f"{name} │ missing" in shown
    assert "votchallenge.net/vot2016" in shown
    assert "vot:PATH" in shown


def test_without_restarts(cli: Cli, otb_folder, scripted, tmp_path: Path) -> None:
    data = ("--dataset", f"otb:{otb_folder()}")
    flat(cli("run", scripted(lost=(6,)), *data, "--region", "box"))
    results = tmp_path / "results/otb-otb"
    lines = (results / "scripted/boxes/Bag.txt").read_text().splitlines()
    assert len(lines) == 12
    assert lines[0] == "2.0000,10.0000,12.0000,8.0000"
    assert lines[6] == "0.0000,40.0000,12.0000,8.0000"
    shown = flat(cli("eval", *data))
    assert "all tracked before" in flat(cli("run", "scripted", *data, "--region", "box"))
    row = pd.read_csv(results / "scripted/scores/ope/vot.csv").iloc[0]
    # 11 of 12 frames are exact: above every threshold but 1, which nothing is above.
    assert row["AUC"] == pytest.approx(11 / 12 * 20 / 21)
    assert row["P20"] == pytest.approx(11 / 12)
    assert "87.3 │ 91.7" in shown
    for name in ("success", "precision", "normalised_precision"):
        assert (results / f"scripted/scores/ope/{name}.svg").is_file()
    others = tmp_path / "others"
    others.mkdir()
    for name in ("bag", "cat"):
        (others / f"{name}.txt").write_text("\n".join(lines) + "\n")
    again = flat(cli("eval", *data, "--masks", others))
    assert "others │ │ 2 │ 87.3 │ 91.7" in again
    (others / "bag.txt").write_text("1\n" + "\n".join(lines[1:]))
    assert "Results with restarts are scored with VOT" in flat(
        cli("eval", *data, "--masks", others), 2
    )
    (others / "bag.txt").unlink()
    assert "no result of sequence 'Bag'" in flat(cli("eval", *data, "--masks", others), 2)
    assert "without restarts" in flat(cli("eval", *data, "--protocol", "vot-pysot"), 2)
