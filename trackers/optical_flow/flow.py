"""Dense flow between two frames, how far to trust it, and what of it is the camera's."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (H, W)
Gray = NDArray[np.uint8]  # (H, W)

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
SMALLEST = 32  # shorter sides are padded: DIS needs room for its patches


class Motion(NamedTuple):
    """Where every pixel of a frame was in the frame before.

    Args:
        backward: (H, W, 2) float32 displacement (x, y) in pixels to the previous frame.
        source_x, source_y: (H, W) float32 position in the previous frame.
        confidence: (H, W) float32 in [0, 1], 1 where forward and backward flow agree.
    """

    backward: Plane
    source_x: Plane
    source_y: Plane
    confidence: Plane

    def warp(self, image: Plane, interpolation: int = cv2.INTER_LINEAR) -> Plane:
        """Carry an (H, W) map of the previous frame to this one; edges are repeated."""
        x, y, edge = self.source_x, self.source_y, cv2.BORDER_REPLICATE
        return np.asarray(cv2.remap(image, x, y, interpolation, borderMode=edge), np.float32)


class DenseFlow:
    """Compute checked flow with DIS (Kroeger et al., "Fast Optical Flow using Dense Inverse
    Search", ECCV 2016).

    Args:
        preset: "ultrafast", "fast" or "medium", for the backward flow that carries the masks.
        check_preset: the same for the forward flow, which only checks the backward one.
        sigma: forward-backward error in pixels at which confidence has fallen to exp(-1/2).
    """

    def __init__(self, preset: str, check_preset: str, sigma: float) -> None:
        self._backward = cv2.DISOpticalFlow.create(PRESETS[preset])
        self._forward = cv2.DISOpticalFlow.create(PRESETS[check_preset])
        self._sigma = sigma

    def between(self, previous: Gray, current: Gray) -> Motion:
        """Return the motion from `previous` to `current`, both (H, W) uint8."""
        backward = _calc(self._backward, current, previous)
        forward = _calc(self._forward, previous, current)
        height, width = current.shape
        x = np.arange(width, dtype=np.float32)[None, :] + backward[..., 0]
        y = np.arange(height, dtype=np.float32)[:, None] + backward[..., 1]
        returned = cv2.remap(forward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = ((returned + backward) ** 2).sum(-1)
        confidence = np.exp(error * (-0.5 / self._sigma**2))
        return Motion(backward, x, y, confidence)


def residual_motion(backward: Plane, weight: Plane) -> Plane:
    """Subtract the affine motion of the weighted pixels, which is taken for the camera's.

    The fit is iteratively reweighted least squares with Cauchy weights on every fifth pixel.

    Args:
        backward: (H, W, 2) float32 flow.
        weight: (H, W) float32, large on trusted background.

    Returns:
        (H, W, 2) float32 flow relative to the background.
    """
    height, width = weight.shape
    x, y = np.arange(width) / width - 0.5, np.arange(height) / height - 0.5
    rows, columns = np.arange(min(2, height - 1), height, 5), np.arange(min(2, width - 1), width, 5)
    grid_x, grid_y = np.meshgrid(x[columns], y[rows])
    design = np.stack([np.ones(grid_x.size), grid_x.ravel(), grid_y.ravel()], 1)
    samples = np.ix_(rows, columns)
    flow = backward[samples].reshape(-1, 2).astype(np.float64)
    base = weight[samples].ravel().astype(np.float64) + 1e-3
    robust = base
    affine = np.zeros((3, 2))
    for _ in range(4):
        weighted = design * robust[:, None]
        normal = design.T @ weighted + 1e-3 * np.eye(3)
        affine = np.linalg.solve(normal, weighted.T @ flow)
        robust = base / (0.25 + ((flow - design @ affine) ** 2).sum(1))
    camera = affine[0] + x[None, :, None] * affine[1] + y[:, None, None] * affine[2]
    return np.asarray(backward - camera, np.float32)


def _calc(dis: cv2.DISOpticalFlow, source: Gray, target: Gray) -> Plane:
    height, width = source.shape
    down, right = max(0, SMALLEST - height), max(0, SMALLEST - width)
    if down or right:
        source, target = (
            np.pad(image, ((0, down), (0, right)), mode="edge") for image in (source, target)
        )
    # A fresh field of zeros each time: DIS starts from what the output array holds.
    start = np.zeros((*source.shape, 2), np.float32)
    return np.asarray(dis.calc(source, target, start)[:height, :width], np.float32)
