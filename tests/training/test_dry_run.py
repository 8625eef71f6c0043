"""FLOPs by hand (a multiplication with its addition counts as two), and the budget of a dry run."""

import time

import pytest
import torch
from torch import nn

from vostool.training.dry_run import count_flops, estimate


class Losses(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, batch):
        return {"total": self.layer(batch["x"]).sum()}


@pytest.mark.parametrize("needs_gradient", [False, True])
@pytest.mark.parametrize(
    ("layer", "forward"),
    [
        (nn.Conv2d(8, 8, 3), 2 * 2 * 8 * 8 * 9 * 6 * 6),
        (nn.Conv2d(8, 8, 3, groups=8), 2 * 2 * 8 * 9 * 6 * 6),
        (nn.Conv2d(8, 4, 3, stride=2, groups=2), 2 * 2 * 4 * 4 * 9 * 3 * 3),
        (nn.ConvTranspose2d(8, 4, 2, stride=2), 2 * 2 * 8 * 4 * 4 * 8 * 8),
        (nn.Linear(8, 3), 2 * 2 * 8 * 8 * 8 * 3),
    ],
    ids=["plain", "depth-wise", "groups", "transposed", "linear"],
)
def test_count(layer: nn.Module, forward: int, needs_gradient: bool) -> None:
    batch = {"x": torch.randn(2, 8, 8, 8, requires_grad=needs_gradient)}
    # the gradient of the weights costs as much again, and that of the image too if it is wanted
    assert count_flops(Losses(layer), batch) == (forward, forward * (3 if needs_gradient else 2))


def test_steps_of_the_whole_batch_are_measured_where_there_is_time(bench):
    phases: list[str] = []
    found = estimate(bench.job("train.batch=4", "train.steps=10"), on_phase=phases.append)
    assert (found.pairs, found.steps) == (4, 5)
    assert found.seconds == pytest.approx(40 / found.pairs_per_s)
    assert phases[0].startswith("reading")
    assert phases[1].startswith("building")
    assert "1 pair " in phases[2]
    assert sum("4 pairs" in phase for phase in phases) == 6  # one warms up


def test_fewer_pairs_are_measured_where_a_batch_takes_too_long(bench, tmp_path):
    """A pair of 0.05 s: a batch of 1000 would take 50 s, and is never drawn."""
    log = tmp_path / "log"
    sleeps = tmp_path / "trackers" / "tiny" / "training.py"
    text = sleeps.read_text().replace("self.config.slow)", "self.config.slow * len(indices))")
    sleeps.write_text(text)
    more = ("train.task.slow=0.05", "train.batch=1000", f"train.task.log={log}")
    begun = time.monotonic()
    job = bench.job(*more)
    found = estimate(job, budget=2.0)
    assert time.monotonic() - begun < 20
    assert 1 < found.pairs < 40
    assert found.steps >= 1
    assert 1 < found.pairs_per_s <= 20
    assert found.seconds == pytest.approx(
        bench.job(*more).settings.steps * 1000 / found.pairs_per_s
    )
    drawn = [line.split() for line in log.read_text().splitlines()]
    assert max(int(stop) - int(first) for *_, first, stop in drawn) == found.pairs


def test_a_first_pass_that_takes_all_the_time_is_what_was_measured(bench):
    found = estimate(bench.job("train.task.slow=0.3", "train.batch=64"), budget=0.1)
    assert (found.steps, found.pairs) == (0, 1)
    assert found.pairs_per_s < 4


def test_a_batch_norm_that_wants_two_gets_two(bench):
    """Where a network shrinks a picture to one value, one sample has no statistics."""
    path = bench.home / "trackers" / "tiny" / "training.py"
    text = path.read_text().replace(
        '        logits = network(batch["image"])\n',
        '        nn.functional.batch_norm(batch["image"].mean((1, 2, 3))[:, None], None, None, '
        'training=True)\n        logits = network(batch["image"])\n',
    )
    path.write_text(text)
    found = estimate(bench.job("train.batch=4"))
    assert found.pairs == 4
    with pytest.raises(ValueError, match="more than 1 value"):
        estimate(bench.job("train.batch=1"))
