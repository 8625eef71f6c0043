"""A prompt for an object that is tracked already corrects it, in every tracker that comes along."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from vostool.datasets import synthetic
from vostool.io.label_maps import box_of
from vostool.tracking.job import RunRequest, prepare
from vostool.tracking.loop import begin, checked_labels, for_tracker
from vostool.tracking.plugins import tracker_names
from vostool.types import Frame, Labels, Prompt
from vostool.workspace import Workspace

LOCAL = Workspace(Path(__file__).parent)  # without trackers of its own


def film() -> Iterator[tuple[Frame, Labels]]:
    """Draw five objects that are apart on these frames."""
    return synthetic.clip("crowd", size=(240, 424), frames=12)


@pytest.mark.parametrize("name", tracker_names(LOCAL))
def test_a_second_prompt_corrects_the_object(name: str) -> None:
    """Object 1 is begun at the place of object 2 and corrected to its own; object 3 stays."""
    frames = list(islice(film(), 4))
    tracker = prepare(RunRequest(name), LOCAL, random_weights=True).build()
    begin(tracker)
    given = {0: {1: 2, 3: 3}, 2: {1: 1}}
    maps = []
    for index, (frame, truth) in enumerate(frames):
        prompts = []
        for object_id, place in given.get(index, {}).items():
            mask = truth == place
            box = box_of(mask)
            assert box is not None
            prompts.append(Prompt(object_id, index, box, mask))
        labels = tracker.step(frame, for_tracker(tracker.init, prompts))
        maps.append(checked_labels(labels, frame, {1, 3}, f"on frame {index}").copy())
    for index, place, other in ((0, 2, 1), (2, 1, 2)):
        shown, truth = maps[index] == 1, frames[index][1]
        assert (shown & (truth == place)).sum() > 0.9 * (truth == place).sum(), index
        assert not (shown & (truth == other)).any(), index
    if tracker.runtime.weights is not None or type(tracker).weights == "none":
        assert (maps[2] == 3).any()
        shown, truth = maps[3] == 1, frames[3][1]  # it knows what it follows: the new place
        assert (shown & (truth == 1)).sum() > (shown & (truth == 2)).sum()
