"""Training pairs cut out of the bank and varied, a batch at once on the device.

A pair is a template crop of an object and a search crop of the same object on another frame, or of
another object (a negative pair). The search crop is shifted and scaled, because a tracker does not
know where the object has gone.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .bank import SIDE, Bank
from .blur import vary_sharpness
from .colours import vary_colours
from .crops import SEARCH, TEMPLATE
from .draws import Draws


@dataclass(frozen=True)
class PairConfig:
    """How pairs are varied; probabilities are in [0, 1].

    Args:
        frames_apart: most frames between template and search.
        template_shift: most shift of the template, pixels of its crop.
        template_scale: most change of scale of the template, as a fraction.
        search_shift: most shift of the search crop, pixels of it.
        search_scale: most change of scale of the search crop, as a fraction.
        turn: most rotation of the search crop against the template, degrees.
        turn_both: most rotation of both, degrees.
        stretch: most change of the aspect ratio of both, as a fraction.
        flip: probability that both are mirrored.
        grey: probability that both lose their colours.
        blur: probability that the search crop is blurred, by focus or motion.
        colour: strength of the changes of colour and light.
        negative: probability that the search crop shows another object.
        occluder: probability that another object covers a part of this one.
        distractor: probability that another object stands beside this one.
        background: probability that the object is put before another background.
    """

    frames_apart: int = 60
    template_shift: float = 4.0
    template_scale: float = 0.05
    search_shift: float = 64.0
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


@dataclass
class Pairs:
    """A batch of pairs.

    Args:
        template: (B, 3, 127, 127) RGB of 0 to 255.
        search: (B, 3, 255, 255) RGB of 0 to 255.
        mask: (B, 255, 255) bool: what is seen of the object in the search crop, nothing if the pair
            is negative.
    """

    template: Tensor
    search: Tensor
    mask: Tensor


def draw_pairs(bank: Bank, config: PairConfig, draws: Draws) -> Pairs:
    """Draw pairs from the bank.

    Args:
        bank: on the device where the pairs are wanted.
        config: how they are varied.
        draws: their random numbers.
    """
    track, template_of, search_of, positive = _choose(bank, config, draws)
    both = _turned(draws.signed(config.turn_both), draws.signed(config.stretch))
    both = torch.where(draws.chance(config.flip)[:, None, None], both * _MIRROR.to(both), both)
    small = _placed(draws, config.template_shift, config.template_scale, 0.0)
    wide = _placed(draws, config.search_shift, config.search_scale, config.turn)
    template, template_mask = _sample(bank, template_of, both @ small[0], small[1], TEMPLATE)
    search, mask = _sample(bank, search_of, both @ wide[0], wide[1], SEARCH)
    # Some objects stand before another place, the same in both crops.
    elsewhere, differs = _another(bank, draws, track)
    place = elsewhere, draws.chance(config.background) & differs, both
    template = _before(bank, template, template_mask, *place, small[0], small[1] + _ASIDE)
    search = _before(bank, search, mask, *place, wide[0], _ASIDE_SEARCH - wide[1])
    search, mask = _with_others(bank, config, draws, track, search, mask)
    template, search = vary_colours(template, search, config.colour, config.grey, draws)
    search = vary_sharpness(search, config.blur, draws)
    return Pairs(template, search, mask & positive[:, None, None])


# Where another place is cut, pixels from the object there. In the template that object is out of
# view, 63 pixels away. In the search crop the place is shifted against the object's own shift, so
# that where the object lies does not follow from what is behind it.
_ASIDE = 90.0
_ASIDE_SEARCH = 60.0
_MIRROR = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])


def _choose(bank: Bank, config: PairConfig, draws: Draws) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the template's track, which crops are template and search, and if they are of one."""
    starts, counts = bank.tracks
    track = draws.below(len(starts))
    first = starts[track] + draws.below(counts[track])
    moment = bank.moments[first]
    low = torch.searchsorted(bank.moments, moment - config.frames_apart)
    high = torch.searchsorted(bank.moments, moment + config.frames_apart, right=True)
    second = low + draws.below(high - low)
    other, differs = _another(bank, draws, track)
    negative = draws.chance(config.negative) & differs
    return track, first, torch.where(negative, other, second), ~negative


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


def _placed(draws: Draws, shift: float, scale: float, turn: float) -> tuple[Tensor, Tensor]:
    """Return a matrix, and where the crop's centre lies beside the object, pixels of the crop."""
    zoom = draws.signed(scale).exp()
    matrix = _turned(draws.signed(turn), draws.signed(scale / 2)) * zoom[:, None, None]
    return matrix, torch.stack((draws.signed(shift), draws.signed(shift)), dim=-1)


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
    images = bank.images[index].float()
    mean = images.mean(dim=(2, 3), keepdim=True)
    layers = torch.cat((images - mean, bank.masks[index, None].float()), dim=1)
    offset = torch.einsum("bij,bj->bi", matrix, shift) * (2 / SIDE)
    theta = torch.cat((matrix * (out / SIDE), offset[..., None]), dim=2)
    grid = F.affine_grid(theta, [len(index), 1, out, out], align_corners=False)
    sampled = F.grid_sample(layers, grid, align_corners=False)
    return sampled[:, :3] + mean, sampled[:, 3] > 0.5


def _before(
    bank: Bank,
    image: Tensor,
    mask: Tensor,
    elsewhere: Tensor,
    changed: Tensor,
    both: Tensor,
    matrix: Tensor,
    shift: Tensor,
) -> Tensor:
    """Put the objects of some crops before other places of the bank."""
    some = changed.nonzero()[:, 0]
    if not len(some):
        return image
    out = image.shape[-1]
    ground, _ = _sample(bank, elsewhere[some], (both @ matrix)[some], shift[some], out)
    return image.index_copy(0, some, torch.where(mask[some, None], image[some], ground))


def _with_others(
    bank: Bank, config: PairConfig, draws: Draws, track: Tensor, search: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Put another object behind this one, and another before it."""
    for probability, before in ((config.distractor, False), (config.occluder, True)):
        index, differs = _another(bank, draws, track)
        matrix, shift = _placed(draws, 100.0, 0.5, 180.0)
        some = (draws.chance(probability) & differs).nonzero()[:, 0]
        if not len(some):
            continue
        other, shape = _sample(bank, index[some], matrix[some], shift[some], SEARCH)
        own = mask[some]
        shape = shape if before else shape & ~own
        # What hides more than two thirds of the object would leave nothing to learn.
        hidden = (shape & own).sum(dim=(1, 2)) > 0.66 * own.sum(dim=(1, 2))
        shape = shape & ~hidden[:, None, None]
        pasted = torch.where(shape[:, None], other, search[some])
        search, mask = search.index_copy(0, some, pasted), mask.index_copy(0, some, own & ~shape)
    return search, mask
