"""SiamPolarMask as ONNX: its parts, one after the other, say what its network says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vostool.datasets.catalog import open_dataset
from vostool.errors import ConfigError
from vostool.exchange.onnx import Written, export_onnx
from vostool.exchange.onnx_scenes import drawn_scenes, real_scenes
from vostool.tracking.base import Runtime
from vostool.tracking.job import Job, RunRequest, prepare
from vostool.workspace import Workspace
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import SiamPolar

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def job(tmp_path: Path, *overrides: str) -> Job:
    request = RunRequest("siampolar", None, overrides, "cpu", "fp32")
    return prepare(request, Workspace(tmp_path), random_weights=True)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Export the bundled weights for two objects, compared on drawn scenes."""
    folder = tmp_path_factory.mktemp("onnx")
    return export_onnx(job(folder), drawn_scenes(2, "box"), folder, "polar")


def answers(folder: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what all parts say, one after the other."""
    said = dict(feeds)
    for part in ("template", "search", "refinement"):
        session = onnxruntime.InferenceSession(folder / f"polar_{part}.onnx")
        given = {i.name: said[i.name] for i in session.get_inputs()}
        names = [output.name for output in session.get_outputs()]
        said |= dict(zip(names, session.run(names, given), strict=True))
    return said


def test_drawn_crops_agree(bundled) -> None:
    assert bundled.scenes == 4
    names = {path.name for path in bundled.files}
    parts = ("template", "search", "refinement")
    assert names == {*(f"polar_{part}.onnx" for part in parts), "polar.json"}
    for outputs in bundled.differences.values():
        assert max(outputs.values()) < 1e-3


def test_real_crops_agree(shared, bundled) -> None:
    """One part after the other, from the crops of real frames to the best cell."""
    dataset = open_dataset("DAVIS2016", root=shared / "data" / "DAVIS", split="val")
    tracker = SiamPolar(Config(), Runtime(weights=SiamPolar.own_weights(Config())))
    for scene in real_scenes(dataset, 2, "box", 4):
        offer = tracker.exportable(scene)
        feeds = {n: v.numpy() for half in offer.values() for n, v in half.inputs.items()}
        crops = {n: v for n, v in feeds.items() if not n.startswith("kernel")}
        said = answers(bundled.files[0].parent, crops)
        with torch.inference_mode():
            maps = offer["search"].network(*offer["search"].inputs.values())
            reached = offer["refinement"].network(*offer["refinement"].inputs.values())
        names = ("score", "centerness", "rays", "dense", "reached")
        for name, true in zip(names, (*maps, reached), strict=True):
            assert np.abs(said[name] - true.numpy()).max() < 1e-3 * np.abs(true.numpy()).max()
        assert said["score"][0].argmax() == maps[0][0].argmax()


def test_the_template_takes_any_number_and_the_search_as_many_as_asked_for(bundled) -> None:
    template, search = (
        onnxruntime.InferenceSession(bundled.files[0].parent / f"polar_{half}.onnx")
        for half in ("template", "search")
    )
    assert [i.shape[0] for i in template.get_inputs()] == ["batch", "batch"]
    assert {i.shape[0] for i in search.get_inputs()} == {2}
    crops = {i.name: np.zeros((3, *i.shape[1:]), np.float32) for i in template.get_inputs()}
    assert [len(kernel) for kernel in template.run(None, crops)] == [3, 3]


def test_the_form_of_the_paper_without_guides(tmp_path) -> None:
    changes = ("guided=false", 'stages=["layer2"]', "channels=16", "depth=1")
    written = export_onnx(job(tmp_path, *changes), drawn_scenes(1, "box"), tmp_path, "polar")
    assert written.differences is not None
    assert max(written.differences["search"].values()) < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "polar_search.onnx")
    assert [i.name for i in session.get_inputs()] == ["kernel_layer2", "search"]


def test_lite0_agrees(tmp_path) -> None:
    written = export_onnx(
        job(tmp_path, "backbone=lite0"), drawn_scenes(1, "box"), tmp_path, "polar"
    )
    assert written.differences is not None
    for outputs in written.differences.values():
        assert max(outputs.values()) < 1e-3


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
