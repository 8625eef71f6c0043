"""Rows of a table that have to be trained first: train, track, score; what is there is kept."""

import argparse
import csv
import datetime
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vostool.environment import device_name, resolve_device

BATCH = 32
DATASET = "DAVIS2016"


@dataclass(frozen=True)
class Row:
    """One tracker, trained from scratch or with the weights of another row.

    Args:
        name: of its training and its run.
        says: what the table calls it.
        tracker: with its configuration.
        settings: of network and search, `key=value`.
        bundled: it takes the weights that come with the tracker, and is not trained.
        init: weights that its training starts from; from scratch if None.
    """

    name: str
    says: str
    tracker: str
    settings: tuple[str, ...] = ()
    bundled: bool = False
    init: Path | None = None


@dataclass(frozen=True)
class Result:
    """What came of a row.

    Args:
        row: which.
        weights: file, None for those that come with the tracker.
        summary: of its scores, column -> text.
    """

    row: Row
    weights: Path | None
    summary: dict[str, str]

    def percent(self, *columns: str) -> list[str]:
        """Return scores in percent."""
        return [f"{100 * float(self.summary[column]):.1f}" for column in columns]

    def number(self, column: str) -> str:
        """Return a number such as the fps."""
        return f"{float(self.summary[column]):.1f}" if self.summary.get(column) else ""


def parser(about: str, rows: Sequence[Row], pairs: int, out: Path) -> argparse.ArgumentParser:
    """Return the options that such tables share."""
    made = argparse.ArgumentParser(description=about)
    names = [row.name for row in rows]
    made.add_argument("--pairs", type=int, default=pairs, help="of each training")
    made.add_argument("--only", nargs="+", choices=names, default=names, help="rows")
    made.add_argument("--home", type=Path, default=Path(), help="workspace")
    made.add_argument("--device", default="auto")
    made.add_argument("--processes", type=int, default=1, help="that train together, by gloo")
    made.add_argument("--out", type=Path, default=out)
    return made


def results(rows: Sequence[Row], asked: argparse.Namespace) -> list[Result]:
    """Train, track and score the rows that are asked for."""
    return [_result(row, asked) for row in rows if row.name in asked.only]


def conditions(asked: argparse.Namespace) -> str:
    """Return the sentence on how the rows came about."""
    device = device_name(resolve_device(asked.device, ("cuda", "cpu")))
    return (
        f"{datetime.date.today()}, {device}. Each training: {asked.pairs:,} pairs, the same data "
        f"and schedule. Scored on {DATASET}, protocol davis, from the first frame's box."
    )


def _result(row: Row, asked: argparse.Namespace) -> Result:
    weights = None if row.bundled else _trained(row, asked)
    data = ["--dataset", DATASET]
    run = ["run", row.tracker, *data, "--name", row.name]
    run += ["--weights", str(weights)] if weights else []
    settings = [part for setting in row.settings for part in ("-o", setting)]
    _vostool(asked, *run, *settings, "--device", asked.device)
    folder = asked.home / "results" / DATASET / row.name
    _vostool(asked, "eval", *data, "--masks", str(folder), "--allow-trivial")
    with (folder / "scores" / "davis" / "summary.csv").open() as file:
        (summary,) = csv.DictReader(file)
    return Result(row, weights, summary)


def _trained(row: Row, asked: argparse.Namespace) -> Path:
    """Train a row, unless it has been; returns its weights."""
    weights: Path = asked.home / "results" / "train" / row.name / "last.safetensors"
    steps = max(1, asked.pairs // BATCH)
    settings = [
        *row.settings,
        f"train.batch={BATCH}",
        f"train.steps={steps}",
        "train.validate_every=0",
        "train.picture_every=0",
    ]
    command = ["train", row.tracker, "--name", row.name, "--device", asked.device]
    command += ["--init", str(row.init)] if row.init else []
    command += [part for setting in settings for part in ("-o", setting)]
    _vostool(asked, *command, processes=asked.processes)
    return weights


def _vostool(asked: argparse.Namespace, *command: str, processes: int = 1) -> None:
    start = [sys.executable, "-m", "vostool"]
    environment = dict(os.environ)
    if processes > 1:
        start[1:2] = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "-m"]
        environment["OMP_NUM_THREADS"] = "1"
    line = [*start, "--home", str(asked.home), *command]
    subprocess.run(line, check=True, env=environment)
