"""Settings: strict types, TOML, and key=value on the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from vostool.config import build_config, parse_overrides, read_toml
from vostool.errors import ConfigError, UnknownNameError, UsageError


@dataclass(frozen=True)
class Settings:
    rate: float = 0.5
    steps: int = 3
    fast: bool = False
    mode: Literal["soft", "hard"] = "soft"
    name: str = "plain"
    size: tuple[int, int] = (1, 2)
    scales: tuple[float, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError("steps must not be negative")


def test_defaults() -> None:
    assert build_config(Settings, {}, "here") == Settings()


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("rate", 0.25, 0.25),
        ("rate", 2, 2.0),
        ("steps", 7, 7),
        ("fast", True, True),
        ("mode", "hard", "hard"),
        ("name", "x", "x"),
        ("size", [3, 4], (3, 4)),
        ("scales", [1, 0.5], (1.0, 0.5)),
        ("scales", [], ()),
        ("limit", 5, 5),
        ("limit", None, None),
        ("limit", "none", None),
    ],
)
def test_values_that_fit(key: str, value: Any, kept: Any) -> None:
    setting = getattr(build_config(Settings, {key: value}, "here"), key)
    assert setting == kept
    assert type(setting) is type(kept)


@pytest.mark.parametrize(
    ("key", "value", "takes"),
    [
        ("rate", "fast", "float"),
        ("rate", True, "float"),
        ("steps", 2.5, "int"),
        ("steps", True, "int"),
        ("steps", "3", "int"),
        ("fast", 1, "bool"),
        ("fast", "yes", "bool"),
        ("mode", "harder", "one of 'soft', 'hard'"),
        ("name", 3, "str"),
        ("size", [1, 2, 3], r"tuple\[int, int\]"),
        ("size", [1, 2.5], r"tuple\[int, int\]"),
        ("size", 3, r"tuple\[int, int\]"),
        ("scales", ["a"], r"tuple\[float, ...\]"),
        ("limit", "many", r"int \| None"),
    ],
)
def test_values_that_do_not_fit(key: str, value: Any, takes: str) -> None:
    with pytest.raises(ConfigError, match=f"here: '{key}' takes {takes}, not "):
        build_config(Settings, {key: value}, "here")


def test_unknown_key_says_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"setting 'stepps' in here. Did you mean 'steps'"):
        build_config(Settings, {"stepps": 1}, "here")


def test_a_check_of_the_dataclass_itself() -> None:
    with pytest.raises(ConfigError, match="here: steps must not be negative"):
        build_config(Settings, {"steps": -1}, "here")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=1", 1),
        ("k=1.5", 1.5),
        ("k=1e-4", 1e-4),
        ("k=true", True),
        ("k=[1, 2]", [1, 2]),
        ('k="1"', "1"),
        ("k=plain text", "plain text"),
        ("k=a=b", "a=b"),
        ("k=none", "none"),
        ("k=", ""),
        (" k = 3 ", 3),
    ],
)
def test_overrides(text: str, value: Any) -> None:
    parsed = parse_overrides([text])
    assert parsed == {"k": value}
    assert type(parsed["k"]) is type(value)


def test_later_overrides_win() -> None:
    assert parse_overrides(["k=1", "other=2", "k=3"]) == {"k": 3, "other": 2}


@pytest.mark.parametrize("text", ["k", "", "=3", " =3"])
def test_overrides_need_a_key_and_a_value(text: str) -> None:
    with pytest.raises(ConfigError, match="takes key=value"):
        parse_overrides([text])


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('rate = 0.1\nname = "größer"\n', encoding="utf-8")
    assert read_toml(path) == {"rate": 0.1, "name": "größer"}


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("rate = = 3")
    with pytest.raises(ConfigError, match=r"a\.toml is not valid TOML.*line 1"):
        read_toml(path)


def test_toml_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b'name = "\xff\xfe"')
    with pytest.raises(ConfigError, match=r"a\.toml"):
        read_toml(path)


def test_these_are_usage_errors() -> None:
    assert issubclass(ConfigError, UsageError)
