"""Which files running a module brings in, found by reading imports instead of following them live.

The source is parsed and nothing is executed, so that the answer is the same in every process and
on every machine, and what has not been imported yet is known as well: imports inside functions,
and modules that are named by a literal in `importlib.import_module`. Where the name is computed,
every module of the importing package counts.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

_INSTALLED = ("site-packages", "dist-packages")
_ANY = ".*"  # at the end of a name: whatever that package holds
_FOR_TYPING = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
_SOURCE, _BINARY = ".py", (".so", ".pyd")


def files_of(start: Iterable[str], roots: Iterable[str], without: Iterable[str]) -> dict[str, Path]:
    """Return module name -> file of modules and of all that they import, in the order of names.

    Followed are imports of the packages `roots`, and of whatever else has not been installed, such
    as a folder of modules on Python's path. Packages on the way count, as importing runs them.
    Imports for type checkers are left out, and so is what cannot be found.

    Args:
        start: modules to begin with.
        roots: top-level packages that are followed even where they are installed.
        without: top-level packages that are not followed.
    """
    roots, without = set(roots), set(without) | sys.stdlib_module_names
    found: dict[str, Path] = {}
    seen: set[str] = set()
    left = list(start)
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        top, _, rest = name.partition(".")
        if not top or top in without or (top not in roots and _is_installed(top)):
            continue
        if name.endswith(_ANY):
            left += _inside(name.removesuffix(_ANY))
            continue
        if rest:
            left.append(name.rpartition(".")[0])
        file, _ = _located(name)
        if file is None:
            continue
        found[name] = file
        if file.suffix == _SOURCE:
            left += _imports(file.read_bytes(), name, file.name == "__init__.py")
    return dict(sorted(found.items()))


@lru_cache(maxsize=1024)
def _imports(source: bytes, name: str, is_package: bool) -> tuple[str, ...]:
    """Return the names that a module may import; `from a import b` gives `a` and `a.b`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it cannot be imported either
        return ()
    package = name if is_package else name.rpartition(".")[0]
    found: list[str] = []
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name("." * node.level + (node.module or ""), package)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(absolute_name(argument.value, package))
            else:
                found.append(package + _ANY)
    return tuple(found)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through a tree, but for what only type checkers see."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in _FOR_TYPING:
            for statement in child.orelse:
                yield from _executed(statement)
        else:
            yield from _executed(child)


def _imports_by_name(node: ast.Call) -> bool:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__") and bool(node.args)


def absolute_name(name: str, package: str) -> str:
    """Return the absolute name of a module, e.g. `a.c` of `..c` in the package `a.b`."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    base = ".".join(package.split(".")[: len(package.split(".")) - level + 1])
    return f"{base}.{name[level:]}" if name[level:] else base


def _is_installed(top: str) -> bool:
    """Return True for a package that an installer put where it is, whose version tells enough."""
    file, folders = _located(top)
    places = {file.parent.parent if file.stem == "__init__" else file.parent} if file else set()
    places |= {Path(folder).parent for folder in folders}
    return any(place.name in _INSTALLED or any(place.glob("*.dist-info")) for place in places)


def _located(name: str) -> tuple[Path | None, list[str]]:
    """Return the file of a module and the folders of its submodules, importing nothing."""
    module = sys.modules.get(name)
    if module is not None and name != "__main__":
        file = getattr(module, "__file__", None)
        return Path(file) if file else None, list(getattr(module, "__path__", ()))
    parent = name.rpartition(".")[0]
    path = _located(parent)[1] if parent else None
    if parent and not path:
        return None, []
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except KeyError:  # a folder without __init__.py, which would ask its imported parent
            return None, [str(Path(place, name.rpartition(".")[2])) for place in path or ()]
        if spec is not None:
            file = spec.origin if spec.has_location else None
            return Path(file) if file else None, list(spec.submodule_search_locations or ())
    return None, []


def _inside(package: str) -> Iterator[str]:
    """Yield the names of all modules below a package."""
    for folder in map(Path, _located(package)[1]):
        for path in folder.rglob("*"):
            if path.suffix == _SOURCE or path.suffix in _BINARY:
                parts = path.relative_to(folder).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                yield ".".join((package, *(part.partition(".")[0] for part in parts)))
