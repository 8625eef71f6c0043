"""Several trackers on a dataset of boxes in one process, see `vostool.execution.together`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vostool.datasets.regions import RegionDataset
from vostool.execution.runner import Advance
from vostool.execution.shared_frames import SharedFrames
from vostool.execution.together import Turn, run_together
from vostool.jobs import RunRequest
from vostool.vot.experiment import Experiment
from vostool.vot.running import run_kind
from vostool.workspace import Workspace


def run_regions_together(
    requests: Sequence[RunRequest],
    dataset: RegionDataset,
    experiment: Experiment,
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    frames: SharedFrames | None = None,
) -> list[Turn]:
    """Track what several runs on boxes lack, in this process; see `together.run_together`.

    Args:
        requests: trackers and configurations.
        dataset: what to track.
        experiment: how.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of every frame that is done.
        frames: shared by the trackers; within a usual budget if not given.
    """
    return run_together(
        requests,
        dataset,
        workspace,
        results,
        advance,
        track=experiment.track,
        kind=run_kind(dataset),
        experiment=asdict(experiment),
        frames=frames,
    )
