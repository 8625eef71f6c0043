"""Writing networks as ONNX: what is written, what is compared, and what is refused."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

TRACKER = """
import numpy as np
import torch
from torch import nn
from vostool import Tracker
from vostool.tracking.export import Exported, Pixels

class Halves(nn.Module):
    def forward(self, image):
        return image[..., ::2, ::2].mean(dim=1, keepdim=True), image.amax(dim=(1, 2, 3))

class Joined(nn.Module):
    def __init__(self, state):
        super().__init__()
        self.state = state

    def forward(self, half, box):
        {joined}
        return (half * box[:, :1, None, None]).sum(dim=(2, 3))

class Mine(Tracker):
    init = {init!r}
    def reset(self): ...
    def step(self, frame, prompts=()):
        return np.zeros(frame.shape[:2], np.uint8)

    def exportable(self, scene):
        for prompt in scene.prompts:
            assert (prompt.mask is None) == (self.init == "box")
        image = torch.tensor(scene.second[None, :64, :64] / 255).permute(0, 3, 1, 2).float()
        image = image.expand(len(scene.prompts), -1, -1, -1).contiguous()
        box = torch.tensor([tuple(p.box) for p in scene.prompts])
        halves = Halves()
        rows = {{0: "objects"}}
        return {{
            "halves": Exported(
                halves, {{"image": image}}, ("half", "most"), dynamic={{"image": rows}},
                pixels={{"image": Pixels("BGR", std=(255.0, 255.0, 255.0))}},
                about={{"most": "the brightest value"}},
            ),
            "joined": Exported(Joined([0]), {{"half": halves(image)[0], "box": box}}, ("sum",)),
        }}
"""


@pytest.fixture
def mine(tmp_path: Path):
    """Return a function that writes a tracker with two networks."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")

    def write(init: str = "box", joined: str = "pass") -> None:
        folder = tmp_path / "trackers" / "mine"
        folder.mkdir(parents=True)
        (folder / "tracker.py").write_text(TRACKER.format(init=init, joined=joined))

    return write


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("init", ["box", "mask"])
def test_networks_and_their_description(cli, mine, tmp_path, init) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    mine(init)
    out = tmp_path / "out"
    done = cli("export", "mine", "--out", out, "--batch", 2)
    assert done.exit_code == 0, done.output
    assert left_in(out) == ["mine.json", "mine_halves.onnx", "mine_joined.onnx"]
    assert "on 4 scenes of synthetic" in done.output
    said = json.loads((out / "mine.json").read_text())
    halves, joined = said["networks"]["halves"], said["networks"]["joined"]
    (image,) = halves["inputs"]
    assert image["shape"] == ["objects", 3, 64, 64]
    assert image["pixels"] == {"order": "BGR", "mean": [0, 0, 0], "std": [255, 255, 255]}
    assert [o["name"] for o in halves["outputs"]] == ["half", "most"]
    assert halves["outputs"][1]["about"] == "the brightest value"
    assert [i["shape"] for i in joined["inputs"]] == [[2, 1, 32, 32], [2, 4]]
    assert said["agreement"]["largest_relative_difference"]["joined"]["sum"] < 1e-5
    # Another length of the dynamic axis, by hand.
    session = onnxruntime.InferenceSession(out / halves["file"])
    image = np.random.default_rng(0).random((5, 3, 64, 64), np.float32)
    half, most = session.run(None, {"image": image})
    np.testing.assert_allclose(half[:, 0], image[:, :, ::2, ::2].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(most, image.max(axis=(1, 2, 3)))


def test_real_scenes_are_of_the_named_dataset(cli, mine, plain_folder) -> None:
    pytest.importorskip("onnxruntime")
    mine()
    root = plain_folder(size=(96, 96))
    done = cli("export", "mine", "--dataset", f"folder:{root}")
    assert done.exit_code == 0, done.output
    assert "on 2 scenes of folder:" in done.output
    alone = plain_folder(("single",), frames=1, folder="photos")
    done = cli("export", "mine", "--dataset", f"folder:{alone}")
    assert done.exit_code == 2
    assert "no sequence of two frames" in done.output


def test_another_network_is_refused_and_nothing_written(cli, mine, tmp_path) -> None:
    """It adds 1 on every second call: torch converts one of the two."""
    pytest.importorskip("onnxruntime")
    mine(joined="self.state[0] += 1; half = half + self.state[0] % 2")
    done = cli("export", "mine")
    assert done.exit_code == 2
    assert "network 'joined' is another one as ONNX: 'sum' differs by" in done.output
    assert left_in(tmp_path / "results" / "export") == []


def test_what_cannot_be_converted_is_a_sentence(cli, mine, tmp_path) -> None:
    mine(joined="half = half * torch.linalg.eigvals(half).abs()[..., None]")
    done = cli("export", "mine")
    assert done.exit_code == 2
    assert "network 'joined' could not be converted to ONNX" in done.output
    assert left_in(tmp_path / "results" / "export") == []


def test_an_earlier_export_is_kept_when_a_later_one_fails(cli, mine, tmp_path) -> None:
    mine()
    assert cli("export", "mine").exit_code == 0
    folder = tmp_path / "results" / "export"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    code = (tmp_path / "trackers/mine/tracker.py").read_text()
    (tmp_path / "trackers/other").mkdir()
    (tmp_path / "trackers/other/tracker.py").write_text(code.replace("half * box", "half @ box"))
    assert cli("export", "other", "--out", folder).exit_code == 2
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_missing_packages_are_named(cli, mine, monkeypatch) -> None:
    mine()
    monkeypatch.setattr(
        "vostool.errors.find_spec",
        lambda name: None if name.startswith("onnxs") else find_spec(name),
    )
    done = cli("export", "mine")
    assert done.exit_code == 2
    assert (
        "Exporting needs onnxscript, which is not installed: pip install 'vostool[onnx]'"
        in done.output
    )


def test_without_onnxruntime_it_says_that_nothing_was_compared(
    cli, mine, monkeypatch, tmp_path
) -> None:
    mine()
    monkeypatch.setattr(
        "vostool.exchange.onnx.find_spec",
        lambda name: None if name == "onnxruntime" else find_spec(name),
    )
    done = cli("export", "mine")
    assert done.exit_code == 0, done.output
    assert "Not compared with torch" in done.output
    said = json.loads((tmp_path / "results" / "export" / "mine.json").read_text())
    assert said["agreement"] is None


def test_a_tracker_that_offers_nothing(cli) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    done = cli("export", "copy_first")
    assert done.exit_code == 2
    assert "copy_first/default cannot be exported" in done.output


def test_options_of_a_dataset_need_one(cli, tmp_path) -> None:
    done = cli("export", "copy_first", "--root", tmp_path)
    assert done.exit_code == 2
    assert "name it with --dataset" in done.output


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([0.0], [0.0], 0.0),
        ([1.0], [1.0, 1.0], float("inf")),
        ([float("nan")], [1.0], float("nan")),
    ],
)
def test_relative_difference(found, true, expected) -> None:
    from vostool.exchange.onnx import relative_difference

    difference = relative_difference(np.array(found, np.float32), np.array(true, np.float32))
    assert difference == pytest.approx(expected, nan_ok=True)
