"""Finding the result of a sequence by the names that other tools give it."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from vostool.errors import ResultError
from vostool.io.listing import entries


def find_result(root: Path, name: str, names: Iterable[str]) -> Path:
    """Return the file with the boxes of a sequence.

    It is `<name>.txt`; or what other tools write: `-` may be `_` or `.`, capitals small letters, a
    single repetition `<name>_001.txt`, alone or in a folder `<name>/`, and an object of a video
    may be called after the video if it is the only one of it.

    Args:
        root: folder of results.
        name: of the sequence, e.g. `Human4-2`.
        names: of all sequences that are scored.

    Raises:
        ResultError: there is none, or several may be meant; it names the files that are there.
    """
    if (root / f"{name}.txt").is_file():
        return root / f"{name}.txt"
    there = [e.path for e in entries(root) if not e.is_dir and e.path.suffix.lower() == ".txt"]
    inside = [e.path for e in entries(root) if e.is_dir and _key(e.path.name) == _key(name)]
    there += [e.path for f in inside for e in entries(f) if e.path.suffix.lower() == ".txt"]
    video = re.sub(r"-\d+$", "", name)
    lone = sum(each == video or each.startswith(f"{video}-") for each in names) == 1
    for wanted in (name, f"{name}_001", *([video, f"{video}_001"] if lone else [])):
        found = [path for path in there if _key(path.stem) == _key(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ResultError(
                f"The result of sequence '{name}' may be {' or '.join(map(str, sorted(found)))}. "
                f"Call the right one {name}.txt."
            )
    raise ResultError(
        f"There is no result of sequence '{name}': {root} has no {name}.txt. "
        f"{_near(name, there)}Name the folder that holds it, or choose sequences with --sequences."
    )


def _key(name: str) -> str:
    return re.sub(r"[-_. ]+", "-", name).casefold()


def _near(name: str, there: list[Path]) -> str:
    """Say which file may be meant."""
    files = {path.stem: path for path in there}
    near = difflib.get_close_matches(name, files, n=1, cutoff=0.6)
    shown = files[near[0]].name if near else ", ".join(sorted(p.name for p in there)[:3])
    return (
        f"It has {shown}; call it {name}.txt if that is it. "
        if near
        else (f"It has {shown}. " if shown else "")
    )
