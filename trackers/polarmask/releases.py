"""The published checkpoints of PolarMask: one folder of Google Drive holds them all."""

from vostool.tracking.base import Release

_FOLDER = "https://drive.google.com/drive/folders/1EWtLhWSGuJVtMCS8mTvKNxdYYpz7ufjV?usp=sharing"
_LICENCE = "2-clause BSD, academic use"  # says its README; the LICENSE file there is Apache 2.0
_AVERAGE_PRECISION = {  # of masks on COCO minival, percent, says its README
    "r50": {"1x": 29.2, "2x": 30.5},
    "r101": {"1x": 30.7, "2x": 31.9},
    "x101": {"1x": 32.5, "2x": 33.5},
}


def _release(backbone: str, schedule: str, precision: float) -> Release:
    size = "1280 x 768" if schedule == "1x" else "several sizes"
    return Release(
        name=f"{backbone}_{schedule}",
        url=_FOLDER,
        file=f"polarmask_{backbone}_{schedule}.pth",
        licence=_LICENCE,
        about=f"E. Xie et al., COCO 2017, {schedule}, {size}; mask AP {precision} on minival",
        config=f"coco_{backbone}" + ("_2x" if schedule == "2x" else ""),
    )


RELEASES = tuple(
    _release(backbone, schedule, precision)
    for backbone, schedules in _AVERAGE_PRECISION.items()
    for schedule, precision in schedules.items()
)
