"""Training: batches that depend on nothing else, and a loss that falls."""

import time

import numpy as np
import pytest
import torch

from vostool_trackers.siampolar.losses import polar_iou_loss


def test_a_sample_is_the_same_whoever_asks(make_task):
    task = make_task()
    whole = task.batch(5, range(6))
    part = task.batch(5, range(2, 4))
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-3), name
    assert not torch.equal(whole["search"], task.batch(6, range(6))["search"])


def test_the_mask_follows_the_search_crop(make_task):
    """Without changes of colour the object keeps its look wherever the crop is shifted to."""
    calm = dict.fromkeys(
        ("colour", "grey", "blur", "negative", "occluder", "distractor", "background"), 0.0
    )
    batch = make_task(**calm).batch(0, range(8))
    assert batch["mask"].shape == (8, 255, 255)
    assert batch["mask"].flatten(1).any(dim=1).all()
    share = batch["mask"].float().mean(dim=(1, 2))
    assert share.max() < 0.5


def test_polar_iou_by_hand():
    loss = polar_iou_loss(torch.tensor([2.0, 4.0]), torch.tensor([4.0, 4.0]))
    assert loss.item() == pytest.approx(np.log(8 / 6))
    assert polar_iou_loss(torch.ones(3), torch.ones(3)).item() == 0


def test_the_loss_on_one_batch_falls(make_task):
    """To less than 5 % of its start above the entropy of the centerness, within a minute."""
    task = make_task(negative=0.0)
    batch = task.batch(0, range(4))
    network = task.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    start = time.perf_counter()
    floor, first, last = None, None, np.inf
    while time.perf_counter() - start < 60:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            losses = task.losses(network, batch)
        if floor is None:
            _, targets = task._compared(network, batch)
            floor = task._config.centerness_weight * entropy(targets)
            first = float(losses["total"].detach()) - floor
        last = float(losses["total"].detach()) - floor
        if last < 0.05 * first:
            return
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
    pytest.fail(f"{last:.3f} of {first:.3f} is left after a minute")


def entropy(targets) -> float:
    p = targets.centerness.clamp(1e-6, 1 - 1e-6)
    each = -(p * p.log() + (1 - p) * (1 - p).log()) * targets.used
    return float((each.sum(1) / targets.used.sum(1).clamp(min=1)).mean())
