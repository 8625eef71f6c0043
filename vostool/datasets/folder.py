"""Anybody's own data: `JPEGImages/<sequence>/` and `Annotations/<sequence>/`, nothing else."""

from pathlib import Path

from vostool.datasets.layout import read_sequence
from vostool.errors import DatasetError
from vostool.sequence import Sequence


def read_folder(root: Path, *, need_frames: bool) -> tuple[Sequence, ...]:
    """Read every sequence that has masks, by name; masks may be sparse, the first is needed.

    Args:
        root: folder that holds `JPEGImages/` and `Annotations/`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
    """
    annotations = root / "Annotations"
    if not annotations.is_dir():
        raise DatasetError(
            f"{root} has no folder Annotations/. Put masks into {annotations}/<sequence>/ and "
            f"frames into {root / 'JPEGImages'}/<sequence>/."
        )
    names = sorted(p.name for p in annotations.iterdir() if p.is_dir() and p.name[0] != ".")
    if not names:
        raise DatasetError(f"{annotations} has no sequence folders.")
    deeper = annotations / names[0]
    if names in (["480p"], ["Full-Resolution"], ["1080p"]) and any(deeper.glob("*/*.png")):
        raise DatasetError(
            f"{root} has the layout of DAVIS, with a folder per resolution. Use --dataset "
            f"DAVIS2016 or DAVIS2017 with --root {root}."
        )
    return tuple(
        read_sequence(
            name,
            root / "JPEGImages" / name,
            annotations / name,
            dense=False,
            need_frames=need_frames,
        )
        for name in names
    )
