"""J and F by attribute: on the sequences that have it, and on the others."""

from collections.abc import Iterable, Mapping

from vostool.errors import DatasetError
from vostool.types import Sequence

# Perazzi et al. (CVPR 2016), Table 1.
NAMES = {
    "AC": "appearance change",
    "BC": "background clutter",
    "CS": "camera shake",
    "DB": "dynamic background",
    "DEF": "deformation",
    "EA": "edge ambiguity",
    "FM": "fast motion",
    "HO": "heterogeneous object",
    "IO": "interacting objects",
    "LR": "low resolution",
    "MB": "motion blur",
    "OCC": "occlusion",
    "OV": "out of view",
    "ROT": "rotation",
    "SC": "shape complexity",
    "SV": "scale variation",
}


def known_attributes(sequences: Iterable[Sequence]) -> dict[str, tuple[str, ...]]:
    """Return sequence -> its attribute codes; those whose attributes nobody knows are left out."""
    return {each.name: each.attributes for each in sequences if each.attributes is not None}


def check_attributes(names: Iterable[str], attributes: Mapping[str, tuple[str, ...]]) -> None:
    """Raise DatasetError if the attributes of one of the named sequences are not known."""
    for name in names:
        if name not in attributes:
            raise DatasetError(
                f"The attributes of sequence '{name}' are not known. Those of DAVIS 2016 are in "
                "the file db_info.yml beside JPEGImages/; put it there, or drop --attributes."
            )
