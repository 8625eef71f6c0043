"""Curves as SVG: well formed, with every line, and gaps where nothing is known."""

from xml.etree import ElementTree

import numpy as np
import pytest

from vostool.report.terminal.curves import Line, curves_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("most", [1.0, 0.5, 50.0, 356.0, 1500.0])
def test_well_formed(most: float) -> None:
    x = np.linspace(0, most, 20)
    gap = np.where((x > most / 3) & (x < most / 2), np.nan, 0.5)
    lines = [Line("a < b & c", x, x / most), Line("gap", x, gap)]
    root = ElementTree.fromstring(curves_svg(lines, "T", "x", "y", (most / 4, most / 2)))
    curves = [path for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "1.8"]
    assert [path.get("d").count("M") for path in curves] == [1, 2]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "a < b & c" in texts
    assert "1.0" in texts
    assert "nan" not in "".join(path.get("d") for path in curves)
