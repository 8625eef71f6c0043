"""`vostool train` as a user types it, also several at a time, also killed."""

import signal
import socket
import subprocess
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

SLOW = ("-o", "train.task.slow=0.03", "-o", "train.steps=40", "--name", "t")


def wait_for_row(bench, number: int) -> None:
    """Wait until the training curve has so many rows."""
    path = bench.folder() / "metrics.csv"
    deadline = time.monotonic() + 300
    while not path.is_file() or path.read_text().count("\n") <= number:
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.01)


def finish(bench, process: subprocess.Popen) -> tuple[int, str]:
    output = process.communicate(timeout=300)[0]  # on a busy machine
    return process.returncode, output


def test_train_says_what_it_did_and_what_to_do_next(bench, cli):
    done = cli("train", "tiny/small", "--device", "cpu")
    assert done.exit_code == 0, done.output
    folder = bench.folder("tiny-small")
    assert f"{folder}: 12 of 12 steps in" in done.output
    assert "best J_mean 0." in done.output
    weights = folder / "best.safetensors"
    assert f"vostool run tiny/small --dataset NAME --weights {weights}" in done.output


def test_errors_end_with_2_and_a_sentence(bench, cli):
    for arguments, sentence in (
        (("tiny/small", "-o", "train.setps=1"), "Did you mean 'steps'?"),
        (("copy_first",), "nothing to train"),
        (("tiny/small", "--init", "no.safetensors"), "of --init do not exist"),
        (("tiny/small", "--data", "DAVIS2016:train"), "DAVIS2016 not found"),
        (("tiny/small", "-o", "train.task.nan_at=2"), "Step 3: non-finite"),
    ):
        done = cli("train", *arguments, "--device", "cpu")
        assert done.exit_code == 2, done.output
        assert sentence in done.output


def test_dry_run_counts_measures_and_writes_nothing(bench, cli):
    done = cli("train", "tiny/small", "--dry-run", "--device", "cpu", "-o", "train.steps=1000")
    assert done.exit_code == 0, done.output
    rows = {
        line.split("│")[1].strip(): line.split("│")[2:4]
        for line in done.output.splitlines()
        if line.count("│") == 4
    }
    # 1 x 4 x 9 + 4 and 4 x 1 x 9 + 1
    assert rows["parameters"][0].strip() == "77"
    # both convolutions: 2 x 9 x 4 per pixel, on 16 x 16 pixels
    assert rows["FLOPs per pair"][0].strip() == "36.9 k"
    assert float(rows["pairs per second"][0].replace(",", "")) > 0
    assert "MB" in rows["memory"][0]
    assert rows["steps"][0].strip() == "1,000"
    assert "without validation" in rows["time"][1]
    assert "extrapolated" not in rows["time"][1]
    for phase in ("reading", "building", "counting", "warming up", "step 1 of"):
        assert f"tiny/small: {phase}" in done.output
    assert not bench.results.exists()


def test_minutes_end_it_with_a_checkpoint(bench, cli):
    slow = ("-o", "train.task.slow=0.02", "-o", "train.steps=100000")
    done = cli("train", "tiny/small", "--device", "cpu", "--minutes", "0.01", *slow, "--name", "t")
    assert done.exit_code == 0, done.output
    assert "run the same command again to go on" in done.output
    assert len(list((bench.folder() / "checkpoints").iterdir())) >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_checkpoint(bench, number):
    process = bench.start(*SLOW)
    wait_for_row(bench, 6)
    process.send_signal(number)
    code, output = finish(bench, process)
    assert code == 130, output
    assert "A checkpoint is saved; run the same command again to go on." in output
    steps = int(bench.curve()["step"].iloc[-1])
    assert 6 <= steps < 40
    assert (bench.folder() / "checkpoints" / f"step_{steps:08d}").is_dir()


def test_killed_again_and_again_it_gives_the_same(bench):
    for row in (5, 11, 23):
        process = bench.start(*SLOW)
        wait_for_row(bench, row)
        process.kill()
        assert finish(bench, process)[0] == -signal.SIGKILL
    bench.train("train.steps=40", "train.task.slow=0.03")
    bench.train("train.steps=40", name="whole")
    for name in ("total", "cross", "size", "grad_norm", "lr"):
        assert list(bench.curve()[name]) == list(bench.curve("whole")[name])


def test_two_processes_do_what_one_does(bench):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    thawing = ('train.freeze=["backbone."]', "train.unfreeze_at=5")
    settings = ("train.accumulate=2", f"train.task.log={bench.home / 'log'}", *thawing)
    options = [text for setting in settings for text in ("-o", setting)]
    processes = [
        bench.start(
            "--name", "two", *options, RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=2,
            MASTER_ADDR="127.0.0.1", MASTER_PORT=port,
        )
        for rank in range(2)
    ]  # fmt: skip
    outputs = [finish(bench, process) for process in processes]
    assert [code for code, _ in outputs] == [0, 0], outputs
    assert "12 of 12 steps" in outputs[0][1]
    assert outputs[1][1] == ""
    drawn = (bench.home / "log").read_text().splitlines()
    spans = sorted(line for line in drawn if line.split()[1] == "0")
    assert spans == ["0 0 0 2", "0 0 4 6", "1 0 2 4", "1 0 6 8"]

    bench.train(*thawing, name="one")
    one, two = bench.curve("one"), bench.curve("two")
    for name in ("total", "cross", "size", "grad_norm", "J_mean"):
        np.testing.assert_allclose(two[name], one[name], atol=1e-6, rtol=0)
    first, other = (load_file(bench.folder(n) / "last.safetensors") for n in ("one", "two"))
    for name, tensor in first.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-5, rtol=0)
