"""What `vostool track` takes as a video: a file, images, or a sequence of a dataset."""

import glob
from pathlib import Path

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import FRAME_SUFFIXES, by_number, files_in
from vostool.errors import DatasetError, UnknownNameError
from vostool.types import Labels
from vostool.video.images import FPS, Images
from vostool.video.prompts import Given, When
from vostool.video.reader import VideoFile
from vostool.video.source import Source


def open_source(text: str, fps: float | None = None) -> Source:
    """Open what a user calls a video.

    Args:
        text: a video file, a folder of images, or a glob of images such as `shots/*.png`.
        fps: of images, which have no times.

    Raises:
        DatasetError: it is not there, or cannot be decoded.
    """
    path = Path(text)
    if path.is_file() and path.suffix.lower() not in FRAME_SUFFIXES:
        return VideoFile(path)
    if path.is_dir():
        found = files_in(path, FRAME_SUFFIXES)
    elif path.is_file():
        found = [path]
    else:
        found = [Path(name) for name in glob.glob(text)] if glob.has_magic(text) else []
        found = sorted((p for p in found if p.suffix.lower() in FRAME_SUFFIXES), key=by_number)
        if not found:
            raise DatasetError(
                f"There is no video {text}. Give an .mp4, .mov, .webm, .mkv or .gif, a folder of "
                "images, a glob in quotes such as 'shots/*.png', or --camera 0."
            )
    if not found:
        raise DatasetError(f"{text} has no JPEG, PNG or BMP files.")
    name = path.name if path.is_dir() else found[0].resolve().parent.name
    return Images(name or path.resolve().name, found, fps or FPS, beside=True)


def of_dataset(dataset: Dataset, name: str, fps: float | None = None) -> tuple[Source, list[Given]]:
    """Open a sequence of a dataset, with the objects that the dataset prompts.

    Raises:
        UnknownNameError: it has no sequence of that name.
    """
    for sequence in dataset.sequences:
        if sequence.name == name:
            break
    else:
        names = [sequence.name for sequence in dataset.sequences]
        raise UnknownNameError.of("sequence", name, names, f"in {dataset.name}")
    source = Images(name, sequence.frames, fps or FPS)
    given = []
    for index, prompts in enumerate(dataset.prompts(sequence)):
        for prompt in prompts:
            assert prompt.mask is not None  # every prompt of a dataset has one
            label: Labels = prompt.mask.astype(np.uint8) * np.uint8(prompt.object_id)
            given.append(Given(f"object {prompt.object_id}", When(index), mask=label))
    return source, given
