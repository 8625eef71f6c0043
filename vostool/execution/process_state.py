"""Settings of the whole process that a tracker may change, kept apart for each of several trackers.

Trackers that take turns in a process must find it as they would alone. Their random generators are
seeded before every sequence, see `tracking.begin`; what they may set when they are built, such as
threads and the precision of matrix products, is put back when it is their turn.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# Library -> setting -> how it is read, and how it is written.
_Access = tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]
_SETTINGS: dict[str, dict[str, _Access]] = {
    "numpy": {"errors": (lambda np: np.geterr(), lambda np, kinds: np.seterr(**kinds))},
    "cv2": {"threads": (lambda cv2: cv2.getNumThreads(), lambda cv2, n: cv2.setNumThreads(n))},
    "torch": {
        "threads": (
            lambda torch: torch.get_num_threads(),
            lambda torch, n: torch.set_num_threads(n),
        ),
        "dtype": (
            lambda torch: torch.get_default_dtype(),
            lambda torch, d: torch.set_default_dtype(d),
        ),
        "grad": (
            lambda torch: torch.is_grad_enabled(),
            lambda torch, on: torch.set_grad_enabled(on),
        ),
        "deterministic": (
            lambda torch: torch.are_deterministic_algorithms_enabled(),
            lambda torch, on: torch.use_deterministic_algorithms(on),
        ),
        "products": (
            lambda torch: torch.get_float32_matmul_precision(),
            lambda torch, name: torch.set_float32_matmul_precision(name),
        ),
        "benchmark": (
            lambda torch: torch.backends.cudnn.benchmark,
            lambda torch, on: setattr(torch.backends.cudnn, "benchmark", on),
        ),
        "cudnn": (
            lambda torch: torch.backends.cudnn.deterministic,
            lambda torch, on: setattr(torch.backends.cudnn, "deterministic", on),
        ),
    },
}


class ProcessState:
    """The settings as one tracker left them; those of the moment when it is made, at first."""

    def __init__(self) -> None:
        self._values = _read()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the settings back, and remember them as they are at the end; then undo it all."""
        outside = _read()
        _write(self._values)
        try:
            yield
        finally:
            self._values = _read()
            _write(outside)


def _read() -> dict[tuple[str, str], Any]:
    """Return the settings of the libraries that are imported by now."""
    values = {}
    for library, settings in _SETTINGS.items():
        module = sys.modules.get(library)
        if module is None:
            continue
        for name, (read, _) in settings.items():
            with suppress(AttributeError, RuntimeError):  # of another version
                values[library, name] = read(module)
    return values


def _write(values: dict[tuple[str, str], Any]) -> None:
    """Set what differs; a library that was not imported then is left as it is."""
    now = _read()
    for (library, name), value in values.items():
        if now.get((library, name), value) != value:
            _SETTINGS[library][name][1](sys.modules[library], value)
