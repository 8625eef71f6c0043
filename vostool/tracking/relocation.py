"""Moving the modules of a package elsewhere: imports of their own package become relative."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from vostool.errors import ContractError
from vostool.imports import absolute_name

_FROM = re.compile(rb"from\s*([.\w]+)\s*import\b")


def relocated(path: Path, module: str, package: str, renamed: Mapping[str, str]) -> bytes:
    """Return the source of a module such that its package may lie anywhere.

    Imports of the package are written relative to the module, those of what lies around the package
    absolute, everything else stays as it is.

    Args:
        path: of the module's file.
        module: its absolute name.
        package: that moves, with all that is in it.
        renamed: modules of it whose names change -> their new absolute names.

    Raises:
        ContractError: the module names its package in a way that cannot be written otherwise.
    """
    source = path.read_bytes()
    here = module if path.name == "__init__.py" else module.rpartition(".")[0]
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    edits: list[tuple[int, int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom | ast.Import | ast.Constant):
            continue
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        try:
            if isinstance(node, ast.ImportFrom):
                new = _from(node, here, package, renamed)
                found = _FROM.match(source, first) if new else None
                first, last = (found.start(1), found.end(1)) if found else (first, last)
                strange = new is not None and found is None
            elif isinstance(node, ast.Import):
                new, strange = _import(node, here, package, renamed), False
            else:
                new, strange = _task(node, here, package, renamed), False
        except ValueError:
            strange = True
        if strange:
            raise ContractError(
                f"It cannot be copied: line {node.lineno} of {path} names its own package where no "
                f"other name can be put. Write `from {package}.module import name`."
            )
        if new is not None:
            edits.append((first, last, new))
    for first, last, new in sorted(edits, reverse=True):
        source = source[:first] + new.encode() + source[last:]
    return source


def _from(node: ast.ImportFrom, here: str, package: str, renamed: Mapping[str, str]) -> str | None:
    """Return what `from ... import` should name, None if that is what it names."""
    base = absolute_name("." * node.level + (node.module or ""), here)
    if not _within(base, package):
        return base if node.level else None
    if any(f"{base}.{alias.name}" in renamed for alias in node.names):
        raise ValueError
    return _relative(renamed.get(base, base), here)


def _import(node: ast.Import, here: str, package: str, renamed: Mapping[str, str]) -> str | None:
    """Return the statement that `import a.b as c` becomes, None if it stays."""
    if not any(_within(alias.name, package) for alias in node.names):
        return None
    alias = node.names[0]
    if len(node.names) > 1 or alias.asname is None or alias.name == package:
        raise ValueError
    parent, _, name = renamed.get(alias.name, alias.name).rpartition(".")
    return f"from {_relative(parent, here)} import {name} as {alias.asname}"


def _task(node: ast.Constant, here: str, package: str, renamed: Mapping[str, str]) -> str | None:
    """Return what a text such as `package.training:Task` becomes, None if it names no module."""
    text = node.value
    if not isinstance(text, str) or not re.match(rf"{re.escape(package)}[.:][\w.:]+$", text):
        return None
    module, _, name = text.partition(":")
    if not name:
        raise ValueError
    return f'"{_relative(renamed.get(module, module), here)}:{name}"'


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _relative(name: str, here: str) -> str:
    """Return the relative name of a module for one in the package `here`; both share a root."""
    target, own = name.split("."), here.split(".")
    common = 0
    while common < min(len(target), len(own)) and target[common] == own[common]:
        common += 1
    return "." * (len(own) - common + 1) + ".".join(target[common:])
