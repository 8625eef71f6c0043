"""The bank: what its crops show, and that the cache gives the same back."""

import numpy as np
import pytest
import torch
from PIL import Image

from vostool.datasets.catalog import open_dataset
from vostool.errors import DatasetError
from vostool_trackers.siamese.inference.crops import TEMPLATE
from vostool_trackers.siamese.training.bank import SIDE, build_bank
from vostool_trackers.siamese.training.draws import Draws

SIZE = (60, 80)  # height, width


def box_clip(root, boxes: dict[int, dict[int, tuple[int, int, int, int]]]):
    """Write a clip: frame -> id -> x, y, w, h; objects are red of 50 times their id, on blue."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder / "clip").mkdir(parents=True)
    for frame, objects in boxes.items():
        image, labels = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
        image[..., 2] = 200
        for number, (x, y, w, h) in objects.items():
            image[y : y + h, x : x + w] = (50 * number, 0, 0)
            labels[y : y + h, x : x + w] = number
        Image.fromarray(image).save(root / "JPEGImages" / "clip" / f"{frame:05}.png")
        indexed = Image.fromarray(labels, mode="P")
        indexed.putpalette([v for i in range(256) for v in (i, i, i)])
        indexed.save(root / "Annotations" / "clip" / f"{frame:05}.png")
    return open_dataset(f"folder:{root}")


@pytest.fixture
def clip(tmp_path):
    first, second = (30, 20, 12, 16), (5, 40, 10, 10)
    frames = {0: {1: first}, 1: {1: first, 2: second}, 2: {2: second}, 3: {1: first, 2: second}}
    return box_clip(tmp_path / "clip", frames)


def test_crops_are_in_order_and_show_their_objects(clip, tmp_path):
    bank = build_bank([clip], tmp_path / "cache")
    assert bank.track.tolist() == [0, 0, 0, 1, 1, 1]
    assert bank.frame.tolist() == [0, 1, 3, 1, 2, 3]
    assert [values.tolist() for values in bank.tracks] == [[0, 3], [3, 3]]
    assert (bank.moments.diff() > 0).all()
    middle = SIDE // 2
    assert bank.masks[:, middle, middle].all()
    for number, image in enumerate(bank.images):
        assert image[0, middle, middle] == 50 * (1 + bank.track[number])
    # a box of 12 x 16 has a context of sqrt(26 x 30) pixels on a template
    scale = TEMPLATE / (26 * 30) ** 0.5
    rows, columns = bank.masks[0].any(1).sum(), bank.masks[0].any(0).sum()
    assert (columns.item(), rows.item()) == pytest.approx((12 * scale, 16 * scale), abs=2)


def test_the_cache_gives_the_same(clip, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = build_bank([clip], cache)
    monkeypatch.setattr(
        "vostool_trackers.siamese.training.bank._cut_sequence", None
    )  # not called again
    again = build_bank([clip], cache)
    for name in ("images", "masks", "track", "frame"):
        assert torch.equal(getattr(first, name), getattr(again, name))


@pytest.mark.parametrize("file", ["images", "masks", "ids", "frames"])
def test_damage_is_a_sentence(clip, tmp_path, file):
    cache = tmp_path / "cache"
    build_bank([clip], cache)
    (path,) = cache.glob(f"*/{file}.npy")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DatasetError, match=r"are damaged .*Remove that folder"):
        build_bank([clip], cache)


def test_small_objects_are_left_out(tmp_path):
    tiny = box_clip(tmp_path / "clip", {0: {1: (5, 5, 3, 3)}, 1: {1: (5, 5, 3, 3)}})
    with pytest.raises(DatasetError, match="no object to learn from"):
        build_bank([tiny], tmp_path / "cache")


def test_datasets_are_drawn_in_their_shares(clip, tmp_path):
    other = box_clip(tmp_path / "other", {0: {1: (30, 20, 12, 16)}, 1: {1: (30, 20, 12, 16)}})
    bank = build_bank([clip, other], tmp_path / "cache", (0.25, 0.75))
    drawn = bank.drawn(Draws(0, 0, range(4000), torch.device("cpu")))
    shares = torch.bincount(drawn, minlength=8) / 4000
    expected = torch.tensor([0.25 / 6] * 6 + [0.75 / 2] * 2)
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.03)
    assert bank.to(torch.device("cpu")).weights.tolist() == [0.25, 0.75]


def test_a_weighted_dataset_without_objects_is_named(clip, tmp_path):
    empty = box_clip(tmp_path / "tiny", {0: {1: (30, 20, 3, 3)}})
    with pytest.raises(DatasetError, match="tiny"):
        build_bank([clip, empty], tmp_path / "cache", (0.5, 0.5))
