"""Running with restarts: codes, repetitions, regions, and going on after an interruption."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

Cli = Callable[..., Result]
VOT = ("--dataset", "VOT2018")


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def result(tmp_path: Path, run: str, sequence: str = "bag", number: int = 1) -> Path:
    return tmp_path / f"results/VOT2018/{run}/baseline/{sequence}/{sequence}_{number:03d}.txt"


def done(outcome: Result) -> str:
    assert outcome.exit_code == 0, outcome.output
    return " ".join(outcome.output.split())


def test_a_lost_object_is_started_anew_five_frames_later(
    cli: Cli, vot_folder, scripted, tmp_path: Path
) -> None:
    vot_folder()
    done(cli("run", scripted(lost=(3, 17)), *VOT))
    found = lines(result(tmp_path, "scripted"))
    assert [line if len(line) == 1 else "r" for line in found] == list(
        "1rr20000" + "1rrrrrrrr20" + "0"
    )
    assert len(found[1].split(",")) == 8
    # The whole sequence, and the other one, from the same state.
    assert lines(result(tmp_path, "scripted", "cat"))[:4] == found[:4]
    times = pd.read_csv(tmp_path / "results/VOT2018/scripted/times.csv")
    bag = times[times["sequence"] == "bag"]
    assert bag["prompts"].sum() == 2
    assert len(bag) == 20 - 4 - 2  # frames that were left out were not tracked
    assert bag["frame"].iloc[4] == 9


def test_a_failure_right_after_a_start_and_one_without_room(
    cli: Cli, vot_folder, scripted, tmp_path: Path
) -> None:
    vot_folder()
    done(cli("run", scripted(lost=(1, 13)), *VOT, "--sequences", "cat"))
    found = lines(result(tmp_path, "scripted", "cat"))
    assert [line if len(line) == 1 else "r" for line in found] == list("1200001rrrrrr2")


def test_a_deterministic_tracker_is_run_once(
    cli: Cli, vot_folder, scripted, tmp_path: Path
) -> None:
    vot_folder()
    done(cli("run", scripted(), *VOT, "--repetitions", 15))
    assert result(tmp_path, "scripted").is_file()
    assert not result(tmp_path, "scripted", number=2).exists()
    times = pd.read_csv(tmp_path / "results/VOT2018/scripted/times.csv")
    assert len(times) == 20 + 14
    shown = done(cli("eval", *VOT))
    assert "scripted │ mask │ 2 of 60 │ 1 │" in shown


def test_a_random_tracker_is_repeated(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    vot_folder()
    done(cli("run", scripted(random=True), *VOT, "--repetitions", 4))
    texts = {result(tmp_path, "scripted", number=n).read_text() for n in (1, 2, 3, 4)}
    assert len(texts) > 1
    assert not result(tmp_path, "scripted", number=5).exists()
    assert "2 of 60 │ 4 │" in done(cli("eval", *VOT))
    again = {path: path.read_text() for path in tmp_path.glob("results/VOT2018/*/baseline/*/*.txt")}
    for path in again:
        path.unlink()
    done(cli("run", "scripted", *VOT, "--repetitions", 4))
    assert again == {path: path.read_text() for path in again}


def test_going_on(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    vot_folder()
    name = scripted(lost=(3,))
    done(cli("run", name, *VOT, "--sequences", "cat"))
    before = result(tmp_path, name, "cat").stat().st_mtime_ns
    left = tmp_path / "results/VOT2018/scripted/baseline/.bag.partial"
    left.mkdir()
    (left / "bag_001.txt").write_text("1\n")
    assert "1 tracked now (20 frames)" in done(cli("run", name, *VOT))
    assert result(tmp_path, name, "cat").stat().st_mtime_ns == before
    assert not left.exists()
    assert "all tracked before" in done(cli("run", name, *VOT))
    other = cli("run", name, *VOT, "--region", "box")
    assert other.exit_code == 2
    assert "experiment (region: auto -> box)" in " ".join(other.output.split())


def test_several_workers_give_the_same(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    vot_folder()
    name = scripted(lost=(3,))
    done(cli("run", name, *VOT))
    done(cli("run", name, *VOT, "--workers", 2, "--name", "two"))
    for sequence in ("bag", "cat"):
        one, two = (result(tmp_path, run, sequence).read_text() for run in (name, "two"))
        assert one == two


REGIONS = """
    def regions(self):
        x, y, w, h = self.seen
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        return {self.id: Region(box=self.seen, polygon=np.array(corners, float), confidence=0.5)}
"""


@pytest.mark.parametrize(
    ("region", "numbers", "expected"),
    [
        ("auto", 8, "4.0000,10.0000,16.0000,10.0000,16.0000,18.0000,4.0000,18.0000"),
        ("box", 4, "4.0000,10.0000,12.0000,8.0000"),
        ("rotated", 8, None),
        ("fitted", 8, None),
    ],
)
def test_trackers_say_what_they_have(
    cli: Cli, vot_folder, scripted, tmp_path: Path, region: str, numbers: int, expected: str | None
) -> None:
    vot_folder()
    done(cli("run", scripted(regions=REGIONS), *VOT, "--region", region))
    line = lines(result(tmp_path, "scripted"))[1]
    assert len(line.split(",")) == numbers
    if expected is not None:
        assert line == expected
    values = result(tmp_path, "scripted").with_name("bag_001_confidence.value")
    assert lines(values)[:2] == ["", "0.500000"]
    assert len(lines(values)) == 20
    manifest = json.loads((tmp_path / "results/VOT2018/scripted/run.json").read_text())
    assert manifest["experiment"] == {"region": region, "repetitions": 1}


def test_masks_become_rotated_boxes(cli: Cli, vot_folder, scripted, tmp_path: Path) -> None:
    vot_folder()
    done(cli("run", scripted(), *VOT))
    values = [float(number) for number in lines(result(tmp_path, "scripted"))[1].split(",")]
    # From the middle of the first pixel to that of the last.
    corners = sorted(zip(values[::2], values[1::2], strict=True))
    assert corners == [(4, 10), (4, 17), (15, 10), (15, 17)]
    done(cli("run", "scripted", *VOT, "--region", "box", "--name", "boxes"))
    assert lines(result(tmp_path, "boxes"))[1] == "4.0000,10.0000,12.0000,8.0000"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return [Region()]", "regions() must map ids to Region; it gave a list"),
        ("return {7: Region()}", "regions() has the ids [7], which no prompt has"),
        ("return {1: Region(confidence=float('nan'))}", "confidence of a Region is a number"),
        ("return {1: (1, 2, 3, 4)}", "regions() must map ids to Region; it gave a tuple"),
        ("return {1: Region(box=(1, 2, 3))}", "The box of a Region is x, y, w, h"),
        ("return {1: Region(box=(1, 2, float('nan'), 3))}", "The box of a Region is x, y, w, h"),
        ("return {1: Region(polygon=np.zeros((2, 2)))}", "(N, 2), N at least 3; it is (2, 2)"),
        ("return {1: Region(polygon=np.full((4, 2), np.inf))}", "a corner that is no number"),
        ("return {1: Region(mask=np.zeros((2, 2), bool))}", "of the frame's size (48, 64)"),
        ("raise KeyError('gone')", "The tracker failed on frame 00000002 of sequence 'bag'"),
    ],
)
def test_what_is_no_region(cli: Cli, vot_folder, scripted, code: str, message: str) -> None:
    vot_folder()
    name = scripted(regions=f"\n    def regions(self):\n        {code}\n")
    outcome = cli("run", name, *VOT)
    assert outcome.exit_code == 2
    assert message in " ".join(outcome.output.split())


def test_options_of_boxes_are_for_boxes(cli: Cli, plain_folder, scripted) -> None:
    root = plain_folder()
    outcome = cli("run", scripted(), "--dataset", f"folder:{root}", "--repetitions", 3)
    assert outcome.exit_code == 2
    assert "datasets of boxes" in outcome.output


def test_check_looks_at_regions(cli: Cli, scripted) -> None:
    kept = cli("check", scripted("kept", regions=REGIONS))
    assert "one object: label maps of the frame's size, uint8, known ids; regions" in kept.output
    wrong = scripted("wrong", regions="\n    def regions(self):\n        return {1: None}\n")
    assert "it gave a NoneType on frame 1" in " ".join(cli("check", wrong).output.split())
