"""Which box of the maps is the object: ranked cells, enlarged maps, from coarse to fine.

Guo et al., SiamCAR, CVPR 2020, section 3.4, and the published program. What is not repeated of that
program: see the tracker's card.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamcar.network import Maps
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE, SEARCH
from vostool_trackers.siamese.inference.ranking import change_penalty
from vostool_trackers.siamese.model.backbone import STRIDE

FINE = (RESPONSE - 1) * STRIDE + 1  # pixels of a side of the enlarged maps
_MIDDLE = (SEARCH - 1) / 2
_NEAREST, _FARTHEST = 12, 55  # pixels that a side of the box may be away, as regions see it
_GONE = 1e-6


@dataclass
class Choice:
    """The box of each of N objects.

    Args:
        offsets: (N, 2) x and y of its point from the middle of the search crop, pixels of the crop.
        sizes: (N, 2) width and height, pixels of the crop.
        score: (N,) of the object against the background, in [0, 1].
    """

    offsets: Tensor
    sizes: Tensor
    score: Tensor


def hann_window(device: torch.device | str = "cpu") -> Tensor:
    """Return the (25, 25) Hann window of the published program: 1 in the middle, 0 at the rim."""
    line = torch.hann_window(RESPONSE, periodic=False, device=device)
    return line[:, None] * line


def choose(maps: Maps, sizes: Tensor, config: Config, window: Tensor) -> Choice:
    """Choose each object's box.

    Args:
        maps: of N objects.
        sizes: (N, 2) width and height so far, pixels of the crop.
        config: how cells are ranked.
        window: (25, 25) of `hann_window`.
    """
    score = maps.score.softmax(dim=1)[:, 1]
    shape = (maps.box[:, :2] + maps.box[:, 2:]).permute(0, 2, 3, 1)
    penalty = change_penalty(shape, sizes[:, None, None], config.penalty)
    likely = penalty * score * stretched(maps.centerness)
    ranked = (1 - config.window) * likely + config.window * window
    layers = torch.cat((torch.stack((ranked, likely, score), dim=1), maps.box), dim=1)
    layers = enlarged(layers, aligned=config.aligned)
    coarse = _place(layers[:, 0])
    region = _region(coarse, maps.box, aligned=config.aligned)
    fine = _place(torch.where(region, layers[:, 1], -torch.inf))
    found = layers[torch.arange(len(fine), device=fine.device), :, fine[:, 0], fine[:, 1]]
    return Choice(
        offsets=fine.flip(1) + (OFFSET - _MIDDLE),
        sizes=found[:, 3:5] + found[:, 5:7],
        score=found[:, 2].clamp(0, 1),
    )


def stretched(centerness: Tensor) -> Tensor:
    """Return (N, 25, 25) maps stretched from 0 to 1 each; one that is the same everywhere is 1."""
    low, high = centerness.amin((1, 2), keepdim=True), centerness.amax((1, 2), keepdim=True)
    room = high - low
    return torch.where(room > _GONE, (centerness - low) / room.clamp(min=_GONE), 1.0)


def enlarged(maps: Tensor, *, aligned: bool) -> Tensor:
    """Return (N, C, 193, 193), bicubic, of (N, C, 25, 25)."""
    return F.interpolate(maps, (FINE, FINE), mode="bicubic", align_corners=aligned)


def cell_of(place: Tensor, *, aligned: bool) -> Tensor:
    """Return the cells, 0 to 24, of pixels of the enlarged maps along an axis.

    Where maps are not aligned they are those of the published program, which is up to a cell off,
    but for its cell 25, which does not exist.
    """
    pixels = STRIDE if aligned else FINE / RESPONSE
    return (place / pixels).round().clamp(0, RESPONSE - 1).long()


def _place(maps: Tensor) -> Tensor:
    """Return (N, 2) int64 row and column of the highest value of (N, h, w) maps."""
    best = maps.flatten(1).argmax(dim=1)
    return torch.stack((best // maps.shape[2], best % maps.shape[2]), dim=1)


def _region(coarse: Tensor, box: Tensor, *, aligned: bool) -> Tensor:
    """Return (N, 193, 193) bool: around each place, half as far as its cell's box reaches.

    Args:
        coarse: (N, 2) row and column in the enlarged maps.
        box: (N, 4, 25, 25).
        aligned: how maps are enlarged.
    """
    cell = cell_of(coarse, aligned=aligned)
    lengths = box[torch.arange(len(cell), device=cell.device), :, cell[:, 0], cell[:, 1]]
    lengths = lengths.clamp(_NEAREST, _FARTHEST)
    line = torch.arange(FINE, device=box.device)
    inside = []
    for axis, before, after in ((0, 1, 3), (1, 0, 2)):
        place = coarse[:, axis]
        low = place - (torch.minimum(place, lengths[:, before]) / 2).floor()
        high = place + (torch.minimum(FINE - place, lengths[:, after]) / 2).floor()
        inside.append((line >= low[:, None]) & (line <= high[:, None]))
    return inside[0][:, :, None] & inside[1][:, None, :]
