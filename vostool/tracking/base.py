"""The plugin contract: what a tracker is, and how one object's tracker serves many.

A tracker is a class with one method, `step`. Somebody else's looks like this:

    class Mine(Tracker):
        init = "mask"                      # or "box": then prompts carry no mask

        def reset(self) -> None: ...       # forget the last sequence
        def step(self, frame, prompts=()): # (H, W, 3) uint8 RGB -> (H, W) uint8 ids
            ...

A tracker of single objects is a class with `init(frame, prompt)` and `track(frame)`; `PerObject`
runs one of them for every object and merges their probabilities.

Benchmarks of boxes, such as VOT, need nothing more: the box of an object is that of its pixels. A
tracker that knows better says so in `regions`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from urllib.parse import unquote, urlsplit

import numpy as np

from vostool.types import Frame, Labels, Probability, Prompt, Region

if TYPE_CHECKING:
    from vostool.tracking.export import Exported, Scene


@dataclass(frozen=True)
class NoConfig:
    """The configuration of a tracker that has nothing to set."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and with what a tracker runs; resolved by the runner before the tracker is built.

    Args:
        device: "cpu", "cuda" or "cuda:N"; never "auto".
        precision: "fp32", "fp16" or "bf16".
        weights: file (or folder, if the tracker says so) given by the user, or None.
        seed: seed for every random choice; `reset` must return to it.
    """

    device: str = "cpu"
    precision: str = "fp32"
    weights: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A checkpoint that somebody has published for a tracker; `vostool weights` fetches it.

    Args:
        name: what a user types, e.g. `SiamMask_DAVIS`.
        url: of the file, by https, http or file; or of the page on which people download it.
        file: name that the file gets here; the last part of the url if not given.
        sha256: 64 hexadecimal digits, None where nobody has published them: then those of the
            first download are recorded beside the file, and compared from then on.
        megabytes: size of the file, None if not known.
        licence: of the weights, e.g. `MIT`.
        about: one line: who trained it, on what.
        config: name of the tracker's configuration that it is for, None for the default one.

    Raises:
        ValueError: the file has no plain name, or the checksum is none.
    """

    name: str
    url: str
    licence: str
    about: str
    config: str | None = None
    megabytes: float | None = None
    sha256: str | None = None
    file: str = ""

    def __post_init__(self) -> None:
        name = self.file or PurePosixPath(unquote(urlsplit(self.url).path)).name
        object.__setattr__(self, "file", name)
        if not re.fullmatch(r"\w[\w .+-]*", name):
            raise ValueError(f"the release {self.name} needs `file`, a plain file name")
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 of the release {self.name} is not 64 hexadecimal digits")


class Tracker(ABC):
    """Track all objects of a sequence, frame by frame.

    Class attributes describe the tracker to the tables and the runner:

        init        "mask" or "box": what a prompt carries
        summary     one line for `vostool trackers`
        Config      frozen dataclass of its settings; TOML files and `-o key=value` fill it
        devices     device types it can use; the first is preferred when it is present
        precisions  precisions it can use; the first is the default
        weights     "none", "optional" or "required" (`run` refuses to go without)
        task        "module:Class" of what `vostool train` trains, see `training.task`; None if
                    there is nothing to train
        releases    published checkpoints that `vostool weights` lists and fetches
        packages    distributions, such as `sam2`, whose versions decide its results: `run.json`
                    records them, and a run is not resumed with others

    The constructor loads weights once. With `weights = "required"` and `runtime.weights` None it
    must build itself with random weights drawn from `runtime.seed`; only `vostool check` and
    `vostool speed` do that, and they say so.
    """

    init: ClassVar[Literal["mask", "box"]] = "mask"
    summary: ClassVar[str] = ""
    Config: ClassVar[type] = NoConfig
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    weights: ClassVar[Literal["none", "optional", "required"]] = "none"
    task: ClassVar[str | None] = None
    releases: ClassVar[tuple[Release, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        self.config: Any = self.Config() if config is None else config
        self.runtime = runtime or Runtime()

    @classmethod
    def own_weights(cls, config: Any) -> Path | None:
        """Return the weights that come along with the tracker for a configuration, if any do."""
        return None

    def exportable(self, scene: "Scene") -> "Mapping[str, Exported]":
        """Return the networks that `vostool export` writes, by name; see `vostool.tracking.export`.

        It is called on the CPU in fp32, once for each scene; the networks are taken from the first
        answer, and the inputs of all are compared. A tracker that returns none is not exported.

        Args:
            scene: real frames, of which the inputs are to be made as in tracking.
        """
        return {}

    @abstractmethod
    def reset(self) -> None:
        """Forget everything of the last sequence; called before the first frame of each."""

    @abstractmethod
    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        """Take the next frame and return its label map.

        Args:
            frame: (H, W, 3) uint8 RGB, read-only.
            prompts: objects that start on this frame; they may come on any frame, and there may be
                frames before the first. How many frames will come is not told. A prompt for an
                object that is tracked already corrects it: it is where the prompt says, and what
                was known of it is forgotten.

        Returns:
            (H, W) uint8; every non-zero value is the `object_id` of a prompt seen so far. An object
            is there on the frame of its prompt: a tracker that finds nothing draws what was given.
        """

    def regions(self) -> Mapping[int, Region]:
        """Return what is known of objects on the frame of the last step, beside the label map.

        It is asked after a step on which nothing was prompted, where boxes are wanted; what takes
        time belongs into the step, which is timed. A tracker of masks leaves it away.

        Returns:
            `object_id` -> region; objects may be left out, and a region have only what is known.
        """
        return {}


class SingleObject(Protocol):
    """What `PerObject` needs: a tracker of one object.

    One that knows more than pixels also has `region() -> Region`, see `Tracker.regions`.
    """

    def init(self, frame: Frame, prompt: Prompt) -> None:
        """Begin with the object of `prompt` on `frame`."""

    def track(self, frame: Frame) -> Probability:
        """Return the (H, W) float32 probability in [0, 1] that a pixel is the object's."""


class PerObject(Tracker):
    """Run one `SingleObject` per object and merge them by soft aggregation.

    Subclasses implement `new_object`. On the frame of a prompt the object's label is the prompt's
    own mask, or its filled box for `init = "box"`; afterwards it is what `track` returns.
    """

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        self._objects: dict[int, SingleObject] = {}

    @abstractmethod
    def new_object(self) -> SingleObject:
        """Return a fresh single-object tracker."""

    def reset(self) -> None:
        self._objects.clear()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        started = {}
        for prompt in prompts:
            single = self.new_object()
            single.init(frame, prompt)
            started[prompt.object_id] = (single, prompt)
        probabilities = {
            object_id: single.track(frame)
            for object_id, single in self._objects.items()
            if object_id not in started
        }
        for object_id, (single, prompt) in started.items():
            self._objects[object_id] = single
            probabilities[object_id] = prompt_probability(prompt, frame.shape[:2])
        return merge_probabilities(probabilities, frame.shape[:2])

    def regions(self) -> Mapping[int, Region]:
        known = ((i, getattr(single, "region", None)) for i, single in self._objects.items())
        return {object_id: region() for object_id, region in known if region is not None}


def prompt_probability(prompt: Prompt, size: tuple[int, int]) -> Probability:
    """Return the prompt's mask, or its box filled, as an (H, W) float32 map of zeros and ones."""
    if prompt.mask is not None:
        return prompt.mask.astype(np.float32)
    filled = np.zeros(size, np.float32)
    x, y, w, h = prompt.box
    left, top = max(0, round(x)), max(0, round(y))
    filled[top : max(top, round(y + h)), left : max(left, round(x + w))] = 1.0
    return filled


def merge_probabilities(probabilities: dict[int, Probability], size: tuple[int, int]) -> Labels:
    """Merge per-object probabilities into one label map.

    Soft aggregation compares the odds p / (1 - p) of the objects with those of the background,
    whose probability is prod(1 - p) (Oh et al., "Fast Video Object Segmentation by Reference-Guided
    Mask Propagation", CVPR 2018, eq. 1). A pixel goes to the largest odds; ties go to the
    background, then to the lower id.

    Args:
        probabilities: object id -> (H, W) float32 in [0, 1].
        size: (H, W).

    Returns:
        (H, W) uint8 label map.
    """
    labels = np.zeros(size, np.uint8)
    if not probabilities:
        return labels
    background = np.ones(size, np.float32)
    for p in probabilities.values():
        background *= 1.0 - p
    best = _odds(background)
    for object_id in sorted(probabilities):
        odds = _odds(probabilities[object_id])
        wins = odds > best
        labels[wins] = object_id
        np.copyto(best, odds, where=wins)
    return labels


def _odds(p: Probability) -> Probability:
    clipped = np.clip(p, 1e-7, 1.0 - 1e-7)
    return clipped / (1.0 - clipped)
