"""Running several trackers before they are scored: they fail each for itself."""

from pathlib import Path

import pytest

BROKEN = """
from vostool import Tracker


class Broken(Tracker):
    def reset(self):
        pass

    def step(self, frame, prompts=()):
        raise RuntimeError("it is broken")
"""


@pytest.fixture
def data(plain_folder) -> tuple[str, str]:
    return "--dataset", f"folder:{plain_folder()}"


@pytest.fixture
def broken(tmp_path: Path) -> None:
    path = tmp_path / "trackers/broken/tracker.py"
    path.parent.mkdir(parents=True)
    path.write_text(BROKEN)


def test_what_is_missing_is_run(cli, data) -> None:
    done = cli("eval", *data, "--tracker", "copy_first", "--tracker", "box_fill")
    assert done.exit_code == 0, done.output
    assert done.output.count("2 sequences, 2 tracked now (12 frames)") == 2
    again = cli("eval", *data, "--tracker", "copy_first", "--tracker", "copy_first")
    assert again.exit_code == 0, again.output
    assert again.output.count("all tracked before") == 1


@pytest.mark.usefixtures("broken")
def test_one_that_is_named_and_fails_is_told_when_the_others_are_done(
    cli, data, tmp_path: Path
) -> None:
    done = cli("eval", *data, "--tracker", "broken", "--tracker", "copy_first")
    assert done.exit_code == 2
    assert "RuntimeError: it is broken" in done.output
    assert len(list(tmp_path.glob("results/folder-clips/copy_first/masks/*/*.png"))) == 12
    both = cli("eval", *data, "--tracker", "broken", "--tracker", "nano_box")
    assert both.exit_code == 2
    assert "it is broken" in both.output
    assert "nano_box: nano_box needs weights" in both.output


@pytest.mark.usefixtures("broken")
def test_of_all_the_others_are_scored(cli, data, tmp_path: Path) -> None:
    done = cli("eval", *data, "--tracker", "all")
    assert done.exit_code == 0, done.output
    assert "Not scored: broken: The tracker failed" in " ".join(done.output.split())
    assert (tmp_path / "results/folder-clips/box_fill/scores/davis/summary.csv").is_file()


def test_a_name_that_is_misspelt_is_told_at_once(cli, data, tmp_path: Path) -> None:
    done = cli("eval", *data, "--tracker", "copy_first", "--tracker", "box_fil")
    assert done.exit_code == 2
    assert "Did you mean 'box_fill'" in done.output
    assert not (tmp_path / "results").exists()
