"""A tracker that is begun as a copy is a tracker of its own, and equal to the original."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.nano_networks import write_networks
from vostool.errors import ContractError, UnknownNameError, UsageError
from vostool.imports import files_of
from vostool.tracking import plugins
from vostool.tracking.check import _clip, _track
from vostool.tracking.copying import new_tracker
from vostool.tracking.job import RunRequest, prepare
from vostool.tracking.plugins import load_tracker
from vostool.workspace import Workspace

BUNDLED = sorted(entry_points(group="vostool.trackers").names)
SMALL = {"polarmask": "small", "s2iammask": "small", "siamcar": "small", "siammask": "small_sharp"}
TRAINED = [*SMALL, "siampolar"]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield Workspace(tmp_path)
    for name in [name for name in sys.modules if name.startswith("vostool_local_trackers")]:
        del sys.modules[name]


@pytest.fixture
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of trackers that do not build without."""
    return {"nano_box": write_networks(tmp_path_factory.mktemp("weights"))}


def spec(name: str, original: str) -> str:
    return f"{name}/{SMALL[original]}" if original in SMALL else name


def masks(name: str, workspace: Workspace, weights: Path | None) -> list[np.ndarray]:
    clip = _clip("crowd")
    request = RunRequest(name, device="cpu", weights=weights)
    job = prepare(request, workspace, random_weights=True)
    return _track(job.build(), clip.frames[:3], clip)


@pytest.mark.parametrize("original", BUNDLED)
def test_a_copy_tracks_like_its_original(original, workspace, weights):
    folder = new_tracker("Mine_2", workspace, original)
    found = masks(spec("Mine_2", original), workspace, weights.get(original))
    expected = masks(spec(original, original), workspace, weights.get(original))
    np.testing.assert_array_equal(found, expected)
    copy, plugin = load_tracker("Mine_2", workspace), load_tracker(original, workspace)
    assert copy.configs.keys() == plugin.configs.keys()
    assert (folder / "README.md").read_text().startswith("# Mine_2\n")
    # what runs is the copy's, but for what the Siamese ones share
    here = copy.cls.__module__
    files = files_of([here], {here.partition(".")[0], "vostool_trackers"}, {"vostool"})
    for name, path in files.items():
        assert path.is_relative_to(folder) or name.startswith("vostool_trackers.siamese"), name
    assert copy.code_hash() != plugin.code_hash()


@pytest.mark.parametrize(
    "original",
    [n if n not in TRAINED else pytest.param(n, marks=pytest.mark.slow) for n in BUNDLED],
)
def test_a_copy_keeps_the_contract_at_once(original, cli, weights):
    done = cli("new-tracker", "mine", "--like", original)
    assert done.exit_code == 0, done.output
    given = ("--weights", weights[original]) if original in weights else ()
    done = cli("check", spec("mine", original), "--device", "cpu", *given)
    assert done.exit_code == 0, done.output
    assert "9 of 9" in done.output


def test_the_template_keeps_the_contract(cli, tmp_path):
    assert cli("new-tracker", "patch_match").exit_code == 0
    text = (tmp_path / "trackers" / "patch_match" / "tracker.py").read_text()
    assert "class PatchMatch(PerObject)" in text
    assert cli("check", "patch_match", "-o", "radius=12").exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("original", TRAINED)
def test_a_copy_can_be_trained(original, cli, tmp_path):
    assert cli("new-tracker", "mine", "--like", original).exit_code == 0
    clips = tmp_path / "clips"
    assert cli("datasets", "make", "synthetic", clips, "--frames", 6).exit_code == 0
    config = f"mine/{SMALL.get(original, 'car')}".replace("sharp", "base")
    data = ("--data", f"folder:{clips}", "-o", "train.validation=", "-o", "train.batch=2")
    data += ("-o", "train.validation_sequences=[]", "--device", "cpu")
    done = cli("train", config, "--dry-run", *data)
    assert done.exit_code == 0, done.output
    trained = [name for name in sys.modules if name.endswith(".mine.training")]
    assert trained
    assert all(name.startswith("vostool_local_trackers") for name in trained)


def test_the_weights_that_come_along_come_along(workspace):
    folder = new_tracker("mine", workspace, "siampolar")
    cls = load_tracker("mine", workspace).cls
    assert cls.own_weights(cls.Config()) == folder / "car.safetensors"


@pytest.mark.parametrize(
    "name", ["a/b", "../out", "", "2nd", "my-tracker", "my tracker", "class", "é/ü", ".x", "x.y"]
)
def test_names_that_cannot_be(name, cli, tmp_path):
    done = cli("new-tracker", name, "--like", "copy_first")
    assert done.exit_code == 2
    assert repr(name) in done.output
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_taken(workspace):
    for name in ("siamcar", "color_model_box"):
        with pytest.raises(UsageError, match=f"'{name}' already"):
            new_tracker(name, workspace)
    new_tracker("mine", workspace)
    with pytest.raises(UsageError, match="'mine' already"):
        new_tracker("mine", workspace, "copy_first")
    (workspace.trackers / "notes").mkdir()
    with pytest.raises(UsageError, match="notes exists already"):
        new_tracker("notes", workspace)
    with pytest.raises(UnknownNameError, match="copy_first"):
        new_tracker("other", workspace, "copy_frist")
    assert {path.name for path in workspace.trackers.iterdir()} == {"mine", "notes"}


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


LOCAL = """
from vostool import Tracker
from .parts import step
class Mine(Tracker):
    def reset(self): ...
    step = step
"""


def test_a_tracker_of_the_workspace_is_copied_too(workspace):
    parts = "from . import deep\nfrom ..shared.steps import step\n"
    write(workspace.trackers / "mine", tracker=LOCAL, parts=parts, deep="", unused="1 / 0\n")
    write(workspace.trackers / "shared", steps="def step(self, frame, prompts=()): ...\n")
    folder = new_tracker("yours", workspace, "mine")
    assert sorted(path.name for path in folder.glob("*.py")) == [
        "deep.py",
        "parts.py",
        "tracker.py",
    ]
    assert load_tracker("yours", workspace).cls.step.__module__.endswith(".shared.steps")


def test_nothing_is_left_of_a_copy_that_fails(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "packages")
    package = tmp_path / "packages" / "strange_package_of_this_test"
    code = LOCAL.replace(".parts", "strange_package_of_this_test.parts")
    write(package, tracker=f"{code}\nimport strange_package_of_this_test.parts\n", parts="step = 1")
    (package / "__init__.py").write_text("")
    workspace = Workspace(tmp_path / "home")
    point = EntryPoint("strange", f"{package.name}.tracker:Mine", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    with pytest.raises(ContractError, match=r"line 8 of .*tracker\.py"):
        new_tracker("mine", workspace, "strange")
    assert not workspace.home.exists()

    def broken(*_: object) -> object:
        raise ContractError("no")

    monkeypatch.setattr("vostool.tracking.copying.load_tracker", broken)
    with pytest.raises(ContractError):
        new_tracker("mine", workspace)
    assert not workspace.home.exists()
