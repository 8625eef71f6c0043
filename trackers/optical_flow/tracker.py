"""Carry masks with dense flow and repair them with colour."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.sequence import Frame, Labels, Prompt
from vostool.tracker import Runtime, Tracker, merge_probabilities, prompt_probability
from .color import Palette, place_histogram

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Config:
    """Settings of `OpticalFlow`; lengths are in pixels of the work resolution."""

    work_width: int = 432
    preset: str = "medium"
    w_prior: float = 0.6
    w_wide: float = 0.0
    w_dist: float = 0.15
    d0: float = 2.0
    find: float = 1.0
    w_near: float = 0.2
    w_first: float = 0.6
    w_run: float = 0.25
    w_obj0: float = 0.4
    w_obj: float = 0.1
    w_motion: float = 0.5
    bias: float = -0.8
    area: float = 0.0
    keep: float = 0.1
    far: float = 16.0
    tile: int = 16
    sigma: float = 1.5
    wide: float = 6.0
    radius: int = 4
    eps: float = 1e-3
    w_guide: float = 1.0
    sigma_fb: float = 1.5
    decay: float = 0.9
    clip: float = 3.0
    margin: float = 0.35
    alpha: float = 2.0
    sharp: float = 1.0


def logit(p: Plane, lo: float = 0.02) -> Plane:
    q = np.clip(p, lo, 1 - lo)
    return np.log(q / (1 - q))


def box(x: Plane, r: int) -> Plane:
    return cv2.blur(x, (2 * r + 1, 2 * r + 1), borderType=cv2.BORDER_REFLECT)


def guided(image: Plane, p: Plane, r: int, eps: float) -> Plane:
    """Colour guided filter."""
    m = box(image, r)
    mp = box(p, r)
    ip = box(image * p[..., None], r) - m * mp[..., None]
    s0 = box(np.stack([image[..., 0] * image[..., j] for j in range(3)], -1), r)
    s1 = box(
        np.stack([image[..., 1] ** 2, image[..., 1] * image[..., 2], image[..., 2] ** 2], -1), r
    )
    rr = s0[..., 0] - m[..., 0] ** 2 + eps
    rg = s0[..., 1] - m[..., 0] * m[..., 1]
    rb = s0[..., 2] - m[..., 0] * m[..., 2]
    gg = s1[..., 0] - m[..., 1] ** 2 + eps
    gb = s1[..., 1] - m[..., 1] * m[..., 2]
    bb = s1[..., 2] - m[..., 2] ** 2 + eps
    c0 = gg * bb - gb * gb
    c1 = gb * rb - rg * bb
    c2 = rg * gb - gg * rb
    c3 = rr * bb - rb * rb
    c4 = rb * rg - rr * gb
    c5 = rr * gg - rg * rg
    det = rr * c0 + rg * c1 + rb * c2
    a = np.stack(
        [
            (c0 * ip[..., 0] + c1 * ip[..., 1] + c2 * ip[..., 2]) / det,
            (c1 * ip[..., 0] + c3 * ip[..., 1] + c4 * ip[..., 2]) / det,
            (c2 * ip[..., 0] + c4 * ip[..., 1] + c5 * ip[..., 2]) / det,
        ],
        -1,
    )
    b = mp - (a * m).sum(-1)
    return (box(a, r) * image).sum(-1) + box(b, r)


class OpticalFlow(Tracker):
    summary = "first mask carried by DIS flow, checked forward-backward, repaired with colour"
    Config = Config

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        p = {"ultrafast": 0, "fast": 1, "medium": 2}[self.config.preset]
        self._dis = cv2.DISOpticalFlow_create(p)
        self.reset()

    def reset(self) -> None:
        self._prev: Any = None
        self._obj: dict[int, Any] = {}
        self._palette: Any = None

    def _flow(self, a: Any, b: Any) -> Any:
        return self._dis.calc(a, b, None)

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        c = self.config
        h, w = frame.shape[:2]
        s = min(1.0, c.work_width / w)
        size = (round(w * s), round(h * s))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
        if self._palette is None:
            self._palette = Palette(lab)
            hh, ww = gray.shape
            self._gx, self._gy = np.meshgrid(
                np.arange(ww, dtype=np.float32), np.arange(hh, dtype=np.float32)
            )
        idx = self._palette.index(lab)
        cur = (gray, lab, idx)
        if self._obj:
            self._advance(cur)
        for prompt in prompts:
            m = cv2.resize(prompt_probability(prompt, (h, w)), size, interpolation=cv2.INTER_AREA)
            self._obj[prompt.object_id] = {"p": m, "area": float(m.sum())}
            self._learn(self._obj[prompt.object_id], idx, first=True)
        self._prev = cur
        probs = {
            i: cv2.resize(o["p"], (w, h), interpolation=cv2.INTER_LINEAR)
            for i, o in self._obj.items()
        }
        for prompt in prompts:
            probs[prompt.object_id] = prompt_probability(prompt, (h, w))
        return merge_probabilities(probs, (h, w))

    def _roi(self, p: Plane) -> Any:
        ys = np.flatnonzero((p > 0.3).any(1))
        xs = np.flatnonzero((p > 0.3).any(0))
        if not len(ys):
            return slice(0, p.shape[0]), slice(0, p.shape[1])
        y0, y1, x0, x1 = ys[0], ys[-1] + 1, xs[0], xs[-1] + 1
        m = int(16 + self.config.margin * max(y1 - y0, x1 - x0))
        return slice(max(0, y0 - m), y1 + m), slice(max(0, x0 - m), x1 + m)

    def _cells(self, p: Plane, roi: Any) -> Any:
        """Object-centred cell index."""
        tot = p.sum() + 1e-6
        gx, gy = self._gx, self._gy
        cx, cy = (p * gx).sum() / tot, (p * gy).sum() / tot
        sx = np.sqrt((p * (gx - cx) ** 2).sum() / tot) + 2
        sy = np.sqrt((p * (gy - cy) ** 2).sum() / tot) + 2
        u = np.clip((gx[0, roi[1]] - cx) / sx * 2 + 6, 0, 11.99).astype(np.int32)
        v = np.clip((gy[roi[0], 0] - cy) / sy * 2 + 6, 0, 11.99).astype(np.int32)
        return v[:, None] * 12 + u[None]

    def _learn(self, o: Any, idx: Any, first: bool = False) -> None:
        c = self.config
        p = o["p"]
        roi = self._roi(p)
        pr, ir = p[roi], idx[roi]
        cell = self._cells(p, roi)
        zero = np.zeros_like(cell)
        h = [
            place_histogram(zero, (1, 1), ir, pr),
            place_histogram(zero, (1, 1), ir, 1 - pr),
            place_histogram(cell, (12, 12), ir, pr),
            place_histogram(cell, (12, 12), ir, 1 - pr),
        ]
        if first:
            o["h0"] = h
            o["h"] = h
        else:
            o["h"] = [c.decay * a + (1 - c.decay) * b for a, b in zip(o["h"], h)]

    def _llr(self, f: Any, b: Any, norm: bool = False) -> Any:
        c = self.config
        if norm:
            f, b = f / (f.sum() + 1e-6) * 1000, b / (b.sum() + 1e-6) * 1000
        return np.clip(np.log((f + c.alpha) / (b + c.alpha)), -c.clip, c.clip)

    def _advance(self, cur: Any) -> None:
        c = self.config
        gray, lab, idx = cur
        pg, plab, pidx = self._prev
        back = self._flow(gray, pg)
        forw = self._flow(pg, gray)
        mx, my = self._gx + back[..., 0], self._gy + back[..., 1]
        ret = cv2.remap(forw, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        err = ((ret + back) ** 2).sum(-1)
        conf = np.exp(-err / (2 * c.sigma_fb**2))
        img = lab.astype(np.float32) / 255
        widx = cv2.remap(
            pidx.astype(np.float32), mx, my, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.int32)
        for o in self._obj.values():
            p = cv2.remap(o["p"], mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            if c.find and not (p > 0.5).any():
                o["p"] = self._find(o, p, idx)
                continue
            roi = self._roi(p)
            z = self._fuse(o, p, roi, conf[roi], idx[roi], widx[roi], img[roi], back[roi])
            o["p"] = np.zeros_like(p)
            o["p"][roi] = z
            a = (o["p"] > 0.5).sum()
            if a:
                o["area"] = 0.9 * o["area"] + 0.1 * a
                self._learn(o, idx)

    def _find(self, o, p, idx):
        c = self.config
        h0 = o["h0"]
        z = self._llr(h0[0], h0[1], True).ravel()[idx]
        area = max(o["area"], 16)
        r = max(1, int(0.3 * np.sqrt(area)))
        m = box(z, r)
        if m.max() < c.find:
            return np.zeros_like(p)
        n, lab, st, _ = cv2.connectedComponentsWithStats((box(z, 1 + r // 3) > 0).astype(np.uint8), connectivity=4)
        y, x = np.unravel_index(int(m.argmax()), m.shape)
        k = lab[y, x]
        if k == 0 or not 0.25 * area < st[k, 4] < 4 * area:
            return np.zeros_like(p)
        return cv2.GaussianBlur((lab == k).astype(np.float32), (0, 0), 1)

    def _cues(self, o, p, roi, conf, idx, widx, back):
        c = self.config
        pr = p[roi]
        soft = cv2.GaussianBlur(pr, (0, 0), c.sigma)
        wide = cv2.GaussianBlur(pr, (0, 0), c.wide)
        q = conf * soft + (1 - conf) * wide
        # local, just seen
        hh, ww = pr.shape
        t = c.tile
        cells = (-(-hh // t), -(-ww // t))
        yy, xx = np.arange(hh) // t, np.arange(ww) // t
        cell = (yy[:, None] * cells[1] + xx[None]).astype(np.int32)
        f = place_histogram(cell, cells, widx, pr * conf)
        b = place_histogram(cell, cells, widx, (1 - pr) * conf)
        near = self._llr(f, b).reshape(-1, f.shape[-1])[cell, idx]
        h0, h = o["h0"], o["h"]
        first = self._llr(h0[0], h0[1], True).ravel()[idx]
        run = self._llr(h[0], h[1], True).ravel()[idx]
        oc = self._cells(p, roi)
        k = f.shape[-1]
        obj0 = self._llr(h0[2], h0[3]).reshape(-1, k)[oc, idx]
        obj = self._llr(h[2], h[3]).reshape(-1, k)[oc, idx]
        motion = self._motion(pr, conf, back)
        return [logit(q), logit(cv2.GaussianBlur(pr, (0, 0), c.far)), near, first, run, obj0, obj, motion]

    def _motion(self, p, conf, back):
        c = self.config
        r = self._residual(p, conf, back)
        s = np.sqrt((r**2).sum(-1)).mean() + 0.5
        u = np.clip(np.round(np.arcsinh(r / s * 2) * 3) + 8, 0, 16).astype(np.int32)
        i = u[..., 0] * 17 + u[..., 1]
        out = []
        for w in (p, 1 - p):
            h = np.bincount(i.ravel(), w.ravel(), 289).astype(np.float32).reshape(17, 17)
            h = cv2.GaussianBlur(h, (3, 3), 0.7, borderType=cv2.BORDER_CONSTANT)
            out.append(h)
        return self._llr(out[0], out[1], True).ravel()[i]

    def _residual(self, p, conf, back):
        ys, xs = np.mgrid[2 : p.shape[0] : 5, 2 : p.shape[1] : 5]
        y, x = ys.ravel(), xs.ravel()
        A = np.stack([np.ones(len(x)), x / 100 - 1, y / 100 - 1], 1)
        f = back[y, x].astype(np.float64)
        w0 = (1 - p[y, x]) ** 2 * (conf[y, x] + 0.01)
        w = w0
        for _ in range(4):
            aw = A * w[:, None]
            m = np.linalg.solve(A.T @ aw + 1e-3 * np.eye(3), aw.T @ f)
            e = ((f - A @ m) ** 2).sum(1)
            w = w0 / (0.25 + e)
        gx = np.arange(p.shape[1]) / 100 - 1
        gy = np.arange(p.shape[0]) / 100 - 1
        bg = m[0] + gx[None, :, None] * m[1] + gy[:, None, None] * m[2]
        return (back - bg).astype(np.float32)

    def _fuse(self, o, p, roi, conf, idx, widx, img, back):
        c = self.config
        cues = self._cues(o, p, roi, conf, idx, widx, back)
        ws = (c.w_prior, c.w_wide, c.w_near, c.w_first, c.w_run, c.w_obj0, c.w_obj, c.w_motion)
        z = np.full(cues[0].shape, c.bias, np.float32)
        for w, q in zip(ws, cues):
            z += w * q
        if c.w_dist:
            out_ = (p[roi] < 0.5).astype(np.uint8)
            if not out_.all():
                d = cv2.distanceTransform(out_, cv2.DIST_L2, 3)
                z -= c.w_dist * np.minimum(np.maximum(d - c.d0, 0), 40)
        if c.area:
            target = p[roi].sum()
            b = 0.0
            for _ in range(4):
                q = 1 / (1 + np.exp(-z - b))
                b += np.clip((target - q.sum()) / ((q * (1 - q)).sum() + 1), -1, 1)
            z += c.area * np.clip(b, -2, 2)
        out = 1 / (1 + np.exp(-z))
        if c.w_guide:
            g = guided(img, out.astype(np.float32), c.radius, c.eps)
            out = (1 - c.w_guide) * out + c.w_guide * np.clip(g, 0, 1)
        if c.keep:
            n, lab, st, _ = cv2.connectedComponentsWithStats((out > 0.5).astype(np.uint8), connectivity=4)
            if n > 2:
                sup = np.bincount(lab.ravel(), p[roi].ravel(), n)
                sup[0] = 0
                bad = (sup < c.keep * st[:, 4]) | (sup < 0.03 * sup.max())
                bad[0] = False
                out = np.where(bad[lab], 0.3 * out, out)
        return np.asarray(out, np.float32)
