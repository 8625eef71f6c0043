"""The tracker around its network: places, ids, late and lost objects, published files."""

import numpy as np
import pytest
import torch

from vostool.errors import WeightsError
from vostool.tracking.base import Runtime
from vostool.types import Box, Prompt
from vostool_trackers.siamese.inference.crops import context_side, cut_windows
from vostool_trackers.siamese.inference.drawing import paste
from vostool_trackers.siammask.network import Shape, SiamMask
from vostool_trackers.siammask.search import Search, mask_place
from vostool_trackers.siammask.settings import Config
from vostool_trackers.siammask.tracker import FORMATS, SiamMaskTracker

from .conftest import SMALL

FRAME = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
PROMPTS = (Prompt(3, 0, Box(20, 30, 30, 40)), Prompt(200, 0, Box(90, 20, 40, 30)))


def search_of(network, **changes) -> Search:
    variant = "sharp" if network.refine is not None else "base"
    return Search(network, Config(variant=variant, **SMALL, **changes), Runtime())


def test_a_mask_comes_back_to_where_it_was_seen():
    """What is cut out of a frame and put back lies where it lay, to less than a pixel."""
    centres, sizes = torch.tensor([[83.3, 61.7]]), torch.tensor([[31.0, 47.0]])
    ramp = torch.arange(160.0)[None].expand(120, 160), torch.arange(120.0)[:, None].expand(120, 160)
    sides = context_side(sizes) * (255 / 127)
    crops = cut_windows(torch.stack(ramp), centres, sides, 255, torch.zeros(1, 2))[0]
    cell = torch.tensor([[13, 11]])
    top, left = (8 * v - 32 for v in cell[0].tolist())
    seen = crops[:, top : top + 127, left : left + 127]
    origin, step = mask_place(centres, sizes, cell, 127)
    back = [paste(side[None], origin, step, (120, 160), -99.0)[0] for side in seen]
    inside = paste(torch.ones(1, 127, 127), origin, step, (120, 160), -99.0)[0] > 0.999
    inside[:2], inside[-2:], inside[:, :2], inside[:, -2:] = False, False, False, False
    assert inside.sum() > 500
    for found, truth in zip(back, ramp, strict=True):
        assert (found - truth)[inside].abs().max() < 1.0  # crops are of whole grey values
        assert abs(float((found - truth)[inside].mean())) < 0.15


def test_all_objects_of_a_frame_go_through_the_network_at_once(small):
    search = search_of(small)
    batches = []
    of_all = search.network.search
    search.network.search = lambda k, crops: (batches.append(len(crops)), of_all(k, crops))[1]
    search.step(FRAME, PROMPTS)
    search.step(FRAME, ())
    assert batches == [2]


def test_several_objects_are_where_they_are_alone(small):
    search = search_of(small, threshold=-0.5)  # everything in a window is the object's
    search.step(FRAME, PROMPTS)
    search.step(FRAME, ())
    together = search.objects.centres
    for index, prompt in enumerate(PROMPTS):
        search.forget()
        search.step(FRAME, (prompt,))
        search.step(FRAME, ())
        assert torch.allclose(search.objects.centres[0], together[index], atol=0.01)


def test_objects_may_come_late_and_keep_their_ids(small):
    search = search_of(small, threshold=-0.5)
    assert not search.step(FRAME, ()).any()
    search.step(FRAME, PROMPTS[:1])
    labels = search.step(FRAME, PROMPTS[1:])
    assert set(np.unique(labels)) >= {200}
    assert set(np.unique(search.step(FRAME, ()))) <= {0, 3, 200}


def test_an_object_that_is_not_seen_waits_where_it_is(small):
    search = search_of(small, lost_below=1.1)
    search.step(FRAME, PROMPTS)
    before = search.objects.centres.clone()
    assert not search.step(FRAME, ()).any()
    assert torch.equal(search.objects.centres, before)


def test_an_object_may_leave_the_frame(small):
    search = search_of(small)
    search.step(FRAME, (Prompt(1, 0, Box(-300, -300, 20, 20)),))
    for _ in range(3):
        labels = search.step(FRAME, ())
        assert labels.shape == FRAME.shape[:2]
    assert search.objects.centres.isfinite().all()


def test_the_form_box_fills_its_box():
    network = SiamMask(Shape(variant="box", **SMALL)).eval()
    search = Search(network, Config(variant="box", **SMALL), Runtime())
    search.step(FRAME, PROMPTS[:1])
    labels = search.step(FRAME, ())
    (cx, cy), (w, h) = search.objects.centres[0].tolist(), search.objects.sizes[0].tolist()
    rows, columns = np.nonzero(labels)
    assert abs(rows.min() - max(0, cy - h / 2)) <= 1
    assert abs(columns.min() - max(0, cx - w / 2)) <= 1


def published(network, form) -> dict[str, torch.Tensor]:
    """Return a network's tensors under a published program's names."""
    return {
        theirs + name.removeprefix(ours): tensor
        for name, tensor in network.state_dict().items()
        for theirs, ours in form.prefixes.items()
        if name.startswith(ours) and not name.endswith("num_batches_tracked")
    }


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("variant", ["sharp", "base", "box"])
def test_published_files_are_read_as_they_are(tmp_path, form, variant):
    torch.manual_seed(5)
    network = SiamMask(Shape(variant="sharp", **SMALL)).eval()
    tensors = {f"module.{name}": t for name, t in published(network, form).items()}
    path = tmp_path / "released.pth"
    torch.save({"epoch": 3, "state_dict": tensors, "arch": "Custom"}, path)
    config = Config(variant=variant, **SMALL, lost_below=0.0)
    tracker = SiamMaskTracker(config, Runtime(weights=path))
    other = Search(network, Config(variant="sharp", **SMALL), Runtime())
    for following in (tracker._search, other):
        following.step(FRAME, PROMPTS)
        following.step(FRAME, ())
    assert torch.equal(tracker._search.objects.centres, other.objects.centres)


def test_weights_of_another_network_are_refused_with_their_first_keys(tmp_path, small):
    path = tmp_path / "other.pth"
    torch.save({"features.features.conv1.weight": torch.zeros(1), "head.bias": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match=r"another network: .*conv1\.weight"):
        SiamMaskTracker(Config(**SMALL), Runtime(weights=path))


def test_regions_are_boxes_scores_and_rotated_boxes_of_masks():
    config = Config(variant="base", **SMALL, threshold=-0.5)
    tracker = SiamMaskTracker(config, Runtime())
    assert tracker.regions() == {}
    tracker.step(FRAME, PROMPTS[:1])
    tracker.step(FRAME, PROMPTS[1:])
    assert tracker.regions()[200].confidence == 1  # prompted on this frame
    labels = tracker.step(FRAME, ())
    regions = tracker.regions()
    assert set(regions) == {3, 200}
    for number, region in regions.items():
        assert 0 <= region.confidence <= 1
        if (labels == number).sum() > 300:
            rows, columns = np.nonzero(labels == number)
            low, high = region.polygon.min(axis=0), region.polygon.max(axis=0)
            assert low[0] <= columns.max()
            assert high[1] >= rows.min()
    x, y, w, h = regions[3].box
    centre = tracker._search.objects.centres[0].tolist()
    assert [x + w / 2, y + h / 2] == pytest.approx(centre, abs=1e-3)
