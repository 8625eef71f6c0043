"""Pairs: masks that lie on the object, and which objects meet."""

import pytest
import torch

from vostool_trackers.siamese.training.bank import SIDE, Bank
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.pairs import PairConfig, _choose, draw_pairs

QUIET = dict.fromkeys(
    ("colour", "grey", "blur", "negative", "occluder", "distractor", "background"), 0.0
)
CPU = torch.device("cpu")


def bank_of(tracks: int, frames: tuple[int, ...] = (0, 1)) -> Bank:
    """Return squares of a light of their own, 60 times the track + 1, off the middle, on black."""
    track = torch.arange(tracks).repeat_interleave(len(frames))
    masks = torch.zeros(len(track), SIDE, SIDE, dtype=torch.bool)
    masks[:, 200:260, 190:250] = True
    light = 60 * (track + 1)[:, None, None] * masks
    images = light[:, None].expand(-1, 3, -1, -1).to(torch.uint8).contiguous()
    return Bank(images, masks, track, torch.tensor(frames).repeat(tracks))


def drawn(bank: Bank, count: int = 24, **changes: float):
    config = PairConfig(**(QUIET | changes))
    return draw_pairs(bank, config, Draws(3, 0, range(count), CPU))


def test_the_mask_lies_where_the_object_is():
    pairs = drawn(bank_of(1))
    seen = pairs.search.amax(dim=1) > 30
    overlap = (seen & pairs.mask).sum((1, 2)) / (seen | pairs.mask).sum((1, 2))
    assert overlap.min() > 0.98
    assert pairs.mask.sum((1, 2)).min() > 1000
    centres = torch.stack([m.nonzero().float().mean(0) for m in pairs.mask])
    assert centres.std(0).min() > 15  # they are shifted


def test_negative_pairs_have_no_mask_and_another_object():
    pairs = drawn(bank_of(3), negative=1.0)
    assert not pairs.mask.any()
    template, search = (c.amax(dim=(1, 2, 3)).round() for c in (pairs.template, pairs.search))
    assert (template != search).all()
    assert drawn(bank_of(1), negative=1.0).mask.flatten(1).any(1).all()  # there is no other


@pytest.mark.parametrize("what", ["occluder", "distractor"])
def test_others_are_of_other_tracks(what):
    """Every pixel as light as the template's object is its own, and the mask says so."""
    pairs = drawn(bank_of(3), **{what: 1.0})
    own = pairs.template.amax(dim=(1, 2, 3)).round()
    light = pairs.search.amax(dim=1)
    inside = pairs.mask & ((light - own[:, None, None]).abs() < 1)
    outside = ~pairs.mask & ((light - own[:, None, None]).abs() < 1)
    assert inside.sum((1, 2)).min() > 500
    assert outside.sum() < 0.02 * inside.sum()  # rims, and blends of two others
    met = (light > own[:, None, None] + 30) | ((light > 30) & (light < own[:, None, None] - 30))
    assert (met.sum((1, 2)) > 200).sum() > 12


def test_another_background_is_not_the_objects_own():
    alone = drawn(bank_of(1), background=1.0)
    assert (alone.search.amax(1)[~alone.mask] > 45).float().mean() < 0.01
    pairs = drawn(bank_of(3), background=1.0)
    own = pairs.template.flatten(1).gather(1, torch.full((24, 1), 63 * 127 + 63)).round()
    light = pairs.search.amax(dim=1)
    like = ~pairs.mask & ((light - own[..., None]).abs() < 1)
    assert like.sum() < 0.02 * pairs.mask.sum()


def test_frames_are_not_too_far_apart():
    """Frames, not crops: an object may be absent for a while."""
    bank = bank_of(2, frames=(0, 1, 2, 50, 51))
    draws = Draws(0, 0, range(400), CPU)
    chosen = _choose(bank, PairConfig(frames_apart=2, memory=1, negative=0), draws)
    assert chosen.positive.all()
    for crop in (chosen.template, chosen.search, chosen.memory):
        assert torch.equal(bank.track[crop], chosen.track)
    apart = (bank.frame[chosen.search] - bank.frame[chosen.template]).tolist()
    assert set(apart) == {-2, -1, 0, 1, 2}
    before = (bank.frame[chosen.memory] - bank.frame[chosen.search]).tolist()
    assert set(before) == {-1, 0, 1}
    assert set(bank.frame[chosen.template].tolist()) == {0, 1, 2, 50, 51}


def test_the_memory_shows_the_object_in_the_middle():
    """Also where the search crop shows another one."""
    for negative in (0.0, 1.0):
        pairs = drawn(bank_of(3), memory=1, negative=negative)
        own = pairs.template.amax(dim=(1, 2, 3)).round()
        seen = (pairs.memory.image.amax(1) - own[:, None, None]).abs() < 1
        overlap = (seen & pairs.memory.mask).sum((1, 2)) / (seen | pairs.memory.mask).sum((1, 2))
        assert overlap.min() > 0.95
        centres = torch.stack([m.nonzero().float().mean(0) for m in pairs.memory.mask])
        assert (centres - centres[0]).abs().max() < 12  # turned about the middle, never shifted


def test_a_start_is_one_frame_at_one_place():
    pairs = drawn(bank_of(2, frames=(0, 40)), memory=2, start=1.0, negative=1.0, turn_both=0.0)
    assert pairs.memory.start.all()
    both = (pairs.mask & pairs.memory.mask).sum((1, 2)) / pairs.mask.sum((1, 2))
    assert both.min() > 0.85
    assert pairs.mask.flatten(1).any(1).all()
