"""What is to be run: a request as the user made it, and the job it resolves to."""

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vostool.environment import resolve_device
from vostool.errors import ConfigError, WeightsError
from vostool.tracking.base import Runtime, Tracker
from vostool.tracking.loop import blaming_tracker
from vostool.tracking.plugins import Plugin, load_tracker, split_spec
from vostool.tracking.weights import advice, check_recorded
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked to be run.

    Args:
        tracker: `NAME` or `NAME/CONFIG`.
        name: name of the run folder; derived from the tracker if None.
        overrides: `key=value` texts.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: `auto` (the tracker's own), `fp32`, `fp16` or `bf16`.
        weights: file of weights.
        seed: for every random choice.
        workers: processes that track different sequences at the same time.
        batch: frames of a task that short sequences are put together into, see `shares.batches`.
        shard: `(i, n)`, track only the i-th of n shares, see `shards`; everything if None.
    """

    tracker: str
    name: str | None = None
    overrides: tuple[str, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    weights: Path | None = None
    seed: int = 0
    workers: int = 1
    batch: int | None = None
    shard: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A resolved request: everything a process needs to build the tracker.

    It can be pickled: a configuration travels as plain values, because the module of a local
    tracker has no name that another process could import.
    """

    tracker: str
    config_name: str
    settings: dict[str, Any]
    code: str
    runtime: Runtime
    init: str
    home: Path
    random_weights: bool = False
    packages: dict[str, str] = field(default_factory=dict)

    def build(self) -> Tracker:
        """Load the tracker's class and build it.

        Raises:
            ContractError: the tracker's own code failed.
        """
        plugin = self.plugin()
        with blaming_tracker("while it was built"):
            return plugin.cls(plugin.cls.Config(**self.settings), self.runtime)

    def plugin(self) -> Plugin:
        """Load the tracker's class."""
        return load_tracker(self.tracker, Workspace(self.home))


def prepare(
    request: RunRequest,
    workspace: Workspace,
    *,
    random_weights: bool = False,
    cuda: bool | None = None,
) -> Job:
    """Resolve names, settings, device and weights, refusing what does not fit.

    Args:
        request: what the user asked for.
        workspace: where local trackers are.
        random_weights: a tracker that needs weights may go without.
        cuda: whether the workers that will track have a GPU; None if it is this machine that will.
    """
    name, config_name = split_spec(request.tracker)
    plugin = load_tracker(name, workspace)
    config = plugin.config(config_name, request.overrides)
    given = request.weights or plugin.cls.own_weights(config)
    runtime = Runtime(
        device=resolve_device(request.device, plugin.cls.devices, cuda),
        precision=_precision(plugin, request.precision),
        weights=_weights(
            plugin,
            given,
            None if random_weights else advice(plugin, workspace, config_name),
            request.tracker,
        ),
        seed=request.seed,
    )
    return Job(
        tracker=name,
        config_name=config_name or "default",
        settings={each.name: getattr(config, each.name) for each in fields(config)},
        code=plugin.code_hash(),
        runtime=runtime,
        init=plugin.cls.init,
        home=workspace.home.resolve(),
        packages=plugin.package_versions(),
        random_weights=plugin.cls.weights == "required" and runtime.weights is None,
    )


def _precision(plugin: Plugin, asked: str) -> str:
    usable = plugin.cls.precisions
    if asked == "auto":
        return usable[0]
    if asked not in usable:
        raise ConfigError(f"{plugin.name} runs in {' or '.join(usable)}, not in {asked}.")
    return asked


def _weights(plugin: Plugin, weights: Path | None, missing: str | None, spec: str) -> Path | None:
    """Return the file of weights.

    Args:
        plugin: the tracker.
        weights: that were given.
        missing: what to say where some are needed, None if they are not.
        spec: the tracker as the user named it.
    """
    if weights is None:
        if plugin.cls.weights == "required" and missing is not None:
            raise WeightsError(f"{spec} needs weights: give them with --weights PATH. {missing}")
        return None
    if plugin.cls.weights == "none":
        raise WeightsError(f"{plugin.name} takes no weights; drop --weights.")
    if not weights.exists():
        raise WeightsError(f"The weights {weights} do not exist.")
    check_recorded(weights)
    return weights.resolve()


def default_name(spec: str) -> str:
    """Return the run folder's name for `TRACKER/CONFIG`."""
    return "-".join(part for part in spec.split("/") if part)


def run_name(tracker: str, asked: str | None) -> str:
    """Return the name of a run folder.

    Args:
        tracker: `NAME` or `NAME/CONFIG`, which it is made of if no name is asked for.
        asked: by the user, or None.

    Raises:
        ConfigError: it is no plain name of a folder.
    """
    name = default_name(tracker) if asked is None else asked
    if not re.fullmatch(r"\w[\w .+@=,-]{0,99}", name) or name == "scores":
        raise ConfigError(
            f"--name is the name of a folder: up to 100 letters, digits and . _ - + @ = , and it "
            f"begins with a letter or digit; not {name!r}."
        )
    return name
