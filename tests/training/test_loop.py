"""Training learns, goes on where it stopped, and does in parts what it does in one."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from vostool.errors import ConfigError, ContractError, ResultError, TrainingError
from vostool.training.distributed import Ranks
from vostool.training.learner import Learner
from vostool.training.loop import train

LOSSES = ["total", "cross", "size"]


def same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Every number but the times is the same to the last bit."""
    clocks = ["seconds", "pairs_per_s"]
    pd.testing.assert_frame_equal(
        first.drop(columns=clocks), second.drop(columns=clocks), check_exact=True
    )


def test_it_learns_and_leaves_everything_behind(bench):
    every = ("train.validate_every=20", "train.picture_every=30")
    outcome = bench.train("train.steps=60", "train.lr=0.1", *every)
    curve = bench.curve()
    assert list(curve["step"]) == list(range(1, 61))
    assert curve["total"].iloc[-5:].mean() < 0.5 * curve["total"].iloc[:2].mean()
    assert list(curve["step"][curve["J_mean"].notna()]) == [20, 40, 60]
    assert outcome.best == curve["J_mean"].max() > 0.5
    folder = bench.folder()
    pictures = sorted(path.name for path in (folder / "pictures").iterdir())
    assert pictures == [f"step_{step:08d}.png" for step in (0, 30, 60)]
    assert np.asarray(Image.open(folder / "pictures" / pictures[0])).shape == (48, 128, 3)
    checkpoints = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert checkpoints == ["step_00000056", "step_00000060"]
    modes = {path.stat().st_mode for path in folder.glob("*.*") if path.is_file()}
    assert len(modes) == 1  # weights are as readable as the table
    with safe_open(folder / "best.safetensors", "pt") as weights:
        about = json.loads(weights.metadata()["vostool"])
    assert about["step"] == outcome.best_step
    assert about["J_mean"] == outcome.best
    manifest = json.loads((folder / "train.json").read_text())
    assert manifest["settings"]["steps"] == 60
    assert manifest["task"]["noise"] == 0.25
    assert manifest["starts"][0]["step"] == 0
    assert "torch" in manifest["starts"][0]["versions"]


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_going_on_equals_not_stopping(bench, stop_after, norm):
    settings = (f"norm={norm}", "dropout=0.2", "train.optimizer=sgd", "train.log_every=3")
    whole = bench.train(*settings, name="whole")
    # after 4 a checkpoint was made anyway, after 6 and 7 it is made because of the stop
    parts = [bench.train(*settings, stop=stop_after(steps)) for steps in (4, 2, 1, 100)]
    assert [part.step for part in parts] == [4, 6, 7, 12]
    same(bench.curve("whole"), bench.curve())
    assert (whole.best, whole.best_step) == (parts[-1].best, parts[-1].best_step)
    for file in ("best.safetensors", "last.safetensors"):
        one, other = load_file(bench.folder("whole") / file), load_file(bench.folder() / file)
        assert all(torch.equal(one[name], other[name]) for name in one)
    starts = json.loads((bench.folder() / "train.json").read_text())["starts"]
    assert [start["step"] for start in starts] == [0, 4, 6, 7]


def test_going_on_with_adamw(bench, stop_after):
    bench.train(name="whole")
    bench.train(stop=stop_after(5))
    bench.train()
    same(bench.curve("whole"), bench.curve())


def test_a_finished_training_does_nothing_more(bench):
    first = bench.train("train.steps=4")
    before = (bench.folder() / "metrics.csv").read_bytes()
    again = bench.train("train.steps=4")
    assert (again.step, again.best) == (first.step, first.best)
    assert (bench.folder() / "metrics.csv").read_bytes() == before


def test_validation_may_change_the_layout_of_what_it_is_lent(bench, monkeypatch):
    settings = ("train.steps=8", "train.validate_every=4")
    bench.train(*settings, name="plain")
    task = bench.job().task
    honest = task.validate

    def careless(self, network):
        network.to(memory_format=torch.channels_last)
        return honest(self, network)

    monkeypatch.setattr(task, "validate", careless)
    bench.train(*settings)
    plain, other = (load_file(bench.folder(n) / "last.safetensors") for n in ("plain", "t"))
    for name, tensor in plain.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-6, rtol=0)
    assert bench.curve()["J_mean"].iloc[-1] == pytest.approx(
        bench.curve("plain")["J_mean"].iloc[-1]
    )


def test_what_a_training_without_a_checkpoint_left_is_removed(bench):
    folder = bench.folder()
    (folder / "pictures").mkdir(parents=True)
    (folder / "tensorboard").mkdir()
    for name in ("best.safetensors", "metrics.csv", "pictures/step_00000099.png"):
        (folder / name).write_text("old")
    (folder / "notes.txt").write_text("mine")
    bench.train("train.steps=2", "train.validate_every=0", "train.picture_every=1")
    assert not (folder / "best.safetensors").exists()
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == [
        f"step_{step:08d}.png" for step in range(3)
    ]
    assert (folder / "notes.txt").exists()


def test_another_seed_is_another_training(bench):
    for seed in (0, 1):
        bench.train(f"train.seed={seed}", "train.steps=2", name=str(seed))
    assert (bench.curve("0")["total"] != bench.curve("1")["total"]).all()


def test_accumulating_equals_one_large_batch(bench):
    settings = ("train.steps=6", "train.optimizer=sgd")
    bench.train(*settings, name="one")
    log = bench.home / "log"
    parts = ("train.accumulate=4", f"train.task.log={log}")
    bench.train(*settings, *parts, name="four")
    one, four = bench.curve("one"), bench.curve("four")
    np.testing.assert_allclose(one[[*LOSSES, "grad_norm"]], four[[*LOSSES, "grad_norm"]], atol=1e-6)
    first, other = (load_file(bench.folder(n) / "last.safetensors") for n in ("one", "four"))
    for name, tensor in first.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-6, rtol=0)
    spans = [tuple(map(int, line.split()[1:])) for line in log.read_text().splitlines()]
    assert spans[:4] == [(0, 0, 2), (0, 2, 4), (0, 4, 6), (0, 6, 8)]


def test_a_batch_that_cannot_be_split_is_refused(bench):
    with pytest.raises(ConfigError, match=r"train.batch = 8 .* multiple of 3"):
        bench.train("train.accumulate=3")


def test_clipping_bounds_what_the_gradient_does(bench):
    lr, clip = 0.5, 0.01
    settings = (f"train.lr={lr}", "train.steps=1", "train.warmup=0", "train.optimizer=sgd")
    plain = ("train.weight_decay=0", "train.ema=0")
    bench.train(*settings, *plain, f"train.clip={clip}")
    task = bench.job().task(bench.job().task_config, bench.job().model, None, "cpu", 0)
    start = task.network().state_dict()
    end = load_file(bench.folder() / "last.safetensors")
    moved = torch.cat([(end[name] - start[name]).flatten() for name in start]).norm()
    assert bench.curve()["grad_norm"][0] > 10 * clip
    assert float(moved) == pytest.approx(lr * clip, rel=1e-3)


def test_another_configuration_is_refused(bench):
    bench.train("train.steps=4")
    curve = (bench.folder() / "metrics.csv").read_bytes()
    changed = ("train.steps=4", "train.lr=0.03", "width=5", "train.task.noise=0.5")
    with pytest.raises(ResultError) as caught:
        bench.train(*changed)
    for difference in ("lr: 0.02 -> 0.03", "width: 4 -> 5", "noise: 0.25 -> 0.5", "--name"):
        assert difference in str(caught.value)
    assert (bench.folder() / "metrics.csv").read_bytes() == curve


def test_changed_code_is_told_but_goes_on(bench, stop_after):
    bench.train(stop=stop_after(2))
    job = bench.job()
    manifest = job.manifest(2, 1)
    folder = job.folder(bench.results)
    assert folder.open(manifest) is None
    changed = replace(job, code="0" * 12)
    notes: list[str] = []
    train(changed, folder, Ranks(), stop_after(1), on_note=notes.append)
    assert len(notes) == 1
    assert "code of tiny has changed" in notes[0]


def test_more_parts_for_a_process_are_another_training(bench, stop_after):
    """Batch norms see other samples together."""
    bench.train(stop=stop_after(2))
    with pytest.raises(ResultError, match="accumulate: 1 -> 2"):
        bench.train("train.accumulate=2")


def test_what_does_not_change_what_is_learnt_may_change(bench, stop_after):
    bench.train(stop=stop_after(2))
    assert bench.train("train.keep=1", "train.checkpoint_every=5").step == 12


def test_losses_that_are_no_numbers_stop_it_and_overwrite_nothing(bench):
    # log_every is larger than what is left, so the steps before are checked only then
    settings = ("train.log_every=100", "train.task.nan_at=9", "train.validate_every=6")
    with pytest.raises(TrainingError, match=r"Step 10: non-finite total = nan, .*train\.lr"):
        bench.train(*settings)
    folder = bench.folder()
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == [
        "step_00000004",
        "step_00000008",
    ]
    with safe_open(folder / "last.safetensors", "pt") as weights:
        assert json.loads(weights.metadata()["vostool"])["step"] == 8
    last = load_file(folder / "last.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in last.values())
    assert list(bench.curve()["step"]) == [6]


def test_a_gradient_that_is_no_number_stops_it_too(bench, monkeypatch):
    job = bench.job("train.steps=8", "train.validate_every=0")
    honest = job.task.losses

    def root_of_zero(self, network, batch):
        losses = honest(self, network, batch)
        bad = (next(network.parameters()).sum() * 0).sqrt()  # 0, its gradient is not
        return {**losses, "total": losses["total"] + bad}

    monkeypatch.setattr(job.task, "losses", root_of_zero)
    with pytest.raises(TrainingError, match="Step 1: non-finite grad_norm = nan"):
        bench.train("train.steps=8", "train.validate_every=0")


def test_a_network_without_numbers_is_not_the_best(bench):
    rare = ("train.log_every=100", "train.checkpoint_every=100", "train.validate_every=6")
    with pytest.raises(TrainingError, match="Step 6: non-finite"):
        bench.train(*rare, "train.task.nan_at=5")
    assert not list(bench.folder().glob("*.safetensors"))
    assert not (bench.folder() / "metrics.csv").exists()


def test_the_scale_of_fp16_is_kept(bench):
    job = bench.job(precision="fp16")
    task = job.task(job.task_config, job.model, job.data, torch.device("cpu"), 0)
    first, second = (Learner(task, job.settings, torch.device("cpu"), Ranks()) for _ in range(2))
    first.scaler.scale(torch.ones(1))
    first.scaler.update(8.0)
    second.restore(first.tensors(), first.state())
    assert second.scaler.get_scale() == 8.0
    first.scaler.update(2.0**-20)
    with pytest.raises(TrainingError, match="overflow fp16 at every scale"):
        first.check_scale()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision(bench, precision, stop_after):
    settings = ("train.steps=30", "train.channels_last=true")
    bench.train(*settings, name="whole", precision=precision)
    bench.train(*settings, precision=precision, stop=stop_after(7))
    bench.train(*settings, precision=precision)
    same(bench.curve("whole"), bench.curve())
    bench.train(*settings, name="fp32")
    whole, exact = bench.curve("whole"), bench.curve("fp32")
    assert (whole["total"] != exact["total"]).any()
    np.testing.assert_allclose(whole["total"], exact["total"], rtol=0.05)
    np.testing.assert_allclose(whole["grad_norm"], exact["grad_norm"], rtol=0.2)
    weights = load_file(bench.folder() / "last.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())


def test_frozen_parts_do_not_move_until_they_may(bench, stop_after):
    settings = ("norm=batch", 'train.freeze=["backbone."]', "train.unfreeze_at=6", "train.ema=0")
    job = bench.job(*settings)
    torch.manual_seed(0)
    start = job.task(job.task_config, job.model, None, "cpu", 0).network().state_dict()
    bench.train(*settings, stop=stop_after(6))
    frozen = load_file(bench.folder() / "last.safetensors")
    for name, tensor in start.items():  # also batch norm's statistics
        assert torch.equal(frozen[name], tensor) == name.startswith("backbone."), name
    bench.train(*settings)
    thawed = load_file(bench.folder() / "last.safetensors")
    assert not any(torch.equal(thawed[name], start[name]) for name in start)


def test_a_prefix_that_freezes_nothing_is_refused(bench):
    with pytest.raises(ConfigError, match=r"begins with 'backbon\.'.*backbone\., head\."):
        bench.train('train.freeze=["backbon."]')


def test_starting_from_weights(bench):
    bench.train("train.steps=4", name="first")
    weights = bench.folder("first") / "last.safetensors"
    bench.train("train.steps=1", "train.lr=1e-9", name="second", init=weights)
    first, second = (load_file(bench.folder(n) / "last.safetensors") for n in ("first", "second"))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, atol=1e-6, rtol=0)
    with pytest.raises(ContractError, match="None of the 4 tensors of --init fits"):
        bench.train("width=7", name="third", init=_renamed(weights, bench.home))


def _renamed(weights, folder):
    from safetensors.torch import save_file

    path = folder / "renamed.safetensors"
    save_file({f"x.{name}": tensor for name, tensor in load_file(weights).items()}, path)
    return path


def test_a_score_to_rank_by_that_is_not_given(bench):
    with pytest.raises(ContractError, match=r"gives J_mean, but train\.best is 'G'"):
        bench.train("train.best=G")


def test_batches_drawn_ahead_change_nothing(bench):
    settings = ("train.accumulate=2", "norm=batch")
    bench.train(*settings, name="plain")
    bench.train(*settings, "train.prefetch=true")
    same(bench.curve("plain"), bench.curve())
