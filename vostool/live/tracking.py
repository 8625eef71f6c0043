"""Tracking a stream: frames from any source, prompts as they fall due, one or more trackers."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vostool.errors import DatasetError, UsageError
from vostool.live.sources import open_source
from vostool.tracking.job import Job, RunRequest, prepare
from vostool.tracking.loop import begin, blaming_tracker, checked_labels, timed_step
from vostool.tracking.timing import stopwatch_for
from vostool.types import Frame, Labels, Prompt
from vostool.video.box_mask import mask_in
from vostool.video.prompt_files import PromptFile
from vostool.video.prompts import Given, Prompts, When, parse_box, parse_mask
from vostool.video.source import Source, TimedFrame, ahead
from vostool.workspace import Workspace

FROM_BOX, FROM_MASK = "siampolar", "color_model"  # that are taken if none is named


class Tracked(NamedTuple):
    """One frame with what each tracker made of it.

    Args:
        frame: as it was decoded.
        maps: (H, W) uint8 label maps in the order of the trackers.
        prompted: objects that were given on this frame.
    """

    frame: TimedFrame
    maps: tuple[Labels, ...]
    prompted: tuple[Prompt, ...]


class LiveTracker:
    """A tracker at work on one stream, and how fast it is.

    Args:
        job: what to build.
        spec: what the user calls it.
        known: ids of the objects that may be in its label maps already.
    """

    def __init__(self, job: Job, spec: str) -> None:
        self.name, self.init = spec, job.init
        self._tracker = job.build()
        self._stopwatch = stopwatch_for(job.runtime.device)
        self.restart()

    def restart(self) -> None:
        """Forget everything; the next step is that of a first frame."""
        begin(self._tracker)
        self._known: set[int] = set()
        self._steps, self._ms = 0, 0.0

    @property
    def fps(self) -> float | None:
        """Return tracked frames per second inside of the tracker, without those of prompts."""
        return 1e3 * self._steps / self._ms if self._ms else None

    def step(self, frame: TimedFrame, prompts: Iterable[Prompt]) -> Labels:
        """Track the next frame.

        A tracker that begins with masks and is given a box gets what `mask_in` finds in it.

        Returns:
            (H, W) uint8 label map, the caller's own.
        """
        given = tuple(self._fitting(frame.image, prompt) for prompt in prompts)
        self._known.update(prompt.object_id for prompt in given)
        where = f"on frame {frame.index}"
        with blaming_tracker(where):
            labels, ms = timed_step(self._tracker, frame.image, given, self._stopwatch)
        if self._known and not given:
            self._steps, self._ms = self._steps + 1, self._ms + ms
        return checked_labels(labels, frame.image, self._known, where).copy()

    def _fitting(self, frame: Frame, prompt: Prompt) -> Prompt:
        if self.init != "mask" or prompt.mask is not None:
            return prompt
        mask = mask_in(frame, prompt.box)
        return Prompt(prompt.object_id, prompt.frame_index, prompt.box, mask)


def follow(source: Source, prompts: Prompts, trackers: Sequence[LiveTracker]) -> Generator[Tracked]:
    """Track a source with several trackers at once, frame by frame.

    Raises:
        DatasetError: a frame cannot be decoded.
        UsageError: the video ended before a frame for which something was given; what there was
            has been yielded.
    """
    count = 0
    with closing(ahead(source.frames())) as frames:
        for frame in frames:
            due = prompts.at(frame.index, frame.time)
            yield Tracked(frame, tuple(each.step(frame, due) for each in trackers), due)
            count += 1
    if not count:
        raise DatasetError(f"{source.name} has no frame that can be decoded.")
    if unused := prompts.unused():
        raise UsageError(
            f"{source.name} ended after {count} frames, before {' and '.join(unused[:3])}."
        )


def default_tracker(given: Iterable[Given]) -> str:
    """Return the tracker that is taken if none is named: by whether masks are given or boxes."""
    masks = [each.mask is not None for each in given]
    return FROM_MASK if masks and all(masks) else FROM_BOX


def build(spec: str, workspace: Workspace, **options: Any) -> LiveTracker:
    """Build a tracker.

    Args:
        spec: `NAME` or `NAME/CONFIG`.
        workspace: where local trackers are.
        options: of `RunRequest`: `device`, `precision`, `weights`, `overrides`, `seed`.

    Raises:
        VostoolError: there is none of that name, or what is given does not fit it.
    """
    return LiveTracker(prepare(RunRequest(spec, **options), workspace), spec)


def track(
    video: str | Path | Source,
    *,
    boxes: Iterable[Any] = (),
    masks: Iterable[str | Path | ArrayLike] = (),
    prompts: str | Path | None = None,
    tracker: str | None = None,
    device: str = "auto",
    weights: str | Path | None = None,
    settings: Iterable[str] = (),
    seed: int = 0,
    workspace: str | Path | None = None,
) -> Iterator[tuple[Frame, Labels]]:
    """Track objects in a video.

    What can be wrong with the arguments is raised by the call, before the first frame.

    Args:
        video: a file, a folder of images, a glob, or an opened source.
        boxes: `(x, y, w, h)` in pixels, `(x, y, w, h, frame)`, or texts as `--box` takes them,
            such as `"10%,20%,30%,40%@12.5s"`; their ids are 1, 2, ... in this order.
        masks: label maps: files, `FILE.png@FRAME`, or (H, W) uint8 arrays, of the first frame.
        prompts: file of prompts, JSON or CSV.
        tracker: `NAME` or `NAME/CONFIG`; siampolar for boxes and color_model for masks if None.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        weights: file of weights.
        settings: `key=value` texts.
        seed: for every random choice.
        workspace: folder of local trackers; the current folder if None.

    Yields:
        Frame, (H, W, 3) uint8 RGB and read-only, and label map, (H, W) uint8 of ids, 0 for none.

    Raises:
        VostoolError: what is wrong, in a sentence.
    """
    home = Workspace.find(Path(workspace) if workspace is not None else None)
    source = video if isinstance(video, Source) else open_source(str(video))
    given = [_box(box) for box in boxes] + [_mask(mask) for mask in masks]
    if prompts is not None:
        given += PromptFile(Path(prompts)).of(source.path or source.name)
    asked = Prompts(given, source.size, source.count)
    built = build(
        tracker or default_tracker(given),
        home,
        device=device,
        weights=None if weights is None else Path(weights),
        overrides=tuple(settings),
        seed=seed,
    )
    return _pairs(source, asked, built)


def _pairs(
    source: Source, prompts: Prompts, tracker: LiveTracker
) -> Generator[tuple[Frame, Labels]]:
    with closing(follow(source, prompts, [tracker])) as tracked:
        for frame, (labels,), _ in tracked:
            yield frame.image, labels


def _box(box: Any) -> Given:
    if isinstance(box, str):
        return parse_box(box)
    numbers = list(box)
    if len(numbers) not in (4, 5):
        raise UsageError(f"A box is (x, y, w, h) or (x, y, w, h, frame); not {box!r}.")
    text = ",".join(f"{float(value):.6f}" for value in numbers[:4])
    return parse_box(text if len(numbers) == 4 else f"{text}@{int(numbers[4])}")


def _mask(mask: Any) -> Given:
    if isinstance(mask, str | Path):
        return parse_mask(str(mask))
    labels = np.asarray(mask)
    if labels.ndim != 2:
        raise UsageError(f"A mask is a label map (H, W); this one has the shape {labels.shape}.")
    return Given("the mask", When(), mask=labels.astype(np.uint8))
