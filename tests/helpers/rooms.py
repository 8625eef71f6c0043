"""Count the rooms of a package and the imports between: `python -m tests.helpers.rooms [ROOT]`.

A room is a folder of modules, with what lies more than two levels deep, or a module at the top of
`vostool/`; an arrow is an import from one room by another; the floor of a room is the length of the
longest chain of arrows below it.
"""

import ast
import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules(root: Path, package: str = "vostool") -> dict[str, Path]:
    """Return dotted module name -> file."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: Iterable[str]) -> set[str]:
    """Return the modules that a file imports anywhere, but for typing.

    Args:
        path: of the file; its imports are absolute.
        known: names of all modules, to tell `from package import module` from a name in it.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_typing = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }
    known, found = set(known), set()
    for node in ast.walk(tree):
        if node in for_typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
    return found


def room_of(module: str, folders: Iterable[str]) -> str:
    """Return the room of a module: its folder, or itself at the top of the package."""
    folder = module if module in folders else module.rpartition(".")[0]
    return ".".join(folder.split(".")[:3]) if "." in folder else module


def arrows(root: Path) -> dict[str, set[str]]:
    """Return room -> the other rooms that it imports from."""
    files = modules(root)
    folders = {name for name, path in files.items() if path.name == "__init__.py"} - {"vostool"}
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        if name in ("vostool", "vostool.__main__"):
            continue
        room = room_of(name, folders)
        others = {room_of(each, folders) for each in imported(path, files) & files.keys()}
        found.setdefault(room, set()).update(others - {room, "vostool"})
    return found


def floors(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Return node -> its floor, from 0.

    Raises:
        CycleError: there is a circle; the nodes on it are its second argument.
    """
    found: dict[str, int] = {}
    for node in TopologicalSorter(graph).static_order():
        found[node] = max((found[below] + 1 for below in graph.get(node, ())), default=0)
    return found


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    graph = arrows(root)
    try:
        tall = str(1 + max(floors(graph).values()))
    except CycleError as error:
        tall = f"none, for there is a circle: {' -> '.join(error.args[1])}"
    top = [path for path in (root / "vostool").glob("*.py") if not path.name.startswith("__")]
    print(f"rooms                       {len(graph)}")
    print(f"floors                      {tall}")
    print(f"arrows                      {sum(map(len, graph.values()))}")
    print(f"modules at the top          {len(top)}")
    for folder in ("vostool", "trackers", "tests"):
        lines = sum(
            path.read_text(encoding="utf-8").count("\n") for path in (root / folder).rglob("*.py")
        )
        print(f"{f'lines of {folder}/':<28}{lines}")


if __name__ == "__main__":
    main()
