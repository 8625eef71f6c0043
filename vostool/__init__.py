"""The bench for video object segmentation: run, time, score and compare trackers."""

from importlib import import_module
from typing import Any

# Names are imported when first used, so that `vostool --help` loads neither torch nor pandas.
_EXPORTS = {
    "Box": "vostool.sequence",
    "PerObject": "vostool.tracker",
    "Prompt": "vostool.sequence",
    "Region": "vostool.sequence",
    "Runtime": "vostool.tracker",
    "Sequence": "vostool.sequence",
    "Tracker": "vostool.tracker",
    "VostoolError": "vostool.errors",
    "evaluate": "vostool.evaluation",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'vostool' has no attribute '{name}'")
