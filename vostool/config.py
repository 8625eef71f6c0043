"""Typed settings: a frozen dataclass, filled from a TOML file and `-o key=value`, strictly."""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vostool.errors import ConfigError, DataError, UnknownNameError
from vostool.io.text import read_outside

TRAIN = "train"  # table of a tracker's TOML for `vostool train`; the rest is the tracker's own


def build_config(cls: type, values: Mapping[str, Any], source: str) -> Any:
    """Build a configuration from values, refusing unknown keys and wrong types.

    Args:
        cls: frozen dataclass.
        values: key -> value; lists become tuples, whole numbers are taken for floats.
        source: where the values come from, for the error sentence.

    Raises:
        UnknownNameError: a key that the dataclass lacks.
        ConfigError: a value of another type than the field's.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    checked = {}
    for key, value in values.items():
        if key not in names:
            raise UnknownNameError.of("setting", key, names, f"in {source}")
        try:
            checked[key] = _fit(value, hints[key])
        except (TypeError, ValueError):
            raise ConfigError(
                f"{source}: '{key}' takes {_type_name(hints[key])}, not {value!r}."
            ) from None
    try:
        return cls(**checked)
    except ValueError as error:  # a dataclass may check its values in __post_init__
        raise ConfigError(f"{source}: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: it is not valid TOML.
    """
    try:
        return tomllib.loads(read_outside(path, DataError))
    except DataError as error:
        raise ConfigError(f"Not valid TOML: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error


def parse_overrides(options: Iterable[str]) -> dict[str, Any]:
    """Turn `key=value` texts into values: TOML literals where they are, plain text otherwise.

    Raises:
        ConfigError: a text without `=`.
    """
    values: dict[str, Any] = {}
    for option in options:
        key, separator, text = option.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"-o takes key=value, not '{option}'.")
        try:
            values[key.strip()] = tomllib.loads(f"v = {text.strip()}")["v"]
        except tomllib.TOMLDecodeError:
            values[key.strip()] = text.strip()
    return values


def split_overrides(options: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the texts that set a tracker's own keys, and those for `train.` without that."""
    own, train = [], []
    for option in options:
        key = option.lstrip()
        if key.startswith(TRAIN + "."):
            train.append(key.removeprefix(TRAIN + "."))
        else:
            own.append(option)
    return tuple(own), tuple(train)


def set_dotted(table: dict[str, Any], values: Mapping[str, Any], source: str) -> None:
    """Set `a.b = value` in nested tables.

    Raises:
        ConfigError: a part of the key is no table, or the value replaces one.
    """
    for key, value in values.items():
        *parents, last = key.split(".")
        inner: Any = table
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{source}: '{parent}' in '{key}' is no table.")
        if isinstance(inner.get(last), dict) and not isinstance(value, dict):
            raise ConfigError(f"{source}: '{key}' is a table, not {value!r}.")
        inner[last] = value


def _fit(value: Any, hint: Any) -> Any:
    """Return the value as the type of the hint, or raise TypeError or ValueError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for argument in arguments:
            try:
                return _fit(value, argument)
            except (TypeError, ValueError):
                continue
        raise TypeError
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) != len(value):
            raise ValueError
        return tuple(_fit(item, kind) for item, kind in zip(value, kinds, strict=True))
    if origin is dict:
        if not isinstance(value, dict):
            raise TypeError
        return {key: _fit(item, arguments[1]) for key, item in value.items()}
    if hint is Any:
        return value
    if hint is types.NoneType:
        if value is None or value == "none":
            return None
        raise TypeError
    return _fit_scalar(value, hint)


def _fit_scalar(value: Any, hint: type) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is not bool and isinstance(value, bool):
        raise TypeError
    if not isinstance(value, hint):
        raise TypeError
    return value


def _type_name(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(hint))
    return hint.__name__ if isinstance(hint, type) else str(hint)
