"""The published checkpoints of SiamMask."""

from vostool.tracking.base import Release


def _release(name: str, config: str, trained: str) -> Release:
    return Release(
        name=name,
        url=f"http://www.robots.ox.ac.uk/~qwang/{name}.pth",
        licence="MIT",
        about=f"Q. Wang et al., CVPR 2019, sharp; {trained}",
        config=config,
    )


RELEASES = (
    _release("SiamMask_DAVIS", "davis", "for DAVIS and YouTube-VOS"),
    _release("SiamMask_VOT", "vot", "for VOT"),
    _release("SiamMask_VOT_LD", "vot_ld", "for VOT, trained on more data"),
)
