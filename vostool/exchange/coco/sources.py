"""What the converters read: which splits are there, and what their files are called."""

from pathlib import Path

from vostool.datasets.dataset import Dataset
from vostool.datasets.splits import OFFICIAL
from vostool.errors import DatasetError

DAVIS_SPLITS = ("train", "val", "trainval")  # the ground truth of the others is kept by a server


def davis_splits(root: Path, year: int, resolution: str = "480p") -> tuple[str, ...]:
    """Return the splits of DAVIS whose lists are there; train and val if none is.

    Args:
        root: folder that holds `ImageSets/`.
        year: 2016 or 2017; 2016 is also read from a 2017 folder, which needs no lists of it.
        resolution: 480p, full, or the name of a resolution folder.
    """
    sets = root / "ImageSets"
    folders = [sets / str(year)]
    if year == 2016:
        folders += [sets / resolution, sets / "480p", sets / "1080p"]
    there = [s for s in DAVIS_SPLITS if any((f / f"{s}.txt").is_file() for f in folders)]
    if not there and (sets / "2017").is_dir():
        there = [
            split
            for split in ("train", "val")
            if any(any(root.glob(f"Annotations/*/{name}")) for name in OFFICIAL[year, split])
        ]
    return tuple(there) or ("train", "val")


def davis_name(dataset: Dataset, resolution: str | None) -> str:
    """Return the file name of a split, e.g. `davis2016_train.json`."""
    parts = [dataset.name.lower(), dataset.split.replace(" ", "-")]
    if resolution and resolution != "480p":
        parts.append(resolution)
    return "_".join(parts) + ".json"


def youtube_name(dataset: Dataset) -> str:
    """Return the file name of a split, e.g. `youtubevos2019_train.json`."""
    return f"{dataset.key.removesuffix(f'-{dataset.split}').lower()}_{dataset.split}.json"


def check_youtube(dataset: Dataset) -> None:
    """Refuse a split of which not all masks are there.

    Raises:
        DatasetError: masks that `meta.json` lists are missing, or a server keeps them.
    """
    if dataset.server is not None:
        raise DatasetError(
            f"Of {dataset.name} {dataset.split} only first masks are public; "
            f"{dataset.server.where} keeps the rest. Convert train, or make a split with ground "
            "truth with `vostool split`."
        )
    for sequence in dataset.sequences:
        dataset.check_truth(sequence)
