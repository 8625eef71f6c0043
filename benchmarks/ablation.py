"""What each part of SiamPolarMask is worth: train it without the part, track, score.

    python benchmarks/ablation.py [--pairs 50000] [--only NAME ...] [--home FOLDER]
        [--device cpu] [--out FILE]

Every row is `vostool train siampolar/car` with some settings changed, for the same number of pairs,
then `vostool eval` of what came of it. Rows that change the search alone use the weights of the
first row. What is there already is not done again, so a second start goes on.
"""

import argparse
import csv
import datetime
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vostool.device import device_name, resolve_device
from vostool.report.markdown import markdown_table


@dataclass(frozen=True)
class Row:
    """One variation.

    Args:
        name: of the runs.
        says: what the table calls it.
        settings: of network and search.
        trained: the settings need a training of their own.
    """

    name: str
    says: str
    settings: tuple[str, ...] = ()
    trained: bool = True


BASE = Row("base", "siampolar/car: 36 rays, ResNet-10, guided")
ROWS = (
    BASE,
    Row("rays18", "18 rays", ("rays=18",)),
    Row("rays72", "72 rays", ("rays=72",)),
    Row("plain", "not guided: the two crops alone", ("guided=false",)),
    Row("resnet18", "ResNet-18 to layer3", ("backbone=resnet18",)),
    Row("resnet50", "ResNet-50 to layer3", ("backbone=resnet50",)),
    Row("no-centerness", "ranked without centerness", ("centerness=false",), trained=False),
    Row("no-window", "ranked without the cosine window", ("window=0",), trained=False),
    Row("no-penalty", "ranked without the scale penalty", ("penalty=0",), trained=False),
    Row("first-colours", "colours of the first frame alone", ("memory_rate=0",), trained=False),
)
BATCH = 32
DATASET = "DAVIS2016"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=50_000, help="of each training")
    names = [row.name for row in ROWS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="rows")
    parser.add_argument("--home", type=Path, default=Path(), help="workspace")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("results/ablation_siampolar.md"))
    asked = parser.parse_args()
    chosen = [row for row in ROWS if row.name in asked.only]
    lines = [_scored(row, _weights(row, asked), asked) for row in chosen]
    device = device_name(resolve_device(asked.device, ("cuda", "cpu")))
    text = "\n".join(
        [
            "# What the parts of SiamPolarMask are worth",
            "",
            f"{datetime.date.today()}, {device}. Each training: {asked.pairs} pairs from scratch, "
            "with the settings of `siampolar/car` but for what is named. Scored on "
            f"{DATASET}, protocol davis, from the first frame's box. By `make ablation`.",
            "",
            markdown_table(["variation", "J mean", "F mean", "fps"], lines, {1, 2, 3}),
            "",
        ]
    )
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


def _weights(row: Row, asked: argparse.Namespace) -> Path:
    """Train a row, unless it has been; returns its weights."""
    own = row if row.trained else BASE
    name = f"ablation-{own.name}"
    command = ["train", "siampolar/car", "--name", name, "--device", asked.device]
    command += [
        part
        for setting in (
            *own.settings,
            f"train.batch={BATCH}",
            f"train.steps={max(1, asked.pairs // BATCH)}",
            "train.validate_every=0",
            "train.picture_every=0",
        )
        for part in ("-o", setting)
    ]
    _vostool(asked.home, *command)
    return asked.home / "results" / "train" / name / "last.safetensors"


def _scored(row: Row, weights: Path, asked: argparse.Namespace) -> list[str]:
    """Track and score; returns the row's cells."""
    name = f"ablation-{row.name}"
    data = ["--dataset", DATASET]
    settings = [part for setting in row.settings for part in ("-o", setting)]
    run = ["run", "siampolar/car", *data, "--name", name, "--weights", str(weights), *settings]
    _vostool(asked.home, *run, "--device", asked.device)
    folder = asked.home / "results" / DATASET / name
    _vostool(asked.home, "eval", *data, "--masks", str(folder))
    with (folder / "scores" / "davis" / "summary.csv").open() as file:
        (summary,) = csv.DictReader(file)
    percent = [f"{100 * float(summary[key]):.1f}" for key in ("J_mean", "F_mean")]
    fps = float(summary["fps"]) if summary.get("fps") else float("nan")
    return [row.says, *percent, f"{fps:.1f}"]


def _vostool(home: Path, *command: str) -> None:
    subprocess.run([sys.executable, "-m", "vostool", "--home", str(home), *command], check=True)


if __name__ == "__main__":
    main()
