"""A picture of training samples: template, search crop with boxes, scores, masks of a cell."""

import cv2
from torch import Tensor

from vostool.training.task import Batch, Picture
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.rpn import Proposals, decode
from vostool_trackers.siamese.training.picture import (
    Image,
    as_grey,
    as_image,
    beside,
    draw_outline,
    in_columns,
    mask_and_target,
)
from vostool_trackers.siammask.targets import Targets

_TARGET, _PREDICTED, _ASKED = (0, 255, 0), (255, 0, 0), (255, 255, 0)


def draw_samples(
    batch: Batch, proposals: Proposals, masks: Tensor | None, targets: Targets
) -> Picture:
    """Draw up to 16 samples in two columns.

    On the search crop the object's outline is green, the best anchor's box red, and the cells with
    an anchor on the object yellow. Beside it are, from above, the template, the best score of each
    cell, and the mask of the first cell: the target in green, the prediction in red.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    centres, sizes = decode(proposals.deltas, cell_centres(proposals.deltas.device))
    score = proposals.score

    def sample(index: int) -> Image:
        search = as_image(batch["search"][index])
        draw_outline(search, batch["mask"][index], _TARGET)
        for row, column in targets.rpn.cell[index].nonzero().tolist():
            point = cell_centres()[row, column].round().int().tolist()
            cv2.circle(search, point, 2, _ASKED, -1)
        best = int(score[index].argmax())
        middle, size = (t[index].reshape(-1, 2)[best].cpu() for t in (centres, sizes))
        low, high = (middle - size / 2).round().int(), (middle + size / 2).round().int()
        cv2.rectangle(search, low.tolist(), high.tolist(), _PREDICTED, 1)
        small = [as_image(batch["template"][index]), as_grey(score[index].amax(dim=0).cpu())]
        if masks is not None:
            small.append(_both(masks, targets, index))
        return beside(search, small)

    return in_columns(len(batch["search"]), sample)


def _both(masks: Tensor, targets: Targets, index: int) -> Image:
    """Return the first mask of a pair: predicted in the red channel, its target in the green."""
    place = int((targets.batch == index).nonzero()[0])
    return mask_and_target(masks[place], targets.masks[place])
