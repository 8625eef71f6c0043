"""The published checkpoints of SiamCAR, in one folder from which people download them by hand."""

from vostool.tracking.base import Release

_FOLDER = "https://drive.google.com/drive/folders/1ud0iF4Vm96TfxOddUHV1LoY-soF2zk8b"


def _release(name: str, config: str | None, trained: str) -> Release:
    return Release(
        name=name,
        url=_FOLDER,
        file=f"{name}.pth",
        licence="not stated by the authors",
        about=f"D. Guo et al., CVPR 2020; trained on {trained}",
        config=config,
    )


RELEASES = (
    _release("general_model", None, "VID, YouTube-BB, COCO, DET and GOT-10k"),
    _release("got10k_model", "got10k", "GOT-10k alone"),
    _release("LaSOT_model", "lasot", "LaSOT"),
)
