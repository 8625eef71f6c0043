"""What each part of SiamPolarMask is worth: leave it out, or train without it; track, score.

    python benchmarks/ablation.py [--pairs 16000] [--only NAME ...] [--home FOLDER]
        [--device cpu] [--processes 1] [--out FILE]

Rows of the search use the bundled weights. Rows of the network are `vostool train siampolar/car`
with some settings changed, all for the same number of pairs, then `vostool eval` of what came of
it. Those of rays start from the bundled weights, but for the layer that says the rays; the others
from scratch. What is there already is not done again, so a second start goes on.
"""

from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file, save_file
from trained_rows import Result, Row, conditions, parser, results

from vostool.report.leaderboard.markdown import markdown_table
from vostool_trackers.siampolar.tracker import BUNDLED

CAR = "siampolar/car"
SHORT = ("refined=0",)  # one look: so few pairs teach little to a second one
HEADER = ["variation", "J mean", "F mean", "fps"]


def _searched(name: str, says: str, *settings: str) -> Row:
    return Row(f"ablation-{name}", says, CAR, settings, bundled=True)


def _trained(name: str, says: str, *settings: str) -> Row:
    return Row(f"ablation-{name}", says, CAR, (*SHORT, *settings))


SEARCH = (
    _searched("bundled", "as it comes"),
    _searched("no-second-look", "contours of the first look", "refined=0"),
    _searched("no-centerness", "cells ranked without centerness", "centerness=false"),
    _searched("no-window", "cells ranked without the cosine window", "window=0"),
    _searched("no-penalty", "cells ranked without the scale penalty", "penalty=0"),
    _searched("one-vote", "contour of the best cell alone", "votes=1"),
    _searched("first-colours", "colours of the first frame alone", "memory_rate=0"),
)
RAYS = (
    _trained("rays18", "18 rays", "rays=18"),
    _trained("rays36", "36 rays", "rays=36"),
    _trained("rays72", "72 rays", "rays=72"),
)
SCRATCH = (
    _trained("resnet10", "ResNet-10"),
    _trained("plain", "ResNet-10, not guided: the two crops alone", "guided=false"),
    _trained("resnet18", "ResNet-18", "backbone=resnet18"),
    _trained("resnet50", "ResNet-50", "backbone=resnet50"),
)


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    out = Path("results/ablation_siampolar.md")
    asked = parser(about, (*SEARCH, *RAYS, *SCRATCH), 16_000, out).parse_args()
    trunk = _trunk(asked.home / "results" / "train" / "ablation-trunk.safetensors")
    rays = [replace(row, init=trunk) for row in RAYS]
    parts = [
        "# What the parts of SiamPolarMask are worth",
        f"{conditions(asked)} By `make ablation`.",
    ]
    for heading, rows in (
        ("In the search, with the bundled weights", SEARCH),
        ("Rays, trained anew on the network of the bundled weights, with one look", rays),
        ("The network, from scratch, with one look", SCRATCH),
    ):
        if found := results(rows, asked):
            parts += [f"## {heading}", _table(found)]
    text = "\n\n".join(parts) + "\n"
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


def _trunk(path: Path) -> Path:
    """Write the bundled weights without the layer of the rays, which no number of rays has then."""
    tensors = {
        name: tensor.float()
        for name, tensor in load_file(BUNDLED).items()
        if not name.startswith(("head.rays.", "refinement."))
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return path


def _table(rows: list[Result]) -> str:
    lines = [[row.row.says, *row.percent("J_mean", "F_mean"), row.number("fps")] for row in rows]
    return markdown_table(HEADER, lines, {1, 2, 3})


if __name__ == "__main__":
    main()
