"""The notebook runs, cell by cell, on the clip that it draws."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NOTEBOOK = Path(__file__).parents[2] / "examples" / "track_a_video.ipynb"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    shown = []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []  # pictures would make the file large
        *lines, last = "".join(cell["source"]).splitlines()
        exec("\n".join(lines), names)
        shown.append(eval(last, names))
    boxes, about, overlaps, picture, corrected = shown
    assert len(boxes) == 2
    assert about[:2] == (30, (240, 424, 3))
    assert np.all(overlaps > 0.7)
    assert isinstance(picture, Image.Image)
    assert picture.size == (3 * 424, 240)
    assert corrected > 0.7
