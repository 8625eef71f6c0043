"""Ending a training early without losing anything: Ctrl-C, a scheduler's signal, or the clock."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_DOUBLE = 2.0  # s; torchrun passes a signal on that the terminal has sent already


class Stop:
    """Asks the loop to save a checkpoint and end.

    Args:
        minutes: after which to end, from now on; None for no limit.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self._signalled: float | None = None
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes

    @property
    def signalled(self) -> bool:
        return self._signalled is not None

    @property
    def wanted(self) -> bool:
        timed_out = self._deadline is not None and time.monotonic() >= self._deadline
        return self.signalled or timed_out

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Stop after SIGINT or SIGTERM; a second one, later, interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may listen
            return
        before = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._signalled is not None and time.monotonic() - self._signalled > _DOUBLE:
            raise KeyboardInterrupt
        self._signalled = self._signalled or time.monotonic()
