"""Tables against numbers worked out by hand, and csv files that keep every bit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vostool.datasets.dataset import ObjectInfo
from vostool.errors import DatasetError
from vostool.metrics.bootstrap import mean_interval
from vostool.scoring.tables import (
    SEEN_COLUMNS,
    STATISTICS,
    SUMMARY_COLUMNS,
    Scores,
    interval_table,
    object_table,
    pooled_statistics,
    seen_means,
    sequence_table,
    summary_table,
    with_categories,
    write_csv,
)

# sequence, object, J of four frames, F of four frames
VALUES = [
    ("goat", 1, [1.0, 0.75, 0.5, 0.25], [0.5, 0.5, 0.5, 0.5]),
    ("goat", 2, [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]),
    ("bear", 1, [0.5, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0]),
]
# J_mean, J_recall, J_decay, F_mean, F_recall, F_decay; the quarters of four frames are two halves
BY_HAND = {
    ("goat", 1): (0.625, 0.5, 0.5, 0.5, 0.0, 0.0),
    ("goat", 2): (0.5, 0.5, -1.0, 1.0, 1.0, 0.0),
    ("bear", 1): (0.625, 0.25, -0.25, 0.0, 0.0, 0.0),
}
ABOUT = {
    "run": "mine",
    "tracker": "copy_first",
    "init": "mask",
    "dataset": "DAVIS2016",
    "split": "val",
    "protocol": "davis",
    "complete": False,
}


@pytest.fixture
def frames() -> pd.DataFrame:
    rows = [
        (sequence, object_id, f"{i:05d}", j, f)
        for sequence, object_id, js, fs in VALUES
        for i, (j, f) in enumerate(zip(js, fs, strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["sequence", "object", "frame", "J", "F"])


@pytest.fixture
def objects(frames: pd.DataFrame) -> pd.DataFrame:
    return object_table(frames)


def test_objects(objects: pd.DataFrame) -> None:
    assert objects.columns.tolist() == ["sequence", "object", "frames", *STATISTICS]
    assert objects["frames"].tolist() == [4, 4, 4]
    table = objects.set_index(["sequence", "object"])[STATISTICS]
    assert {key: tuple(row) for key, row in table.iterrows()} == BY_HAND


def test_sequences_are_means_of_objects_in_their_order(objects: pd.DataFrame) -> None:
    sequences = sequence_table(objects)
    assert sequences["sequence"].tolist() == ["goat", "bear"]
    assert sequences["objects"].tolist() == [2, 1]
    assert sequences["frames"].tolist() == [4, 4]
    assert sequences.loc[0, STATISTICS].tolist() == [0.5625, 0.5, -0.25, 0.75, 0.5, 0.0]
    assert sequences.loc[1, STATISTICS].tolist() == list(BY_HAND["bear", 1])


def test_frames_of_a_sequence_are_those_of_its_longest_object(objects: pd.DataFrame) -> None:
    objects.loc[0, "frames"] = 2
    assert sequence_table(objects)["frames"].tolist() == [4, 4]


def test_the_summary_is_the_mean_over_objects_not_sequences(objects: pd.DataFrame) -> None:
    summary = summary_table(objects, sequence_table(objects), ABOUT)
    assert summary.columns.tolist() == SUMMARY_COLUMNS
    row = summary.iloc[0]
    assert row["J_mean"] == pytest.approx((0.625 + 0.5 + 0.625) / 3, abs=1e-15)
    assert row["F_mean"] == pytest.approx(1.5 / 3, abs=1e-15)
    assert row["JF_mean"] == pytest.approx((1.75 / 3 + 1.5 / 3) / 2, abs=1e-15)
    assert row["J_recall"] == pytest.approx(1.25 / 3, abs=1e-15)
    assert row["J_decay"] == pytest.approx(-0.75 / 3, abs=1e-15)
    assert (row["sequences"], row["objects"], row["frames"]) == (2, 3, 8)
    assert (row["run"], row["complete"]) == ("mine", False)


def test_speed_columns_follow_where_there_are_any(objects: pd.DataFrame) -> None:
    about = {**ABOUT, "device": "A processor", "fps": 12.5}
    summary = summary_table(objects, sequence_table(objects), about)
    assert summary.columns.tolist() == [*SUMMARY_COLUMNS, "fps", "device"]
    assert summary.loc[0, "fps"] == 12.5


def test_pooled_frames_are_one_long_sequence(frames: pd.DataFrame, objects: pd.DataFrame) -> None:
    """Twelve frames; the first and the last quarter have four and share none."""
    pooled = pooled_statistics(frames)
    assert pooled["J_mean"] == pytest.approx(7 / 12, abs=1e-15)
    assert pooled["J_recall"] == pytest.approx(5 / 12, abs=1e-15)
    assert pooled["J_decay"] == pytest.approx((1 + 0.75 + 0.5 + 0.25) / 4 - 2.5 / 4, abs=1e-15)
    summary = summary_table(objects, sequence_table(objects), ABOUT, pooled)
    assert summary.loc[0, STATISTICS].tolist() == pooled.tolist()
    assert summary.loc[0, "JF_mean"] == pytest.approx((7 / 12 + 0.5) / 2, abs=1e-15)


CATEGORIES = {
    "goat": {1: ObjectInfo("goat", frozenset()), 2: ObjectInfo("tractor", frozenset())},
    "bear": {1: ObjectInfo("bear", frozenset())},
}


def test_seen_and_unseen_are_means_over_objects(objects: pd.DataFrame) -> None:
    table = with_categories(objects, CATEGORIES, {"goat", "bear"})
    assert table["category"].tolist() == ["goat", "tractor", "bear"]
    assert table["seen"].tolist() == [True, False, True]
    means = seen_means(table)
    assert means == {
        "J_seen": 0.625,
        "J_unseen": 0.5,
        "F_seen": 0.25,
        "F_unseen": 1.0,
        "G": 0.59375,
    }
    summary = summary_table(table, sequence_table(table), {**ABOUT, **means, "fps": 1.0})
    assert summary.columns.tolist() == [*SUMMARY_COLUMNS, *SEEN_COLUMNS, "fps"]


def test_without_unseen_objects_there_is_no_overall_figure(objects: pd.DataFrame) -> None:
    means = seen_means(with_categories(objects, CATEGORIES, {"goat", "bear", "tractor"}))
    assert means["J_seen"] == pytest.approx(1.75 / 3)
    assert np.isnan([means["J_unseen"], means["G"]]).all()


def test_categories_that_are_not_known(objects: pd.DataFrame) -> None:
    assert with_categories(objects, {}, None) is objects
    table = with_categories(objects, CATEGORIES, None)
    assert "seen" not in table
    assert seen_means(table) == {}
    with pytest.raises(DatasetError, match=r"'goat'.* object 2, and meta.json does not say"):
        with_categories(objects, {**CATEGORIES, "goat": {1: ObjectInfo("x", frozenset())}}, None)


def test_one_object_may_have_fewer_frames_than_another(frames: pd.DataFrame) -> None:
    late = frames.drop(index=[4, 5, 6])  # of goat's second object only the last frame is left
    row = object_table(late).set_index(["sequence", "object"]).loc[("goat", 2)]
    assert (row["frames"], row["J_mean"], row["J_decay"]) == (1, 1.0, 0.0)


def test_csv_reads_back_bit_equal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    extremes = [0.1 + 0.2, 1 / 3, np.nextafter(1, 0), 1e-300, 1e-17, 1.0, 0.0]
    table = pd.DataFrame({"J": [*rng.random(500), *extremes]})
    write_csv(table, tmp_path / "a.csv")
    header, *lines = (tmp_path / "a.csv").read_text().splitlines()
    assert header == "J"
    assert [float(line).hex() for line in lines] == [value.hex() for value in table["J"]]


def test_four_files(frames: pd.DataFrame, objects: pd.DataFrame, tmp_path: Path) -> None:
    sequences = sequence_table(objects)
    scores = Scores(frames, objects, sequences, summary_table(objects, sequences, ABOUT))
    scores.write(tmp_path / "new/folder")
    written = sorted(path.name for path in (tmp_path / "new/folder").iterdir())
    assert written == ["frames.csv", "objects.csv", "sequences.csv", "summary.csv"]
    for name in written:
        read = pd.read_csv(tmp_path / "new/folder" / name, dtype={"frame": str})
        expected = getattr(scores, name.removesuffix(".csv"))
        pd.testing.assert_frame_equal(read, expected, check_dtype=False, rtol=1e-15)


def test_intervals_of_every_mean() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.random((12, 6)), columns=STATISTICS)
    table.insert(0, "sequence", np.repeat(["bear", "goat", "surf", "train"], 3))
    found = interval_table(table).set_index("statistic")
    assert list(found.index) == ["JF_mean", *STATISTICS]
    names = table["sequence"].to_numpy()
    both = ((table["J_mean"] + table["F_mean"]) / 2).to_numpy()
    for statistic, values in (("F_decay", table["F_decay"].to_numpy()), ("JF_mean", both)):
        assert tuple(found.loc[statistic]) == pytest.approx(mean_interval(values, names), abs=1e-12)


def test_intervals_of_seen_and_unseen() -> None:
    """Drawing both sequences of `seen` objects or one twice: means of 0.2 and 0.6 are the ends."""
    table = pd.DataFrame({name: [0.2, 0.6, 0.5, 0.5] for name in STATISTICS})
    table.insert(0, "sequence", ["a", "b", "c", "d"])
    table["seen"] = [True, True, False, False]
    found = interval_table(table).set_index("statistic")
    assert list(found.index[-5:]) == ["J_seen", "J_unseen", "F_seen", "F_unseen", "G"]
    assert tuple(found.loc["J_seen"]) == pytest.approx((0.2, 0.6))
    assert tuple(found.loc["F_unseen"]) == pytest.approx((0.5, 0.5))
    assert tuple(found.loc["G"]) == pytest.approx((0.35, 0.55))


def test_one_sequence_has_no_interval() -> None:
    table = pd.DataFrame({"sequence": ["a"], **{name: [0.5] for name in STATISTICS}})
    assert interval_table(table)[["low", "high"]].isna().all(axis=None)
