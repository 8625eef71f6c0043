"""The color guided filter, which makes a soft mask follow the edges of an image."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def guided_coefficients(image: Plane, mask: Plane, radius: int, eps: float) -> Plane:
    """Fit `mask` as a linear function of color in every window.

    He, Sun, Tang, "Guided Image Filtering", ECCV 2010, eq. 14-15, with a color guide.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        mask: (H, W) float32.
        radius: half side of the square window in pixels.
        eps: regularisation of the color covariance.

    Returns:
        (H, W, 4) float32: weights of the three channels and an offset, averaged over windows.
    """
    first, second, third = (image[..., channel] for channel in range(3))
    mean, mean_mask = _box(image, radius), _box(mask, radius)
    covariance = _box(image * mask[..., None], radius) - mean * mean_mask[..., None]
    own = _box(image * image, radius) - mean * mean + np.float32(eps)
    products = np.dstack([first * second, first * third, second * third])
    pairs = mean[..., [0, 0, 1]] * mean[..., [1, 2, 2]]
    cross = _box(products, radius) - pairs
    weights = _solve_symmetric(own, cross, covariance)
    offset = mean_mask - (weights * mean).sum(-1)
    return _box(np.dstack([weights, offset]), radius)


def apply_guide(coefficients: Plane, image: Plane) -> Plane:
    """Evaluate (H, W, 4) coefficients on an (H, W, 3) image; the result is cut to [0, 1]."""
    filtered = coefficients[..., 3].copy()
    for channel in range(3):
        filtered += coefficients[..., channel] * image[..., channel]
    return np.clip(filtered, 0, 1, out=filtered)


def _box(image: Plane, radius: int) -> Plane:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _solve_symmetric(diagonal: Plane, cross: Plane, right: Plane) -> Plane:
    """Solve a symmetric 3x3 system at every pixel by cofactors; all are (H, W, 3)."""
    xx, yy, zz = np.ascontiguousarray(np.moveaxis(diagonal, 2, 0))
    xy, xz, yz = np.ascontiguousarray(np.moveaxis(cross, 2, 0))
    c_xx, c_xy, c_xz = yy * zz - yz * yz, yz * xz - xy * zz, xy * yz - yy * xz
    c_yy, c_yz, c_zz = xx * zz - xz * xz, xz * xy - xx * yz, xx * yy - xy * xy
    determinant = xx * c_xx + xy * c_xy + xz * c_xz
    r_x, r_y, r_z = np.ascontiguousarray(np.moveaxis(right, 2, 0))
    solution = [
        c_xx * r_x + c_xy * r_y + c_xz * r_z,
        c_xy * r_x + c_yy * r_y + c_yz * r_z,
        c_xz * r_x + c_yz * r_y + c_zz * r_z,
    ]
    return np.dstack([part / determinant for part in solution])
