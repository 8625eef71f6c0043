"""Training: batches that depend on nothing else, stages, and a loss that falls."""

from dataclasses import replace

import pytest
import torch

from vostool.training.learner import start_from
from vostool.training.optimizer import set_training
from vostool_trackers.s2iammask.network import S2iamMask

STEPS = 250
STAGES = ["proposals", "masks"]


def test_a_sample_is_the_same_whoever_asks(make_task):
    task = make_task()
    whole = task.batch(5, range(6))
    part = task.batch(5, range(2, 4))
    assert {"anchors", "rois"} < set(part)
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-3), name
    for name in ("search", "anchors", "rois"):
        assert not torch.equal(whole[name], task.batch(6, range(6))[name])


@pytest.mark.parametrize("stage", STAGES)
def test_gradients_do_not_depend_on_how_a_batch_is_split(make_task, stage):
    """With norms that do not learn; one of the pairs has no object in it."""
    task = make_task(stage, regions=3)
    network = task.network().eval()
    batch = task.batch(0, range(4))
    batch["mask"][1] = False
    whole = gradient(task, network, batch)
    halves = [{k: v[part] for k, v in batch.items()} for part in (slice(0, 2), slice(2, 4))]
    parts = [gradient(task, network, half) for half in halves]
    assert torch.allclose(whole, (parts[0] + parts[1]) / 2, atol=1e-4 * float(whole.abs().max()))


def gradient(task, network, batch) -> torch.Tensor:
    network.zero_grad()
    task.losses(network, batch)["total"].backward()
    return torch.cat([p.grad.flatten() for p in network.parameters()])


def test_the_second_stage_starts_from_the_first_and_leaves_it_alone(make_task, small):
    first = make_task("proposals").network()
    task = make_task("masks", score_weight=0.0, box_weight=0.0, regions=2)
    network = task.network()
    taken = {n for n in first.state_dict() if not n.startswith("mask.head.")}
    counted = sum(not name.endswith("num_batches_tracked") for name in taken)
    assert f"{counted} of " in start_from(network, first.state_dict())
    set_training(network, ("trunk.", "rpn."))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    task.losses(network, task.batch(0, range(2)))["total"].backward()
    optimizer.step()
    for name, tensor in network.state_dict().items():
        same = name in taken and torch.equal(tensor, first.state_dict()[name])
        assert same == name.startswith(("trunk.", "rpn.")), name


def test_weights_are_validated_and_drawn(make_task):
    task = make_task(regions=2)
    network = task.network().eval()
    score = task.validate(network)
    assert set(score) == {"J_mean"}
    assert 0 <= score["J_mean"] <= 1
    assert isinstance(network, S2iamMask)
    for stage in STAGES:
        task = make_task(stage, regions=2)
        picture = task.picture(task.network().eval(), task.batch(0, range(3)))
        assert picture.shape == (2 * 255, 2 * (255 + 85), 3)
        assert picture.any(axis=(0, 1)).all()


def test_exported_tensors_are_those_the_tracker_wants(make_task, small):
    task = make_task()
    tensors = task.export(task.network())
    wanted = S2iamMask(replace(small.shape)).state_dict()
    assert set(tensors) == {n for n in wanted if not n.endswith("num_batches_tracked")}


@pytest.mark.parametrize("regions", [1, 65])
def test_numbers_of_regions_that_make_no_sense_are_refused(make_task, regions):
    with pytest.raises(ValueError, match="regions"):
        make_task(regions=regions)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_loss_on_one_batch_falls(make_task, stage, learns_by_heart):
    """To less than 5 % of its start; targets are zeros and ones, so there is no entropy below."""
    task = make_task(stage, negative=0.0, regions=2)
    batch = task.batch(0, range(2))
    network = task.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, betas=(0.9, 0.95))
    learns_by_heart(task, network, batch, optimizer, STEPS)
