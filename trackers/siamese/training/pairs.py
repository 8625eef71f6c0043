"""Training pairs cut out of the bank and varied, a batch at once on the device.

A pair is a template crop of an object and a search crop of the same object on another frame, or of
another object (a negative pair). The search crop is shifted and scaled, because a tracker does not
know where the object has gone. What it does know, how the object looked a frame ago, comes along as
a third crop, the memory, if that is asked for.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.inference.crops import SEARCH, TEMPLATE
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.training.augmentation import vary_colors, vary_sharpness
from vostool_trackers.siamese.training.bank import SIDE, Bank
from vostool_trackers.siamese.training.draws import Draws


@dataclass(frozen=True)
class PairConfig:
    """How pairs are varied; probabilities are in [0, 1].

    Args:
        frames_apart: most frames between template and search.
        template_shift: most shift of the template, pixels of its crop.
        template_scale: most change of scale of the template, as a fraction.
        search_shift: most shift of the search crop, pixels of it.
        shift_power: 1 spreads shifts evenly, more draws them towards the middle.
        search_scale: most change of scale of the search crop, as a fraction.
        turn: most rotation of the search crop against the template, degrees.
        turn_both: most rotation of both, degrees.
        stretch: most change of the aspect ratio of both, as a fraction.
        flip: probability that both are mirrored.
        grey: probability that both lose their colors.
        blur: probability that the search crop is blurred, by focus or motion.
        colour: strength of the changes of color and light.
        negative: probability that the search crop shows another object.
        occluder: probability that another object covers a part of this one.
        distractor: probability that another object stands beside this one.
        background: probability that the object is put before another background.
        memory: most frames between the search crop and the memory; 0 draws no memory.
        start: probability that template, search and memory are of one frame and at one place, as
            on the first frame of a sequence.
    """

    frames_apart: int = 60
    template_shift: float = 4.0
    template_scale: float = 0.05
    search_shift: float = 64.0
    shift_power: float = 1.0
    search_scale: float = 0.25
    turn: float = 10.0
    turn_both: float = 20.0
    stretch: float = 0.2
    flip: float = 0.5
    grey: float = 0.15
    blur: float = 0.2
    colour: float = 0.25
    negative: float = 0.1
    occluder: float = 0.2
    distractor: float = 0.4
    background: float = 0.3
    memory: int = 0
    start: float = 0.0


@dataclass
class Memory:
    """The object a little before, in the middle of the crop and at the template's scale.

    Args:
        image: (B, 3, 255, 255) RGB of 0 to 255.
        mask: (B, 255, 255) bool.
        start: (B,) bool: the search crop shows the same frame.
    """

    image: Tensor
    mask: Tensor
    start: Tensor


@dataclass
class Pairs:
    """A batch of pairs.

    Args:
        template: (B, 3, 127, 127) RGB of 0 to 255.
        search: (B, 3, 255, 255) RGB of 0 to 255.
        mask: (B, 255, 255) bool: what is seen of the object in the search crop, nothing if the pair
            is negative.
        template_mask: (B, 127, 127) bool: the object in the template.
        memory: of the template's object, or None.
    """

    template: Tensor
    search: Tensor
    mask: Tensor
    template_mask: Tensor
    memory: Memory | None = None


def draw_pairs(bank: Bank, config: PairConfig, draws: Draws) -> Pairs:
    """Draw pairs from the bank.

    Args:
        bank: on the device where the pairs are wanted.
        config: how they are varied.
        draws: their random numbers.
    """
    chosen = _choose(bank, config, draws)
    scene = _scene(bank, config, draws, chosen.track)
    small = _placed(draws, config.template_shift, config.template_scale, 0.0)
    wide = _placed(
        draws, config.search_shift, config.search_scale, config.turn, config.shift_power
    ).steadied(chosen.start)
    template, template_mask = scene.cut(chosen.template, small, small.shift + _ASIDE, TEMPLATE)
    search, mask = scene.cut(chosen.search, wide, _ASIDE_SEARCH - wide.shift, SEARCH)
    search, mask = _with_others(bank, config, draws, chosen, search, mask)
    crops = [template, search]
    if config.memory:
        still = wide.steadied(torch.ones_like(chosen.start), unsure=0.0)
        last, last_mask = scene.cut(chosen.memory, still, still.shift + _ASIDE_SEARCH, SEARCH)
        crops.append(last)
    template, search, *others = vary_colors(crops, config.colour, config.grey, draws)
    search = vary_sharpness(search, config.blur, draws)
    memory = Memory(others[0], last_mask, chosen.start) if others else None
    return Pairs(template, search, mask & chosen.positive[:, None, None], template_mask, memory)


# Where another place is cut, pixels from the object there. In the template that object is out of
# view, 63 pixels away. In the search crop the place is shifted against the object's own shift, so
# that where the object lies does not follow from what is behind it.
_ASIDE = 90.0
_ASIDE_SEARCH = 60.0
_MIRROR = (-1.0, 1.0)  # of the rows of a matrix
_UNSURE = 0.05  # share of the shift that is left where the place is known


@dataclass
class _Chosen:
    """Which crops of the bank a batch is made of; all (B,).

    Args:
        track: of the template.
        template: number of the crop.
        search: number of the crop, of another track where the pair is negative.
        memory: number of the crop.
        positive: bool.
        start: bool, all three are one crop.
    """

    track: Tensor
    template: Tensor
    search: Tensor
    memory: Tensor
    positive: Tensor
    start: Tensor


def _choose(bank: Bank, config: PairConfig, draws: Draws) -> _Chosen:
    template = bank.drawn(draws)
    track = bank.track[template]
    same = _near(bank, config.frames_apart, draws, template)
    other, differs = _another(bank, draws, track)
    start = draws.chance(config.start)
    negative = draws.chance(config.negative) & differs & ~start
    same = torch.where(start, template, same)
    memory = _near(bank, config.memory, draws, torch.where(negative, template, same))
    return _Chosen(
        track,
        template,
        torch.where(negative, other, same),
        torch.where(start, template, memory),
        ~negative,
        start,
    )


@dataclass
class _View:
    """How crops are cut.

    Args:
        matrix: (B, 2, 2) from offsets in the crop to offsets in the bank's crop.
        shift: (B, 2) of the crop's centre from the object's, pixels of the crop.
    """

    matrix: Tensor
    shift: Tensor

    def steadied(self, chosen: Tensor, unsure: float = _UNSURE) -> "_View":
        """Return the view with the (B,) chosen ones unturned, unscaled and hardly shifted."""
        still = torch.eye(2, device=self.matrix.device)
        return _View(
            torch.where(chosen[:, None, None], still, self.matrix),
            torch.where(chosen[:, None], unsure * self.shift, self.shift),
        )


@dataclass
class _Scene:
    """What all crops of a pair share.

    Args:
        bank: to cut from.
        both: (B, 2, 2) turns, stretches and mirrors them.
        elsewhere: (B,) crops that show another place.
        changed: (B,) bool, the object stands before that place.
    """

    bank: Bank
    both: Tensor
    elsewhere: Tensor
    changed: Tensor

    def cut(self, index: Tensor, view: _View, aside: Tensor, out: int) -> tuple[Tensor, Tensor]:
        """Cut (B, 3, out, out) crops and their (B, out, out) masks.

        Args:
            index: (B,) crops of the bank.
            view: how.
            aside: (B, 2) shift where the other place is cut.
            out: side of the crops.
        """
        matrix = self.both @ view.matrix
        image, mask = _sample(self.bank, index, matrix, view.shift, out)
        some = self.changed.nonzero()[:, 0]
        if len(some):
            where = self.elsewhere[some], matrix[some], aside[some]
            ground, _ = _sample(self.bank, *where, out)
            put = torch.where(mask[some, None], image[some], ground)
            image = image.index_copy(0, some, put)
        return image, mask


def _scene(bank: Bank, config: PairConfig, draws: Draws, track: Tensor) -> _Scene:
    both = _turned(draws.signed(config.turn_both), draws.signed(config.stretch))
    mirror = constant(_MIRROR, both.device)[:, None]
    both = torch.where(draws.chance(config.flip)[:, None, None], both * mirror, both)
    elsewhere, differs = _another(bank, draws, track)
    return _Scene(bank, both, elsewhere, draws.chance(config.background) & differs)


def _near(bank: Bank, apart: int, draws: Draws, crop: Tensor) -> Tensor:
    """Return crops of the same tracks, at most so many frames away."""
    moment = bank.moments[crop]
    low = torch.searchsorted(bank.moments, moment - apart)
    high = torch.searchsorted(bank.moments, moment + apart, right=True)
    return low + draws.below(high - low)


def _another(bank: Bank, draws: Draws, track: Tensor) -> tuple[Tensor, Tensor]:
    """Return crops of objects of other tracks, and whether there are any."""
    starts, counts = bank.tracks
    other = (track + 1 + draws.below(max(len(starts) - 1, 1))).remainder(len(starts))
    return starts[other] + draws.below(counts[other]), other != track


def _turned(degrees: Tensor, stretch: Tensor) -> Tensor:
    """Return (B, 2, 2) matrices that turn and stretch, keeping areas."""
    angle = torch.deg2rad(degrees)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    wider = stretch.exp()
    return turn * torch.stack((wider, 1 / wider), -1)[:, None, :]


def _placed(draws: Draws, shift: float, scale: float, turn: float, power: float = 1.0) -> _View:
    zoom = draws.signed(scale).exp()
    matrix = _turned(draws.signed(turn), draws.signed(scale / 2)) * zoom[:, None, None]
    aside = torch.stack((draws.signed(1.0), draws.signed(1.0)), dim=-1)
    return _View(matrix, shift * aside * aside.abs() ** (power - 1))


def _sample(
    bank: Bank, index: Tensor, matrix: Tensor, shift: Tensor, out: int
) -> tuple[Tensor, Tensor]:
    """Cut (B, 3, out, out) crops and their (B, out, out) masks out of the bank.

    Args:
        bank: the crops to cut from.
        index: (B,) which of them.
        matrix: (B, 2, 2) from offsets in the crop to offsets in the bank's crop.
        shift: (B, 2) of the crop's centre from the object's, pixels of the crop.
        out: side of the crops.
    """
    images = bank.images[index]
    mean = images[..., ::8, ::8].float().mean(dim=(2, 3))
    layers = torch.empty(len(index), 4, SIDE, SIDE, device=images.device)
    layers[:, :3], layers[:, 3] = images, bank.masks[index]
    line = torch.arange(out, device=images.device) - (out - 1) / 2
    # From offsets in the crop to places in the bank's crop, of -1 to 1 between its borders.
    scaled = matrix * (2 / SIDE)
    start = torch.einsum("bij,bj->bi", scaled, shift)[:, None, None]
    across, down = scaled.transpose(1, 2)[:, :, None, None].unbind(1)
    grid = start + across * line[:, None] + down * line[:, None, None]
    sampled = F.grid_sample(layers, grid, padding_mode="border", align_corners=False)
    inside = (grid.abs() <= 1).all(dim=-1)
    image = torch.where(inside[:, None], sampled[:, :3], mean[..., None, None])
    return image, (sampled[:, 3] > 0.5) & inside


def _with_others(
    bank: Bank, config: PairConfig, draws: Draws, chosen: _Chosen, search: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Put another object behind this one, and another before it, but on no first frame."""
    for probability, before in ((config.distractor, False), (config.occluder, True)):
        index, differs = _another(bank, draws, chosen.track)
        view = _placed(draws, 100.0, 0.5, 180.0)
        some = (draws.chance(probability) & differs & ~chosen.start).nonzero()[:, 0]
        if not len(some):
            continue
        other, shape = _sample(bank, index[some], view.matrix[some], view.shift[some], SEARCH)
        own = mask[some]
        shape = shape if before else shape & ~own
        # What hides more than two thirds of the object would leave nothing to learn.
        hidden = (shape & own).sum(dim=(1, 2)) > 0.66 * own.sum(dim=(1, 2))
        shape = shape & ~hidden[:, None, None]
        pasted = torch.where(shape[:, None], other, search[some])
        search, mask = search.index_copy(0, some, pasted), mask.index_copy(0, some, own & ~shape)
    return search, mask
