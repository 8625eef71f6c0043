"""MOSE, versions 1 and 2, in the layout of their archives (Ding et al., ICCV 2023 and 2025).

<root>/valid/JPEGImages/<video>/00000.jpg
<root>/valid/Annotations/<video>/00000.png       the first frame only; of train every frame
"""

from pathlib import Path

from vostool.datasets.dataset import Contents
from vostool.datasets.folder import read_folder
from vostool.errors import DatasetError, UsageError

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
    if (root / split / "Annotations").is_dir():
        folder = root / split
    elif (root / "Annotations").is_dir():
        folder = root
        name = root.resolve().name
        if name in SPLITS and name != split:
            raise UsageError(f"{root} is the split '{name}': use --split {name}.")
    else:
        there = [name for name in SPLITS if (root / name / "Annotations").is_dir()]
        hint = f"There is {there[0]}: name it with --split." if there else "Unpack it again."
        raise DatasetError(f"{root} holds neither Annotations/ nor {split}/Annotations/. {hint}")
    return Contents(read_folder(folder, need_frames=need_frames), root=folder)
