"""Running a bundled tracker imports nothing that only training uses."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.helpers.nano_networks import write_networks

BUNDLED = set(entry_points(group="vostool.trackers").names)
SPECS = {
    "polarmask": ["polarmask/small"],
    "s2iammask": ["s2iammask/small"],
    "siamcar": ["siamcar/small"],
    "siammask": ["siammask/small_base", "siammask/small_sharp"],
    "siampolar": ["siampolar", "siampolar/asym_light"],
}
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from vostool.tracking.job import RunRequest, prepare
from vostool.types import Box, Prompt
from vostool.workspace import Workspace

weights = Path(sys.argv[2]) if sys.argv[1] == "nano_box" else None
request = RunRequest(sys.argv[1], device="cpu", weights=weights)
tracker = prepare(request, Workspace(Path(sys.argv[2])), random_weights=True).build()
tracker.reset()
frame, mask = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), bool)
mask[16:40, 16:40] = True
prompt = Prompt(1, 0, Box(16, 16, 24, 24), mask if tracker.init == "mask" else None)
tracker.step(frame, [prompt])
tracker.step(frame)
print(*sorted(sys.modules))
"""
LEARNS = {"training", "losses", "targets", "bank", "task", "picture"}


@pytest.mark.parametrize("spec", [s for n in sorted(BUNDLED) for s in SPECS.get(n, [n])])
def test_no_training_code_is_imported(spec: str, tmp_path: Path) -> None:
    write_networks(tmp_path)
    command = [sys.executable, "-c", PROGRAM, spec, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert any(name.startswith("vostool_trackers.") for name in modules)
    assert not [
        name
        for name in modules
        if name.startswith("vostool.training")
        or (name.startswith("vostool_trackers") and LEARNS & set(name.split(".")))
    ]
