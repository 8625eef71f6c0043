"""The README's own snippets are what runs here."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.containers import write

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def snippet(containing: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    (found,) = [block for block in blocks if containing in block]
    return found


@pytest.fixture
def patch_match(tmp_path) -> Path:
    text = snippet("class PatchMatch")
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 35, "30 lines are promised"
    path = tmp_path / "trackers" / "patch_match" / "tracker.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_tracker_of_the_readme_keeps_the_contract(cli, patch_match):
    done = cli("check", "patch_match")
    assert done.exit_code == 0, done.output


def test_the_tracker_of_the_readme_is_run_and_ranked(cli, patch_match, tmp_path):
    clips = tmp_path / "clips"
    assert cli("datasets", "make", "synthetic", clips, "--frames", 12).exit_code == 0
    data = ("--dataset", "synthetic", "--root", clips)
    done = cli("eval", *data, "--tracker", "patch_match", "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    assert cli("leaderboard").exit_code == 0
    board = pd.read_csv(tmp_path / "results" / "leaderboard.csv").set_index("run")
    assert board["rank"]["patch_match"] == 1
    assert board["J_mean"]["patch_match"] > board["J_mean"]["copy_first"] + 0.1


def test_evaluating_from_python(davis_folder):
    root = davis_folder(year=2016)
    masks = davis_folder(year=2016, folder="predicted", seed=5) / "Annotations/480p"
    text = snippet("vostool.evaluate").replace("path/to/masks", str(masks))
    names: dict[str, object] = {}
    exec(text.replace("path/to/DAVIS", str(root)), names)
    assert 0.2 < names["scores"].summary["J_mean"][0] < 1.0  # type: ignore[attr-defined]


def test_tracking_from_python(tmp_path, monkeypatch, capsys):
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "clip.mp4", 6, size=(240, 424))
    text = snippet("vostool.track")
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    exec(text, {})
    assert capsys.readouterr().out.count("object 1 covers") == 6


def test_every_command_of_the_readme_exists(cli):
    for verb in re.findall(r"^vostool (\w+)", README, re.M):
        assert cli(verb, "--help").exit_code == 0, verb
    for target in re.findall(r"`make (\w+)`", README):
        assert re.search(
            rf"^{target}:", (Path(__file__).parent.parent / "Makefile").read_text(), re.M
        )


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (Path(__file__).parent.parent / target).exists()
