"""Command-line options that several commands share."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

LOCAL_FOLDER = click.Path(file_okay=False, path_type=Path)


class Place(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A folder or file of this machine, or a URL.

    Args:
        usual: how a path of this machine is taken.
        listed: nobody writes there meanwhile, see `storage.place`.
    """

    name = "directory or URL"

    def __init__(self, usual: click.Path, *, listed: bool) -> None:
        self._usual = usual
        self._listed = listed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if isinstance(value, str):
            from vostool.errors import VostoolError
            from vostool.io.storage import is_url, place

            if is_url(value):
                try:
                    return place(value, listed=self._listed)
                except VostoolError as error:
                    self.fail(str(error), param, ctx)
        return Path(os.fsdecode(self._usual.convert(value, param, ctx)))


FOLDER = Place(LOCAL_FOLDER, listed=False)
ROOT = Place(LOCAL_FOLDER, listed=True)
FOLDER_OR_ZIP = Place(click.Path(path_type=Path), listed=True)
FOLDER_OR_FILE = Place(click.Path(path_type=Path), listed=False)


if TYPE_CHECKING:
    from vostool.execution.options import Execution

FILE = click.Path(dir_okay=False, path_type=Path)


def stacked(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Return one decorator that applies several options, the first shown first."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names:
        raise click.BadParameter("it names no sequence.")
    return names


def _gpus(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    if value is None:
        return ()
    if value.strip() == "all":
        from vostool.execution.options import ALL

        return (ALL,)
    numbers = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() for part in numbers) or len(set(numbers)) < len(numbers):
        raise click.BadParameter("it is 'all', or different numbers such as 0,1.")
    return tuple(map(int, numbers))


def _shard(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", value.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter("it is I/N, counted from 1: 1/8, 2/8, ... 8/8.")
    return int(match[1]), int(match[2])


_DATASET_HELP = "A name that `vostool datasets` shows, or folder:PATH."
_place_options = stacked(
    click.option("--root", type=ROOT, help="Folder that holds JPEGImages/ and Annotations/."),
    click.option("--split", help="val, train, ...; the dataset's usual one if not given."),
    click.option("--resolution", help="480p, full, or the name of a resolution folder."),
)
where_options = stacked(
    click.option("--dataset", required=True, help=_DATASET_HELP), _place_options
)
of_run_options = stacked(
    click.option("--dataset", help=f"{_DATASET_HELP} That of the runs if not given."),
    _place_options,
)
sequences_option = click.option(
    "--sequences", callback=_names, help="Only these, separated by commas."
)
dataset_options = stacked(where_options, sequences_option)
seen_option = click.option(
    "--seen",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Categories that training has seen, one a line, or a meta.json; train's if not given.",
)
results_option = click.option(
    "--results", type=FOLDER, help="Folder of the run folders; <workspace>/results if not given."
)
tracking_options = stacked(
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "fp16", "bf16"]),
        default="auto",
        show_default=True,
    ),
    click.option("--weights", type=click.Path(path_type=Path), help="File with the weights."),
    click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting."),
    click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True),
)
workers_option = click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes."
)
executor_options = stacked(
    click.option(
        "--workers", type=click.IntRange(1), help="Processes of this machine; 1 if not given."
    ),
    click.option(
        "--gpus",
        callback=_gpus,
        metavar="0,1",
        help="A process for each of these GPUs of this machine, or 'all'.",
    ),
    click.option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="Share out among the workers of a Dask scheduler; tls://HOST:PORT, or local-cluster "
        "for one of this machine's processes.",
    ),
    click.option("--tls-ca-file", type=FILE, help="Certificate of the authority, for tls://."),
    click.option("--tls-cert", type=FILE, help="This machine's certificate; Dask's if not given."),
    click.option("--tls-key", type=FILE, help="Its key; Dask's if not given."),
)
batch_option = click.option(
    "--batch",
    type=click.IntRange(0),
    metavar="FRAMES",
    help="Group short sequences into tasks of up to FRAMES frames; 0: one sequence per task.  "
    "[default: 0; 500 above 5000 sequences]",
)
shard_option = click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    help="Track shard I of N (array jobs on a shared file system).",
)


def execution_of(options: dict[str, Any]) -> "Execution":
    """Take the `executor_options` out of a command's options.

    Raises:
        UsageError: they do not go together.
    """
    from vostool.execution.options import Execution
    from vostool.execution.pools import Tls

    tls = Tls(*map(options.pop, ("tls_ca_file", "tls_cert", "tls_key")))
    chosen = {name: options.pop(name) for name in ("workers", "gpus", "scheduler")}
    return Execution(**chosen, tls=tls)


region_option = click.option(
    "--region",
    type=click.Choice(["auto", "box", "rotated", "fitted"]),
    help="What is written on datasets of boxes: box, axis-aligned; rotated, the smallest around "
    "the mask; fitted, the rotated box that overlaps best with it; auto, what the tracker gives, "
    "else rotated.",
)
