"""Training: batches that depend on nothing else, and a loss that falls."""

import numpy as np
import pytest
import torch

from vostool_trackers.siamese.training.losses import polar_iou_loss

STEPS = 120


def test_a_sample_is_the_same_whoever_asks(make_task):
    task = make_task()
    whole = task.batch(5, range(6))
    part = task.batch(5, range(2, 4))
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-3), name
    assert not torch.equal(whole["search"], task.batch(6, range(6))["search"])


def test_polar_iou_by_hand():
    loss = polar_iou_loss(torch.tensor([2.0, 4.0]), torch.tensor([4.0, 4.0]))
    assert loss.item() == pytest.approx(np.log(8 / 6))
    assert polar_iou_loss(torch.ones(3), torch.ones(3)).item() == 0


def test_the_loss_on_one_batch_falls(make_task, learns_by_heart):
    """To less than 5 % of its start above the entropy of the centerness.

    The pixels, which only help the features along, are left out: so many take a network that is
    trained for hours.
    """
    task = make_task(negative=0.0, dense_weight=0.0)
    batch = task.batch(0, range(2))
    network = task.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, betas=(0.9, 0.95))
    _, targets = task.part.compared(network, batch)
    floor = task._config.centerness_weight * entropy(targets)
    learns_by_heart(task, network, batch, optimizer, STEPS, floor)


def entropy(targets) -> float:
    p = targets.centerness.clamp(1e-6, 1 - 1e-6)
    each = -(p * p.log() + (1 - p) * (1 - p).log()) * targets.used
    return float((each.sum(1) / targets.used.sum(1).clamp(min=1)).mean())
