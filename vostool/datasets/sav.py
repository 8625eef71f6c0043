"""SA-V val and test in the layout of their archives (Ravi et al., "SAM 2", 2024).

    <root>/sav_val/sav_val.txt                                          video names
    <root>/sav_val/JPEGImages_24fps/<video>/00000.jpg                   every frame
    <root>/sav_val/Annotations_6fps/<video>/000/00000.png               every fourth, per object

Objects overlap, so each has masks of its own and no label map holds them all. Each object is a
sequence of its own here, `<video>/<object>`: predictions lie as the SA-V evaluator wants them.
"""

from pathlib import Path

from vostool.datasets.dataset import Contents
from vostool.datasets.layout import folders_in, if_wanted, read_names, read_sequence, read_sequences
from vostool.errors import DatasetError
from vostool.io.storage import each_at_once, is_remote
from vostool.types import Sequence

FRAMES, MASKS = "JPEGImages_24fps", "Annotations_6fps"


def read_sav(root: Path, split: str, *, need_frames: bool) -> Contents:
    """Read one split of SA-V, a sequence per object, in the order of its list.

    Args:
        root: folder that holds `sav_val/`, or that folder itself.
        split: `val` or `test`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
    """
    folder = next((f for f in (root / f"sav_{split}", root) if (f / MASKS).is_dir()), None)
    if folder is None:
        raise DatasetError(
            f"{root} holds neither {MASKS}/ nor sav_{split}/{MASKS}/. --root is the folder into "
            f"which sav_{split}.tar was unpacked."
        )
    names = folder / f"sav_{split}.txt"
    if not names.is_file():
        there = ", ".join(path.name for path in sorted(folder.glob("sav_*.txt")))
        hint = f"It has {there}: name that split." if there else "Unpack it again."
        raise DatasetError(f"The split file {names} is missing. {hint}")

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            folder / FRAMES / name.partition("/")[0],
            folder / MASKS / name,
            dense=False,
            need_frames=need_frames,
        )

    def objects(video: str) -> list[str]:
        names = if_wanted(lambda name: _objects(folder / MASKS / name), lambda name: [])(video)
        return [f"{video}/{each}" for each in names]

    of_videos = each_at_once(objects, read_names(names), is_remote(folder))
    sequences = read_sequences([name for found in of_videos for name in found], folder, read)
    return Contents(sequences, root=folder)


def _objects(folder: Path) -> list[str]:
    found = folders_in(folder)
    if not found:
        raise DatasetError(f"{folder} has no folders of objects. Unpack the dataset again.")
    return found
