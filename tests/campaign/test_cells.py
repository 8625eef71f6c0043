"""Multiplying out: which runs a file means, and what they are called."""

from pathlib import Path

import pytest

from vostool.campaign.cells import Cell, cells_of, chosen
from vostool.campaign.file import read_campaign
from vostool.campaign.names import literal, weights_label
from vostool.config import parse_overrides
from vostool.errors import ConfigError, UnknownNameError

TWO = '[[datasets]]\ndataset = "synthetic"\n[[datasets]]\ndataset = "VOT2018"\nrepetitions = 4\n'
ONE = '[[datasets]]\ndataset = "synthetic"\n'


def cells(tmp_path: Path, text: str) -> list[Cell]:
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    return cells_of(read_campaign(path), "c.toml")


def names(found: list[Cell]) -> list[str]:
    return [cell.run for cell in found]


def test_everything_is_multiplied_out(tmp_path: Path) -> None:
    found = cells(
        tmp_path,
        'seed = 3\nregion = "box"\n'
        '[[trackers]]\ntracker = "siampolar/car"\nweights = ["a.pth", "b.safetensors"]\n'
        'settings.votes = [1, 8]\nsettings.mode = "x"\nprecision = ["fp32", "fp16"]\n' + TWO,
    )
    assert len(found) == 2 * 2 * 2 * 2
    first, last = found[0], found[-1]
    assert first.run == "siampolar-car-a-fp32-votes=1-mode=x"
    assert last.run == "siampolar-car-b-fp16-votes=8-mode=x"
    assert last.request.tracker == "siampolar/car"
    assert last.request.weights == tmp_path / "b.safetensors"
    assert last.request.precision == "fp16"
    assert last.request.seed == 3
    assert parse_overrides(last.request.overrides) == {"votes": 8, "mode": "x"}
    assert (last.region, last.repetitions) == ("box", 4)
    assert first.repetitions == 1
    assert len({(cell.dataset.dataset, cell.run) for cell in found}) == len(found)


def test_more_values_rename_nothing(tmp_path: Path) -> None:
    """A campaign that grows keeps the runs that it has."""
    row = '[[trackers]]\ntracker = "t"\n'
    few = names(cells(tmp_path, row + 'settings.k = 1\nweights = "a.pth"\n' + ONE))
    more = names(cells(tmp_path, row + 'settings.k = [0, 1]\nweights = ["b.pt", "a.pth"]\n' + ONE))
    plain = names(cells(tmp_path, row + ONE))
    assert few == ["t-a-k=1"]
    assert set(few) < set(more)
    assert plain == ["t"]


def test_a_pattern_for_names(tmp_path: Path) -> None:
    row = '[[trackers]]\ntracker = ["t/big", "u"]\nsettings.k = [0.5, 2]\n'
    text = row + 'name = "{tracker}_{config}@{k}"\n' + ONE
    assert names(cells(tmp_path, text)) == [
        *("t_big@0.5", "t_big@2"),
        *("u_default@0.5", "u_default@2"),
    ]
    with pytest.raises(UnknownNameError, match=r"field 'kk' in the name of .*\. Did you mean 'k'"):
        cells(tmp_path, row + 'name = "{kk}"\n' + ONE)


def test_two_runs_of_one_name(tmp_path: Path) -> None:
    same = '[[trackers]]\ntracker = "t"\n' * 2
    with pytest.raises(ConfigError, match=r"two runs would be called 't', of .* 1 and 2"):
        cells(tmp_path, same + ONE)
    with pytest.raises(ConfigError, match=r"called 'x', of .* 1 and 1"):
        cells(tmp_path, '[[trackers]]\ntracker = ["t", "u"]\nname = "x"\n' + ONE)


def test_a_name_that_no_folder_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'scores' is no name for a run"):
        cells(tmp_path, '[[trackers]]\ntracker = "t"\nname = "scores"\n' + ONE)
    long = f'[[trackers]]\ntracker = "t"\nsettings.k = "{"x" * 99}"\n'
    with pytest.raises(ConfigError, match="is no name for a run"):
        cells(tmp_path, long + ONE)
    odd = '[[trackers]]\ntracker = "t"\nsettings.k = "../a b"\nsettings.s = [[1, 2]]\n'
    assert names(cells(tmp_path, odd + ONE)) == ["t-k=..-a b-s=1,2"]


def test_names_of_weights() -> None:
    assert weights_label(Path("w/SiamMask_DAVIS.pth")) == "SiamMask_DAVIS"
    assert weights_label(Path("results/train/mine/best.safetensors")) == "mine-best"


@pytest.mark.parametrize("value", [True, 3, -0.5, 1e-7, 'say "hi"\\', "é", [1, [2.5, "x"]], "none"])
def test_settings_arrive_as_they_are(value: object) -> None:
    assert parse_overrides([f"k={literal(value)}"]) == {"k": value}


def test_skip_and_only(tmp_path: Path) -> None:
    trackers = '[[trackers]]\ntracker = ["t/a", "t/b", "u"]\n'
    skipped = cells(tmp_path, trackers + TWO + '[[skip]]\ntracker = "t/*"\ndataset = "VOT*"\n')
    assert names(skipped) == ["t-a", "t-b", "u", "u"]
    alone = cells(tmp_path, trackers + TWO + '[[only]]\ntracker = "t-b"\n')
    assert names(alone) == ["t-b", "t-b"]
    with pytest.raises(ConfigError, match=r"\[\[skip\]\] 1 fits no run: there is none 'v' on '\*'"):
        cells(tmp_path, trackers + TWO + '[[skip]]\ntracker = "v"\n')


def test_chosen(tmp_path: Path) -> None:
    found = cells(tmp_path, '[[trackers]]\ntracker = ["t/a", "u"]\n' + TWO)
    assert chosen(found, ()) == found
    assert names(chosen(found, ("t/a",))) == ["t-a", "t-a"]
    assert names(chosen(found, ("VOT2018",))) == ["t-a", "u"]
    assert names(chosen(found, ("synthetic/*", "VOT2018/u"))) == ["t-a", "u", "u"]
    with pytest.raises(UnknownNameError, match="no run 'w' in the campaign"):
        chosen(found, ("u", "w"))
