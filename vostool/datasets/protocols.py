"""Evaluation protocols: each is a row of this table, never a branch somewhere else."""

from dataclasses import dataclass
from typing import Literal

from vostool.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules by which label maps become scores.

    Args:
        name: what `--protocol` and the tables call it.
        summary: one line for people.
        skip_first: leave out the first annotated frame of a sequence.
        skip_last: leave out the last annotated frame of a sequence.
        objects: "first_frame" scores the ids 1 to K, K being the largest id of the first annotated
            frame, so that a gap in the ids is an object that is never there, as in the official
            DAVIS evaluator; "all" scores every id of the ground truth; "foreground" merges all
            ids, of the ground truth and of the predictions, into one object.
        since: the first frame that counts for an object: the "start" of the sequence, its first
            "appearance" in the ground truth, the frame "after_appearance", or the first that counts
            with it in "either", the ground truth or the prediction; an object that is in the ground
            truth on no frame that counts is left out then.
        listed_only: a frame counts for an object only if the dataset lists it for that object, as
            `meta.json` of YouTube-VOS does; at the "start" the objects are those it lists.
        ignore_void: pixels that are 255 in the ground truth are taken out of both masks; otherwise
            they are background.
        proposals: 0 if predictions bear the ids of the ground truth; otherwise how many ids of
            their own they may have at most, which are assigned to the objects of the ground truth
            so that the mean of J and F over the sequence is highest.
        annotations: folder of the ground truth below the root, where it is there.
        pooled: overall figures are statistics of all frames of all sequences as one long sequence;
            otherwise they are means over objects.
    """

    name: str
    summary: str
    skip_first: bool
    skip_last: bool
    objects: Literal["first_frame", "all", "foreground"]
    since: Literal["start", "appearance", "after_appearance", "either"] = "start"
    listed_only: bool = False
    ignore_void: bool = False
    proposals: int = 0
    annotations: str = "Annotations"
    pooled: bool = False


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="davis",
            summary="DAVIS semi-supervised: first and last frame left out, objects of the first "
            "frame only, means over objects",
            skip_first=True,
            skip_last=True,
            objects="first_frame",
        ),
        Protocol(
            name="davis-unsupervised",
            summary="DAVIS 2017 unsupervised: all frames, void left out, up to 20 proposals with "
            "ids of their own, each object given the one that fits best, means over objects",
            skip_first=False,
            skip_last=False,
            objects="first_frame",
            ignore_void=True,
            proposals=20,
            annotations="Annotations_unsupervised",
        ),
        Protocol(
            name="pooled",
            summary="as SiamPolarMask's repository scored itself: objects merged, all frames of "
            "all sequences as one long sequence, first frames included; not comparable with davis",
            skip_first=False,
            skip_last=False,
            objects="foreground",
            pooled=True,
        ),
        Protocol(
            name="after_first",
            summary="every object, from the frame after its first appearance, means over objects",
            skip_first=True,  # every object of that frame appears in it for the first time
            skip_last=False,
            objects="all",
            since="after_appearance",
        ),
        Protocol(
            name="after_first_skip_last",
            summary="as after_first, without the last annotated frame of each sequence, as the "
            "local evaluators of frtm-vos and pytracking have it",
            skip_first=True,
            skip_last=True,
            objects="all",
            since="after_appearance",
        ),
        Protocol(
            name="from_first",
            summary="every object, from its first appearance, which is given, means over objects",
            skip_first=False,
            skip_last=False,
            objects="all",
            since="appearance",
        ),
        Protocol(
            name="meta_frames_after_first",
            summary="as after_first, but of an object's frames only those that meta.json lists",
            skip_first=True,
            skip_last=False,
            objects="all",
            since="after_appearance",
            listed_only=True,
        ),
        Protocol(
            name="lvos",
            summary="as lvos-evaluation: every object of the meta file, on the frames of its range "
            "but the first and the last, means over objects",
            skip_first=False,
            skip_last=False,
            objects="all",
            listed_only=True,
        ),
        Protocol(
            name="sav",
            summary="as the SA-V evaluator and vos-benchmark: first and last annotated frame left "
            "out, every object from where the ground truth or the prediction first has it, means "
            "over objects",
            skip_first=True,
            skip_last=True,
            objects="all",
            since="either",
        ),
        Protocol(
            name="all_frames",
            summary="every object on every annotated frame, also before it appears, means over "
            "objects",
            skip_first=False,
            skip_last=False,
            objects="all",
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        UnknownNameError: there is none; the message lists the names.
    """
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise UnknownNameError.of("protocol", name, PROTOCOLS) from None
