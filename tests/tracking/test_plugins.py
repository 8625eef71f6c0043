"""Trackers are found as entry points and as folders of the workspace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import numpy as np
import pytest

from vostool.errors import ConfigError, ContractError, UnknownNameError
from vostool.imports import files_of
from vostool.tracking.base import Tracker
from vostool.tracking.plugins import load_tracker, split_spec, tracker_names
from vostool.workspace import Workspace

TRACKER = """
from dataclasses import dataclass
import numpy as np
from vostool import Tracker
from .parts import VALUE

@dataclass(frozen=True)
class Settings:
    value: int = VALUE
    rate: float = 1.0

class Mine(Tracker):
    Config = Settings
    def reset(self): ...
    def step(self, frame, prompts=()):
        return np.full(frame.shape[:2], self.config.value, np.uint8)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield Workspace(tmp_path)
    for name in [name for name in sys.modules if name.startswith("vostool_local_trackers")]:
        del sys.modules[name]


@pytest.fixture
def local(workspace: Workspace) -> Callable[..., Path]:
    """Return a function that writes a tracker's folder into the workspace."""

    def write(name: str, code: str = TRACKER, **files: str) -> Path:
        folder = workspace.trackers / name
        folder.mkdir(parents=True)
        (folder / "tracker.py").write_text(code)
        (folder / "parts.py").write_text("VALUE = 7\n")
        for stem, text in files.items():
            (folder / f"{stem}.toml").write_text(text)
        return folder

    return write


# --- installed trackers ---


def test_installed_trackers_are_found_without_importing_them(workspace: Workspace) -> None:
    source = tracker_names(workspace)["copy_first"]
    assert not isinstance(source, Path)
    assert source.value == "vostool_trackers.copy_first.tracker:CopyFirst"


def test_an_installed_tracker_is_loaded(workspace: Workspace) -> None:
    plugin = load_tracker("copy_first", workspace)
    assert plugin.name == "copy_first"
    assert issubclass(plugin.cls, Tracker)
    assert plugin.folder.name == "copy_first"


def test_unknown_name_says_the_nearest(workspace: Workspace) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'copy_first'.*optical_flow"):
        load_tracker("copyfirst", workspace)


def test_an_entry_point_that_is_no_tracker(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = EntryPoint("wrong", "pathlib:Path", "vostool.trackers")
    monkeypatch.setattr("vostool.tracking.plugins.entry_points", lambda group: [wrong])
    with pytest.raises(ContractError, match="'wrong' is not a subclass"):
        load_tracker("wrong", workspace)


def test_an_entry_point_that_cannot_be_imported(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = EntryPoint("absent", "no_such_package.tracker:Absent", "vostool.trackers")
    monkeypatch.setattr("vostool.tracking.plugins.entry_points", lambda group: [absent])
    with pytest.raises(ContractError, match=r"cannot be imported.*no_such_package"):
        load_tracker("absent", workspace)


# --- folders of the workspace ---


def test_a_folder_with_a_relative_import(workspace: Workspace, local) -> None:
    folder = local("mine")
    plugin = load_tracker("mine", workspace)
    assert plugin.folder == folder
    labels = plugin.cls().step(np.zeros((2, 3, 3), np.uint8))
    assert labels.tolist() == [[7, 7, 7], [7, 7, 7]]


def test_two_folders_do_not_share_their_modules(workspace: Workspace, local) -> None:
    local("mine")
    (local("other") / "parts.py").write_text("VALUE = 9\n")
    values = [load_tracker(name, workspace).cls().config.value for name in ("mine", "other")]
    assert values == [7, 9]


def test_two_workspaces_do_not_share_their_trackers(workspace: Workspace, local) -> None:
    local("mine")
    elsewhere = Workspace(workspace.home / "elsewhere")
    folder = elsewhere.trackers / "mine"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(TRACKER)
    (folder / "parts.py").write_text("VALUE = 9\n")
    values = [load_tracker("mine", each).cls().config.value for each in (workspace, elsewhere)]
    assert values == [7, 9]


def test_a_folder_whose_name_is_no_identifier(workspace: Workspace, local) -> None:
    local("my-tracker")
    assert load_tracker("my-tracker", workspace).cls.__name__ == "Mine"


def test_an_installed_tracker_goes_before_a_folder(workspace: Workspace, local) -> None:
    local("copy_first")
    plugin = load_tracker("copy_first", workspace)
    assert not plugin.folder.is_relative_to(workspace.home)


def test_a_folder_without_a_module_is_no_tracker(workspace: Workspace) -> None:
    (workspace.trackers / "notes").mkdir(parents=True)
    assert "notes" not in tracker_names(workspace)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_package", "'bad' cannot be imported.*no_such_package"),
        ("def broken(:", r"'bad' cannot be imported: .*tracker\.py, line 1: .*syntax"),
        ("1 / 0", "'bad' cannot be imported.*ZeroDivisionError"),
        ("", "exactly one subclass of vostool.Tracker, not none"),
        (f"{TRACKER}\nclass Second(Mine): ...", "exactly one subclass.*not Mine, Second"),
    ],
)
def test_folders_that_cannot_be_used(workspace: Workspace, local, code: str, message: str) -> None:
    local("bad", code)
    with pytest.raises(ContractError, match=message):
        load_tracker("bad", workspace)


def test_imported_trackers_do_not_count(workspace: Workspace, local) -> None:
    local("mine", f"from vostool import PerObject\n{TRACKER}")
    assert load_tracker("mine", workspace).cls.__name__ == "Mine"


def test_a_broken_folder_is_broken_the_second_time_too(workspace: Workspace, local) -> None:
    local("bad", "1 / 0")
    for _ in range(2):
        with pytest.raises(ContractError, match="ZeroDivisionError"):
            load_tracker("bad", workspace)


# --- configurations ---


def test_toml_and_overrides_in_turn(workspace: Workspace, local) -> None:
    local("mine", quick="value = 2\nrate = 0.5\n")
    plugin = load_tracker("mine", workspace)
    assert list(plugin.configs) == ["quick"]
    assert plugin.config(None).value == 7
    assert plugin.config("quick").value == 2
    resolved = plugin.config("quick", ("value=3",))
    assert (resolved.value, resolved.rate) == (3, 0.5)


def test_unknown_configuration_says_the_nearest(workspace: Workspace, local) -> None:
    local("mine", quick="")
    with pytest.raises(UnknownNameError, match=r"configuration 'quik' of mine.*'quick'"):
        load_tracker("mine", workspace).config("quik")


def test_a_bad_value_names_the_configuration(workspace: Workspace, local) -> None:
    local("mine", quick='value = "two"')
    with pytest.raises(ConfigError, match="mine/quick: 'value' takes int"):
        load_tracker("mine", workspace).config("quick")


@pytest.mark.parametrize(
    ("spec", "parts"),
    [("mine", ("mine", None)), ("mine/quick", ("mine", "quick")), ("mine/", ("mine", None))],
)
def test_names_of_tracker_and_configuration(spec: str, parts: tuple[str, str | None]) -> None:
    assert split_spec(spec) == parts


@pytest.fixture
def grown(workspace, local, monkeypatch) -> Path:
    """A tracker that uses its own packages, a neighbour's and a folder on Python's path."""
    code = TRACKER.replace(
        "from .parts import VALUE",
        "from .parts import VALUE\nfrom .inner import rule\nfrom ..shared.parts import MORE\n"
        "import on_the_path_of_this_test",
    ).replace("        return np", "        from . import late\n        return np")
    folder = local("mine", code.replace("Config =", "task = '.training:Task'\n    Config ="))
    files = {
        "mine/inner/__init__.py": "",
        "mine/inner/rule.py": "from vostool_trackers.siamese.polar import fill\n",
        "mine/late.py": "",
        "mine/training.py": "from .losses import loss\n",
        "mine/losses.py": "loss = 1\n",
        "mine/README.md": "card",
        "mine/inner/notes.py": "",
        "shared/parts.py": "from ..deeper import MORE\n",
        "shared/unused.py": "",
        "deeper/__init__.py": "MORE = 3\n",
        "other/parts.py": "",
        "../path/on_the_path_of_this_test.py": "",
    }
    for name, text in files.items():
        path = workspace.trackers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(workspace.home / "path")
    yield folder
    sys.modules.pop("on_the_path_of_this_test", None)


def test_the_hash_of_the_code_covers_what_runs_and_nothing_else(workspace, grown):
    plugin = load_tracker("mine", workspace)
    hashes = [plugin.code_hash()]

    def changed(name: str) -> str:
        path = workspace.trackers / name
        path.write_text(path.read_text() + "# changed\n")
        return plugin.code_hash()

    runs = ["mine/tracker.py", "mine/parts.py", "mine/inner/__init__.py", "mine/inner/rule.py"]
    runs += ["mine/late.py", "shared/parts.py", "deeper/__init__.py"]
    for name in [*runs, "../path/on_the_path_of_this_test.py"]:
        hashes.append(changed(name))
    assert len(set(hashes)) == 9
    for name in ("training", "losses", "inner/notes"):
        assert changed(f"mine/{name}.py") == hashes[-1], name
    for name in ("mine/README.md", "shared/unused.py", "other/parts.py"):
        assert changed(name) == hashes[-1], name


def test_the_hash_of_the_code_is_the_same_elsewhere(workspace, grown, tmp_path_factory):
    first = load_tracker("mine", workspace).code_hash()
    other = Workspace(tmp_path_factory.mktemp("other"))
    shutil.copytree(workspace.trackers, other.trackers)
    assert load_tracker("mine", other).code_hash() == first
    program = (
        "import sys; from pathlib import Path; from vostool.workspace import Workspace\n"
        "from vostool.tracking.plugins import load_tracker\n"
        "print(load_tracker('mine', Workspace(Path(sys.argv[1]))).code_hash())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, other.home],
        env=os.environ | {"PYTHONPATH": str(workspace.home / "path"), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == first


@pytest.mark.parametrize("name", sorted(entry_points(group="vostool.trackers").names))
def test_no_training_code_in_the_hash_of_a_bundled_tracker(name, workspace):
    cls = load_tracker(name, workspace).cls
    files = files_of([cls.__module__], {"vostool_trackers"}, {"vostool"})
    assert cls.__module__ in files
    learns = {"training", "losses", "targets", "bank", "picture", "car_training", "bundle"}
    assert not [module for module in files if learns & set(module.split("."))]
    if name == "siampolar":  # a setting chooses between the two
        assert {f"vostool_trackers.siampolar.{n}" for n in ("search", "whole_frame.search")} <= set(
            files
        )


def test_versions_of_named_packages_are_part_of_the_code(tmp_path, monkeypatch):
    from vostool.tracking.base import Tracker
    from vostool.tracking.plugins import Plugin

    class Plain(Tracker):
        pass

    class Named(Tracker):
        packages = ("numpy", "no-such-package")

    plain, named = (Plugin("mine", cls, tmp_path) for cls in (Plain, Named))
    assert plain.package_versions() == {}
    assert list(named.package_versions()) == ["numpy"]
    first = named.code_hash()
    assert first != plain.code_hash()
    assert first == named.code_hash()
    monkeypatch.setattr("vostool.environment.version", lambda name: "9.9")
    assert named.code_hash() != first
