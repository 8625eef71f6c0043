"""Training frames, drawn from the bank and varied on the device."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from vostool_trackers.polarmask.bank import InstanceBank
from vostool_trackers.siamese.inference.crops import resampled
from vostool_trackers.siamese.model.backbone import MEAN, constant
from vostool_trackers.siamese.training.augmentation import vary_colors
from vostool_trackers.siamese.training.draws import Draws


@dataclass(frozen=True)
class FrameConfig:
    """How frames are varied; the defaults are those of the published recipe "1x".

    Args:
        flip: probability that a frame is mirrored.
        smallest: least size of a frame, as a fraction of what the network sees.
        largest: most, likewise; what does not fit is cut off, wherever it may be.
        colour: strength of the changes of color and light.
        grey: probability that a frame loses its colors.
    """

    flip: float = 0.5
    smallest: float = 1.0
    largest: float = 1.0
    colour: float = 0.0
    grey: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.smallest <= self.largest:
            raise ValueError(
                f"smallest is {self.smallest} and largest {self.largest}; they must ascend from "
                "above 0"
            )


class Frames(NamedTuple):
    """A batch of frames.

    Args:
        image: (B, 3, H, W) RGB of 0 to 255.
        masks: (B, M, H, W) bool: an instance each; there may be empty ones.
    """

    image: Tensor
    masks: Tensor


def draw_frames(bank: InstanceBank, config: FrameConfig, draws: Draws) -> Frames:
    """Draw frames from the bank.

    Args:
        bank: on the device where the frames are wanted.
        config: how they are varied.
        draws: their random numbers.
    """
    chosen = draws.below(len(bank))
    mirror = torch.where(draws.chance(config.flip), -1.0, 1.0)
    size = draws.uniform(config.smallest, config.largest)
    place = torch.stack((draws.signed(1.0), draws.signed(1.0)), dim=-1)
    chosen = chosen.to(bank.images.device)
    images, labels = bank.images[chosen].float(), bank.labels[chosen]
    ids = bank.ids[chosen]
    masks = (labels[:, None] == ids[:, :, None, None]) & (ids > 0)[:, :, None, None]
    if config.colour > 0 or config.grey > 0:
        (images,) = vary_colors((images,), config.colour, config.grey, draws)
    if config.smallest < 1 or config.largest > 1 or config.flip > 0:
        # Beyond the frame is the color that is zero for the network, as padding is.
        beyond = constant(MEAN, images.device)[:, None, None]
        layers = torch.cat((images - beyond, masks.float()), dim=1)
        room = images.shape[-1] / 2, images.shape[-2] / 2
        shift = place * (1 - 1 / size).abs()[:, None] * constant(room, images.device)
        layers = resampled(layers, torch.stack((mirror / size, 1 / size), dim=-1), shift)
        images, masks = layers[:, :3] + beyond, layers[:, 3:] > 0.5
    return Frames(images, masks)
