"""Check that all ranks see the same output folder."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vostool.errors import ResultError
from vostool.training.distributed import Ranks
from vostool.training.folder import TrainFolder

_LOCK = 120.0  # s; a file server keeps a lost machine's lock about 90 s
_LATE = 60.0  # s; a network file system may show a file as late as that


@contextmanager
def claimed(folder: TrainFolder, ranks: Ranks) -> Iterator[None]:
    """Hold the lock of the training folder; only rank 0 takes it.

    Under torchrun it waits for a lock that a process of the previous start may still hold.

    Raises:
        ResultError: another process is training there.
    """
    if not ranks.leads:
        yield
        return
    elastic = "TORCHELASTIC_RUN_ID" in os.environ
    deadline = time.monotonic() + (_LOCK if elastic else 0)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(folder.locked())
                break
            except ResultError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(1)
        yield


def check_shared(folder: TrainFolder, ranks: Ranks, patience: float = _LATE) -> None:
    """Refuse to train where a rank does not see what rank 0 has just written.

    Without this, a training whose first process is started on another machine next time would
    start over there, or resume from different checkpoints.

    Args:
        folder: of the training, opened by the first process.
        ranks: all processes; all must call.
        patience: seconds until a written file must be visible.

    Raises:
        ResultError: one does not; the message names it and its machine.
    """
    if ranks.count == 1:
        return
    wanted = ranks.texts(_seen(folder))[0]
    deadline = time.monotonic() + patience
    while (seen := _seen(folder)) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    hosts = ranks.texts("" if seen == wanted else socket.gethostname())
    blind = [f"{rank} on {host}" for rank, host in enumerate(hosts) if host]
    if blind:
        raise ResultError(
            f"Process {blind[0]} does not see in {folder.path} what process 0 has written there. "
            "All machines must share that folder, as any of them may be the first after a restart: "
            "name one that they share with --results, by the same path everywhere."
        )


def _seen(folder: TrainFolder) -> str:
    """Return a text that changes with the manifest and the newest checkpoint."""
    newest = folder.newest_checkpoint()
    try:
        written = hashlib.sha256(folder.manifest_path.read_bytes()).hexdigest()
    except OSError:
        written = "nothing"
    return f"{written} {newest.name if newest else ''}"
