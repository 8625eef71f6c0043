"""Training on all instances of frames: the bank, frames, targets, and a loss that falls."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vostool_trackers.polarmask as package
from vostool.config import build_config
from vostool.datasets.catalog import open_dataset
from vostool.errors import ConfigError, DatasetError
from vostool.training.settings import TrainSettings
from vostool.training.task import TrainingData
from vostool_trackers.polarmask.bank import InstanceBank, build_instance_bank, instances_of
from vostool_trackers.polarmask.frames import FrameConfig, draw_frames
from vostool_trackers.polarmask.head import ray_order
from vostool_trackers.polarmask.losses import box_loss, instance_losses
from vostool_trackers.polarmask.settings import Config
from vostool_trackers.polarmask.shape import Shape
from vostool_trackers.polarmask.targets import Targets, instance_targets
from vostool_trackers.polarmask.training import InstanceTask, TaskConfig
from vostool_trackers.siamese.model.pyramid import grid_of
from vostool_trackers.siamese.training.draws import Draws

SMALL = Config(channels=32, depth=1, width=160, height=128)
SIZE = (128, 160)
STILL = FrameConfig(flip=0.0)
STEPS = 60
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def clips(plain_folder):
    return open_dataset(f"folder:{plain_folder(frames=4)}")


def make(clips, model: Config = SMALL, **changes: float) -> InstanceTask:
    data = TrainingData((clips,), clips, clips.root)
    return InstanceTask(TaskConfig(**changes), model, data, torch.device("cpu"), 0)


def drawn(bank: InstanceBank, config: FrameConfig, count: int = 8, step: int = 0):
    return draw_frames(bank, config, Draws(0, step, range(count), torch.device("cpu")))


def toml(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", sorted(Path(package.__file__).parent.glob("*.toml")), ids=lambda path: path.stem
)
def test_configurations_are_whole(path):
    values = toml(path)
    train = values.pop("train", None)
    config = build_config(Config, values, path.stem)
    assert {f.name for f in fields(Shape)} <= set(values)
    if path.stem.startswith("coco"):
        assert train is None
        assert config.classes == 80
    else:
        build_config(TaskConfig, train.pop("task"), path.stem)
        build_config(TrainSettings, train, path.stem)
    if path.stem == "small":
        assert config == Config()


def test_the_published_recipe_is_that_of_the_configuration():
    """Batches of 16 frames, 12 epochs, the rate falls after 8 and 11 of them."""
    train = toml(Path(package.__file__).with_name("r50.toml"))["train"]
    assert (train["lr"], train["momentum"], train["weight_decay"]) == (0.01, 0.9, 1e-4)
    assert (train["clip"], train["warmup"], train["batch"]) == (35, 500, 16)
    assert [12 * m / train["steps"] for m in train["milestones"]] == [8, 11]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"style": "caffe"}, "not resnet18"),
        ({"rays": 34}, "multiple of 4"),
        ({"levels": 2}, "at least 3"),
        ({"channels": 20}, "multiple of 8"),
        ({"divisor": 16}, "multiple of 32"),
        ({"width": 32}, "at least 64"),
        ({"backbone": "resnet50", "style": "caffe", "pretrained": True}, "style=pytorch"),
    ],
)
def test_contradictions_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        build_config(Config, changes, "here")


def test_the_size_that_the_network_sees():
    """The ratio is kept as OpenMMLab keeps it; 480 x 854 by 800 / 480 would be 1423 wide."""
    assert Config(width=1280, height=768).seen_size((480, 854)) == (768, 1280)
    kept = Config(width=1333, height=800, keep_ratio=True)
    assert kept.seen_size((480, 854)) == (749, 1333)
    assert kept.seen_size((854, 480)) == (1333, 749)


def test_rays_of_the_published_weights():
    """Published ray 0 points down, ray 9 to the right; ours 0 to the right, 9 down."""
    order = ray_order(36)
    assert [order[0], order[9], order[18], order[27]] == [9, 0, 27, 18]
    assert [order[k] for k in order] == list(range(36))


def test_the_bank_holds_frames_and_their_instances(clips):
    bank = build_instance_bank([clips], SIZE)
    assert bank.images.shape == (8, 3, *SIZE)
    assert bank.labels.shape == (8, *SIZE)
    assert bank.ids.tolist() == [[1, 2]] * 8
    truth = clips.labels(clips.sequences[1].annotations[2])
    for number in (1, 2):
        share = float((bank.labels[6] == number).float().mean())
        assert share == pytest.approx((truth == number).mean(), rel=0.05)


def test_small_instances_are_left_out_and_of_others_the_largest_part_is_kept():
    """15 pixels are too few, 9 x 9 too small; a ring encloses more than a larger bar."""
    labels = np.zeros((60, 80), np.uint8)
    labels[0:1, 0:15] = 1
    labels[5:14, 0:9] = 2
    labels[5:6, 20:36] = 3
    labels[20:40, 10:30] = 4
    labels[22:38, 12:28] = 0
    labels[45:50, 5:60] = 4
    kept, ids = instances_of(labels)
    assert ids == [3, 4]
    assert set(np.unique(kept)) == {0, 3, 4}
    assert (kept == 3).sum() == 16
    assert (kept == 4).sum() == 400 - 256
    assert not kept[45:50].any()


def test_nothing_to_learn_from_is_said(clips):
    with pytest.raises(DatasetError, match="nothing to learn from"):
        InstanceTask(
            TaskConfig(), SMALL, TrainingData((), None, clips.root), torch.device("cpu"), 0
        )


def test_classes_that_the_data_do_not_have_are_refused(clips):
    with pytest.raises(ConfigError, match="polarmask/r50"):
        make(clips, replace(SMALL, classes=80))


def test_frames_without_variation_are_themselves(clips):
    bank = build_instance_bank([clips], SIZE)
    frames = drawn(bank, STILL)
    for image, masks in zip(frames.image, frames.masks, strict=True):
        number = int((bank.images.float() - image).abs().mean(dim=(1, 2, 3)).argmin())
        assert torch.equal(image, bank.images[number].float())
        assert torch.equal(masks, torch.stack([bank.labels[number] == i for i in (1, 2)]))


def test_a_mirrored_frame_is_mirrored_whole(clips):
    bank = build_instance_bank([clips], SIZE)
    plain, turned = (drawn(bank, replace(STILL, flip=flip)) for flip in (0.0, 1.0))
    assert torch.allclose(turned.image, plain.image.flip(-1), atol=1e-2)
    assert torch.equal(turned.masks, plain.masks.flip(-1))


@pytest.mark.parametrize(("smallest", "largest"), [(0.5, 0.5), (2.0, 2.0), (0.6, 1.5)])
def test_frame_and_masks_change_their_size_alike(clips, smallest, largest):
    """Frames painted with their instances show where the masks must be, blue where they are."""
    bank = build_instance_bank([clips], SIZE)
    painted = [200 * (bank.labels == number) for number in (1, 2)]
    painted.append(torch.full_like(bank.labels, 250))
    bank = replace(bank, images=torch.stack(painted, dim=1).to(torch.uint8))
    frames = drawn(bank, FrameConfig(smallest=smallest, largest=largest))
    whole = frames.image[:, 2] > 249
    for number in (0, 1):
        masks = frames.masks[:, number]
        assert masks.flatten(1).any(dim=1).sum() >= 4
        assert torch.equal(masks & whole, (frames.image[:, number] > 100) & whole)
        assert not (masks & (frames.image[:, 2] < 150)).any()
    if smallest == largest:
        share = float(whole.float().mean())
        assert share == pytest.approx(min(smallest, 1.0) ** 2, abs=0.02)
        moved = whole.float().argmax(dim=2).amax(dim=1)
        assert smallest >= 1 or len(moved.unique()) > 3  # they lie anywhere


def test_a_sample_is_the_same_whoever_asks(clips):
    task = make(clips, smallest=0.7, largest=1.3, colour=0.2)
    whole = task.batch(5, range(6))
    part = task.batch(5, range(2, 4))
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-2), name
    assert not torch.equal(whole["image"], task.batch(6, range(6))["image"])


def test_targets_of_two_instances_by_hand():
    """A square of 20 lies on one of 60, both centred on (64, 64) in a frame of 128 x 160.

    The large one's sides are 34 pixels or more away from any cell: stride 8. Of its cells 52, 60,
    68 and 76 are within 12 of (63.5, 63.5); the small one has 60 and 68 of them, and their middle.
    """
    masks = torch.zeros(1, 2, 128, 160, dtype=torch.bool)
    masks[0, 0, 34:94, 34:94] = True
    masks[0, 1, 54:74, 54:74] = True
    grid = grid_of((128, 160), SMALL.strides)
    targets = instance_targets(masks, grid, 36)
    found = owners(targets, grid)
    small = {(x, y) for x in (60, 68) for y in (60, 68)}
    large = {(x, y) for x in (52, 60, 68) for y in (52, 60, 68)}
    assert {p for p, m in found if m == 1} == small
    assert {p for p, m in found if m == 0} == large - small
    on = grid.points[targets.score[0] == 1]
    assert {tuple(map(int, p)) for p in on.tolist()} == large
    row = next(i for i in range(32) if bool(targets.used[0, i]) and i >= 16)
    x, y = grid.points[targets.cells[0, row]].tolist()
    assert targets.box[0, row].tolist() == [x - 54, y - 54, 73 - x, 73 - y]
    right, down, left, up = targets.rays[0, row, [0, 9, 18, 27]].tolist()
    assert [right, down, left, up] == pytest.approx([73.5 - x, 73.5 - y, x - 53.5, y - 53.5])


def owners(targets: Targets, grid) -> set[tuple[tuple[int, int], int]]:
    """Return the points of the cells that are used, and the number of their instance."""
    found = set()
    for place in targets.used[0].nonzero()[:, 0].tolist():
        x, y = grid.points[targets.cells[0, place]].tolist()
        found.add(((int(x), int(y)), place // 16))
    return found


def test_the_box_loss_by_hand():
    """Boxes of 11 x 11 and 11 x 21 pixels around one point; one is half of the other."""
    one = torch.tensor([5.0, 5.0, 5.0, 5.0])
    other = torch.tensor([5.0, 5.0, 5.0, 15.0])
    assert float(box_loss(one, other)) == pytest.approx(np.log(21 / 11))
    assert float(box_loss(one, one)) == 0


def test_perfect_maps_have_no_loss_but_the_entropy(clips):
    task = make(clips)
    batch = task.batch(0, range(3))
    maps, targets = task._compared(task.network(), batch)
    values = {name: values.detach().clone() for name, values in maps._asdict().items()}
    values["score"] = 40 * targets.score[..., None] - 20
    put(values["centerness"], targets, torch.logit(targets.centerness, 1e-6))
    put(values["rays"], targets, targets.rays.log())
    put(values["box"], targets, targets.box.log())
    parts = instance_losses(type(maps)(**values), targets)
    assert float(parts.score) < 1e-6
    assert float(parts.rays) == pytest.approx(0, abs=1e-6)
    assert float(parts.box) == pytest.approx(0, abs=1e-6)
    assert float(parts.centerness) == pytest.approx(entropy(targets), abs=1e-5)


def put(values, targets, wanted):
    """Write what is wanted into maps, where cells are used."""
    for b, place in targets.used.nonzero().tolist():
        values[b, targets.cells[b, place]] = wanted[b, place]


def entropy(targets) -> float:
    p = targets.centerness.clamp(1e-6, 1 - 1e-6)
    each = -(p * p.log() + (1 - p) * (1 - p).log()) * targets.used
    return float((each.sum(1) / targets.used.sum(1).clamp(min=1)).mean())


def test_the_loss_on_one_batch_falls(clips, learns_by_heart):
    """To less than 5 % of its start above the entropy of the centerness."""
    task = make(clips)
    batch = task.batch(0, range(1))
    network = task.network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    floor = entropy(task._compared(network, batch)[1])
    learns_by_heart(task, network, batch, optimizer, STEPS, floor)


def test_a_picture_shows_every_frame(clips):
    task = make(clips)
    picture = task.picture(task.network(), task.batch(0, range(2)))
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * SIZE[0], SIZE[1], 3)
    for half in (picture[: SIZE[0]], picture[SIZE[0] :]):
        assert (half == (0, 255, 0)).all(axis=2).any()


def test_validation_tracks_and_leaves_the_network_alone(clips):
    task = make(clips)
    network = task.network().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    scores = task.validate(network)
    assert set(scores) == {"J_mean"}
    assert 0 <= scores["J_mean"] <= 1
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
