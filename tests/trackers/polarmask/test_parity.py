"""Ours against the original program: same weights, same frames (see remake_golden.py)."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.helpers.polarmask_scenes import KEPT, drawn, given, some_of, weights
from vostool.errors import WeightsError
from vostool.exchange.coco.rle import Rle, decode
from vostool_trackers.polarmask.detection import detect, polygons
from vostool_trackers.polarmask.network import PolarMask, prepared, published
from vostool_trackers.polarmask.settings import Config
from vostool_trackers.polarmask.shape import Shape
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint
from vostool_trackers.siamese.inference.drawing import draw_polygons
from vostool_trackers.siamese.polar import contour

HERE = Path(__file__).parent

GOLDEN = json.loads((HERE / "golden" / "original.json").read_text())
REAL = {"libby": 3}
RELEASED = Config(backbone="resnet50", style="caffe", classes=80, channels=256, depth=4)


def named_as_published(network: PolarMask) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's tensors under the published names."""
    shapes = {}
    prefixes = published(network.shape).prefixes
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        (theirs,) = [t for t, ours in prefixes.items() if ours and name.startswith(ours)]
        shapes[theirs + name.removeprefix(prefixes[theirs])] = tuple(tensor.shape)
    return shapes


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Return a file as mmcv writes it, with the seeded weights under the published names."""
    with torch.device("meta"):
        network = PolarMask(RELEASED.shape)
    path = tmp_path_factory.mktemp("released") / "r50.pth"
    content = {
        "meta": {"epoch": 12, "iter": 87960, "mmdet_version": "0.6.0"},
        "state_dict": weights(named_as_published(network)),
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]},
    }
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def network(checkpoint):
    network = PolarMask(RELEASED.shape).eval()
    assert load_checkpoint(network, checkpoint, (published(network.shape),)).name == "PolarMask"
    return network


@pytest.fixture(scope="module")
def scene(request, network):
    """Return a frame, what the original said about it, and what our network says."""
    name = request.param
    if name == "drawn":
        frame = drawn()
    else:
        root = request.getfixturevalue("shared") / "data" / "DAVIS" / "JPEGImages" / "480p"
        frame = cv2.imread(str(root / name / f"{REAL[name]:05d}.jpg"))[..., ::-1]
    image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        seen = prepared(image, "caffe")
        features = network.backbone(seen)
        levels = network.neck([features[level] for level in ("C3", "C4", "C5")])
        maps = network.head(levels)
    assert torch.equal(seen, given(frame))
    return frame, GOLDEN[name], {"features": tuple(features.values()), "levels": levels}, maps


both = pytest.mark.parametrize("scene", ["drawn", *REAL], indirect=True)


@both
def test_backbone_and_neck_are_those_of_the_original(scene):
    _, golden, parts, _ = scene
    for name, tensors in parts.items():
        close(tensors, golden["maps"][name])


@both
def test_the_head_is_that_of_the_original(scene, network):
    frame, golden, _, maps = scene
    grid = network.grid(given(frame))
    back = [(9 - k) % 36 for k in range(36)]  # the original's ray k is our ray back[k]
    flat = {
        "score": maps.score,
        "centerness": maps.centerness[..., None],
        "box": maps.box.exp(),
        "rays": maps.rays[..., back].exp(),
    }
    sizes = [[-(-side // s) for side in given(frame).shape[2:]] for s in RELEASED.strides]
    for name, values in flat.items():
        split = values.split(list(grid.counts), dim=1)
        levels = [
            v.transpose(1, 2).reshape(1, -1, *size) for v, size in zip(split, sizes, strict=True)
        ]
        close(levels, golden["maps"][name])


def close(tensors, golden):
    """Hold that values differ by no more than 1e-4 of the largest one of their map."""
    for tensor, values, most in zip(tensors, golden["values"], golden["largest"], strict=True):
        apart = (some_of(tensor) - torch.tensor(values)).abs().max()
        assert float(apart) <= 1e-4 * most
        assert float(tensor.abs().max()) == pytest.approx(most, rel=1e-4)


@both
def test_instances_are_those_of_the_original(scene, network):
    """Same order of the best ones, contours within half a pixel, masks with an IoU of 0.99.

    The masks are the contours of ours, filled as the original fills its own.
    """
    frame, golden, _, maps = scene
    size = frame.shape[:2]
    found = detect(maps, network.grid(given(frame)), size, (1.0, 1.0), RELEASED, per_class=True)
    assert len(found.score) == golden["count"]
    assert found.classes[:KEPT].tolist() == golden["classes"]
    assert found.score[:KEPT].numpy() == pytest.approx(golden["scores"], rel=1e-4)
    assert np.abs(found.boxes[:KEPT].numpy() - golden["boxes"]).max() < 0.5
    ours = polygons(found, size, (1.0, 1.0))[:KEPT].numpy()
    theirs = np.array(golden["contours"]).transpose(0, 2, 1)[:, [(9 - k) % 36 for k in range(36)]]
    assert np.abs(ours - theirs).max() < 0.5
    for corners, counts in zip(ours, golden["masks"], strict=True):
        filled = cv2.drawContours(
            np.zeros(size, np.uint8), [corners[:, None].astype(np.int32)], -1, 1, -1
        )
        assert overlap(filled > 0, mask_of(counts, size)) > 0.99


@both
def test_pixels_are_the_originals_but_for_its_rounding(scene, network):
    """The tracker fills contours exactly. Two things the original does are not repeated.

    It cuts the corners to whole pixels, half a pixel to the left and up on average, and OpenCV adds
    the pixels of the border: together about half a pixel along the contour. It moves corners
    beyond the image onto its edge, which bends their sides; here such instances are cut off there.
    """
    frame, golden, _, maps = scene
    size = frame.shape[:2]
    grid = network.grid(given(frame))
    found = detect(maps, grid, size, (1.0, 1.0), RELEASED, per_class=True)
    ends = contour(found.points, found.rays).numpy()
    inner = 0
    for index, counts in enumerate(golden["masks"]):
        own = slice(index, index + 1)
        given_to = found.points[own], found.rays[own], found.score[own]
        drawn_here = draw_polygons(*given_to, [1], size).numpy() > 0
        if (ends[index] < 0).any() or (ends[index] > np.array(size)[::-1] - 1).any():
            continue
        inner += 1
        length = np.linalg.norm(ends[index] - np.roll(ends[index], 1, axis=0), axis=1).sum()
        differ = (drawn_here ^ mask_of(counts, size)).sum()
        assert differ < 0.7 * length
    assert inner >= 3


def mask_of(counts, size):
    return decode(Rle(size=list(size), counts=counts)).astype(bool)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize(
    ("shape", "published_count"),
    [(RELEASED.shape, 34_739_651), (Shape("resnet101", "caffe", 80, 5, 256, 4), 53_731_779)],
)
def test_as_many_parameters_as_published(shape, published_count):
    with torch.device("meta"):
        network = PolarMask(shape)
    assert sum(p.numel() for p in network.parameters()) == published_count


def test_other_weights_are_refused_with_the_first_names(checkpoint):
    with torch.device("meta"):
        other = PolarMask(Shape("resnet50", "caffe", 1, 5, 256, 4))
    with pytest.raises(
        WeightsError, match=r"head\.classes\.bias, head\.classes\.weight do not fit"
    ):
        load_checkpoint(other, checkpoint, (published(other.shape),))
