"""Training pairs of template and whole frame, drawn from the bank and varied on the device."""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import TEMPLATE, resampled
from vostool_trackers.siamese.training.augmentation import vary_colors, vary_sharpness
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siampolar.whole_frame.bank import FrameBank


@dataclass(frozen=True)
class FramePairConfig:
    """How pairs are varied; probabilities are in [0, 1].

    Args:
        frames_apart: most frames between template and search frame.
        template_shift: most shift of the template, pixels of its crop.
        template_scale: most change of scale of the template, as a fraction.
        search_shift: most shift of the search frame, pixels of the network's input.
        search_scale: most change of scale of the search frame, as a fraction.
        stretch: most change of its aspect ratio, as a fraction.
        flip: probability that both are mirrored.
        grey: probability that both lose their colors.
        blur: probability that the search frame is blurred, by focus or motion.
        colour: strength of the changes of color and light.
        negative: probability that the template is an object of another sequence.
    """

    frames_apart: int = 60
    template_shift: float = 4.0
    template_scale: float = 0.05
    search_shift: float = 32.0
    search_scale: float = 0.25
    stretch: float = 0.1
    flip: float = 0.5
    grey: float = 0.15
    blur: float = 0.2
    colour: float = 0.25
    negative: float = 0.1

    @classmethod
    def of(cls, config: object) -> Self:
        """Return what of another configuration has the same names."""
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})


@dataclass
class FramePairs:
    """A batch of pairs.

    Args:
        template: (B, 3, 127, 127) RGB of 0 to 255.
        search: (B, 3, H, W) RGB of 0 to 255.
        mask: (B, H, W) bool: the template's object in the search frame, nothing if it is not there.
    """

    template: Tensor
    search: Tensor
    mask: Tensor


def draw_frame_pairs(bank: FrameBank, config: FramePairConfig, draws: Draws) -> FramePairs:
    """Draw pairs from the bank.

    Args:
        bank: on the device where the pairs are wanted.
        config: how they are varied.
        draws: their random numbers.
    """
    template_of, search_of, positive = _choose(bank, config, draws)
    mirror = torch.where(draws.chance(config.flip), -1.0, 1.0)

    zoom = draws.signed(config.template_scale).exp()
    shift = torch.stack((draws.signed(config.template_shift), draws.signed(config.template_shift)))
    template = bank.templates[template_of].float()
    template = resampled(template, torch.stack((mirror * zoom, zoom), -1), shift.T, TEMPLATE)

    zoom, wider = draws.signed(config.search_scale).exp(), draws.signed(config.stretch).exp().sqrt()
    shift = torch.stack((draws.signed(config.search_shift), draws.signed(config.search_shift)))
    frame = bank.image[search_of]
    images = bank.images[frame].float()
    mean = images.mean(dim=(2, 3), keepdim=True)
    masks = bank.labels[frame] == bank.object_id[search_of, None, None]
    layers = torch.cat((images - mean, masks[:, None].float()), dim=1)
    layers = resampled(layers, torch.stack((mirror * zoom * wider, zoom / wider), -1), shift.T)
    search, mask = layers[:, :3] + mean, layers[:, 3] > 0.5

    template, search = vary_colors((template, search), config.colour, config.grey, draws)
    search = vary_sharpness(search, config.blur, draws)
    return FramePairs(template, search, mask & positive[:, None, None])


def _choose(
    bank: FrameBank, config: FramePairConfig, draws: Draws
) -> tuple[Tensor, Tensor, Tensor]:
    """Return which entries are templates and search frames, and if they are of one object."""
    starts, counts = bank.tracks
    track = draws.below(len(starts))
    first = starts[track] + draws.below(counts[track])
    moment = bank.moments[first]
    low = torch.searchsorted(bank.moments, moment - config.frames_apart)
    high = torch.searchsorted(bank.moments, moment + config.frames_apart, right=True)
    second = low + draws.below(high - low)
    # Entries of other sequences are all but one run of them.
    starts, counts = (runs[bank.sequence[first]] for runs in bank.sequences)
    others = len(bank) - counts
    other = draws.below(others.clamp(min=1))
    other = torch.where(other >= starts, other + counts, other).clamp(max=len(bank) - 1)
    negative = draws.chance(config.negative) & (others > 0)
    return torch.where(negative, other, first), second, ~negative
