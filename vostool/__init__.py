"""The bench for video object segmentation: run, time, score and compare trackers."""

from importlib import import_module
from typing import Any

# Names are imported when first used, so that `vostool --help` loads neither torch nor pandas.
_EXPORTS = {
    "Box": "vostool.types",
    "PerObject": "vostool.tracking.base",
    "Prompt": "vostool.types",
    "Region": "vostool.types",
    "Runtime": "vostool.tracking.base",
    "Sequence": "vostool.types",
    "Tracker": "vostool.tracking.base",
    "VostoolError": "vostool.errors",
    "evaluate": "vostool.scoring.evaluate",
    "track": "vostool.live.tracking",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'vostool' has no attribute '{name}'")
