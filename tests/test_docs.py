"""The documents for users say what the code does: names, rows and worked examples are compared."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vostool.datasets.catalog import CATALOG, FOLDER
from vostool.datasets.protocols import PROTOCOLS, Protocol
from vostool.runs.folder import SCHEMA, Manifest, SequenceStatus
from vostool.scoring import tables
from vostool.scoring.masks import FRAME_COLUMNS
from vostool.tracking import timing
from vostool.tracking.loop import WARM_UP_FRAMES
from vostool.tracking.timing import CudaStopwatch, Speed, StepTime, WallStopwatch, speed_of

DOCS = Path(__file__).parent.parent / "docs"


def text(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def rows(name: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is given."""
    lines = text(name).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- protocols.md ---

_OBJECTS = {
    "first_frame": "ids 1 to K, K the largest id of the first frame",
    "all": "all",
    "foreground": "all merged into one",
}
_SINCE = {
    "start": "the first frame that counts",
    "appearance": "its first appearance",
    "after_appearance": "the frame after its first appearance",
    "either": "where the ground truth or the prediction first has it",
}


def row_of(protocol: Protocol) -> list[str]:
    """Return the row of a protocol as the document must have it."""
    without = ["first"] * protocol.skip_first + ["last"] * protocol.skip_last
    left_out = " and ".join(without) or "none"
    frames = "those listed for the object" if protocol.listed_only else "all annotated"
    ids = f"own ids, up to {protocol.proposals}, matched" if protocol.proposals else "those given"
    void = "taken out" if protocol.ignore_void else "background"
    overall = "all frames as one sequence" if protocol.pooled else "mean over objects"
    used = [e.name for e in (*CATALOG.values(), FOLDER) if e.protocol == protocol.name]
    return [
        f"`{protocol.name}`",
        frames,
        left_out,
        _OBJECTS[protocol.objects],
        _SINCE[protocol.since],
        ids,
        void,
        overall,
        ", ".join("`folder:PATH`" if name == FOLDER.name else name for name in used),
    ]


def test_every_protocol_has_its_row() -> None:
    assert rows("protocols", "protocol") == [row_of(each) for each in PROTOCOLS.values()]


def test_every_protocol_is_described_in_its_own_words() -> None:
    for protocol in PROTOCOLS.values():
        assert f"- `{protocol.name}`: {protocol.summary}." in " ".join(text("protocols").split())


# --- fps.md ---


def test_the_columns_of_speed() -> None:
    described = [names(row[0])[0] for row in rows("fps", "column")]
    assert described == tables.SPEED_COLUMNS
    assert {field.name for field in fields(Speed)} < set(described)


def test_the_protocols_of_speed() -> None:
    described = [names(row[0]) for row in rows("fps", "protocol")]
    assert described == [[CudaStopwatch.protocol], [WallStopwatch.protocol], []]
    assert f"the first {WARM_UP_FRAMES} frames of the first sequence" in text("fps")


def test_the_example_of_speed() -> None:
    block = re.search(r"```\n(sequence,.*?)```", text("fps"), re.S)
    assert block is not None
    heading, *lines = block[1].split()
    assert heading.split(",") == [field.name for field in fields(StepTime)]
    steps = []
    for line in lines:
        sequence, frame, objects, prompts, ms = line.split(",")
        steps.append(timing.StepTime(sequence, frame, int(objects), int(prompts), float(ms)))
    speed = speed_of(steps)
    stated = dict(re.findall(r"`(\w+)`\s+is\s+([\d.]+\d)", text("fps")))
    assert set(stated) == {field.name for field in fields(Speed)}
    for name, value in stated.items():
        assert getattr(speed, name) == pytest.approx(float(value)), name


# --- results.md ---


def keys(first: str) -> set[str]:
    return {name for row in rows("results", first) for name in names(row[0])}


def test_the_keys_of_run_json() -> None:
    assert keys("key") == {field.name for field in fields(Manifest)} - {"sequences"}
    assert f"version of this format, now {SCHEMA}" in text("results")


def test_the_keys_of_a_sequence() -> None:
    assert keys("key of a sequence") == {"sequence"} | {
        field.name for field in fields(SequenceStatus)
    }


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("times.csv", [field.name for field in fields(StepTime)]),
        ("frames.csv", FRAME_COLUMNS),
        ("objects.csv", ["sequence", "object", "frames", *tables.STATISTICS]),
        ("sequences.csv", ["sequence", "objects", "frames", *tables.STATISTICS]),
        ("intervals.csv", ["statistic", "low", "high"]),
        ("attributes.csv", tables.ATTRIBUTE_COLUMNS),
        ("summary.csv", tables.SUMMARY_COLUMNS),
    ],
)
def test_the_columns_of_a_table(file: str, columns: list[str]) -> None:
    (row,) = [row for row in rows("results", "file") if names(row[0]) == [file]]
    assert names(row[2]) == columns


def test_the_columns_that_are_not_always_there() -> None:
    for name in (*tables.SEEN_COLUMNS, *tables.STABILITY_COLUMNS):
        assert f"`{name}`" in text("results")


def test_tables_are_as_they_say(cli, davis_folder, tmp_path: Path) -> None:
    root = davis_folder(year=2016)
    done = cli("eval", "--dataset", "DAVIS2016", "--root", root, "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    run = tmp_path / "results/DAVIS2016/copy_first"
    for row in rows("results", "file"):
        (file,) = names(row[0])
        path = run / file if file == "times.csv" else run / "scores/davis" / file
        if not path.exists():
            assert file == "attributes.csv"
            continue
        columns = path.read_text().splitlines()[0].split(",")
        more = tables.SPEED_COLUMNS if file == "summary.csv" else []
        assert columns == [*names(row[2]), *more], file


# --- all ---


def test_every_command_exists(cli) -> None:
    for document in DOCS.glob("*.md"):
        for line in re.findall(r"^vostool .*", document.read_text(encoding="utf-8"), re.M):
            words = line.split()[1:3] if line.split()[1] == "results" else line.split()[1:2]
            words = [word for word in words if re.fullmatch(r"[a-z]+", word) and word != "what"]
            assert cli(*words, "--help").exit_code == 0, line
            options = set(re.findall(r"--[a-z-]+", line)) - {"--help"}
            shown = cli(*words, "--help").output
            assert all(option in shown for option in options), line


def test_every_link_leads_somewhere() -> None:
    for document in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (DOCS / target).exists(), target
