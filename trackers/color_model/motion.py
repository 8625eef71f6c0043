"""Find where the object of the last frame went, by matching its masked patch."""

import cv2
import numpy as np


def displacement(last, frame, mask, box, velocity, side, radius, penalty):
    """Return (dx, dy) in px."""
    H, W = mask.shape
    x, y, w, h = box
    s = min(1.0, side / max(w, h))
    r = int(np.ceil(radius * max(w, h) * s)) + 2
    vx, vy = velocity
    tw, th = max(2, round(w * s)), max(2, round(h * s))

    def patch(img, cx, cy, pw, ph, interp=cv2.INTER_AREA):
        # source box of (pw, ph) working pixels at 1/s
        m = np.array(
            [
                [1 / s, 0, cx - pw / 2 / s + 0.5 / s - 0.5],
                [0, 1 / s, cy - ph / 2 / s + 0.5 / s - 0.5],
            ],
            np.float32,
        )
        k = 1 / s
        return cv2.warpAffine(
            img,
            m,
            (pw, ph),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    k = max(1, int(1 / s)) | 1
    soft = (lambda im: cv2.blur(im, (k, k))) if k > 1 else (lambda im: im)
    x0, y0 = int(max(0, x - w - 2 * k)), int(max(0, y - h - 2 * k))
    cx, cy = x + w / 2 - 0.5, y + h / 2 - 0.5
    tpl = patch(soft(last), cx, cy, tw, th)
    tm = patch(mask.astype(np.float32), cx, cy, tw, th)
    srch = patch(soft(frame), cx + vx, cy + vy, tw + 2 * r, th + 2 * r)
    m3 = cv2.merge([tm] * 3)
    score = cv2.matchTemplate(
        srch.astype(np.float32), tpl.astype(np.float32), cv2.TM_SQDIFF, mask=m3
    )
    score = np.maximum(score, 0) / (3 * max((tm**2).sum(), 1e-6))
    g = np.arange(-r, r + 1, dtype=np.float32) / (max(w, h) * s)
    d2 = g[:, None] ** 2 + g[None] ** 2
    cost = np.sqrt(score) + penalty * 20 * np.sqrt(d2)
    iy, ix = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return vx + (ix - r) / s, vy + (iy - r) / s, float(cost[iy, ix])
