"""prototype"""

import cv2
import numpy as np

from vostool.tracker import PerObject

from .appearance import GlobalColor, LocalColor, _normalised_lab
from .motion import displacement
from .refine import mean_field
from .settings import Config


class ColorModel(PerObject):
    init = "mask"
    summary = "GrabCut-style colour models carried from frame to frame"
    Config = Config

    def new_object(self):
        return ColorObject(self.config, self.runtime.seed)


def box_of(m):
    ys = np.flatnonzero(m.any(1))
    xs = np.flatnonzero(m.any(0))
    if not len(ys):
        return None
    return xs[0], ys[0], xs[-1] - xs[0] + 1, ys[-1] - ys[0] + 1


class ColorObject:
    def __init__(self, config, seed):
        self.c = config
        self.color = GlobalColor(config.color_bins)
        self.local = LocalColor(config.local_cells, config.local_bins)
        self.velocity = (0.0, 0.0)

    def init(self, frame, prompt):
        mask = prompt.mask.astype(np.float32)
        self.prob = mask
        self.box = box_of(mask > 0.5)
        self.frame = self.last = frame
        self.last_prob = mask
        self.lost = 0
        self.area = float(mask.sum())
        self.size = max(self.box[2:])
        self.learn(frame, first=True)

    def region(self, box, shape):
        H, W = shape
        x, y, w, h = box
        m = self.c.margin * max(w, h) + 8
        x0, y0 = int(max(0, x - m)), int(max(0, y - m))
        x1, y1 = int(min(W, x + w + m)), int(min(H, y + h + m))
        return x0, y0, max(x1, x0 + 4), max(y1, y0 + 4)

    def crop(self, img, reg, interp=cv2.INTER_AREA):
        x0, y0, x1, y1 = reg
        s = min(1.0, self.c.working_side / max(x1 - x0, y1 - y0))
        size = (max(2, round((x1 - x0) * s)), max(2, round((y1 - y0) * s)))
        return cv2.resize(img[y0:y1, x0:x1], size, interpolation=interp)

    def places(self, reg, shape, center):
        """Place relative to the object's centre in units of its (slowly updated) size."""
        h, w = shape
        x0, y0, x1, y1 = reg
        k = 1 / (self.size * (1 + 2 * self.c.margin))
        px = ((np.arange(w) + 0.5) * (x1 - x0) / w + x0 - center[0]) * k + 0.5
        py = ((np.arange(h) + 0.5) * (y1 - y0) / h + y0 - center[1]) * k + 0.5
        return np.stack(np.meshgrid(px, py), 2)

    def learn(self, frame, first=False):
        c = self.c
        reg = self.region(self.box, frame.shape[:2])
        lab = _normalised_lab(self.crop(frame, reg))
        mask = self.crop((self.prob > 0.5).astype(np.float32), reg)
        x, y, w, h = self.box
        gi = self.color.index(lab)
        li = self.local.index(lab, self.places(reg, mask.shape, (x + w / 2, y + h / 2)))
        self.color.learn(gi, mask, c.color_rate)
        self.local.learn(li, mask, c.local_rate)

    def still(self, frame, reg, lab):
        c = self.c
        if not c.still_weight:
            self.shift = (0, 0)
            return 0.0
        H, W = frame.shape[:2]
        k = 4 if min(H, W) >= 128 else 1
        small = lambda f: cv2.resize(
            cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (W // k, H // k), interpolation=cv2.INTER_AREA
        ).astype(np.float32)
        a, b = small(self.last), small(frame)
        win = cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_32F)
        (sx, sy), resp = cv2.phaseCorrelate(a, b, win)
        sx, sy = sx * W / a.shape[1], sy * H / a.shape[0]
        m = np.array([[1, 0, sx], [0, 1, sy]], np.float32)
        was = _normalised_lab(
            self.crop(cv2.warpAffine(self.last, m, (W, H), borderMode=cv2.BORDER_REPLICATE), reg)
        )
        known = self.crop(cv2.warpAffine(1 - 2 * self.last_prob, m, (W, H)), reg)
        d = ((was - lab) ** 2).sum(2)
        self.last = frame
        return (-c.still_weight * known * np.exp(-d / (2 * c.still_sigma**2))).astype(np.float32)

    def track(self, frame):
        out = self.track_(frame)
        self.last, self.last_prob = frame, out
        return out

    def predict(self, frame):
        """Return the displacement of the object's last good box."""
        c = self.c
        H, W = frame.shape[:2]
        x, y, w, h = self.box
        if self.lost:
            dx, dy = self.search(frame)
        else:
            dx, dy, _ = displacement(self.frame, frame, self.prob > 0.5, self.box, self.velocity,
                                     c.motion_side, c.motion_radius, c.motion_penalty)
        dx = min(max(dx, -(x + w / 2)), W - x - w / 2)
        dy = min(max(dy, -(y + h / 2)), H - y - h / 2)
        return dx, dy

    def search(self, frame):
        c = self.c
        H, W = frame.shape[:2]
        x, y, w, h = self.box
        s = min(1.0, 16 / max(w, h), 200 / max(H, W))
        small = cv2.resize(frame, (max(4, round(W * s)), max(4, round(H * s))), interpolation=cv2.INTER_AREA)
        odds = self.color.log_odds(self.color.index(_normalised_lab(small)))
        like = (1 / (1 + np.exp(-odds))).astype(np.float32)
        kw, kh = max(1, round(w * s)), max(1, round(h * s))
        mean = cv2.boxFilter(like, -1, (kw, kh), borderType=cv2.BORDER_CONSTANT)
        ring = cv2.boxFilter(like, -1, (2 * kw + 1, 2 * kh + 1), borderType=cv2.BORDER_CONSTANT)
        score = mean - 0.5 * ring
        sx, sy = small.shape[1] / W, small.shape[0] / H
        cx = (np.arange(small.shape[1]) + 0.5) / sx - (x + w / 2)
        cy = (np.arange(small.shape[0]) + 0.5) / sy - (y + h / 2)
        far = np.sqrt(cx[None] ** 2 + cy[:, None] ** 2) / (max(w, h) * (1 + c.redetect_slack * self.lost))
        score = score - 0.1 * far
        iy, ix = np.unravel_index(int(np.argmax(score)), score.shape)
        return cx[ix], cy[iy]

    def track_(self, frame):
        c = self.c
        H, W = frame.shape[:2]
        x, y, w, h = self.box
        dx, dy = self.predict(frame)
        box = (x + dx, y + dy, w, h)
        m = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        prior = cv2.warpAffine(self.prob, m, (W, H))
        reg = self.region(box, (H, W))
        lab = _normalised_lab(self.crop(frame, reg))
        p = self.crop(prior, reg)
        s = lab.shape[1] / (reg[2] - reg[0])
        inside = (p > 0.5).astype(np.uint8)
        dist = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        dist = dist / (c.shape_width * np.sqrt(w * h) * s)
        shape = np.clip(dist, -3, 2)
        gi = self.color.index(lab)
        li = self.local.index(lab, self.places(reg, p.shape, (box[0] + w / 2, box[1] + h / 2)))
        odds = (c.color_weight * self.color.log_odds(gi) + c.local_weight * self.local.log_odds(li, c.local_anchor)
                + c.shape_weight * shape).astype(np.float32)
        odds += self.still(frame, reg, lab)
        q = mean_field(odds, lab, c.smooth_weight, c.smooth_steps)
        q = clean(q, p)
        out = np.zeros((H, W), np.float32)
        x0, y0, x1, y1 = reg
        out[y0:y1, x0:x1] = cv2.resize(q.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        nb = box_of(out > 0.5)
        area = (out > 0.5).sum()
        if nb is None or min(nb[2:]) < 2 or area < c.lost_area * self.area:
            self.lost += 1
            self.velocity = (0.0, 0.0)
            return out
        self.velocity = (0.5 * self.velocity[0] + 0.5 * dx, 0.5 * self.velocity[1] + 0.5 * dy)
        if self.lost: self.velocity = (0.0, 0.0)
        self.lost = 0
        self.area = 0.9 * self.area + 0.1 * area
        self.prob, self.box, self.frame = out, nb, frame
        self.size = 0.9 * self.size + 0.1 * max(nb[2:])
        self.learn(frame)
        return out


def clean(q, prior):
    n, lab, stats, _ = cv2.connectedComponentsWithStats((q > 0.5).astype(np.uint8), connectivity=8)
    if n <= 2:
        return q
    big = stats[1:, cv2.CC_STAT_AREA].max()
    ov = np.bincount(lab.ravel(), (prior > 0.5).ravel().astype(float), n)
    keep = (stats[:, cv2.CC_STAT_AREA] >= 0.1 * big) & (ov > 0.2 * stats[:, cv2.CC_STAT_AREA])
    keep[0] = True
    return np.where(keep[lab], q, 0).astype(np.float32)
