"""Settings of the whole process that a tracker may change, kept apart for each of several trackers.

Trackers that take turns in a process must find it as they would alone. Their random generators are
seeded before every sequence, see `tracking.begin`; what they may set when they are built, such as
threads and the precision of matrix products, is put back when it is their turn.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# Library -> setting -> how it is read, and how it is written. What a setting is before anybody
# changed it is in _FRESH, for libraries that came with a tracker.
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
            lambda torch: str(torch.get_default_dtype()).removeprefix("torch."),
            lambda torch, name: torch.set_default_dtype(getattr(torch, name)),
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


_FRESH: dict[tuple[str, str], Any] = {
    ("torch", "dtype"): "float32",
    ("torch", "grad"): True,
    ("torch", "deterministic"): False,
    ("torch", "products"): "highest",
    ("torch", "benchmark"): False,
    ("torch", "cudnn"): False,
}


class ProcessState:
    """The settings as one tracker left them; those of the moment when it is made, at first."""

    def __init__(self) -> None:
        self._values = _FRESH | _read()

    def restore(self) -> None:
        """Put the settings back."""
        _write(self._values)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the settings back, and remember them as they are at the end; then undo it all."""
        outside = _FRESH | _read()
        _write(self._values)
        try:
            yield
        finally:
            self._values = _FRESH | _read()
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
    """Set what differs, of libraries that are imported by now."""
    now = _read()
    for (library, name), value in values.items():
        if now.get((library, name), value) != value:
            _SETTINGS[library][name][1](sys.modules[library], value)
