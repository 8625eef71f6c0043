"""The rules by which the results of the reset-based VOT experiment become scores: a row each."""

from dataclasses import dataclass

from vostool.errors import UnknownNameError
from vostool.metrics.polygon_raster import PYSOT, TOOLKIT, RasterRule


@dataclass(frozen=True, slots=True)
class VotProtocol:
    """How accuracy and expected overlap are computed; the experiment is the same for all.

    Args:
        name: what `--protocol` and the tables call it.
        summary: one line for people.
        raster: how regions are drawn, unless their overlap is computed exactly.
        pooled: accuracy is the mean over all frames of all sequences, each the mean of its
            repetitions; otherwise the mean over sequences, weighted by their lengths, of the mean
            of their repetitions.
        through: how fragments are cut, see `metrics.vot.fragments`.
        inset: columns and rows that the frame lacks at the right and below when regions are drawn
            for the expected overlap.
        shift: the interval [low, high] of lengths is that of the entries low + shift to high +
            shift of the curve, which begins with entry 0.
        skip: frames from a failure to the next start.
        burn_in: frames from a start on that do not count for accuracy.
    """

    name: str
    summary: str
    raster: RasterRule
    pooled: bool
    through: bool
    inset: int
    shift: int
    skip: int = 5
    burn_in: int = 10


# Checked against STVIR/pysot @ d04028f and vot-toolkit 0.9.0.
VOT_PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        VotProtocol(
            name="vot-pysot",
            summary="as pysot's toolkit, with which SiamMask and its relatives were published",
            raster=PYSOT,
            pooled=True,
            through=True,
            inset=1,
            shift=-1,
        ),
        VotProtocol(
            name="vot-toolkit",
            summary="as vot-toolkit in Python",
            raster=TOOLKIT,
            pooled=False,
            through=False,
            inset=0,
            shift=0,
        ),
    )
}


def vot_protocol(name: str | None) -> VotProtocol:
    """Return the protocol of that name, that of the published numbers if None.

    Raises:
        UnknownNameError: there is none; the message lists the names.
    """
    if name is None:
        return VOT_PROTOCOLS["vot-pysot"]
    if name not in VOT_PROTOCOLS:
        raise UnknownNameError.of("protocol of VOT", name, VOT_PROTOCOLS)
    return VOT_PROTOCOLS[name]
