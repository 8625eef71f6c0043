"""Scores are kept, and taken from there only if computing them would give the same."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import rooms
from vostool import environment, evaluate
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset, ObjectInfo
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import MaskError, ResultError
from vostool.scoring import cache as score_cache
from vostool.scoring import masks as scoring
from vostool.scoring.cache import LabelFiles, ScoreCache, SequenceScores
from vostool.scoring.tables import Scores

NAMES = ("a", "b", "c")
TABLES = ("frames", "objects", "sequences", "summary")


@pytest.fixture
def truth(plain_folder) -> Path:
    return plain_folder(NAMES)


@pytest.fixture
def masks(plain_folder) -> Path:
    return plain_folder(NAMES, folder="predicted", seed=5) / "Annotations"


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the name of every sequence is added that is really scored."""
    names: list[str] = []
    compute = scoring.score_sequence

    def spied(dataset, sequence, folder, protocol) -> SequenceScores:
        names.append(sequence.name)
        return compute(dataset, sequence, folder, protocol)

    monkeypatch.setattr(scoring, "score_sequence", spied)
    return names


@pytest.fixture
def again(tmp_path: Path, truth: Path, masks: Path, scored: list[str]) -> Callable[..., list[str]]:
    """Return a function that scores with a cache, and returns which sequences were scored."""

    def run(protocol: str = "davis", **how: object) -> list[str]:
        scored.clear()
        cached = evaluate(
            f"folder:{truth}", masks, protocol=protocol, cache=tmp_path / "cache", **how
        )
        computed = list(scored)
        assert_equal(cached, evaluate(f"folder:{truth}", masks, protocol=protocol), tmp_path)
        return computed

    return run


def assert_equal(ours: Scores, theirs: Scores, folder: Path) -> None:
    """Compare all tables byte for byte, and the notes."""
    ours.write(folder / "ours")
    theirs.write(folder / "theirs")
    for name in TABLES:
        file = f"{name}.csv"
        assert (folder / "ours" / file).read_bytes() == (folder / "theirs" / file).read_bytes()
    assert ours.notes == theirs.notes


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file, giving it its old times again."""
    stat = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns


def uncompressed(path: Path) -> None:
    """Store a mask such that a changed pixel does not change the size of the file."""
    with Image.open(path) as image:
        image.save(path, compress_level=0)


def with_another_pixel(path: Path) -> None:
    with Image.open(path) as image:
        image.putpixel((1, 1), 1 - image.getpixel((1, 1)))
        image.save(path, compress_level=0)


def test_the_second_time_nothing_is_scored(again) -> None:
    assert again() == list(NAMES)
    assert again() == []


@pytest.mark.parametrize("kind", ["truth", "masks"])
@pytest.mark.parametrize("frame", ["00001", "00003"])
def test_a_changed_pixel_of_a_file_of_the_same_size_and_time(
    again, truth: Path, masks: Path, kind: str, frame: str
) -> None:
    path = (truth / "Annotations" if kind == "truth" else masks) / "b" / f"{frame}.png"
    uncompressed(path)
    assert again() == list(NAMES)
    before = path.stat()
    with_another_pixel(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert again() == ["b"]
    assert again() == []


def test_the_first_frame_names_the_objects_and_counts(again, truth: Path) -> None:
    assert again() == list(NAMES)
    first = truth / "Annotations/a/00000.png"
    labels = np.array(Image.open(first))
    Image.fromarray(np.where(labels == 2, 3, labels).astype(np.uint8)).save(first)
    assert again(allow_trivial=True) == ["a"]


def test_a_prediction_that_does_not_count_does_not_matter(again, masks: Path) -> None:
    assert again() == list(NAMES)
    (masks / "b/00005.png").unlink()  # the last frame
    assert again() == []


def test_every_protocol_has_its_own(again) -> None:
    assert again("davis") == list(NAMES)
    assert again("after_first") == list(NAMES)
    assert again("pooled") == list(NAMES)
    assert again("davis") == again("after_first") == again("pooled") == []


def test_a_protocol_that_changes_its_rules(again, monkeypatch) -> None:
    assert again() == list(NAMES)
    changed = replace(PROTOCOLS["davis"], skip_last=False)
    monkeypatch.setitem(PROTOCOLS, "davis", changed)
    assert again() == list(NAMES)


def test_code_that_changes(again, monkeypatch) -> None:
    assert again() == list(NAMES)
    monkeypatch.setattr(score_cache, "code_version", lambda *parts: "newer")
    assert again() == list(NAMES)
    assert again() == []


@pytest.fixture
def code(tmp_path: Path, monkeypatch) -> Path:
    """A copy of the code, of which versions are asked from now on."""
    copy = tmp_path / "vostool"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(environment.__file__).parent, copy, ignore=ignored)
    monkeypatch.setattr(environment, "__file__", str(copy / "environment.py"))
    monkeypatch.setattr(score_cache, "code_version", environment.code_version.__wrapped__)
    return copy


def test_code_that_decides_scores(again, code: Path) -> None:
    assert again() == list(NAMES)
    deciding = ("metrics/jaccard", "io/label_maps", "scoring/masks", "datasets/protocols", "types")
    for name in deciding:
        path = code / f"{name}.py"
        path.write_text(path.read_text() + "# changed\n")
        assert again() == list(NAMES), name
        assert again() == []


def test_code_that_does_not(again, code: Path) -> None:
    whole = environment.code_version.__wrapped__()
    assert again() == list(NAMES)
    for name in ("commands/run", "report/format", "tracking/loop", "training/loop", "cli"):
        path = code / f"{name}.py"
        path.write_text(path.read_text() + "# changed\n")
        assert again() == [], name
        assert whole != (whole := environment.code_version.__wrapped__())


def test_what_scoring_a_sequence_imports_is_known() -> None:
    """Whoever adds an import to scoring says here that it decides no score, or in `DECIDING`."""
    files = rooms.modules(rooms.ROOT)
    left, seen = ["vostool.scoring.masks", "vostool.scoring.stability"], set()
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += rooms.imported(files[name], files) & files.keys()
    parts = {name.split(".")[1] for name in seen}
    assert parts - set(score_cache.DECIDING) == {"environment", "errors", "execution"}
    assert {name for name in seen if name.split(".")[1] == "execution"} == {
        "vostool.execution.pools"
    }


def test_fresh(again) -> None:
    assert again() == list(NAMES)
    assert again(fresh=True) == list(NAMES)
    assert again() == []


def test_renamed_frames(again, truth: Path, masks: Path) -> None:
    """The same bytes under other names are other rows."""
    assert again() == list(NAMES)
    for folder in (truth / "Annotations", truth / "JPEGImages", masks):
        for path in sorted((folder / "c").iterdir()):
            path.rename(path.with_stem(f"1{path.stem}"))
    assert again() == ["c"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"{}",
        lambda data: b"\xff\xfe\x00",
        lambda data: data.replace(b'"00001", 0.', b'"00001", 0.1', 1),
        lambda data: data.replace(b"true", b"false", 1),
        lambda data: data.partition(b"\n")[2],
    ],
)
def test_a_damaged_entry_is_computed_again(again, tmp_path: Path, damage) -> None:
    assert again() == list(NAMES)
    entry = tmp_path / "cache/davis/b.scores"
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert entry.read_bytes() != whole
    assert again() == ["b"]
    assert entry.read_bytes() == whole


def test_the_entry_of_another_sequence(again, tmp_path: Path) -> None:
    assert again() == list(NAMES)
    shutil.copy(tmp_path / "cache/davis/a.scores", tmp_path / "cache/davis/b.scores")
    assert again() == ["b"]


def test_entries_do_not_pile_up(again, tmp_path: Path, masks: Path) -> None:
    for _ in range(3):
        with_another_pixel(masks / "b/00002.png")
        again()
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["a.scores", "b.scores", "c.scores"]


def test_masks_that_went_missing_are_the_same_sentence(again, tmp_path, truth, masks) -> None:
    assert again() == list(NAMES)
    (masks / "b/00003.png").unlink()
    sentences = []
    for cache in (tmp_path / "cache", None):
        with pytest.raises(ResultError, match=r"b lacks 1 of 4 masks .00003") as caught:
            evaluate(f"folder:{truth}", masks, cache=cache)
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]


def test_masks_that_were_damaged(again, tmp_path, truth, masks) -> None:
    assert again() == list(NAMES)
    rewrite(masks / "b/00003.png", lambda data: data[:-20])
    with pytest.raises(MaskError, match=r"b/00003\.png .*cut short"):
        evaluate(f"folder:{truth}", masks, cache=tmp_path / "cache")


def test_what_was_finished_before_an_error_is_kept(again, tmp_path, truth, masks, scored) -> None:
    whole = (masks / "b/00003.png").read_bytes()
    (masks / "b/00003.png").write_bytes(b"")
    with pytest.raises(MaskError):
        evaluate(f"folder:{truth}", masks, cache=tmp_path / "cache")
    (masks / "b/00003.png").write_bytes(whole)
    assert again() == ["b", "c"]


def test_two_workers_keep_and_find_the_same(tmp_path: Path, truth: Path, masks: Path) -> None:
    how = {"cache": tmp_path / "cache"}
    computed = evaluate(f"folder:{truth}", masks, workers=2, **how)
    assert len(list((tmp_path / "cache/davis").iterdir())) == 3
    assert_equal(evaluate(f"folder:{truth}", masks, workers=2, **how), computed, tmp_path)
    assert_equal(evaluate(f"folder:{truth}", masks), computed, tmp_path)


def test_without_a_folder_nothing_is_kept(truth: Path, masks: Path, scored, tmp_path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for _ in range(2):
        evaluate(f"folder:{truth}", masks)
    assert scored == [*NAMES, *NAMES]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_written(truth: Path, masks: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    scores = evaluate(f"folder:{truth}", masks, cache=tmp_path / "file" / "cache")
    assert_equal(scores, evaluate(f"folder:{truth}", masks), tmp_path)


# --- what else decides scores ---


@pytest.fixture
def dataset(truth: Path) -> Dataset:
    return open_dataset(f"folder:{truth}", need_frames=False)


def test_merged_or_not(dataset: Dataset, masks: Path, tmp_path: Path, scored) -> None:
    cache = ScoreCache(tmp_path / "cache")
    plain, _ = scoring.score(dataset, masks, PROTOCOLS["davis"], cache=cache)
    merged, _ = scoring.score(replace(dataset, merged=True), masks, PROTOCOLS["davis"], cache=cache)
    assert scored == [*NAMES, *NAMES]
    assert (plain["object"].nunique(), merged["object"].nunique()) == (2, 1)


def test_listed_frames(dataset: Dataset, masks: Path, tmp_path: Path, scored) -> None:
    cache = ScoreCache(tmp_path / "cache")
    lengths = []
    for frames in ({"00001", "00002"}, {"00001", "00002", "00004"}, {"00001", "00002", "00004"}):
        info = ObjectInfo("thing", frozenset(frames))
        listing = replace(dataset, objects={name: {1: info, 2: info} for name in NAMES})
        table, _ = scoring.score(listing, masks, PROTOCOLS["meta_frames_after_first"], cache=cache)
        lengths.append(len(table))
    assert lengths == [12, 18, 18]
    assert scored == [*NAMES, *NAMES]


def test_indices_of_frames_do_not_matter(truth: Path, masks: Path, tmp_path, scored) -> None:
    """Sparse annotations have other indices where the frames between are not looked at."""
    for name in NAMES:
        for frame in ("00001", "00003"):
            (truth / "Annotations" / name / f"{frame}.png").unlink()
    for need_frames in (True, False):
        dataset = open_dataset(f"folder:{truth}", need_frames=need_frames)
        scoring.score(dataset, masks, PROTOCOLS["davis"], cache=ScoreCache(tmp_path / "cache"))
    assert scored == list(NAMES)


# --- what is kept comes back ---


def test_floats_come_back_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((500, 2)).tolist()
    values += [[0.0, 1.0], [1 / 3, 5e-324], [np.nextafter(1, 0), 1e-17]]
    rows = [("größe", 254, f"{i:05d}", j, f) for i, (j, f) in enumerate(values)]
    files = LabelFiles().hash([])
    kept = SequenceScores(rows, ("a note: «größe»",), True, files)
    cache = ScoreCache(tmp_path)
    cache.store("davis/größe", "rules", kept)
    assert cache.load("davis/größe", "rules", []) == kept
    assert cache.load("davis/größe", "other rules", []) is None
    assert ScoreCache(tmp_path, fresh=True).load("davis/größe", "rules", []) is None


def test_a_file_that_changes_while_it_is_scored(tmp_path: Path, save_mask) -> None:
    """No hash could stand for scores of which each half is of other masks."""
    path = save_mask(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    files = LabelFiles()
    files.labels(path)
    files.labels(path)
    save_mask(path, np.ones((4, 4), np.uint8))
    with pytest.raises(MaskError, match=r"a\.png was changed while it was scored"):
        files.labels(path)


# --- on the command line ---


def test_a_run_keeps_its_scores_and_fresh_does_not_read_them(cli, truth, tmp_path, scored) -> None:
    data = ("--dataset", f"folder:{truth}")
    assert cli("run", "copy_first", *data).exit_code == 0
    (run,) = (tmp_path / "results").glob("*/copy_first")
    tables = []
    for options, computed in (((), NAMES), ((), ()), (("--fresh",), NAMES)):
        scored.clear()
        done = cli("eval", *data, *options)
        assert done.exit_code == 0, done.output
        assert scored == list(computed)
        tables.append([(run / "scores/davis" / f"{name}.csv").read_bytes() for name in TABLES])
    assert tables[0] == tables[1] == tables[2]
    assert sorted(p.name for p in (run / "scores/.cache/davis").iterdir()) == [
        f"{name}.scores" for name in NAMES
    ]


def test_some_sequences_use_what_all_have_kept(cli, truth, masks, scored) -> None:
    data = ("--dataset", f"folder:{truth}", "--masks", masks)
    assert cli("eval", *data).exit_code == 0
    scored.clear()
    assert cli("eval", *data, "--sequences", "a,c").exit_code == 0
    assert scored == []


def test_nothing_is_written_into_a_folder_of_masks(cli, truth, masks, tmp_path, scored) -> None:
    before = sorted(masks.rglob("*"))
    data = ("--dataset", f"folder:{truth}", "--masks", masks)
    for _ in range(2):
        assert cli("eval", *data, "--out", tmp_path / "out").exit_code == 0
    assert scored == list(NAMES)
    assert sorted(masks.rglob("*")) == before
    visible = [path for path in (tmp_path / "out").iterdir() if path.name != ".cache"]
    assert all(path.suffix == ".csv" for path in visible)


def test_results_that_cannot_be_written_end_with_a_sentence(cli, truth, masks, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked = tmp_path / "file" / "results"
    data = ("--dataset", f"folder:{truth}", "--masks", masks)
    done = cli("eval", *data, "--results", blocked)
    assert done.exit_code == 2
    assert str(blocked) in done.output
    assert "Traceback" not in done.output
