"""What each part of SiamPolarMask is worth: train it without the part, track, score.

    python benchmarks/ablation.py [--pairs 50000] [--only NAME ...] [--home FOLDER]
        [--device cpu] [--processes 1] [--out FILE]

Every row is `vostool train siampolar/car` with some settings changed, for the same number of pairs,
then `vostool eval` of what came of it. Rows that change the search alone use the weights of the
first row. What is there already is not done again, so a second start goes on.
"""

from pathlib import Path

from trained_rows import Row, conditions, parser, results

from vostool.report.markdown import markdown_table

CAR = "siampolar/car"
BASE = Row("ablation-base", "siampolar/car: 36 rays, ResNet-10, guided", CAR)


def _trained(name: str, says: str, setting: str) -> Row:
    return Row(f"ablation-{name}", says, CAR, (setting,))


def _searched(name: str, says: str, setting: str) -> Row:
    return Row(f"ablation-{name}", says, CAR, (setting,), weights_of=BASE)


ROWS = (
    BASE,
    _trained("rays18", "18 rays", "rays=18"),
    _trained("rays72", "72 rays", "rays=72"),
    _trained("plain", "not guided: the two crops alone", "guided=false"),
    _trained("resnet18", "ResNet-18 to layer3", "backbone=resnet18"),
    _trained("resnet50", "ResNet-50 to layer3", "backbone=resnet50"),
    _searched("no-centerness", "ranked without centerness", "centerness=false"),
    _searched("no-window", "ranked without the cosine window", "window=0"),
    _searched("no-penalty", "ranked without the scale penalty", "penalty=0"),
    _searched("one-vote", "the best cell alone says the contour", "votes=1"),
    _searched("first-colours", "colours of the first frame alone", "memory_rate=0"),
)


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    out = Path("results/ablation_siampolar.md")
    asked = parser(about, ROWS, 50_000, out).parse_args()
    lines = [
        [result.row.says, *result.percent("J_mean", "F_mean"), result.number("fps")]
        for result in results(ROWS, asked)
    ]
    table = markdown_table(["variation", "J mean", "F mean", "fps"], lines, {1, 2, 3})
    told = f"{conditions(asked)} By `make ablation`."
    text = "\n".join(["# What the parts of SiamPolarMask are worth", "", told, "", table, ""])
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
