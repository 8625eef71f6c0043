"""Two runs against each other: hand-made scores whose differences are known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vostool.errors import ResultError, UsageError
from vostool.scoring.compare import Comparison, compare_scores
from vostool.scoring.read import Scored

ABOUT = {"dataset": "DAVIS2017", "split": "val", "protocol": "davis", "init": "mask"}


def scored(
    name: str, j: dict[str, list[float]], shift: float = 0, frames: int = 10, **about: Any
) -> Scored:
    """Return scores with the given J per sequence and object, and F higher by `shift`."""
    rows = [
        (sequence, number, frames, (2 * value + shift) / 2, value, value + shift)
        for sequence, values in j.items()
        for number, value in enumerate(values, start=1)
    ]
    objects = pd.DataFrame(rows, columns=["sequence", "object", "frames", "JF", "J", "F"])
    return Scored(name, Path(name), objects, {**ABOUT, **about})


A = {"bear": [0.5], "goat": [0.25, 0.75], "surf": [0.5]}
B = {"bear": [0.75], "goat": [0.25, 0.5], "surf": [0.5]}


def random_scores(name: str, gain: float, noise: float, count: int = 20) -> Scored:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.9, count)
    spread = rng.normal(size=count)
    values = base + gain + noise * (spread - spread.mean())
    return scored(name, {f"s{i:02d}": [value] for i, value in enumerate(values)})


def test_means_are_over_objects() -> None:
    overall = {
        each.measure: each for each in compare_scores(scored("a", A), scored("b", B)).overall
    }
    assert list(overall) == ["JF", "J", "F"]
    assert overall["J"].first == 0.5
    assert overall["J"].second == 0.5
    assert overall["J"].paired.difference == 0


def test_j_and_f_are_told_apart() -> None:
    comparison = compare_scores(scored("a", A), scored("b", B, shift=0.125))
    differences = {each.measure: each.paired.difference for each in comparison.overall}
    assert differences == {"JF": 0.0625, "J": 0, "F": 0.125}


def test_sequences_are_sorted_by_what_b_gains() -> None:
    table = compare_scores(scored("a", A), scored("b", B)).sequences
    assert table["sequence"].tolist() == ["bear", "surf", "goat"]
    assert table["objects"].tolist() == [1, 1, 2]
    assert table["JF_difference"].tolist() == [0.25, 0, -0.125]
    assert table["J_first"].tolist() == [0.5, 0.5, 0.5]
    assert table["F_second"].tolist() == [0.75, 0.5, 0.375]


def test_the_order_of_the_files_does_not_matter() -> None:
    turned = scored("b", dict(reversed(B.items())))
    ours = compare_scores(scored("a", A), turned)
    assert ours.overall == compare_scores(scored("a", A), scored("b", B)).overall


@pytest.mark.parametrize(
    ("gain", "noise", "count", "verdict"),
    [
        (0.05, 0.01, 20, "better"),
        (-0.05, 0.01, 20, "better"),
        (0.003, 0.05, 20, "chance"),
        (0.05, 0.01, 4, "unsure"),  # p cannot be below 2 / 16
        (0.05, 0.01, 1, "unsure"),
        (0, 0, 20, "same"),
        (0, 0, 1, "same"),
    ],
)
def test_verdicts(gain: float, noise: float, count: int, verdict: str) -> None:
    first = random_scores("a", 0, 0, count)
    assert (
        compare_scores(first, random_scores("b", gain, noise, count)).overall[0].verdict == verdict
    )


def test_differences_that_cancel_are_not_the_same() -> None:
    comparison = compare_scores(
        scored("a", {"bear": [0.5], "goat": [0.5]}), scored("b", {"bear": [0.25], "goat": [0.75]})
    )
    assert comparison.overall[0].paired.difference == 0
    assert comparison.overall[0].verdict == "chance"


def test_notes() -> None:
    def notes(**about: Any) -> str:
        return " ".join(compare_scores(scored("a", A), scored("b", B, **about)).notes)

    assert "3 sequences are few" in notes()
    assert "p is at least 0.250" in notes()
    assert "starts from a mask, 'b' from a box" in notes(init="box")
    assert "not told the same" not in notes()
    many = compare_scores(random_scores("a", 0, 0), random_scores("b", 0.1, 0.1))
    assert many.notes == ()


def test_a_note_where_the_protocol_averages_otherwise() -> None:
    def notes(mean: float) -> str:
        first = scored("a", A, objects=4, JF_mean=mean)
        return " ".join(compare_scores(first, scored("b", B)).notes)

    assert "averages otherwise" not in notes(0.5)
    assert "averages otherwise" in notes(0.625)


def test_names_and_title() -> None:
    comparison = compare_scores(scored("a", A), scored("b", B))
    assert (comparison.first, comparison.second) == ("a", "b")
    assert comparison.title == "DAVIS2017 val, protocol davis"


def test_runs_of_one_name_are_called_by_their_folders() -> None:
    one, two = scored("mine", A), scored("mine", B)
    two = Scored("mine", Path("elsewhere/mine"), two.objects, two.about)
    comparison = compare_scores(one, two)
    assert (comparison.first, comparison.second) == ("mine", str(Path("elsewhere/mine")))


# --- what does not compare ---


def refused(first: Scored, second: Scored) -> str:
    with pytest.raises(ResultError) as caught:
        compare_scores(first, second)
    return str(caught.value)


@pytest.mark.parametrize("key", ["dataset", "split", "protocol"])
def test_scored_otherwise(key: str) -> None:
    message = refused(scored("a", A), scored("b", B, **{key: "other"}))
    assert f"{key} {ABOUT[key]}, 'b' with other" in message
    assert f"--{key} {ABOUT[key]}" in message
    assert "`vostool eval --dataset DAVIS2017" in message


def test_other_sequences() -> None:
    message = refused(scored("a", A), scored("b", {**B, "train": [1.0]}))
    assert "only 'b' has train" in message
    assert "only 'a'" not in message
    assert "--sequences bear,goat,surf" in message


def test_no_sequence_in_common() -> None:
    message = refused(scored("a", A), scored("b", {"train": [1.0]}))
    assert "only 'a' has bear, goat, surf; only 'b' has train" in message
    assert "--sequences" not in message


def test_other_objects() -> None:
    assert "objects or frames of goat" in refused(scored("a", A), scored("b", {**B, "goat": [1.0]}))


def test_other_frames() -> None:
    assert "frames of bear, goat, surf" in refused(scored("a", A), scored("b", B, frames=9))


def test_the_same_scores_twice() -> None:
    with pytest.raises(UsageError, match="two different runs"):
        compare_scores(scored("a", A), scored("a", A))


# --- on the screen ---


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    from vostool.report.terminal.masks import show_comparison

    def show(comparison: Comparison, most: int | None = 5) -> str:
        show_comparison(comparison, most)
        return capsys.readouterr().out

    return show


def test_the_sentence(shown: Callable[..., str]) -> None:
    clear = compare_scores(random_scores("a", 0, 0), random_scores("b", 0.05, 0.01))
    assert "b is better by 5.0 J&F: 100 % of resamplings of the sequences agree" in shown(clear)
    worse = compare_scores(random_scores("a", 0, 0), random_scores("b", -0.05, 0.01))
    assert "a is better by 5.0 J&F" in shown(worse)
    vague = compare_scores(random_scores("a", 0, 0), random_scores("b", 0.003, 0.05))
    size = f"{100 * abs(vague.overall[0].paired.difference):.1f}"
    assert f"The difference of {size} J&F is within what the choice of sequences" in shown(vague)
    few = compare_scores(random_scores("a", 0, 0, 4), random_scores("b", 0.05, 0.01, 4))
    assert "b is ahead by 5.0 J&F, but 4 sequences are too few" in shown(few)
    same = compare_scores(random_scores("a", 0, 0), random_scores("b", 0, 0))
    assert "a and b do not differ in J&F" in shown(same)


def test_the_tables(shown: Callable[..., str]) -> None:
    text = shown(compare_scores(scored("a", A), scored("b", B, shift=0.125)))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert ["J mean", "50.0", "50.0", "0.0", "-12.5 to +25.0", "1.000"] in rows
    assert ["bear", "50.0", "81.2", "+31.2", "+25.0", "+37.5"] in rows


def test_gains_then_losses_the_biggest_of_each_first(shown: Callable[..., str]) -> None:
    comparison = compare_scores(random_scores("a", 0, 0), random_scores("b", 0, 0.1))
    table = comparison.sequences
    gains = table[table["JF_difference"] > 0]["sequence"].tolist()
    losses = table[table["JF_difference"] < 0]["sequence"].tolist()[::-1]
    assert min(len(gains), len(losses)) > 3

    def names(most: int | None) -> list[str]:
        lines = shown(comparison, most).splitlines()
        return [line.split()[1] for line in lines if line.startswith("│ s")]

    assert names(None) == gains + losses
    assert names(2) == gains[:2] + losses[:2]
    assert names(10) == gains + losses
    assert "(16 more, see --all)" in shown(comparison, 2)


def test_on_how_many_frames_each_is_ahead(shown: Callable[..., str]) -> None:
    def with_frames(run: Scored, values: list[float]) -> Scored:
        frames = pd.DataFrame(
            {"sequence": "bear", "object": 1, "frame": ["1", "2", "3", "4"], "JF": values}
        )
        return replace(run, frames=frames)

    first = with_frames(scored("a", {"bear": [0.5]}), [0.5, 0.5, 0.5, 0.5])
    second = with_frames(scored("b", {"bear": [0.6]}), [0.4, 0.5, 0.75, 0.75])
    comparison = compare_scores(first, second)
    row = comparison.sequences.iloc[0]
    assert (row["first_ahead"], row["second_ahead"]) == (0.25, 0.5)
    assert "25 % │" in shown(comparison)
    unknown = compare_scores(replace(first, frames=pd.DataFrame()), second)
    assert "second_ahead" not in unknown.sequences
