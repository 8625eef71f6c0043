"""Polar against dense masks: the family with one backbone, trained alike from scratch.

    python benchmarks/comparison.py [--pairs 20000] [--only NAME ...] [--home FOLDER]
        [--device cpu] [--processes 1] [--out FILE]

Every row has the same ResNet-10, 96 channels, data, schedule and number of pairs, and is told the
first frame's box alone. SiamPolarMask is in its plain form, which sees the two crops as the others
do. What is there already is not done again, so a second start goes on.
"""

from pathlib import Path

from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode
from trained_rows import Result, Row, conditions, parser, results

from vostool.datasets import synthetic
from vostool.report.leaderboard.markdown import markdown_table
from vostool.tracking.job import RunRequest, prepare
from vostool.tracking.speed import disks
from vostool.workspace import Workspace

SIZE = (480, 854)
ROWS = (
    Row(
        "family-siampolar",
        "SiamPolarMask, plain, 36 rays",
        "siampolar/car",
        ("guided=false", "refined=0"),
    ),
    Row("family-siammask-base", "SiamMask base, 63 x 63", "siammask/small_base"),
    Row("family-siammask-sharp", "SiamMask sharp, 127 x 127", "siammask/small_sharp"),
    Row("family-s2iammask", "S2iamMask, 28 x 28 of regions, votes", "s2iammask/small"),
    Row("family-siamcar", "SiamCAR, its box filled", "siamcar/small"),
)
HEADER = [
    "tracker",
    "J mean",
    "J recall",
    "J decay",
    "F mean",
    "fps",
    "fps x objects",
    "parameters",
    "GFLOPs a frame",
]


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    asked = parser(about, ROWS, 20_000, Path("results/comparison_family.md")).parse_args()
    lines = [_line(result) for result in results(ROWS, asked)]
    table = markdown_table(HEADER, lines, set(range(1, len(HEADER))))
    told = f"{conditions(asked)} All from scratch. By `make comparison`."
    text = "\n".join(["# Polar against dense masks", "", told, "", table, ""])
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


def _line(result: Result) -> list[str]:
    parameters, flops = _size(result)
    return [
        result.row.says,
        *result.percent("J_mean", "J_recall", "J_decay", "F_mean"),
        result.number("fps"),
        result.number("fps_object"),
        f"{parameters:,}",
        f"{flops / 1e9:.2f}",
    ]


def _size(result: Result) -> tuple[int, int]:
    """Return the parameters of a tracker's weights, and what following one object costs a frame."""
    row = result.row
    request = RunRequest(row.tracker, None, row.settings, "cpu", "fp32", result.weights)
    tracker = prepare(request, Workspace.find()).build()
    (first, _), (second, _), _ = synthetic.clip("translation", size=SIZE, frames=3)
    tracker.reset()
    tracker.step(first, disks(1, SIZE))
    with FlopCounterMode(display=False) as counter:
        tracker.step(second, ())
    norms = ("running_mean", "running_var")
    assert result.weights is not None
    tensors = load_file(result.weights)
    count = sum(t.numel() for name, t in tensors.items() if not name.endswith(norms))
    return count, counter.get_total_flops()


if __name__ == "__main__":
    main()
