"""Several runs, one after the other: each as if alone, and one that fails stops no other."""

import errno
import gc
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.errors import VostoolError, resource_error
from vostool.execution.process_state import ProcessState
from vostool.execution.run import Advance, missing_sequences, run_tracker
from vostool.runs.folder import RunFolder
from vostool.tracking.experiments import Experiment
from vostool.tracking.job import RunRequest
from vostool.workspace import Workspace

_FOR_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # what stops one stops all


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What became of one of several runs.

    Args:
        request: what was to be run.
        sequences: how many were tracked now.
        frames: how many those have.
        seconds: what that took, with building the tracker.
        folder: the run folder, None if the run failed.
        error: why it failed, None if it did not.
    """

    request: RunRequest
    sequences: int = 0
    frames: int = 0
    seconds: float = 0.0
    folder: RunFolder | None = None
    error: VostoolError | None = None


def run_several(
    requests: Iterable[RunRequest],
    dataset: Clips[Any],
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    experiment: Experiment | None = None,
    executor: Executor | None = None,
) -> Iterator[RunOutcome]:
    """Run each request in its turn, see `run_tracker`, and yield what became of it.

    Settings of libraries that a tracker changes are put back, and its memory is freed, before the
    next one is built.

    Raises:
        OSError: a disk is full or read-only, as it would be for the others.
    """
    where = (dataset, workspace, results, advance)
    for request in requests:
        start = time.perf_counter()
        outcome = RunOutcome(request)
        missing: dict[str, int] = {}
        try:
            missing = _missing(request, dataset, results)
            with ProcessState().active():
                folder = run_tracker(request, *where, experiment=experiment, executor=executor)
            outcome = replace(outcome, folder=folder)
        except Exception as error:
            outcome = replace(outcome, error=failure_of(error))
            _forget_variables(error)
        _free_memory()
        if missing:
            for name in _missing(request, dataset, results):
                missing.pop(name, None)
        yield replace(
            outcome,
            sequences=len(missing),
            frames=sum(missing.values()),
            seconds=time.perf_counter() - start,
        )


def failure_of(error: Exception) -> VostoolError:
    """Return the error that ends a run and no other.

    Raises:
        Exception: the error itself: it is a fault of the toolkit, or a full disk, which is full for
            the others, too.
    """
    explained = error if isinstance(error, VostoolError) else resource_error(error)
    if explained is None or getattr(error, "errno", None) in _FOR_ALL:
        raise error
    return explained


def _missing(request: RunRequest, dataset: Clips[Any], results: Path) -> dict[str, int]:
    """Return the lengths of the sequences that a run lacks, by name."""
    return {each.name: len(each) for each in missing_sequences(request, dataset, results)}


def _forget_variables(error: BaseException | None) -> None:
    """Clear the local variables of the frames of a traceback: a tracker is among them."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _free_memory() -> None:
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
