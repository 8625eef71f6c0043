"""Templates cut out of whole frames as boxes are."""

import torch
import torch.nn.functional as F
from torch import Tensor

_FINE = 4  # samples per pixel and axis


def cut_boxes(frame: Tensor, boxes: Tensor, out: int, reach: float = 1.0) -> Tensor:
    """Cut boxes out of a frame, each resized to a square without keeping its aspect.

    Outside the frame is its mean color. Each pixel is the mean of 16 samples, so that boxes up to
    four times as large as the result are not aliased.

    Args:
        frame: (3, H, W) float RGB of 0 to 255.
        boxes: (N, 4) x, y, w, h; pixel (i, j) of the frame is the square from (j, i) to
            (j + 1, i + 1).
        out: side of the crops.
        reach: sides of what is cut, as a multiple of the box's around the same middle.

    Returns:
        (N, 3, out, out) float of 0 to 255.
    """
    mean = frame.mean(dim=(1, 2), keepdim=True)
    size = boxes[:, 2:].clamp(min=1.0)
    middle = boxes[:, :2] + size / 2
    steps = (torch.arange(_FINE * out, device=boxes.device) + 0.5) / (_FINE * out) - 0.5
    places = middle[..., None] + reach * size[..., None] * steps  # (N, 2, _FINE * out)
    limit = torch.tensor([frame.shape[2], frame.shape[1]], device=boxes.device)
    x, y = (2 * places / limit[:, None] - 1).unbind(1)
    shape = (len(boxes), _FINE * out, _FINE * out)
    grid = torch.stack((x[:, None, :].expand(shape), y[:, :, None].expand(shape)), dim=-1)
    inputs = (frame - mean)[None].expand(len(boxes), -1, -1, -1)
    crops = F.grid_sample(inputs, grid.to(frame.dtype), padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(crops, _FINE) + mean
