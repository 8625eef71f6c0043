"""DAVIS 2016 and 2017 in their official folder layouts.

    <root>/JPEGImages/480p/<sequence>/00000.jpg      also 1080p (2016) or Full-Resolution (2017)
    <root>/Annotations/480p/<sequence>/00000.png
    <root>/ImageSets/2016/val.txt                    sequence names
    <root>/ImageSets/480p/val.txt                    image and mask path pairs (2016)
    <root>/ImageSets/2017/val.txt                    sequence names

2016 is also read from a 2017 folder, whose sequences include all of it: objects are merged.
"""

from pathlib import Path

from vostool.datasets.layout import folders_in, read_names, read_sequence, read_sequences
from vostool.datasets.splits import OFFICIAL
from vostool.errors import DatasetError
from vostool.io.listing import missing_folders
from vostool.io.storage import read_text
from vostool.types import Sequence

FULL = ("Full-Resolution", "1080p")


def read_davis(
    root: Path, year: int, split: str, resolution: str, *, need_frames: bool
) -> tuple[Sequence, ...]:
    """Read one split of DAVIS.

    Args:
        root: folder that holds `JPEGImages/` and `Annotations/`.
        year: 2016 or 2017.
        split: `train`, `val`, `trainval`, `test-dev` or `test-challenge`.
        resolution: `480p`, `full`, or the name of another folder such as `240p`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
    """
    folder = _resolution_folder(root, resolution)
    # Ground truth of the test splits is kept by the server: first masks only.
    dense = not split.startswith("test")
    attributes = _attributes(root)

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            root / "JPEGImages" / folder / name,
            root / "Annotations" / folder / name,
            dense=dense,
            need_frames=need_frames,
            attributes=attributes.get(name),
        )

    return read_sequences(_split_names(root, year, split, folder), root, read)


def _resolution_folder(root: Path, resolution: str) -> str:
    annotations = root / "Annotations"
    wanted = FULL if resolution == "full" else (resolution,)
    for name in wanted:
        if (annotations / name).is_dir():
            return name
    if not annotations.is_dir():
        raise DatasetError(
            f"{root} is not a DAVIS folder: it has no Annotations/. --root is the folder that "
            "holds JPEGImages/ and Annotations/."
        )
    there = folders_in(annotations)
    if any(any((annotations / name).glob("*.png")) for name in there[:3]):
        hint = f"Its masks are not under a resolution: use --dataset folder:{root}."
    elif there:
        hint = f"There is {', '.join(there[:5])}: give one with --resolution."
    else:
        hint = "Unpack the dataset again."
    raise DatasetError(f"{annotations} has no folder {' or '.join(wanted)}. {hint}")


def _split_names(root: Path, year: int, split: str, folder: str) -> list[str]:
    """Return the sequence names of a split, from whichever of its lists is there."""
    sets = root / "ImageSets"
    lists = [sets / str(year) / f"{split}.txt"]
    if year == 2016:
        lists += [sets / name / f"{split}.txt" for name in dict.fromkeys((folder, "480p", "1080p"))]
    for path in lists:
        if path.is_file():
            return read_names(path)
    if split == "trainval":
        return _split_names(root, year, "train", folder) + _split_names(root, year, "val", folder)
    if year == 2016 and (sets / "2017").is_dir():
        return _names_of_2016(root, split, folder)
    hint = "Unpack the dataset again, or name another split with --split."
    if year == 2017 and any((sets / name).is_dir() for name in ("2016", "480p", "1080p")):
        hint = "This looks like DAVIS 2016: use --dataset DAVIS2016."
    raise DatasetError(f"The split file {lists[0]} is missing. {hint}")


def _names_of_2016(root: Path, split: str, folder: str) -> list[str]:
    official = OFFICIAL.get((2016, split), ())
    missing = set(missing_folders(root / "Annotations" / folder, official))
    names = [name for name in official if name not in missing]
    if not names:
        raise DatasetError(
            f"{root / 'Annotations' / folder} holds no sequence of DAVIS 2016 '{split}'. Name "
            "another split with --split, or use --dataset DAVIS2017."
        )
    return names


def _attributes(root: Path) -> dict[str, tuple[str, ...]]:
    """Read the attributes of `db_info.yml`, one `- attributes: [A, B]` and `name:` per sequence."""
    path = next((p for p in (root / "db_info.yml", root / "db_info.yaml") if p.is_file()), None)
    found: dict[str, tuple[str, ...]] = {}
    if path is None:
        return found
    codes: tuple[str, ...] = ()
    for line in read_text(path, errors="replace").splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(":")
        if key == "attributes":
            codes = tuple(code.strip() for code in value.strip(" []").split(",") if code.strip())
        elif key == "name":
            found[value.strip()] = codes
    return found
