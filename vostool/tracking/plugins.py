"""Finding trackers: entry points of installed packages, then folders of the workspace.

A package ships a tracker with an entry point in the group `vostool.trackers`,

    [options.entry_points]
    vostool.trackers =
        mine = my_package.tracker:Mine

and anybody can do without a package by writing `<workspace>/trackers/mine/tracker.py`. The TOML
files beside the module are the tracker's named configurations.
"""

import dataclasses
import hashlib
import importlib
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from vostool.config import TRAIN, build_config, parse_overrides, read_toml, set_dotted
from vostool.environment import versions
from vostool.errors import ConfigError, ContractError, UnknownNameError, VostoolError, missing_extra
from vostool.imports import files_of
from vostool.tracking.base import Tracker
from vostool.workspace import Workspace

GROUP = "vostool.trackers"
_LOCAL_PACKAGE = "vostool_local_trackers"
_BUNDLED = "vostool_trackers"  # with what they share


@dataclass(frozen=True, slots=True)
class Plugin:
    """A tracker class with the name it goes by and the folder of its configurations."""

    name: str
    cls: type[Tracker]
    folder: Path

    def code_hash(self) -> str:
        """Return a hash of the code that running the tracker imports, wherever it lies.

        It follows the imports of the class's module (see `vostool.imports`) through the tracker's
        folder, what the bundled trackers share, and any other package that is not installed.
        Training is named by a text, so what it alone imports does not count. Names are relative to
        the workspace, so that all machines agree.

        Versions stand for the packages that the tracker names in `packages`. vostool's own code is
        not part of it: runs record its version and commit, a cluster refuses workers whose vostool
        differs, and a new release should not keep anybody from finishing a run.
        """
        digest = hashlib.sha256()
        for package, version in self.package_versions().items():
            digest.update(f"{package}=={version}\n".encode())
        own = self.cls.__module__.partition(".")[0]
        files = files_of([self.cls.__module__], {own, _BUNDLED}, {"vostool"})
        for name, path in files.items():
            name = name if name.partition(".")[0] != own else name.removeprefix(own)
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{name} {content}\n".encode())
        return digest.hexdigest()[:12]

    def package_versions(self) -> dict[str, str]:
        """Return the versions of the packages that the tracker names, where they are installed."""
        found = versions(self.cls.packages)
        return {name: found[name] for name in self.cls.packages if name in found}

    @property
    def configs(self) -> dict[str, Path]:
        """Configuration name -> TOML file beside the tracker's module."""
        return {path.stem: path for path in sorted(self.folder.glob("*.toml"))}

    def config(self, name: str | None, overrides: tuple[str, ...] = ()) -> Any:
        """Return the resolved configuration: defaults, then the TOML, then `key=value` texts.

        The TOML's table `[train]` is left to `train_table`.

        Raises:
            UnknownNameError: no such TOML, or an unknown key.
            ConfigError: a value that does not fit.
        """
        values = self._toml(name)
        values.pop(TRAIN, None)
        source = f"{self.name}/{name}" if name else self.name
        return build_config(self.cls.Config, values | parse_overrides(overrides), source)

    def training_config(self) -> str | None:
        """Return the configuration that is trained if none is named.

        It is the first with a table `[train]` that leaves the tracker's settings at their defaults.
        """
        usual = self.config(None)
        for name in self.configs:
            if TRAIN in self._toml(name) and self.config(name) == usual:
                return name
        return None

    def train_table(self, name: str | None, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the TOML's table `[train]`, changed by `key=value` texts with dotted keys.

        Raises:
            UnknownNameError: no such TOML.
            ConfigError: `train` or `train.task` is no table.
        """
        table = self._toml(name).get(TRAIN, {})
        source = f"{self.name}/{name}" if name else self.name
        if isinstance(table, dict):
            set_dotted(table, parse_overrides(overrides), f"{source} [train]")
        if not isinstance(table, dict) or not isinstance(table.get("task", {}), dict):
            raise ConfigError(f"{source}: [train] and [train.task] are tables, no values.")
        return table

    def _toml(self, name: str | None) -> dict[str, Any]:
        if not name:
            return {}
        if name not in self.configs:
            raise UnknownNameError.of("configuration", name, self.configs, f"of {self.name}")
        return read_toml(self.configs[name])


def tracker_names(workspace: Workspace) -> dict[str, EntryPoint | Path]:
    """Return tracker name -> where it comes from, without importing any.

    An installed tracker goes before a folder of the same name.
    """
    found: dict[str, EntryPoint | Path] = {
        folder.parent.name: folder.parent
        for folder in sorted(workspace.trackers.glob("*/tracker.py"))
    }
    found.update({point.name: point for point in entry_points(group=GROUP)})
    return dict(sorted(found.items()))


def load_tracker(name: str, workspace: Workspace) -> Plugin:
    """Import the tracker of that name.

    Raises:
        UnknownNameError: there is none; the message lists the names and the nearest.
        ContractError: what is there is not a Tracker, or cannot be imported.
    """
    names = tracker_names(workspace)
    if name not in names:
        raise UnknownNameError.of("tracker", name, names)
    source = names[name]
    try:
        cls = _class_in(_import_folder(source)) if isinstance(source, Path) else source.load()
    except ContractError:
        raise
    except SyntaxError as error:
        raise ContractError(
            f"Tracker '{name}' cannot be imported: {error.filename}, line {error.lineno}: "
            f"{error.msg}."
        ) from error
    except (Exception, SystemExit) as error:
        if needed := missing_extra(error, f"Tracker '{name}'"):
            raise needed from error
        raise ContractError(f"Tracker '{name}' cannot be imported: {error!r}.") from error
    if not (isinstance(cls, type) and issubclass(cls, Tracker)):
        raise ContractError(f"'{name}' is not a subclass of vostool.Tracker.")
    _check_attributes(name, cls)
    file = sys.modules[cls.__module__].__file__
    return Plugin(name, cls, Path(file).parent if file else Path())


def _check_attributes(name: str, cls: type[Tracker]) -> None:
    """Refuse a class whose description of itself cannot be meant."""
    choices = {"init": ("mask", "box"), "weights": ("none", "optional", "required")}
    for attribute, allowed in choices.items():
        value = getattr(cls, attribute)
        if value not in allowed:
            raise ContractError(
                f"Tracker '{name}' says {attribute} = {value!r}; it is one of "
                f"{', '.join(map(repr, allowed))}."
            )
    if not dataclasses.is_dataclass(cls.Config):
        raise ContractError(f"Config of tracker '{name}' is not a dataclass.")


def split_spec(spec: str) -> tuple[str, str | None]:
    """Split `TRACKER/CONFIG` into its two names; the second may be absent."""
    name, _, config = spec.partition("/")
    return name, config or None


def _import_folder(folder: Path) -> ModuleType:
    """Import `<folder>/tracker.py` as a module of a package, so that relative imports work.

    The package is named after its place: two workspaces may have a tracker of the same name.
    """
    place = hashlib.sha256(str(folder.parent.resolve()).encode()).hexdigest()[:8]
    parent = f"{_LOCAL_PACKAGE}_{place}"
    for name, path in ((parent, folder.parent), (f"{parent}.{folder.name}", folder)):
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = [str(path)]
            sys.modules[name] = package
    return importlib.import_module(f"{parent}.{folder.name}.tracker")


def _class_in(module: ModuleType) -> type[Tracker]:
    """Return the one Tracker that a module defines."""
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Tracker)
        and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        names = ", ".join(cls.__name__ for cls in classes) or "none"
        raise ContractError(
            f"{module.__file__} must define exactly one subclass of vostool.Tracker, not {names}."
        )
    return classes[0]


def runnable_trackers(workspace: Workspace) -> list[str]:
    """Return the trackers that can run as they are: importable, and without weights to give."""
    runnable = []
    for name in tracker_names(workspace):
        try:
            plugin = load_tracker(name, workspace)
        except VostoolError:
            continue
        own = plugin.cls.own_weights(plugin.cls.Config())
        if plugin.cls.weights != "required" or own is not None:
            runnable.append(name)
    return runnable
