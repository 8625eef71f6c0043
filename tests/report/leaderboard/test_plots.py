"""Plots as files."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from tests.report.conftest import ODD_NAME, draw_run
from vostool.errors import UsageError
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.plots import check_installed, write_plots


def test_svg_and_png(tmp_path: Path) -> None:
    for number, name in enumerate(("good", "poor", ODD_NAME)):
        draw_run(tmp_path / "results", name, level=0.7 - 0.2 * number)
    draw_run(tmp_path / "results", "box", level=0.5, init="box")
    sections = [section for section in collect(tmp_path / "results") if section.own]
    paths = write_plots(sections, tmp_path / "plots")
    assert sorted(path.suffix for path in paths) == [".png", ".png", ".svg", ".svg"]
    for path in paths:
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")
        else:
            with Image.open(path) as image:
                assert min(image.size) > 400
    again = write_plots(sections, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_without_matplotlib_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vostool.errors.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'vostool\[report\]'"):
        check_installed()
