"""Proving that a tracker keeps the contract, on synthetic clips, one finding per rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from vostool.datasets import synthetic
from vostool.io.label_maps import box_of
from vostool.tracking.base import Tracker
from vostool.tracking.job import Job
from vostool.tracking.loop import begin, checked_labels, checked_regions, for_tracker
from vostool.types import Frame, Labels, Prompt

SIZE = (120, 212)
FRAMES = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Args:
        rule: what must hold.
        problem: why it does not; empty if it does.
    """

    rule: str
    problem: str = ""


@dataclass
class Clip:
    """Frames in memory with the prompts of each."""

    frames: list[Frame] = field(default_factory=list)
    prompts: list[tuple[Prompt, ...]] = field(default_factory=list)


def check_tracker(job: Job) -> list[Finding]:
    """Run all checks; one that fails does not stop the others.

    Args:
        job: resolved tracker; it is built several times.
    """
    one, many, late = _clip("translation"), _clip("crowd"), _clip("late-objects")
    small = _clip("translation", size=(90, 161))
    checks: dict[str, Callable[[], None]] = {
        "one object: label maps of the frame's size, uint8, known ids; regions": lambda: _obeys(
            job, one
        ),
        "several objects in one pass": lambda: _obeys(job, many),
        "objects that are prompted late": lambda: _obeys(job, late),
        "frames of another size": lambda: _obeys(job, small),
        "a prompted object is in its first label map": lambda: _starts(job, many),
        "frames before the first prompt are background": lambda: _waits(job, one),
        "reset gives the same masks again": lambda: _repeats(job, one, many),
        "a new instance gives the same masks": lambda: _agrees(job, many),
        "no look at later frames, and label maps stay as returned": lambda: _causal(job, one),
    }
    return [_finding(rule, check) for rule, check in checks.items()]


def _finding(rule: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except Exception as error:
        text = str(error) or "no message"
        kind = "" if isinstance(error, _Broken) else f"{type(error).__name__}: "
        return Finding(rule, kind + text)
    return Finding(rule)


class _Broken(Exception):
    """A rule that does not hold."""


def _clip(name: str, size: tuple[int, int] = SIZE) -> Clip:
    clip = Clip()
    seen: set[int] = set()
    for index, (frame, labels) in enumerate(synthetic.clip(name, size=size, frames=FRAMES)):
        frame.setflags(write=False)
        clip.frames.append(frame)
        new = [i for i in np.unique(labels).tolist() if i and i not in seen]
        seen.update(new)
        clip.prompts.append(tuple(_prompt(labels == i, i, index) for i in new))
    return clip


def _prompt(mask: np.ndarray, object_id: int, index: int) -> Prompt:
    box = box_of(mask)
    assert box is not None
    return Prompt(object_id, index, box, mask)


def _track(tracker: Tracker, frames: Iterable[Frame], clip: Clip) -> list[Labels]:
    begin(tracker)
    known: set[int] = set()
    maps = []
    for index, (frame, prompts) in enumerate(zip(frames, clip.prompts, strict=False)):
        known.update(prompt.object_id for prompt in prompts)
        labels = tracker.step(frame, for_tracker(tracker.init, prompts))
        maps.append(checked_labels(labels, frame, known, f"on frame {index}"))
        if known and not prompts:
            checked_regions(tracker.regions(), labels.shape, known, f"on frame {index}")
    return maps


def _obeys(job: Job, clip: Clip) -> None:
    _track(job.build(), clip.frames, clip)


def _starts(job: Job, clip: Clip) -> None:
    first = _track(job.build(), clip.frames[:1], clip)[0]
    missing = [p.object_id for p in clip.prompts[0] if not (first == p.object_id).any()]
    if missing:
        raise _Broken(f"objects {missing} are prompted on the first frame but not in its label map")


def _waits(job: Job, clip: Clip) -> None:
    tracker = job.build()
    begin(tracker)
    for frame in clip.frames[:2]:
        labels = tracker.step(frame, ())
        checked_labels(labels, frame, set(), "before any prompt")
    prompts = for_tracker(tracker.init, clip.prompts[0])
    checked_labels(tracker.step(clip.frames[2], prompts), clip.frames[2], {1}, "after waiting")


def _repeats(job: Job, clip: Clip, other: Clip) -> None:
    tracker = job.build()
    first = _copied(_track(tracker, clip.frames, clip))
    _track(tracker, other.frames, other)
    _same(first, _track(tracker, clip.frames, clip), "after reset and another clip")


def _agrees(job: Job, clip: Clip) -> None:
    first = _copied(_track(job.build(), clip.frames, clip))
    _same(first, _track(job.build(), clip.frames, clip), "in a second instance")


def _causal(job: Job, clip: Clip) -> None:
    """Track a clip whole, and again with its second half replaced by noise."""
    half = FRAMES // 2
    tracker = job.build()
    begin(tracker)
    kept, copies = [], []
    for frame, prompts in zip(clip.frames, clip.prompts, strict=True):
        kept.append(tracker.step(frame, for_tracker(tracker.init, prompts)))
        copies.append(kept[-1].copy())
    _same(copies, kept, "later: a returned label map was changed")
    noise = np.random.default_rng(0)
    strange = [noise.integers(0, 256, f.shape, np.uint8) for f in clip.frames[half:]]
    again = _track(job.build(), [*clip.frames[:half], *strange], clip)
    _same(copies[:half], again[:half], "when later frames differ")


def _copied(maps: list[Labels]) -> list[Labels]:
    return [labels.copy() for labels in maps]


def _same(first: list[Labels], second: list[Labels], when: str) -> None:
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        if not np.array_equal(a, b):
            differ = int(np.count_nonzero(a != b))
            raise _Broken(f"frame {index} differs in {differ} pixels {when}")
