"""A picture of training samples: template, search crop with target and prediction, score map."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vostool.training.task import Batch
from vostool_trackers.siamese.inference.crops import SEARCH, TEMPLATE, cell_centres
from vostool_trackers.siamese.polar import contour
from vostool_trackers.siamese.training.picture import as_image, draw_contour
from vostool_trackers.siampolar.network import Maps
from vostool_trackers.siampolar.targets import Targets

_MOST = 16
_TARGET, _PREDICTED, _MIDDLE = (0, 255, 0), (255, 0, 0), (255, 255, 0)


def draw_samples(batch: Batch, targets: Targets, maps: Maps) -> NDArray[np.uint8]:
    """Draw up to 16 samples in two columns.

    On the search crop the target's rays from its best cell are green, the prediction's from the
    cell with the best score red, and the cells of the middle yellow. Beside it are, from above, the
    template, half of what a guided network is told (the last mask red, the likelihood of the
    colors green), and the score map.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    count = min(_MOST, len(batch["template"]))
    rows = [_sample(batch, targets, maps, index) for index in range(count)]
    if count % 2:
        rows.append(np.zeros_like(rows[0]))
    return np.vstack([np.hstack(rows[i : i + 2]) for i in range(0, len(rows), 2)])


def _sample(batch: Batch, targets: Targets, maps: Maps, index: int) -> NDArray[np.uint8]:
    search = as_image(batch["search"][index])
    centres = cell_centres().reshape(-1, 2)
    if bool(targets.used[index, 0]):
        best = targets.cells[index, 0].cpu()
        draw_contour(search, contour(centres[best], targets.rays[index, 0].cpu()), _TARGET)
        for cell in targets.cells[index][targets.used[index]].tolist():
            cv2.circle(search, [round(float(v)) for v in centres[cell]], 2, _MIDDLE, -1)
    score = maps.score[index].float().sigmoid().cpu()
    top = int(score.argmax())
    if float(score.max()) > 0.1:
        rays = maps.rays[index].flatten(1)[:, top].float().cpu()
        draw_contour(search, contour(centres[top], rays), _PREDICTED)
    column = np.zeros((SEARCH, TEMPLATE, 3), np.uint8)
    third = SEARCH // 3
    small = [as_image(batch["template"][index])]
    if "search_guide" in batch:
        mask, likelihood = batch["search_guide"][index].float()
        told = torch.stack((127 * mask, 64 * likelihood + 128, torch.zeros_like(mask)))
        small.append(as_image(told))
    cells = (255 * score.numpy()).astype(np.uint8)
    small.append(np.repeat(cells[..., None], 3, axis=2))
    for place, image in enumerate(small):
        shown = cv2.resize(image, (third, third), interpolation=cv2.INTER_AREA)
        column[place * third : (place + 1) * third, :third] = shown
    return np.hstack([column[:, :third], search])
