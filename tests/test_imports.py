"""Which files a module brings in, read from its source."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vostool.imports import absolute_name, files_of


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that writes modules and says which of them the first one brings in."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(modules: dict[str, str], **how: object) -> list[str]:
        for name, text in modules.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        start = next(iter(modules)).removesuffix(".py").replace("/", ".")
        found = files_of([start], how.get("roots", ()), how.get("without", ()))
        assert not {name for name in found if name in sys.modules}, "nothing is imported"
        assert all(path.is_relative_to(tmp_path) for path in found.values())
        return list(found)

    return write


@pytest.mark.parametrize(
    "line",
    [
        "import apart.deep.rule",
        "import apart.deep.rule as r",
        "from apart.deep import rule",
        "from apart.deep.rule import VALUE",
        "from .deep import rule",
        "from .deep.rule import VALUE",
        "def f():\n    from . import deep\n    from .deep import rule",
        "import importlib\ndef f():\n    importlib.import_module('apart.deep.rule')",
        "from importlib import import_module\nimport_module('.deep.rule', __package__)",
        "try:\n    from .deep import rule\nexcept ImportError:\n    rule = None",
        "if True:\n    pass\nelse:\n    import apart.deep.rule",
    ],
)
def test_ways_to_import(package, line: str) -> None:
    modules = {
        "apart/start.py": line,
        "apart/__init__.py": "",
        "apart/deep/__init__.py": "",
        "apart/deep/rule.py": "VALUE = 1",
        "apart/deep/other.py": "",
    }
    assert package(modules) == ["apart", "apart.deep", "apart.deep.rule", "apart.start"]


def test_it_goes_on_from_module_to_module_and_around(package) -> None:
    modules = {
        "first.py": "import second",
        "second.py": "from third import x",
        "third/__init__.py": "from . import more",
        "third/more.py": "import first",
        "fourth.py": "",
    }
    assert package(modules) == ["first", "second", "third", "third.more"]


def test_imports_for_type_checkers_do_not_count(package) -> None:
    text = (
        "import typing\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import second\nelse:\n    import third\n"
        "if typing.TYPE_CHECKING:\n    import second\n"
        "if not TYPE_CHECKING:\n    import fourth\n"
    )
    modules = {"first.py": text, "second.py": "", "third.py": "", "fourth.py": ""}
    assert package(modules) == ["first", "fourth", "third"]


def test_a_computed_name_may_be_any_module_of_the_package(package) -> None:
    modules = {
        "apart/start.py": "import importlib\nimportlib.import_module(f'apart.{kind}')",
        "apart/one.py": "import helper",
        "apart/deep/two.py": "",
        "helper.py": "",
    }
    assert package(modules) == ["apart.deep.two", "apart.one", "apart.start", "helper"]


def test_what_is_installed_is_not_followed_unless_it_is_asked_for(
    package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(tmp_path / "target")
    modules = {
        "first.py": "import json, numpy, cv2, library, single, beside, out",
        "site-packages/library/__init__.py": "import helper",
        "site-packages/single.py": "",
        "target/beside/__init__.py": "",
        "target/beside-1.0.dist-info/METADATA": "",
        "out.py": "",
        "helper.py": "",
    }
    assert package(modules) == ["first", "out"]
    assert package(modules, roots=["library"]) == ["first", "helper", "library", "out"]
    assert package(modules, without=["out"]) == ["first"]


def test_what_cannot_be_found_or_read_does_not_hurt(package) -> None:
    modules = {"first.py": "import nowhere, broken\nfrom . import x", "broken.py": "def ("}
    assert package(modules) == ["broken", "first"]


@pytest.mark.parametrize(
    ("name", "whole"),
    [("x.y", "x.y"), (".", "a.b"), (".c", "a.b.c"), ("..c.d", "a.c.d"), ("..", "a")],
)
def test_absolute_names(name: str, whole: str) -> None:
    assert absolute_name(name, "a.b") == whole
