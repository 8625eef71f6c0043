"""The wheel works outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Build a wheel of the checkout and unpack it into an empty folder."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    names = ["setup.cfg", "pyproject.toml", "README.md", "LICENSE", "vostool", "trackers"]
    for name in names:
        (source / name).symlink_to(ROOT / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "wheel", "--no-deps", "--no-build-isolation", str(source)]
    subprocess.run([*command, "--wheel-dir", str(place / "dist")], check=True, cwd=place)
    (wheel,) = (place / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def vostool(installed: Path, *arguments: str) -> str:
    # PYTHONPATH goes before the editable install; -P keeps the current folder out of the way.
    command = [sys.executable, "-P", "-m", "vostool", *arguments]
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "VOSTOOL_HOME": str(installed.parent),
    }
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=installed.parent, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_modules_cards_and_tables(installed):
    assert (installed / "vostool" / "report" / "published.csv").is_file()
    assert (installed / "vostool_trackers" / "optical_flow" / "README.md").is_file()
    assert not (installed / "trackers").exists()
    assert not (installed / "tests").exists()


def test_it_is_the_wheel_that_runs(installed):
    code = "import vostool, vostool_trackers.copy_first as t; print(vostool.__file__, t.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert done.stdout.count(str(installed)) == 2


def test_trackers_and_check_work(installed):
    assert "optical_flow" in vostool(installed, "trackers")
    assert "keeps the contract" in vostool(installed, "check", "copy_first")
