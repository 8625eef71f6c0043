"""What computes: combinations of --workers, --gpus and --scheduler, and where one is missing."""

import os
import sys
from pathlib import Path

import pytest

from vostool.errors import ResourceError, UsageError
from vostool.execution.options import ALL, Execution, RenewedPool, visible
from vostool.execution.pools import VISIBLE, Tls


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that makes torch see so many GPUs."""
    import torch

    def make(count: int, visible: str | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.delenv(VISIBLE, raising=False)
        if visible is not None:
            monkeypatch.setenv(VISIBLE, visible)

    return make


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 2, "gpus": (0,)}, "drop --workers"),
        ({"workers": 2, "scheduler": "tcp://host:8786"}, "decided where its workers are started"),
        ({"gpus": (0,), "scheduler": "tcp://host:8786"}, "decided where its workers are started"),
        ({"tls": Tls(ca=Path("ca.pem"))}, "Certificates are for --scheduler tls://"),
    ],
)
def test_what_does_not_go_together(options, message):
    with pytest.raises(UsageError, match=message):
        Execution(**options)


def test_plain_processes_need_no_executor():
    for workers in (None, 1, 3):
        with Execution(workers).opened() as opened:
            assert opened == (workers or 1)
        with Execution(workers).executor() as executor:
            assert executor is None


def test_a_process_for_each_gpu(gpus):
    gpus(4)
    with Execution(gpus=(0, 3)).executor() as executor:
        assert isinstance(executor, RenewedPool)
        assert executor.sharing("") == 2


def test_gpus_are_counted_among_those_that_may_be_used(gpus):
    gpus(4)
    assert visible((0, 3)) == ("0", "3")
    assert visible((ALL,)) == ("0", "1", "2", "3")
    gpus(2, visible="5,GPU-8932f937")
    assert visible((1, 0)) == ("GPU-8932f937", "5")
    assert visible((ALL,)) == ("5", "GPU-8932f937")
    with pytest.raises(ResourceError, match="no GPU 2 here: this machine shows 2, counted from 0"):
        visible((0, 2))


def test_no_gpu_at_all(gpus):
    gpus(0)
    with pytest.raises(ResourceError, match=r"There is no CUDA device here\. Drop --gpus"):
        visible((0,))


@pytest.mark.parametrize("text", ["", "x", "0,0", "-1", "0,,1"])
def test_what_is_no_list_of_gpus(cli, text):
    done = cli("run", "copy_first", "--dataset", "synthetic", "--gpus", text)
    assert done.exit_code == 2
    assert "it is 'all', or different numbers such as 0,1" in done.output


@pytest.mark.parametrize("command", [("run", "copy_first"), ("eval",)])
@pytest.mark.parametrize("address", ["host:8786", "tcp://host", "local", "http://host:1"])
def test_what_is_no_address(cli, plain_folder, command, address):
    pytest.importorskip("distributed")
    done = cli(*command, "--dataset", f"folder:{plain_folder()}", "--scheduler", address)
    assert done.exit_code == 2
    assert f"tls://HOST:PORT or local-cluster, not {address}." in " ".join(done.output.split())


def test_dask_is_not_installed(cli, plain_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    address = "tcp://127.0.0.1:9"
    done = cli("run", "copy_first", "--dataset", f"folder:{plain_folder()}", "--scheduler", address)
    assert done.exit_code == 2
    assert "pip install 'vostool[cluster]'" in done.output


def test_dask_is_imported_by_nobody_else():
    """Nor torch, by the options."""
    import subprocess

    code = (
        "import sys, vostool.cli, vostool.commands.run, vostool.execution.options\n"
        "with vostool.execution.options.Execution(2).opened(): pass\n"
        "assert not {'distributed', 'dask', 'torch'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_a_cluster_of_this_machine(cli, plain_folder, tmp_path):
    pytest.importorskip("distributed")
    data = ("--dataset", f"folder:{plain_folder()}")
    assert cli("run", "copy_first", *data, "--name", "alone").exit_code == 0
    options = ("--scheduler", "local-cluster", "--workers", "2")
    done = cli("eval", *data, "--tracker", "box_fill", *options)
    assert done.exit_code == 0, done.output
    done = cli("run", "copy_first", *data, *options)
    assert done.exit_code == 0, done.output
    runs = tmp_path / "results" / "folder-clips"
    names = [p.relative_to(runs / "alone") for p in sorted(runs.glob("alone/masks/*/*.png"))]
    assert len(names) == 12
    for name in names:
        assert (runs / "alone" / name).read_bytes() == (runs / "copy_first" / name).read_bytes()


@pytest.mark.slow
def test_a_run_that_lost_a_worker_leaves_the_next_new_ones():
    with RenewedPool(("",)) as pool:
        with pytest.raises(ResourceError, match="A worker process died"):
            pool.first(os._exit, 1)
        assert pool.first(abs, -3) == 3
        pool.abandon()
        assert pool.first(abs, -4) == 4
