"""Names of the runs of a campaign: made of what tells them apart, the same whenever it is read."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vostool.errors import ConfigError, UnknownNameError
from vostool.tracking.job import default_name, run_name
from vostool.tracking.plugins import split_spec

_OF_TRAINING = ("best", "last")  # what `vostool train` calls weights, whatever the training


def legal(text: str) -> str:
    """Return text as part of a folder's name: what such names cannot have becomes `-`."""
    return re.sub(r"[^\w .+@=,-]", "-", text).strip("- .")


def weights_label(path: Path) -> str:
    """Return what names call a file of weights: its stem, and the training's name before it."""
    stem = path.name.partition(".")[0] or path.name
    return f"{path.parent.name}-{stem}" if stem in _OF_TRAINING and path.parent.name else stem


def shown(value: Any) -> str:
    """Return a value of a setting as names have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(shown, value))
    return str(value)


def literal(value: Any) -> str:
    """Return a value as TOML writes it, for `-o key=value`.

    Raises:
        ConfigError: it is of a type that no setting has.
    """
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False)
    raise ConfigError(f"A setting is text, a number, true, false or a list of them; not {value!r}.")


def name_of_run(spec: str, pattern: str, parts: Mapping[str, str], where: str) -> str:
    """Return the name of a run.

    Without a pattern it is the tracker's followed by every part that its row gives, e.g.
    `siampolar-car-votes=8`, also where there is one value only: more values, or more rows, add runs
    and rename none.

    Args:
        spec: `NAME` or `NAME/CONFIG`.
        pattern: with fields in braces: `{tracker}`, `{config}`, and the names of the parts; empty
            for the usual name.
        parts: name -> value of everything that the row gives, as text.
        where: what to blame.

    Raises:
        UnknownNameError: the pattern has a field that there is not.
        ConfigError: it is too long for a folder.
    """
    if pattern:
        tracker, config = split_spec(spec)
        known = {"tracker": tracker, "config": config or "default", **parts}

        def value(found: re.Match[str]) -> str:
            if found[1] not in known:
                raise UnknownNameError.of("field", found[1], known, f"in the name of {where}")
            return legal(known[found[1]])

        name = re.sub(r"\{([^{}]*)\}", value, pattern)
    else:
        bare = ("weights", "precision")
        ends = [f"-{v}" if key in bare else f"-{key}={v}" for key, v in parts.items()]
        name = legal(default_name(spec) + "".join(ends))
    try:
        return run_name(spec, name)
    except ConfigError:
        raise ConfigError(
            f"{where}: '{name}' is no name for a run; it is up to 100 letters, digits and . _ - + "
            "@ = , and begins with a letter or digit. Give the row another `name`, e.g. name = "
            '"{tracker}-{weights}".'
        ) from None
