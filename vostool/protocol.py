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
            DAVIS evaluator; "all" scores every id of the ground truth, from the frame after the
            one where it first appears.
    """

    name: str
    summary: str
    skip_first: bool
    skip_last: bool
    objects: Literal["first_frame", "all"]


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
            name="after_first",
            summary="every object, from the frame after its first appearance, means over objects",
            skip_first=True,  # every object of that frame appears in it for the first time
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
