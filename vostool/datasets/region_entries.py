"""The table of datasets of boxes and polygons: how each is read, and what is done with it."""

from collections.abc import Callable
from dataclasses import dataclass

from vostool.datasets.clips import Kind
from vostool.datasets.otb import read_otb
from vostool.datasets.vot import LIST, read_vot
from vostool.types import RegionSequence


@dataclass(frozen=True, slots=True)
class RegionEntry:
    """One row of the catalog that has boxes and polygons instead of masks.

    Args:
        name: what `--dataset` calls it.
        read: reads the files.
        kind: how trackers are run on it.
        how_to_get: one sentence for people who lack it.
        official: how many sequences it has, 0 if that is not known.
        interval: of VOT, see `RegionDataset`.
        marks: a folder that holds one of these is the dataset.
    """

    name: str
    read: Callable[..., tuple[RegionSequence, ...]]
    kind: Kind
    how_to_get: str
    official: int = 0
    interval: tuple[int, int] | None = None
    marks: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """Return where it is looked for under `<workspace>/datasets/`."""
        return (self.name,)


def _vot(year: int, low: int, high: int) -> RegionEntry:
    return RegionEntry(
        name=f"VOT{year}",
        read=read_vot,
        kind="restarts",
        how_to_get=f"Download the short-term sequences of VOT{year} from "
        f"votchallenge.net/vot{year}, which vot-toolkit does, and unpack them with list.txt as "
        f"datasets/VOT{year}.",
        official=60,
        interval=(low, high),
        marks=(LIST, f"sequences/{LIST}"),
    )


# The intervals are those of the challenges, as in the settings of vot-toolkit and pysot.
REGIONS = {
    entry.name: entry
    for entry in (
        _vot(2016, 108, 371),
        _vot(2018, 100, 356),
        _vot(2019, 46, 291),
        RegionEntry(
            name="OTB100",
            read=read_otb,
            kind="one-pass",
            how_to_get="Download the sequences of OTB from visual-tracking.net and unpack each "
            "as a folder of datasets/OTB100, with img/ and groundtruth_rect.txt.",
            official=100,
            marks=("Basketball/groundtruth_rect.txt", "Car4/groundtruth_rect.txt"),
        ),
    )
}
# Anybody's own, by the prefix of `--dataset PREFIX:PATH`.
OWN_REGIONS = {
    "vot": RegionEntry(
        name="vot",
        read=read_vot,
        kind="restarts",
        how_to_get="Your own data in VOT's layout: PATH/list.txt, PATH/<sequence>/groundtruth.txt "
        "and PATH/<sequence>/color/.",
    ),
    "otb": RegionEntry(
        name="otb",
        read=read_otb,
        kind="one-pass",
        how_to_get="Your own data in OTB's layout: PATH/<sequence>/groundtruth_rect.txt and "
        "PATH/<sequence>/img/.",
    ),
}
