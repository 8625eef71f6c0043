"""SiamPolarMask as ONNX: its two halves, one after the other, say what its network says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vostool.datasets.catalog import open_dataset
from vostool.errors import ConfigError
from vostool.export_onnx import export_onnx
from vostool.export_scenes import drawn_scenes, real_scenes
from vostool.jobs import Job, RunRequest, prepare
from vostool.tracker import Runtime
from vostool.workspace import Workspace
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import SiamPolar

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def job(tmp_path: Path, *overrides: str) -> Job:
    request = RunRequest("siampolar", None, overrides, "cpu", "fp32")
    return prepare(request, Workspace(tmp_path), random_weights=True)


def answers(folder: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what both halves say, one after the other."""
    said = dict(feeds)
    for half in ("template", "search"):
        session = onnxruntime.InferenceSession(folder / f"polar_{half}.onnx")
        given = {i.name: said[i.name] for i in session.get_inputs()}
        names = [output.name for output in session.get_outputs()]
        said |= dict(zip(names, session.run(names, given), strict=True))
    return said


def test_real_crops_agree(shared, tmp_path) -> None:
    dataset = open_dataset("DAVIS2016", root=shared / "data" / "DAVIS", split="val")
    written = export_onnx(job(tmp_path), real_scenes(dataset, 1, "box", 3), tmp_path, "polar")
    assert written.scenes == 3
    assert {p.name for p in written.files} == {
        "polar_template.onnx",
        "polar_search.onnx",
        "polar.json",
    }
    assert written.differences is not None
    for outputs in written.differences.values():
        assert max(outputs.values()) < 1e-3
    # Without the tool's comparison: another sequence, from its crops on to the best cell.
    scene = real_scenes(dataset, 1, "box", 4)[3]
    tracker = SiamPolar(Config(), Runtime(weights=SiamPolar.own_weights(Config())))
    offer = tracker.exportable(scene)
    feeds = {n: v.numpy() for e in offer.values() for n, v in e.inputs.items()}
    said = answers(tmp_path, {n: v for n, v in feeds.items() if not n.startswith("kernel")})
    with torch.inference_mode():
        maps = offer["search"].network(*offer["search"].inputs.values())
    for name, true in zip(("score", "centerness", "rays"), maps, strict=True):
        assert np.abs(said[name] - true.numpy()).max() < 1e-3 * np.abs(true.numpy()).max()
    assert said["score"].argmax() == maps[0].argmax()


def test_drawn_crops_of_several_objects_agree(tmp_path) -> None:
    written = export_onnx(job(tmp_path), drawn_scenes(3, "box"), tmp_path, "polar")
    assert written.differences is not None
    assert max(written.differences["search"].values()) < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "polar_template.onnx")
    assert [i.shape[0] for i in session.get_inputs()] == ["batch", "batch"]
    session = onnxruntime.InferenceSession(tmp_path / "polar_search.onnx")
    assert {i.shape[0] for i in session.get_inputs()} == {3}


def test_the_form_of_the_paper_without_guides(tmp_path) -> None:
    changes = ("guided=false", 'stages=["layer2"]', "channels=16", "depth=1")
    written = export_onnx(job(tmp_path, *changes), drawn_scenes(1, "box"), tmp_path, "polar")
    assert written.differences is not None
    assert max(written.differences["search"].values()) < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "polar_search.onnx")
    assert [i.name for i in session.get_inputs()] == ["kernel_layer2", "search"]


def test_what_is_handed_over_is_what_tracking_sees(small) -> None:
    """The crop of the template has the object's box in its middle, in normalised colours."""
    scene = drawn_scenes(1, "box")[0]
    offer = SiamPolar(replace(small, guided=False)).exportable(scene)
    template = offer["template"].inputs["template"]
    pixels = offer["template"].pixels["template"]
    x, y, w, h = scene.prompts[0].box
    middle = scene.first[round(y + h / 2) - 3 :, round(x + w / 2) - 3 :][:6, :6].mean(axis=(0, 1))
    seen = template[0, :, 61:66, 61:66].mean(dim=(1, 2)) * torch.tensor(pixels.std)
    seen += torch.tensor(pixels.mean)
    assert seen.tolist() == pytest.approx(middle.tolist(), abs=25)
    assert offer["search"].inputs["search"].shape == (1, 3, 255, 255)


def test_tracking_goes_on_as_if_nothing_had_been_exported() -> None:
    scene = drawn_scenes(2, "box")[1]
    runtime = Runtime(weights=SiamPolar.own_weights(Config()))
    alone, other = SiamPolar(Config(), runtime), SiamPolar(Config(), runtime)
    for tracker in (alone, other):
        tracker.step(scene.first, scene.prompts)
    other.exportable(drawn_scenes(1, "box")[0])
    assert np.array_equal(alone.step(scene.second), other.step(scene.second))


def test_whole_frame_forms_are_refused(tmp_path) -> None:
    changes = ('variant="sym"', 'backbone="resnet18"', "width=160", "height=160")
    with pytest.raises(ConfigError, match="Only the form `car`"):
        export_onnx(job(tmp_path, *changes), drawn_scenes(1, "box"), tmp_path, "polar")
