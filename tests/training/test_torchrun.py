"""Real torchrun: processes that die, stand still, are lost or see other folders."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vostool.training.checkpoint import checkpoints_in

pytestmark = pytest.mark.slow
STEPS = 60


class Torchrun:
    """Starts `torchrun ... -m vostool train tiny/small` in a workspace, and ends it in the end."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.log = bench.home / "log"
        self.processes = bench.home / "processes"
        self.processes.mkdir()
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        *options: str,
        name: str = "t",
        settings: tuple[str, ...] = (),
        shared_store: bool = True,
    ) -> subprocess.Popen[bytes]:
        overrides = [
            *(f"train.steps={STEPS}", "train.optimizer=sgd", "train.validate_every=20"),
            *("norm=batch", "dropout=0.2", f"train.task.log={self.log}"),
            *(f"train.task.processes={self.processes}", *settings),
        ]
        command = [
            *(sys.executable, "-m", "torch.distributed.run", *options),
            *("-m", "vostool", "--home", str(self.bench.home), "train", "tiny/small"),
            *("--device", "cpu", "--name", name, "--results", str(self.bench.results)),
            *(text for override in overrides for text in ("-o", override)),
        ]
        environment = {
            "OMP_NUM_THREADS": "1",
            "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "0" if shared_store else "1",
        }
        with self._output(len(self._started)).open("w") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, **environment}
            )
        self._started.append(process)
        return process

    def _output(self, number: int) -> Path:
        return self.bench.home / f"output{number}"

    def end(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the end; returns what was printed."""
        self.wait_for(lambda: process.poll() is not None)
        return self.said(process)

    def said(self, process: subprocess.Popen[bytes]) -> str:
        return self._output(self._started.index(process)).read_text()

    def wait_for(self, seen: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 300
        while not seen():
            if time.monotonic() > deadline or all(p.poll() is not None for p in self._started):
                said = [self._output(n).read_text() for n in range(len(self._started))]
                pytest.fail("\n\n".join(["It never came so far.", *said]))
            time.sleep(0.01)

    def checkpoint(self, step: int, name: str = "t") -> None:
        """Wait for a checkpoint of this or a later step."""
        folder = self.bench.folder(name) / "checkpoints"
        self.wait_for(lambda: any(int(p.name[5:]) >= step for p in checkpoints_in(folder)))

    def pid(self, rank: int) -> int:
        return int((self.processes / str(rank)).read_text())

    def starts(self) -> list[int]:
        """Return the number of processes of every start."""
        starts = json.loads((self.bench.folder() / "train.json").read_text())["starts"]
        return [start["processes"] for start in starts]

    def samples(self) -> dict[int, list[int]]:
        """Return step -> samples as all processes drew them, and forget them."""
        drawn: dict[int, Counter[int]] = {}
        for line in self.log.read_text().splitlines():
            _, step, first, last = map(int, line.split())
            drawn.setdefault(step, Counter()).update(range(first, last))
        self.log.unlink()
        return {step: sorted(counts.elements()) for step, counts in sorted(drawn.items())}

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        for file in self.processes.iterdir():
            try:
                os.kill(int(file.read_text()), signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def torchrun(bench) -> Iterator[Torchrun]:
    started = Torchrun(bench)
    yield started
    started.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def same_training(bench, one: str, other: str) -> None:
    """Weights, best weights and curve are equal to the last bit."""
    for file in ("last.safetensors", "best.safetensors"):
        first, second = (load_file(bench.folder(name) / file) for name in (one, other))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first), file
    clocks = ["seconds", "pairs_per_s"]
    first, second = (bench.curve(name).drop(columns=clocks) for name in (one, other))
    assert first.equals(second)


def test_a_killed_process_changes_nothing(torchrun, bench):
    two = ("--standalone", "--nproc-per-node", "2")
    torchrun.end(torchrun.start(*two, name="whole"))
    unbroken = torchrun.samples()
    assert unbroken == {step: list(range(8)) for step in range(STEPS)}

    process = torchrun.start(*two, "--max-restarts", "1", settings=("train.task.slow=0.05",))
    torchrun.checkpoint(8)
    os.kill(torchrun.pid(1), signal.SIGKILL)
    output = torchrun.end(process)
    assert process.returncode == 0, output
    assert f"{STEPS} of {STEPS} steps" in output
    assert "Process 0 of 2 has lost another one" in output
    assert torchrun.starts() == [2, 2]
    same_training(bench, "whole", "t")


def test_another_number_of_processes_draws_the_same_samples(torchrun, bench):
    slow = ("norm=none", "dropout=0.0", "train.task.slow=0.05")
    for number, count in enumerate((2, 3, 1)):
        options = ("--standalone", "--nproc-per-node", str(count))
        process = torchrun.start(*options, settings=slow)
        if count > 1:
            torchrun.checkpoint(16 + 16 * number)
            process.terminate()  # as Slurm does before it takes a machine away
        output = torchrun.end(process)
        if number:
            assert f"Processes: {(2, 3)[number - 1]} before, {count} now." in output
    assert f"{STEPS} of {STEPS} steps" in output
    # every sample of every step once, none twice, though it was stopped two times
    assert torchrun.samples() == {step: list(range(8)) for step in range(STEPS)}
    assert torchrun.starts() == [2, 3, 1]
    bench.train(
        f"train.steps={STEPS}", "train.optimizer=sgd", "train.validate_every=20", name="one"
    )
    for name in ("total", "cross", "size", "grad_norm"):
        np.testing.assert_allclose(bench.curve()[name], bench.curve("one")[name], atol=1e-4)


def test_a_process_that_stands_still_is_not_waited_for_for_ever(torchrun, bench):
    options = ("--standalone", "--nproc-per-node", "2", "--max-restarts", "1")
    process = torchrun.start(*options, settings=("train.task.slow=0.05", "train.patience=10"))
    torchrun.checkpoint(8)
    still = torchrun.pid(1)
    os.kill(still, signal.SIGSTOP)
    torchrun.wait_for(lambda: "Process 0 of 2 has lost another one" in torchrun.said(process))
    os.kill(still, signal.SIGCONT)  # or torchrun would wait 30 s before it kills it
    output = torchrun.end(process)
    assert process.returncode == 0, output
    assert "imed out" in output or "timeout caused" in output  # as gloo says it
    assert f"{STEPS} of {STEPS} steps" in output


def test_a_machine_joins_and_is_lost_again(torchrun, bench):
    """Two agents on one machine stand for two; the first one keeps the rendezvous."""
    options = (
        *("--nnodes", "1:2", "--nproc-per-node", "1", "--max-restarts", "2"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{free_port()}"),
        *("--rdzv-id", "test", "--rdzv-conf", "last_call_timeout=1"),
    )
    slow = ("train.task.slow=0.1", "train.steps=120", "train.task.log=")
    first = torchrun.start(*options, settings=slow, shared_store=False)
    torchrun.checkpoint(4)
    second = torchrun.start(*options, settings=slow, shared_store=False)
    torchrun.wait_for(lambda: torchrun.starts() == [1, 2])
    newest = checkpoints_in(bench.folder() / "checkpoints")[-1]
    torchrun.checkpoint(int(newest.name[5:]) + 8)
    worker = next(pid for pid in map(torchrun.pid, (0, 1)) if parent_of(pid) == second.pid)
    for pid in (second.pid, worker):  # as when its power fails
        os.kill(pid, signal.SIGKILL)
    output = torchrun.end(first)
    assert first.returncode == 0, output
    assert "120 of 120 steps" in output
    assert torchrun.starts() == [1, 2, 1]
    assert list(bench.curve()["step"]) == list(range(1, 121))


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
