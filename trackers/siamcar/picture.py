"""A picture of training samples: template, search crop with target and prediction, maps."""

import cv2
import torch
from torch import Tensor

from vostool.training.task import Batch
from vostool_trackers.siamcar.choice import stretched
from vostool_trackers.siamcar.network import Maps
from vostool_trackers.siamcar.targets import Targets
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.training.picture import Image, as_grey, as_image, beside, in_columns

_TARGET, _PREDICTED, _MIDDLE = (0, 255, 0), (255, 0, 0), (255, 255, 0)
_SURE = 0.1  # a prediction with a lower score is not drawn


def draw_samples(batch: Batch, targets: Targets, maps: Maps) -> Image:
    """Draw up to 16 samples in two columns.

    On the search crop the target's box is green, its positive cells yellow, and the prediction of
    the cell with the best product of score and centerness red. Beside it are, from above, the
    template, the score map and the centerness map, stretched as in tracking.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    score = maps.score.float().softmax(dim=1)[:, 1].cpu()
    centerness = stretched(maps.centerness.float()).cpu()
    lengths, wanted = maps.box.float().cpu(), targets.box.cpu()
    positive = targets.positive.cpu()
    centres = cell_centres().reshape(-1, 2)

    def sample(index: int) -> Image:
        search = as_image(batch["search"][index])
        cells = positive[index].flatten().nonzero()[:, 0].tolist()
        for cell in cells:
            cv2.circle(search, [round(float(v)) for v in centres[cell]], 2, _MIDDLE, -1)
        if cells:
            _draw_box(search, centres[cells[0]], wanted[index].flatten(1)[:, cells[0]], _TARGET)
        best = int((score[index] * centerness[index]).argmax())
        if float(score[index].flatten()[best]) > _SURE:
            _draw_box(search, centres[best], lengths[index].flatten(1)[:, best], _PREDICTED)
        template = as_image(batch["template"][index])
        return beside(search, (template, as_grey(score[index]), as_grey(centerness[index])))

    return in_columns(len(positive), sample)


def _draw_box(image: Image, point: Tensor, lengths: Tensor, color: tuple[int, int, int]) -> None:
    """Draw the box that reaches from a point as far to each side as (4,) lengths say."""
    low = (point - lengths[:2]).round().clamp(-999, 999).to(torch.int32).tolist()
    high = (point + lengths[2:]).round().clamp(-999, 999).to(torch.int32).tolist()
    cv2.rectangle(image, low, high, color, 1)
