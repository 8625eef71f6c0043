"""Attributes of sequences: read from `db_info.yml` of DAVIS, and asked for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vostool.errors import DatasetError
from vostool.io.text import read_outside
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


Attributes = dict[str, tuple[str, ...]]
_FIELD = re.compile(r"^(\s*)(-\s+)?([\w-]+)\s*:(?:\s+(.*)|\s*)$")
_ENTRY = re.compile(r"^\s*-\s+[\"']?(\w+)[\"']?\s*$")


def read_attributes(root: Path) -> tuple[Attributes, tuple[str, ...]]:
    """Read `db_info.yml`, which names the attributes of each sequence of DAVIS 2016.

    Lists may be written in brackets, over several lines, or with an entry a line.

    Returns:
        Sequence -> its attribute codes, and notes on what could not be understood.

    Raises:
        DatasetError: it is no text.
    """
    path = next((p for p in (root / "db_info.yml", root / "db_info.yaml") if p.is_file()), None)
    if path is None:
        return {}, ()
    found: Attributes = {}
    strange: list[str] = []
    for fields in _items(read_outside(path, DatasetError)):
        name, text = fields.get("name", ""), fields.get("attributes")
        if not name or text is None:
            continue
        codes = tuple(code for code in re.split(r"[\s,]+", text.strip().strip("[]")) if code)
        if all(re.fullmatch(r"\w+", code) for code in codes):
            found[name] = codes
        else:
            strange.append(name)
    if found and not strange:
        return found, ()
    what = f"the attributes of {', '.join(strange[:3])}" if strange else "no attributes"
    return found, (
        f"{path} gives {what} in a form that is understood, a list such as [AC, BC]: there are no "
        "scores by attribute.",
    )


def _items(text: str) -> Iterator[dict[str, str]]:
    """Yield the mappings of a list of YAML, their values as text."""
    fields: dict[str, str] = {}
    key, start = "", -1
    for line in text.split("\n"):
        if not line.strip() or line.strip().startswith("#"):
            continue
        match, entry = _FIELD.match(line), _ENTRY.match(line)
        if match and (match[2] or len(match[1]) <= start):
            column = len(match[1]) + len(match[2] or "")
            if match[2] or column < start:  # the next item, or the end of the list
                yield fields
                fields, start = {}, column if match[2] else -1
        if match:
            key = match[3]
            fields[key] = (match[4] or "").split(" #")[0].strip().strip("\"'")
        elif key:
            fields[key] += f" {entry[1] if entry else line.strip()}"
    yield fields
