"""The wheel works outside the checkout."""

import configparser
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vostool.errors import EXTRAS

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


BASE = {
    *("click", "deflate", "filelock", "numpy", "opencv-python", "pandas", "pillow", "rich", "scipy")
}


def test_the_base_needs_no_gpu_stack():
    """Scoring costs no torch; what an extra brings is in an extra, and `all` brings every one."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    names = {
        re.split(r"[<>=\[]", line)[0] for line in parser["options"]["install_requires"].split()
    }
    assert names == BASE
    extras = parser["options.extras_require"]
    assert set(EXTRAS.values()) <= extras.keys()
    whole = re.search(r"vostool\[(.*)\]", extras["all"])
    assert whole is not None
    assert set(EXTRAS.values()) - {"all"} <= set(whole[1].split(","))


def test_scoring_imports_no_extra():
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in EXTRAS)
    code = (
        f"import sys\n{blocked}import vostool\nfrom vostool.cli import cli\n"
        "import vostool.scoring.batch, vostool.scoring.compare, vostool.exchange.imports\n"
        "import vostool.exchange.packing, vostool.report.leaderboard.write\n"
        "import vostool.report.terminal.masks, vostool.execution.run, vostool.tracking.check\n"
        "assert callable(vostool.evaluate)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
