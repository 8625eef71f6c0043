"""A Dask cluster as an executor: one sequence is one task, and a lost worker's is done by another.

What is sent are functions of vostool by name, plain values and paths; Dask finds the function in
the worker's own installation. Whoever reaches the scheduler of an unencrypted cluster can run code
on its workers, though, which is Dask's way of working: tls:// asks for certificates of both sides.
"""

import importlib.metadata
import logging
import signal
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from vostool.environment import code_version
from vostool.errors import ClusterError, UsageError, VostoolError, require
from vostool.execution.dask_address import check_address, check_greeting
from vostool.execution.pools import LOCAL, PATIENCE, VISIBLE, Crew, Result, Tls
from vostool.execution.worker import release, worker_name

GPU = "GPU"  # what workers with one announce: --resources "GPU=1"
_FRESH = 5.0  # seconds for which what the scheduler says of its workers is believed
_log = logging.getLogger(__name__)


def require_dask() -> Any:
    """Import Dask's distributed.

    Raises:
        MissingExtraError: it is not installed.
    """
    require("dask", "distributed", what="--scheduler")
    import distributed

    # What it has to say of lost connections is said in a sentence of ours.
    for name in [n for n in logging.root.manager.loggerDict if n.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed


@contextmanager
def cluster_crew(address: str, tls: Tls | None = None) -> Iterator["ClusterCrew"]:
    """Connect to the scheduler of a cluster; waits until it has a worker.

    Args:
        address: `tcp://host:port` or `tls://host:port`.
        tls: certificates.

    Raises:
        UsageError: it is no address, or Dask is not installed.
        ClusterError: nobody answers, or the cluster has no vostool or another version.
    """
    tls = tls or Tls()
    check_address(address, tls)
    distributed = require_dask()
    with _client(distributed, address, _security(distributed, address, tls)) as client:
        yield ClusterCrew(client, address)


@contextmanager
def local_cluster_crew(workers: int, gpus: tuple[str, ...] = ()) -> Iterator["ClusterCrew"]:
    """Start a cluster of processes on this machine, for as long as the block runs.

    Args:
        workers: how many.
        gpus: what each finds in `CUDA_VISIBLE_DEVICES`, instead of `workers`.
    """
    distributed = require_dask()
    options: list[dict[str, Any]] = [{} for _ in range(workers)]
    if gpus:
        options = [{"env": {VISIBLE: gpu}, "resources": {GPU: 1}} for gpu in gpus]
    usual = {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
    specification = {
        number: {"cls": distributed.Nanny, "options": usual | option}
        for number, option in enumerate(options)
    }
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",  # its usual port may be another cluster's
            "host": "127.0.0.1",
            "port": 0,
        },
    }
    with ExitStack() as stack:
        with _children_ignore_interrupts(), _memory_kept():
            cluster = stack.enter_context(
                distributed.SpecCluster(
                    specification, scheduler, silence_logs=logging.CRITICAL, name=LOCAL
                )
            )
        client = stack.enter_context(_client(distributed, cluster, None))
        yield ClusterCrew(client, LOCAL, announced=bool(gpus))


@contextmanager
def _memory_kept() -> Iterator[None]:
    """Start workers as other processes are started, which keep memory that they have freed.

    Dask has its own hand it back at once, and a network asks for it anew on every frame: a step of
    siampolar takes 1.8 times as long then.
    """
    import dask

    with dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}):
        yield


@contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Have processes that are started meanwhile leave Ctrl-C, which reaches all, to this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _security(distributed: Any, address: str, tls: Tls) -> Any:
    if not address.startswith("tls://"):
        return None
    given = {"tls_ca_file": tls.ca, "tls_client_cert": tls.cert, "tls_client_key": tls.key}
    files = {name: str(path) for name, path in given.items() if path is not None}
    security = distributed.Security(require_encryption=True, **files)
    try:
        known = security.get_connection_args("client").get("ssl_context")
    except OSError as error:  # an ssl.SSLError is one
        raise UsageError(f"The certificates for {address} cannot be used: {error}.") from error
    if known is None:
        raise UsageError(
            f"{address} needs certificates: give --tls-ca-file, --tls-cert and --tls-key, or set "
            "them in Dask's configuration (distributed.comm.tls)."
        )
    return security


@contextmanager
def _client(distributed: Any, where: Any, security: Any) -> Iterator[Any]:
    try:
        if isinstance(where, str):
            check_greeting(where, security)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, which are compared below
            client = distributed.Client(where, security=security, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"No scheduler answers at {where}: {error}. Start one with `dask scheduler`, or check "
            "the address (and, for tls://, that its certificate is signed by the same authority)."
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=2)


class ClusterCrew(Crew):
    """The workers of a Dask scheduler.

    Args:
        client: connected to it.
        address: of the scheduler, for people.
        device: of the tasks.
        announced: workers with a GPU say so, as the resource GPU; tasks of `cuda` go to them.
            Otherwise all are on this machine, and have what it has.
    """

    def __init__(
        self, client: Any, address: str, device: str = "cpu", *, announced: bool = True
    ) -> None:
        needs = {GPU: 1} if announced and device.startswith("cuda") else None
        self._client, self._address, self._needs = client, address, needs
        self._announced = announced
        self._executor = client.get_executor(pure=False, resources=needs)
        self._known: dict[str, dict[str, Any]] = {}
        self._asked = -_FRESH
        self._lonely = False

    @property
    def cuda(self) -> bool | None:  # type: ignore[override]
        """Return True if any worker has a GPU, None if it is this machine that does or does not."""
        if not self._announced:
            return None
        self._wait()
        return any(GPU in worker["resources"] for worker in self._known.values())

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        key = f"{fn.__name__}-{uuid.uuid4().hex}"
        future: Future[Result] = self._executor.submit(guarded, code_version(), fn, *args, key=key)
        return future

    def window(self) -> int:
        return 2 * max(1, len(self._workers()))

    def sharing(self, worker: str) -> int:
        hosts = [each["host"] for each in self._workers().values()] or [""]
        host = self._known.get(worker, {}).get("host")
        return hosts.count(host) if host in hosts else max(map(hosts.count, hosts))

    def for_device(self, device: str) -> "ClusterCrew":
        """Return the crew for a device.

        Raises:
            ClusterError: workers would do several tasks at a time in one process, or differ from
                this machine's vostool.
            UsageError: it is one of several GPUs.
        """
        if ":" in device:
            raise UsageError(
                f"Which GPU a worker has is decided where it is started; --device {device} is of "
                "one machine. Use --device cuda."
            )
        crew = ClusterCrew(self._client, self._address, device, announced=self._announced)
        crew._wait()
        crew._check()
        return crew

    def explained(self, error: BaseException, doing: str) -> BaseException:
        kept = "What is finished is kept; run the same command again to go on."
        if isinstance(error, CancelledError):
            return ClusterError(
                f"The connection to the scheduler {self._address} was lost {doing}. Start the "
                f"cluster again. {kept}"
            )
        if type(error).__name__ == "KilledWorker":
            return ClusterError(
                f"Several workers of {self._address} ended one after the other {doing}, at the "
                f"same task: most likely for lack of memory; their logs tell. {kept}"
            )
        if isinstance(error, RuntimeError) and "deserialization of the task graph" in str(error):
            return ClusterError(
                f"The scheduler {self._address} cannot read what vostool sends: {error.__cause__}. "
                "Install the same vostool there."
            )
        return error

    def look_after(self) -> None:
        if self._client.status != "running":
            return
        self._asked = -_FRESH
        if self._workers():
            self._lonely = False
        elif not self._lonely:
            self._lonely = True
            _log.info(
                f"{self._address} has no worker{self._kind()}; waiting for one. Ctrl-C ends this, "
                "and what is finished is kept."
            )

    def forget(self, token: str) -> None:
        with suppress(Exception):  # it is for their memory only
            self._client.run(release, token, on_error="ignore")

    def _kind(self) -> str:
        return " with a GPU" if self._needs else ""

    def _workers(self) -> dict[str, dict[str, Any]]:
        """Return address -> what is known of the workers that take these tasks."""
        if time.monotonic() - self._asked >= _FRESH and self._client.status == "running":
            with suppress(OSError, TimeoutError):  # the next result says it, if it is gone
                self._known = dict(self._client.scheduler_info(n_workers=-1)["workers"])
                self._asked = time.monotonic()
        known = self._known
        return {a: w for a, w in known.items() if not self._needs or GPU in w["resources"]}

    def _wait(self) -> None:
        """Wait for the first worker; says so if there is none for a while."""
        begun = time.monotonic()
        while not self._workers():
            if self._client.status != "running":
                raise self.explained(CancelledError(), "before it began")
            if time.monotonic() - begun > PATIENCE:
                self.look_after()
            time.sleep(0.2)
            self._asked = -_FRESH

    def _check(self) -> None:
        """Refuse workers that cannot track; later ones are refused by their first task."""
        for address, worker in self._workers().items():
            at_once = worker["resources"][GPU] if self._needs else worker["nthreads"]
            if at_once != 1:
                option = '--resources "GPU=1"' if self._needs else "--nthreads 1"
                raise ClusterError(
                    f"Worker {address} does {at_once:.0f} tasks at a time in one process, where "
                    f"trackers wait for each other. Start workers with {option}, as many as are to "
                    "track at a time."
                )
        # Asked by a function of the standard library: without vostool one of ours would end them.
        version = importlib.metadata.version
        found = self._client.run(version, "vostool", on_error="return")
        for address, other in found.items():
            if other != version("vostool"):
                what = f"vostool {other}" if isinstance(other, str) else "no vostool"
                raise ClusterError(
                    f"Worker {address} has {what}, this machine {version('vostool')}. Install the "
                    "same in the environment of the workers, and start them again."
                )


def guarded(code: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a worker if its vostool is the same as where the call comes from.

    Args:
        code: hash of the caller's vostool.
        function: of vostool.
        arguments: its arguments.

    Raises:
        ClusterError: the worker's vostool is another.
        VostoolError: of the function, with the name of the worker.
    """
    if code_version() != code:
        raise ClusterError(
            f"Worker {worker_name()} has other code of vostool in {Path(__file__).parents[1]} than "
            "the machine that asks. Install the same on both, and start the worker again."
        )
    try:
        return function(*arguments)
    except VostoolError as error:
        text = str(error)
        named = text if worker_name() in text else f"Worker {worker_name()}: {text}"
        raise type(error)(named) from error
