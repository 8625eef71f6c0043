"""Reading the file of a campaign: what may be in it, and what is said of what may not."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vostool.campaign.cells import cells_of
from vostool.campaign.file import Campaign, DatasetRow, TrackerRow, read_campaign
from vostool.errors import ConfigError, UnknownNameError, VostoolError

SMALL = '[[trackers]]\ntracker = "copy_first"\n[[datasets]]\ndataset = "synthetic"\n'


def read(tmp_path: Path, text: str) -> Campaign:
    path = tmp_path / "spring 26.toml"
    path.write_text(text, encoding="utf-8")
    return read_campaign(path)


def test_the_least(tmp_path: Path) -> None:
    campaign = read(tmp_path, SMALL)
    assert campaign.name == "spring 26"
    assert [row.tracker for row in campaign.trackers] == ["copy_first"]
    assert [row.dataset for row in campaign.datasets] == ["synthetic"]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    campaign = read(
        tmp_path,
        '[[trackers]]\ntracker = "a"\nweights = "w/a.pth"\n'
        '[[trackers]]\ntracker = "a"\nweights = ["w/b.pth", "/c.pth"]\n'
        '[[trackers]]\ntracker = "a"\nweights.new = "../d.pth"\n'
        '[[datasets]]\ndataset = "DAVIS2016"\nroot = "data"\n'
        '[[datasets]]\ndataset = "vot:drawn"\n'
        '[[datasets]]\ndataset = "DAVIS2017"\nroot = "s3://bucket/DAVIS"\n',
    )
    here = str(tmp_path)
    assert campaign.trackers[0].weights == f"{here}/w/a.pth"
    assert campaign.trackers[1].weights == (f"{here}/w/b.pth", "/c.pth")
    assert campaign.trackers[2].weights == {"new": f"{here}/../d.pth"}
    assert campaign.datasets[0].root == f"{here}/data"
    assert campaign.datasets[1].dataset == f"vot:{here}/drawn"
    assert campaign.datasets[1].title == "vot:drawn"
    assert campaign.datasets[2].root == "s3://bucket/DAVIS"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", ConfigError, r"there is no \[\[trackers\]\]"),
        ("trackers = 3", ConfigError, r"written as tables, \[\[trackers\]\]"),
        ("[trackers]\ntracker = 1", ConfigError, r"written as tables, \[\[trackers\]\]"),
        ("device =", ConfigError, "not valid TOML"),
        (SMALL + "[[trackers]]\nnam = 'x'", UnknownNameError, r"'nam' in .* 2\. .*'name'"),
        (SMALL + "[[trackers]]\nname = 'x'", ConfigError, r"\[\[trackers\]\] 2: 'tracker' is miss"),
        (SMALL + "[[datasets]]\nsplit = 'val'", ConfigError, "'dataset' is missing"),
        ("devise = 'cpu'\n" + SMALL, UnknownNameError, "'devise' in .* Did you mean 'device'"),
        ("precision = 'fp8'\n" + SMALL, ConfigError, "'precision' takes one of 'auto', 'fp32'"),
        ("seed = -1\n" + SMALL, ConfigError, "seed is -1"),
        ("repetitions = 0\n" + SMALL, ConfigError, "repetitions is 0"),
        (SMALL + "protocols = ['davi']", UnknownNameError, "Did you mean 'davis'"),
        (SMALL + "protocols = 'davis'", ConfigError, "'protocols' takes tuple"),
        (
            SMALL + "repetitions = 3",
            ConfigError,
            "synthetic has no boxes; drop 'repetitions'",
        ),
        (SMALL + "interval = [1, 2]", ConfigError, "drop 'interval'"),
        (SMALL + "interval = [5, 2]", ConfigError, r"interval is \[low, high\]"),
        (
            SMALL + "[[datasets]]\ndataset = 'VOT2018'\nsplit = 'x'",
            ConfigError,
            "drop 'split'",
        ),
        (
            SMALL + "[[datasets]]\ndataset = 'VOT2018'\nprotocols = ['vot-tolkit']",
            UnknownNameError,
            "Did you mean 'vot-toolkit'",
        ),
        ("[[trackers]]\ntracker='a'\nsettings.k = []", ConfigError, "settings.k is an empty list"),
        ("[[trackers]]\ntracker='a'\nsettings.k.j = 1", ConfigError, "settings.k is a table"),
        ("[[trackers]]\ntracker='a'\nsettings = 3", ConfigError, "'settings' takes"),
        ("[[trackers]]\ntracker='a'\nseed = [0, -3]", ConfigError, "seed is -3"),
    ],
)
def test_what_may_not_be(tmp_path: Path, text: str, kind: type[VostoolError], said: str) -> None:
    with pytest.raises(kind, match=said):
        read(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file .*absent.toml; docs/campaign.md"):
        read_campaign(tmp_path / "absent.toml")


ROOT = Path(__file__).parent.parent.parent


def described(heading: str) -> set[str]:
    """Return the keys in the table of docs/campaign.md that begins with a heading."""
    text = (ROOT / "docs/campaign.md").read_text(encoding="utf-8")
    table = text[text.index(f"\n| {heading} |") :].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    return {name.partition(".")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_document_has_every_key() -> None:
    rows = {"trackers", "datasets", "skip", "only"}
    assert described("key") == {field.name for field in fields(Campaign)} - rows
    assert described("key of `[[trackers]]`") == {field.name for field in fields(TrackerRow)}
    assert described("key of `[[datasets]]`") == {field.name for field in fields(DatasetRow)}


def test_the_example_is_what_the_document_shows() -> None:
    path = ROOT / "examples/campaign.toml"
    campaign = read_campaign(path)
    runs = [cell.run for cell in cells_of(campaign, str(path))]
    assert runs[3:5] == ["color_model-smooth_steps=0", "color_model-smooth_steps=5"]
    assert len(runs) == 2 * 5
    shown = re.search(
        r"```toml\n(.*?)```", (ROOT / "docs/campaign.md").read_text(encoding="utf-8"), re.S
    )
    assert shown is not None
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    assert set(filter(None, shown[1].splitlines())) <= set(lines)
