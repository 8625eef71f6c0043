"""Training on whole frames: the bank, pairs that depend on nothing else, and a loss that falls."""

import dataclasses

import numpy as np
import pytest
import torch

from vostool.datasets.catalog import open_dataset
from vostool.errors import DatasetError
from vostool.training.task import TrainingData
from vostool_trackers.siamese.training import whole_frames
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siampolar.whole_frame import bank as frame_bank
from vostool_trackers.siampolar.whole_frame.bank import FrameBank, build_frame_bank
from vostool_trackers.siampolar.whole_frame.losses import frame_losses
from vostool_trackers.siampolar.whole_frame.pairs import FramePairConfig, draw_frame_pairs
from vostool_trackers.siampolar.whole_frame.shape import FrameShape
from vostool_trackers.siampolar.whole_frame.training import FrameTask, FrameTaskConfig

SIZE = (160, 160)
SHAPES = {
    "sym": FrameShape(backbone="resnet18", width=160, height=160, channels=32, depth=1),
    "asym": FrameShape(
        variant="asym",
        backbone="resnet18",
        template_backbone="resnet18",
        width=160,
        height=160,
        neck="semi",
        extra="pool",
        levels=4,
        reach=4.0,
        channels=32,
        depth=1,
        centerness_target="means",
    ),
}
STILL = FramePairConfig(60, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
STEPS = 40
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def clips(plain_folder):
    return open_dataset(f"folder:{plain_folder(frames=4)}")


def drawn(bank: FrameBank, config: FramePairConfig, count: int = 16, step: int = 0):
    return draw_frame_pairs(bank, config, Draws(0, step, range(count), torch.device("cpu")))


def make(clips, name: str, **changes: float) -> FrameTask:
    data = TrainingData((clips,), None, clips.root)
    config = FrameTaskConfig(**changes)
    return FrameTask(config, SHAPES[name], data, torch.device("cpu"), 0)


def test_the_bank_holds_frames_and_their_objects(clips):
    """Two sequences of four frames and two objects each, 48 x 64 pixels."""
    bank = build_frame_bank([clips], SIZE)
    assert bank.images.shape == (8, 3, *SIZE)
    assert bank.labels.shape == (8, *SIZE)
    assert len(bank) == 16
    assert bank.track.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    assert bank.sequence.tolist() == [0] * 8 + [1] * 8
    assert bank.time.tolist() == [0, 1, 2, 3] * 4
    assert bank.object_id.tolist() == ([1] * 4 + [2] * 4) * 2
    assert bank.image.tolist() == [0, 1, 2, 3] * 2 + [4, 5, 6, 7] * 2
    truth = clips.labels(clips.sequences[1].annotations[2])
    seen = bank.labels[6].numpy()
    for number in (1, 2):
        share = (seen == number).mean()
        assert share == pytest.approx((truth == number).mean(), rel=0.03)


def test_too_many_frames_are_refused_before_they_are_read(clips, monkeypatch):
    monkeypatch.setattr(whole_frames.os, "sysconf", lambda name: 100)
    with pytest.raises(DatasetError, match="smaller -o width"):
        build_frame_bank([clips], SIZE)


def test_pairs_without_variation_are_the_frames_themselves(clips):
    bank = build_frame_bank([clips], SIZE)
    pairs = drawn(bank, STILL)
    for search, mask in zip(pairs.search, pairs.mask, strict=True):
        frame = int((bank.images.float() - search).abs().mean(dim=(1, 2, 3)).argmin())
        assert torch.allclose(search, bank.images[frame].float(), atol=1e-2)
        assert any(torch.equal(mask, bank.labels[frame] == number) for number in (1, 2))
    inner = (frame_bank.SIDE - 127) // 2
    first = bank.templates[:, :, inner : inner + 127, inner : inner + 127].float()
    apart = (first - pairs.template[0]).abs().amax(dim=(1, 2, 3))
    assert apart.min() < 1e-2


def test_a_mirrored_pair_is_mirrored_whole(clips):
    bank = build_frame_bank([clips], SIZE)
    plain, turned = (drawn(bank, dataclasses.replace(STILL, flip=flip)) for flip in (0.0, 1.0))
    assert torch.allclose(turned.search, plain.search.flip(-1), atol=1e-2)
    assert torch.equal(turned.mask, plain.mask.flip(-1))
    assert torch.allclose(turned.template, plain.template.flip(-1), atol=1e-2)


def test_frame_and_mask_move_alike(clips):
    """Frames painted with their objects, one in each colour, show where the mask must be."""
    bank = build_frame_bank([clips], SIZE)
    painted = torch.stack([200 * (bank.labels == number) for number in (1, 2, 3)], dim=1)
    bank = dataclasses.replace(bank, images=painted.to(torch.uint8))
    varied = dataclasses.replace(STILL, search_shift=30.0, search_scale=0.3, stretch=0.2, flip=0.5)
    still, moved = drawn(bank, STILL), drawn(bank, varied)
    assert (still.mask != moved.mask).flatten(1).any(dim=1).all()
    for search, mask in zip(moved.search, moved.mask, strict=True):
        assert mask.any()
        assert any(torch.equal(mask, search[channel] > 100) for channel in (0, 1))


def test_negative_templates_are_of_other_sequences(clips):
    bank = build_frame_bank([clips], SIZE)
    pairs = drawn(bank, dataclasses.replace(STILL, negative=1.0))
    assert not pairs.mask.any()
    inner = (frame_bank.SIDE - 127) // 2
    known = bank.templates[:, :, inner : inner + 127, inner : inner + 127].float()
    for search, template in zip(pairs.search, pairs.template, strict=True):
        frame = int((bank.images.float() - search).abs().mean(dim=(1, 2, 3)).argmin())
        entry = int((known - template).abs().mean(dim=(1, 2, 3)).argmin())
        assert int(bank.sequence[entry]) != frame // 4
    one = build_frame_bank([clips.select([clips.sequences[0].name])], SIZE)
    assert drawn(one, dataclasses.replace(STILL, negative=1.0)).mask.flatten(1).any(dim=1).all()


def test_a_sample_is_the_same_whoever_asks(clips):
    task = make(clips, "sym")
    whole = task.batch(5, range(6))
    part = task.batch(5, range(2, 4))
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-2), name
    assert not torch.equal(whole["search"], task.batch(6, range(6))["search"])


def test_settings_are_taken_from_a_larger_configuration():
    @dataclasses.dataclass(frozen=True)
    class Larger(FrameTaskConfig):
        turn: float = 10.0

    assert FrameTaskConfig.of(Larger(blur=0.7)) == FrameTaskConfig(blur=0.7)


@pytest.mark.parametrize("name", SHAPES)
def test_the_loss_on_one_batch_falls(clips, name, learns_by_heart):
    """To less than 5 % of its start above the entropy of the centerness.

    The first stages stay as they are, as in the configurations.
    """
    task = make(clips, name, negative=0.0)
    batch = task.batch(0, range(1))
    network = task.network(pretrained=False).train()
    for part, parameter in network.named_parameters():
        parameter.requires_grad_(
            not any(f".{early}." in part for early in ("stem", "stages.0", "stages.1"))
        )
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    _, targets = task._compared(network, batch)
    floor = entropy(targets)
    learns_by_heart(task, network, batch, optimizer, STEPS, floor)


def entropy(targets) -> float:
    p = targets.centerness.clamp(1e-6, 1 - 1e-6)
    each = -(p * p.log() + (1 - p) * (1 - p).log()) * targets.used
    return float((each.sum(1) / targets.used.sum(1).clamp(min=1)).mean())


def test_perfect_maps_have_no_loss_but_the_entropy(clips):
    task = make(clips, "asym")
    batch = task.batch(0, range(4))
    network = task.network(pretrained=False)
    maps, targets = task._compared(network, batch)
    centerness, rays = maps.centerness.detach().clone(), maps.rays.detach().clone()
    centerness.scatter_(1, targets.cells, torch.logit(targets.centerness, 1e-6))
    at = targets.cells[..., None].expand_as(targets.rays)
    rays.scatter_(1, at, targets.rays)
    perfect = maps._replace(score=40 * targets.score - 20, centerness=centerness, rays=rays)
    parts = frame_losses(perfect, targets)
    assert float(parts.score) < 1e-6
    assert float(parts.rays) == pytest.approx(0, abs=1e-6)
    assert float(parts.centerness) == pytest.approx(entropy(targets), abs=1e-5)


def test_a_picture_shows_every_sample(clips):
    task = make(clips, "sym")
    batch = task.batch(0, range(2))
    picture = task.picture(task.network(pretrained=False), batch)
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * SIZE[0], 127 + SIZE[1], 3)
    green = (picture == (0, 255, 0)).all(axis=2)
    assert green[: SIZE[0]].any()
