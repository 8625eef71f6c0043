"""MOSE, versions 1 and 2, in the layout of their archives (Ding et al., ICCV 2023 and 2025).

<root>/valid/JPEGImages/<video>/00000.jpg
<root>/valid/Annotations/<video>/00000.png       the first frame only; of train every frame
"""

from pathlib import Path

from vostool.datasets.dataset import Contents
from vostool.datasets.folder import read_folder
from vostool.datasets.layout import split_folder

SPLITS = ("valid", "train")


def read_mose(root: Path, split: str, *, need_frames: bool) -> Contents:
    """Read one split of MOSE, its videos by name.

    Args:
        root: folder of the splits, or the folder of the split itself.
        split: `valid` or `train`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
        UsageError: the root is the folder of another split.
    """
    folder = split_folder(root, split, SPLITS, "Annotations")
    return Contents(read_folder(folder, need_frames=need_frames), root=folder)
