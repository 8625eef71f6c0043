"""What the masks of a sequence must be like, told by the masks that trackers are given."""

from dataclasses import dataclass

from vostool.datasets.dataset import Dataset
from vostool.types import Sequence


@dataclass(frozen=True, slots=True)
class Expected:
    """What the masks of one sequence must be like.

    Args:
        starts: object id -> name of the frame where its mask is given.
        shape: (H, W) of the first mask.
    """

    starts: dict[int, str]
    shape: tuple[int, ...]


def expected_of(dataset: Dataset, sequence: Sequence) -> Expected:
    """Read the masks that are given to trackers."""
    starts: dict[int, str] = {}
    shape: tuple[int, ...] = ()
    for index, prompts in enumerate(dataset.prompts(sequence)):
        for prompt in prompts:
            starts[prompt.object_id] = sequence.frame_name(index)
            if prompt.mask is not None:
                shape = prompt.mask.shape
    return Expected(starts, shape)
