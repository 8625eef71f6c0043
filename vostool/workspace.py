"""Where datasets, results, weights and people's own trackers live.

One folder, found by the flag, else the environment variable VOSTOOL_HOME, else the current folder:

    <workspace>/datasets/   data roots
    <workspace>/results/    run folders and leaderboards
    <workspace>/trackers/   trackers that are not installed as packages
    <workspace>/weights/    published checkpoints, a folder for each tracker
"""

import os
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "VOSTOOL_HOME"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder that holds data, results and local trackers."""

    home: Path

    @classmethod
    def find(cls, home: Path | None = None) -> "Workspace":
        """Return the workspace of the flag, else of VOSTOOL_HOME, else of the current folder."""
        return cls(Path(home or os.environ.get(ENVIRONMENT) or Path.cwd()).expanduser())

    @property
    def datasets(self) -> Path:
        return self.home / "datasets"

    @property
    def results(self) -> Path:
        return self.home / "results"

    @property
    def trackers(self) -> Path:
        return self.home / "trackers"

    @property
    def weights(self) -> Path:
        return self.home / "weights"
