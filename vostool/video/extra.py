"""PyAV, the one package that reads and writes containers here; it is the extra `video`."""

from types import ModuleType
from typing import Any

from vostool.errors import UsageError


def pyav() -> Any:
    """Return the module `av`, whose log goes to the exceptions alone.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError:
        raise UsageError(
            "Reading and writing videos needs PyAV: pip install 'vostool[video]'."
        ) from None
    av.logging.set_level(None)
    module: ModuleType = av
    return module
