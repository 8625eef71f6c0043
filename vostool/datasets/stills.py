"""Single images with object masks, to train on: every image is a clip of one frame.

    <root>/JPEGImages/<source>/<name>.jpg
    <root>/Annotations/<source>/<name>.png      ids 1, 2, ... or one object of 255

There is no motion in them, so they are for training alone: pairs are two views of one image.
"""

from dataclasses import replace
from pathlib import Path

from vostool.datasets.catalog import open_masks
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.io.storage import base_name, place
from vostool.types import Sequence
from vostool.workspace import Workspace

NAME = "stills"


def open_stills(path: str, workspace: Workspace) -> Dataset:
    """Open a folder of images.

    Args:
        path: the root; `stills` among the workspace's datasets if empty.
        workspace: where to look.

    Raises:
        DatasetError: it is not there, or an image or mask lacks its partner.
    """
    root = place(path) if path else workspace.datasets / NAME
    if not (root / "Annotations").is_dir():
        raise DatasetError(
            f"{root} has no Annotations/. Stills are PATH/JPEGImages/<source>/<name>.jpg with "
            "masks PATH/Annotations/<source>/<name>.png: name them with --data stills:PATH, or "
            "name other datasets with --data."
        )
    dataset = open_masks(f"folder:{root}", workspace=workspace)
    images = tuple(
        Sequence(f"{source.name}/{source.frames[i].stem}", (source.frames[i],), {0: mask})
        for source in dataset.sequences
        for i, mask in source.annotations.items()
    )
    key = f"{NAME}-{base_name(Path(root))}"
    return replace(dataset, name=f"{NAME}:{root}", key=key, sequences=images, whole=())
