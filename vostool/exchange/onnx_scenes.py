"""Scenes for exporting: two frames in a row with the boxes of the first, drawn or real."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice

from vostool.datasets import synthetic
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.io.frames import read_frame
from vostool.io.label_maps import box_of, ids_in
from vostool.tracking.export import Scene
from vostool.tracking.loop import for_tracker
from vostool.types import Frame, Labels, Prompt

_DRAWN = ("translation", "crowd", "scale-rotation", "deformation")


def drawn_scenes(batch: int, init: str) -> list[Scene]:
    """Return scenes of the built-in synthetic sequences.

    Args:
        batch: prompts of each; objects are repeated where there are fewer.
        init: of the tracker, which decides whether prompts carry masks.
    """
    scenes = []
    for name in _DRAWN:
        (first, labels), (second, _) = islice(synthetic.clip(name), 2)
        scenes.append(_scene(first, tuple(_prompts(labels)), second, batch, init))
    return scenes


def real_scenes(dataset: Dataset, batch: int, init: str, most: int = 6) -> list[Scene]:
    """Return scenes of the first sequences of a dataset: the frame of a prompt, and the next.

    Args:
        dataset: opened, with its frames.
        batch: prompts of each scene.
        init: of the tracker.
        most: scenes.

    Raises:
        DatasetError: no sequence has a frame after that of its first prompts.
    """
    scenes = []
    for sequence in dataset.sequences[:most]:
        for index, prompts in enumerate(dataset.prompts(sequence)):
            if prompts and index + 1 < len(sequence):
                frames = [read_frame(path) for path in sequence.frames[index : index + 2]]
                scenes.append(_scene(frames[0], prompts, frames[1], batch, init))
            if prompts:
                break
    if not scenes:
        raise DatasetError(f"{dataset.root} has no sequence of two frames or more to export with.")
    return scenes


def _prompts(labels: Labels) -> Iterator[Prompt]:
    for object_id in ids_in(labels).tolist():
        mask = labels == object_id
        box = box_of(mask)
        assert box is not None
        yield Prompt(object_id, 0, box, mask)


def _scene(
    first: Frame,
    prompts: Sequence[Prompt],
    second: Frame,
    batch: int,
    init: str,
) -> Scene:
    filled = [
        replace(prompt, object_id=number, frame_index=0)
        for number, prompt in enumerate(islice(cycle(prompts), batch), 1)
    ]
    return Scene(first, for_tracker(init, filled), second)
