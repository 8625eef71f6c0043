"""Names for the parts of a step, so that a profiler can say where the time goes."""

from typing import Literal

from torch.profiler import record_function

Stage = Literal["upload", "crops", "guide", "network", "choice", "drawing", "download"]
PREFIX = "stage: "


def stage(name: Stage) -> record_function:
    """Return a context that torch's profiler shows as a part of a step; without one it is free."""
    return record_function(PREFIX + name)
