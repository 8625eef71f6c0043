"""A picture of training samples: template, search crop with proposals and regions, masks."""

import cv2
import torch
from torch import Tensor

from vostool.training.task import Batch, Picture
from vostool_trackers.s2iammask.targets import RoiTargets
from vostool_trackers.siamese.inference.crops import OFFSET, TEMPLATE, cell_centres
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siamese.model.rpn import Proposals, decode
from vostool_trackers.siamese.training.cell_masks import CellMasks
from vostool_trackers.siamese.training.picture import (
    Image,
    as_grey,
    as_image,
    beside,
    draw_outline,
    in_columns,
    mask_and_target,
)
from vostool_trackers.siamese.training.rpn_targets import RpnTargets

_TARGET, _BEST, _OTHERS, _REGION = (0, 255, 0), (255, 0, 0), (255, 160, 0), (0, 160, 255)
_SHOWN = 5  # proposals of a sample


def draw_samples(
    batch: Batch,
    proposals: Proposals,
    rpn: RpnTargets,
    masks: Tensor,
    asked: CellMasks | RoiTargets,
) -> Picture:
    """Draw up to 16 samples in two columns.

    On the search crop the object's outline is green, the best proposal red, the next ones orange,
    and the region of the mask that is shown blue. Beside it are, from above, the template, the best
    score of each cell, and that mask: the target in the green channel, the prediction in the red.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    found = decode(proposals.deltas, cell_centres(proposals.deltas.device))
    centres, sizes = (t.flatten(1, 3).float().cpu() for t in found)
    score = proposals.score.cpu()

    def sample(index: int) -> Image:
        search = as_image(batch["search"][index])
        draw_outline(search, batch["mask"][index], _TARGET)
        best = score[index].flatten().topk(_SHOWN).indices.tolist()
        for rank, place in reversed(list(enumerate(best))):
            half = sizes[index, place] / 2
            middle = centres[index, place]
            ends = torch.cat((middle - half, middle + half))
            _draw_box(search, ends, _OTHERS if rank else _BEST)
        shown = int(asked.weight.reshape(len(rpn.label), -1)[index].argmax())
        place = index * (len(asked.batch) // len(rpn.label)) + shown
        if asked.weight[place] > 0:
            _draw_box(search, _region(asked, place), _REGION)
        small = [as_image(batch["template"][index]), as_grey(score[index].amax(dim=0))]
        return beside(search, [*small, mask_and_target(masks[place], asked.signs[place])])

    return in_columns(len(batch["search"]), sample)


def _region(asked: CellMasks | RoiTargets, place: int) -> Tensor:
    """Return the (4,) corners of what a mask is of, pixels of the crop."""
    if isinstance(asked, RoiTargets):
        return asked.rois[place].cpu()
    middle = asked.cells[place].cpu().flip(0) * STRIDE + OFFSET
    return torch.cat((middle - TEMPLATE / 2, middle + TEMPLATE / 2))


def _draw_box(image: Image, ends: Tensor, color: tuple[int, int, int]) -> None:
    low, high = ends.nan_to_num().clamp(-999, 999).round().int().reshape(2, 2).tolist()
    cv2.rectangle(image, low, high, color, 1)
