"""A new tracker in the workspace: a copy of one that there is, or a small one to begin with."""

import keyword
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from vostool.errors import ContractError, UsageError, VostoolError
from vostool.imports import absolute_name, files_of
from vostool.tracking import template
from vostool.tracking.plugins import Plugin, load_tracker, tracker_names
from vostool.tracking.relocation import relocated
from vostool.workspace import Workspace

_MAIN = "tracker"
_CARD = "README.md"


def new_tracker(name: str, workspace: Workspace, like: str | None = None) -> Path:
    """Write a folder of the workspace that is a tracker, or nothing at all.

    Of a tracker that is copied come the modules that running and training it import, as far as they
    are its own, its configurations, weights and card. What it imports from elsewhere stays there.

    Args:
        name: of the new tracker.
        workspace: where to.
        like: name of the tracker to copy; a small template if None.

    Returns:
        The folder.

    Raises:
        UsageError: the name cannot be one, or is taken.
        ContractError: that tracker cannot be copied.
    """
    _check_name(name, workspace)
    files = _template(name) if like is None else _copied(load_tracker(like, workspace), name)
    with _written(files, workspace.trackers / name):
        try:
            load_tracker(name, workspace)
        except VostoolError as error:
            raise ContractError(
                f"{like} cannot be copied: its copy does not load. {error}"
            ) from error
    return workspace.trackers / name


def _check_name(name: str, workspace: Workspace) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(
            f"'{name}' cannot be the name of a tracker: it is a folder and a Python package, so "
            "letters, digits and _, no digit first, and no word of Python's."
        )
    if name in tracker_names(workspace):
        raise UsageError(f"There is a tracker '{name}' already. Choose another name.")
    folder = workspace.trackers / name
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists already. Choose another name, or move it away.")


@contextmanager
def _written(files: Mapping[str, bytes], folder: Path) -> Iterator[None]:
    """Write a folder whole, and take it away again if the block fails."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".new-") as temporary:
            whole = Path(temporary, folder.name)
            for name, content in files.items():
                path = whole / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            os.rename(whole, folder)
        try:
            yield
        except BaseException:
            shutil.rmtree(folder)
            raise
    except BaseException:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise


def _template(name: str) -> dict[str, bytes]:
    cls = re.sub(r"(?:^|_+)([^_])", lambda found: found[1].upper(), name)
    text = Path(template.__file__).read_text(encoding="utf-8")
    text = text.replace("class Template(", f"class {cls}(").replace("TRACKER/fast", f"{name}/fast")
    card = f"# {name}\n\nWhat it is, what it is not, how it works, and what was measured.\n"
    return {f"{_MAIN}.py": text.encode(), _CARD: card.encode()}


def _copied(plugin: Plugin, name: str) -> dict[str, bytes]:
    """Return path in the new folder -> content."""
    main = plugin.cls.__module__
    package = main.rpartition(".")[0]
    if not package:
        raise ContractError(
            f"{plugin.name} is the single module {main}, with no folder of its own: copy the file "
            "by hand."
        )
    own = _own_modules(plugin, package)
    targets = {module: path.relative_to(plugin.folder) for module, path in own.items()}
    usual = f"{package}.{_MAIN}"
    if main != usual:
        if usual in own:
            raise ContractError(
                f"{plugin.name} cannot be copied: it is defined in {main} and imports another "
                f"module named {_MAIN}, which its copy has to be named."
            )
        targets[main] = Path(f"{_MAIN}.py")
    files = {
        path.relative_to(plugin.folder).as_posix(): path.read_bytes()
        for path in _data_files(plugin.folder)
    }
    renamed = {} if main == usual else {main: usual}
    for module, path in own.items():
        files[targets[module].as_posix()] = relocated(path, module, package, renamed)
    files[_CARD] = _card(plugin, name).encode()
    return files


def _own_modules(plugin: Plugin, package: str) -> dict[str, Path]:
    """Return module -> file of what lies in the tracker's package and is run or trained with."""
    starts = [plugin.cls.__module__]
    if plugin.cls.task is not None:
        starts.append(absolute_name(plugin.cls.task.partition(":")[0], package))
    found = files_of(starts, {package.partition(".")[0]}, {"vostool"})
    return {
        module: path
        for module, path in found.items()
        if module == package or module.startswith(f"{package}.")
    }


def _data_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix not in (".py", ".pyc"):
            yield path


def _card(plugin: Plugin, name: str) -> str:
    """Return the card of a copy, which says of what it is one."""
    path = plugin.folder / _CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, _, rest = text.partition("\n") if text.startswith("# ") else ("", "", f"\n{text}")
    note = f"Begun as a copy of `{plugin.name}`; what follows was written and measured of that one."
    return f"# {name}\n\n{note}\n{rest}"
