"""SiamMask as ONNX, compared with onnxruntime on crops of frames."""

from pathlib import Path

import pytest

from vostool.datasets.catalog import open_dataset
from vostool.exchange.onnx import export_onnx
from vostool.exchange.onnx_scenes import drawn_scenes, real_scenes
from vostool.tracking.job import RunRequest, prepare
from vostool.workspace import Workspace

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def differences(tmp_path: Path, config: str, scenes) -> dict[str, dict[str, float]]:
    """Export for two objects; returns network -> output -> largest difference."""
    request = RunRequest(f"siammask/{config}", None, ("channels=32",), "cpu", "fp32")
    job = prepare(request, Workspace(tmp_path), random_weights=True)
    return export_onnx(job, scenes, tmp_path, "mask").differences


@pytest.mark.parametrize("config", ["small_base", "small_sharp"])
def test_drawn_crops_agree(tmp_path, config):
    found = differences(tmp_path, config, drawn_scenes(2, "box"))
    assert set(found) == {"template", "search", "masks"}
    for outputs in found.values():
        assert max(outputs.values()) < 1e-3


def test_real_crops_agree(tmp_path, shared):
    dataset = open_dataset("DAVIS2016", root=shared / "data" / "DAVIS", split="val")
    found = differences(tmp_path, "small_sharp", real_scenes(dataset, 2, "box", 2))
    for outputs in found.values():
        assert max(outputs.values()) < 1e-3
