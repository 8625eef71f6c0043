"""DAVIS 2016 and 2017 in their official folder layouts.

    <root>/JPEGImages/480p/<sequence>/00000.jpg      also 1080p (2016) or Full-Resolution (2017)
    <root>/Annotations/480p/<sequence>/00000.png
    <root>/ImageSets/2016/val.txt                    sequence names
    <root>/ImageSets/480p/val.txt                    image and mask path pairs (2016)
    <root>/ImageSets/2017/val.txt                    sequence names

The archives of the unsupervised task have Annotations_unsupervised/ instead, and those of its test
sets no masks at all and ImageSets/2019/. Copies without ImageSets/ are read by the official names.
2016 is also read from a 2017 folder, whose sequences include all of it: objects are merged.
"""

from pathlib import Path

from vostool.datasets.attributes import read_attributes
from vostool.datasets.dataset import Contents
from vostool.datasets.layout import (
    files_in,
    folders_in,
    read_names,
    read_sequence,
    read_sequences,
)
from vostool.datasets.splits import OFFICIAL
from vostool.errors import DatasetError
from vostool.io.frames import FRAME_SUFFIXES
from vostool.io.listing import missing_folders
from vostool.types import Sequence

FULL = ("Full-Resolution", "1080p")
USUAL, UNSUPERVISED = "Annotations", "Annotations_unsupervised"


def read_davis(
    root: Path, year: int, split: str, resolution: str, *, need_frames: bool
) -> tuple[Sequence, ...]:
    """Read one split of DAVIS, see `davis_contents`."""
    return davis_contents(root, year, split, resolution, need_frames=need_frames).sequences


def davis_contents(
    root: Path, year: int, split: str, resolution: str, *, need_frames: bool
) -> Contents:
    """Read one split of DAVIS, and what people should know about it.

    Args:
        root: folder that holds `JPEGImages/` and `Annotations/` or `Annotations_unsupervised/`, or,
            of a test split of the unsupervised task, neither.
        year: 2016 or 2017.
        split: `train`, `val`, `trainval`, `test-dev` or `test-challenge`.
        resolution: `480p`, `full`, or the name of another folder such as `240p`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
    """
    # Ground truth of the test splits is kept by the server: first masks only, or none at all.
    test = split.startswith("test")
    masks = next((root / n for n in (USUAL, UNSUPERVISED) if (root / n).is_dir()), None)
    if masks is None and test and (root / "JPEGImages").is_dir():
        return _without_masks(root, split, resolution)
    folder = _resolution_folder(root, masks or root / USUAL, resolution)
    assert masks is not None
    attributes, doubt = read_attributes(root)
    names, listed = _split_names(root, masks / folder, year, split)

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            root / "JPEGImages" / folder / name,
            masks / folder / name,
            dense=not test,
            need_frames=need_frames,
            attributes=attributes.get(name),
        )

    alone: tuple[str, ...] = ()
    if masks.name == UNSUPERVISED:
        alone = (
            f"{root} has no {USUAL}/: the ground truth is {UNSUPERVISED}/, which is scored with "
            "--protocol davis-unsupervised.",
        )
    notes = (*listed, *doubt, *alone)
    return Contents(read_sequences(names, root, read), notes=notes)


def _without_masks(root: Path, split: str, resolution: str) -> Contents:
    """Read a test split of the unsupervised task: frames, and a list of the year 2017 or 2019."""
    lists = [root / "ImageSets" / year / f"{split}.txt" for year in ("2017", "2019")]
    path = next((path for path in lists if path.is_file()), None)
    if path is None:
        raise DatasetError(f"The split file {lists[0]} is missing, and so is {lists[1]}.")
    folder = _resolution_folder(root, root / "JPEGImages", resolution)

    def read(name: str) -> Sequence:
        frames = files_in(root / "JPEGImages" / folder / name, FRAME_SUFFIXES)
        if not frames:
            raise DatasetError(f"Sequence '{name}' has no frames in {frames_in / name}.")
        return Sequence(name, tuple(frames), {})

    frames_in = root / "JPEGImages" / folder
    sequences = read_sequences(read_names(path), root, read)
    return Contents(sequences, official=tuple(sequence.name for sequence in sequences))


def _resolution_folder(root: Path, annotations: Path, resolution: str) -> str:
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


def _split_names(
    root: Path, masks: Path, year: int, split: str
) -> tuple[list[str], tuple[str, ...]]:
    """Return the sequence names of a split, from whichever of its lists is there, and notes."""
    sets = root / "ImageSets"
    lists = [sets / str(year) / f"{split}.txt"]
    if year == 2016:
        sizes = dict.fromkeys((masks.name, "480p", "1080p"))
        lists += [sets / name / f"{split}.txt" for name in sizes]
    for path in lists:
        if path.is_file():
            return read_names(path), ()
    if split == "trainval" and sets.is_dir() and not (year == 2016 and (sets / "2017").is_dir()):
        train, notes = _split_names(root, masks, year, "train")
        return train + _split_names(root, masks, year, "val")[0], notes
    if year == 2016 and (sets / "2017").is_dir():
        return _known_names(masks, year, split), ()
    if not sets.is_dir():
        names = _known_names(masks, year, split)
        return names, (
            f"{sets} is not there; the sequences are the {len(names)} of the "
            f"{len(OFFICIAL[year, split])} of DAVIS {year} '{split}' that are in {masks}.",
        )
    hint = "Unpack the dataset again, or name another split with --split."
    if year == 2017 and any((sets / name).is_dir() for name in ("2016", "480p", "1080p")):
        hint = "This looks like DAVIS 2016: use --dataset DAVIS2016."
    raise DatasetError(f"The split file {lists[0]} is missing. {hint}")


def _known_names(masks: Path, year: int, split: str) -> list[str]:
    official = OFFICIAL.get((year, split), ())
    missing = set(missing_folders(masks, official))
    names = [name for name in official if name not in missing]
    if not names:
        raise DatasetError(
            f"{masks} holds no sequence of DAVIS {year} '{split}'. Name another split with --split "
            "or another --dataset: DAVIS2017 or, for your own, folder:PATH. Or list names, one "
            f"a line, in {masks.parent.parent / 'ImageSets' / str(year) / split}.txt."
        )
    return names
