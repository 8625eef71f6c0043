"""Scored runs for the leaderboard: tables made of drawn values, and runs of real trackers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from vostool.runs.folder import Manifest, RunFolder
from vostool.scoring.tables import (
    Scores,
    interval_table,
    object_table,
    sequence_table,
    summary_table,
)

DrawRun = Callable[..., Path]
ODD_NAME = "<img src=x onerror=alert(1)> & {{data}} $\\_^~%#|`*\"'"


def draw_run(
    results: Path,
    run: str,
    *,
    level: float = 0.6,
    init: str = "mask",
    frames: Mapping[str, int] | None = None,
    objects: int = 1,
    dataset: str = "DAVIS2016",
    seed: int = 0,
    speed: Mapping[str, object] | None = None,
) -> Path:
    """Leave a run whose scores per frame are drawn about a level; returns its folder of tables."""
    rng = np.random.default_rng(seed)
    rows = [
        (sequence, number, f"{frame:05d}", *np.clip(rng.normal(level, 0.15, 2), 0, 1))
        for sequence, count in (frames or {"blackswan": 20, "libby": 15}).items()
        for number in range(1, objects + 1)
        for frame in range(1, count + 1)
    ]
    table = pd.DataFrame(rows, columns=["sequence", "object", "frame", "J", "F"])
    each = object_table(table)
    sequences = sequence_table(each)
    timing = {"fps": 20 + 60 * level, "fps_protocol": "step-wall", "device": "A processor"}
    about = {"run": run, "tracker": "drawn", "init": init, "dataset": dataset, "split": "val"}
    about |= {"protocol": "davis", "complete": len(sequences) == 20, "precision": "fp32"}
    summary = summary_table(each, sequences, about | timing | dict(speed or {}))
    folder = RunFolder(results / dataset / run)
    folder.path.mkdir(parents=True)
    folder.write_manifest(manifest(run, init, dataset))
    path = folder.path / "scores" / "davis"
    Scores(table, each, sequences, summary, intervals=interval_table(each)).write(path)
    return path


def draw_box_run(
    results: Path,
    run: str,
    *,
    scores: tuple[float, float, float] = (0.4, 0.6, 0.25),
    dataset: str = "VOT2018",
    init: str = "box",
    names: Sequence[str] | None = None,
    folder: str | None = None,
    protocol: str = "vot-pysot",
    **changed: object,
) -> Path:
    """Leave a run on boxes with these EAO, A and R, or AUC, P20 and NP20; returns its tables."""
    supervised = protocol != "ope"
    labels = ("EAO", "A", "R") if supervised else ("AUC", "P20", "NP20")
    names = names or [f"sequence-{number}" for number in range(60)]
    row = {"run": run, "tracker": "drawn", "init": init, "dataset": dataset, "split": "all"}
    row |= {"protocol": protocol, "overlap": "raster"} if supervised else {"protocol": protocol}
    row |= {"sequences": len(names), "frames": 100 * len(names), "complete": len(names) == 60}
    if supervised:
        row |= {"repetitions": 1, "low": 100, "high": 356, "failures": 12.0}
    row |= dict(zip(labels, scores, strict=True))
    row |= {"fps": 31.4159, "fps_protocol": "step-wall", "device": "A processor"}
    home = RunFolder(results / (folder or dataset) / run)
    home.path.mkdir(parents=True, exist_ok=True)
    home.write_manifest(manifest(run, init, dataset))
    row |= {"precision": "fp32"} | changed
    exact = ".exact" if row.get("overlap") == "exact" else ""
    path = home.path / "scores" / f"{protocol}{exact}"
    path.mkdir(parents=True)
    pd.DataFrame([row]).to_csv(path / "vot.csv", index=False)
    rng = np.random.default_rng(len(names))
    shown = labels[1:] if supervised else labels
    each = pd.DataFrame({"sequence": names}).assign(frames=100)
    each = each.assign(**{label: rng.uniform(0, 1, len(names)) for label in shown})
    each.to_csv(path / "sequences.csv", index=False)
    return path


def manifest(run: str, init: str, dataset: str) -> Manifest:
    return Manifest(
        run=run,
        tracker="drawn",
        config_name="default",
        config={"side": 3},
        code="c0de",
        init=init,
        weights=None,
        dataset=dataset,
        split="val",
        root="/nowhere",
        device="cpu",
        device_name="A processor",
        precision="fp32",
        fps_protocol="step-wall",
        seed=0,
        versions={"python": "3.11"},
        git="abc",
        created=datetime(2026, 1, 2, tzinfo=UTC).isoformat(),
    )


@pytest.fixture(scope="session")
def real_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run three trackers on twelve frames of the synthetic sequences; returns the workspace."""
    from vostool.cli import cli

    home = tmp_path_factory.mktemp("board")

    def vostool(*arguments: object) -> None:
        texts = ["--home", str(home), *map(str, arguments)]
        done = CliRunner().invoke(cli, texts, catch_exceptions=False)
        assert done.exit_code == 0, done.output

    vostool("datasets", "make", "synthetic", home / "clips", "--frames", 12)
    data = ("--dataset", "synthetic", "--root", home / "clips")
    for tracker, name in (("copy_first", "again"), ("copy_first", "copy_first"), ("box_fill", "")):
        vostool("run", tracker, *data, *(("--name", name) if name else ()))
    runs = home / "results" / "synthetic"
    (runs / "again").rename(runs / ODD_NAME)  # as somebody may who unpacks a run elsewhere
    vostool("eval", *data)
    return home
