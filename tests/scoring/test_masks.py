"""Scoring hand-made masks: which frames and objects count, and what is refused."""

import os
import re
import signal
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import (
    DatasetError,
    MaskError,
    ResourceError,
    ResultError,
    UnknownNameError,
    VostoolError,
)
from vostool.metrics.boundary import contour_accuracy
from vostool.metrics.frame import frame_scores
from vostool.metrics.jaccard import region_similarity
from vostool.scoring.masks import FRAME_COLUMNS, evaluated_frames, score, score_sequence
from vostool.types import Sequence as Video

SIZE = (12, 40)
Score = Callable[..., tuple[pd.DataFrame, list[str]]]


def strip(*ids: int, part: float = 1.0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Give each id a square of its own; of `part` only the left share is painted."""
    labels = np.zeros(size, np.uint8)
    for object_id in ids:
        left = (object_id % 5) * 8
        labels[2:10, left : left + round(8 * part)] = object_id
    return labels


def renumbered(labels: np.ndarray, ids: dict[int, int]) -> np.ndarray:
    """Give objects other ids."""
    return np.array([ids.get(i, i) for i in range(256)], np.uint8)[labels]


@pytest.fixture
def truth_and_masks(tmp_path: Path, save_mask: Callable[..., Path]) -> Callable[..., None]:
    """Return a function that writes the ground truth and the predictions of one sequence."""

    def write(
        truth: Sequence[np.ndarray],
        predictions: Sequence[np.ndarray | None],
        name: str = "clip",
        mode: str = "P",
    ) -> None:
        (tmp_path / "masks" / name).mkdir(parents=True)
        for index, (true, predicted) in enumerate(zip(truth, predictions, strict=True)):
            file = f"{name}/{index:05d}.png"
            save_mask(tmp_path / "data/Annotations" / file, true, mode)
            if predicted is not None:
                save_mask(tmp_path / "masks" / file, predicted, mode)

    return write


@pytest.fixture
def scored(tmp_path: Path) -> Score:
    """Return a function that scores what `truth_and_masks` wrote."""

    def run(protocol: str = "davis", **options: int) -> tuple[pd.DataFrame, list[str]]:
        dataset = open_dataset(f"folder:{tmp_path / 'data'}", need_frames=False)
        options.setdefault("allow_trivial", True)
        return score(dataset, tmp_path / "masks", PROTOCOLS[protocol], **options)

    return run


def j_by_object(frames: pd.DataFrame) -> dict[int, dict[str, float]]:
    return {
        int(object_id): dict(zip(rows["frame"], rows["J"], strict=True))
        for object_id, rows in frames.groupby("object")
    }


# --- protocol davis ---


def test_first_and_last_frame_do_not_count(truth_and_masks, scored: Score) -> None:
    truth_and_masks([strip(1)] * 4, [None, strip(1), strip(1, part=0.5), None])
    frames, notes = scored()
    assert frames.columns.tolist() == FRAME_COLUMNS
    assert j_by_object(frames) == {1: {"00001": 1.0, "00002": 0.5}}
    assert notes == []


def test_rows_are_in_the_order_of_sequence_object_and_frame(truth_and_masks, scored) -> None:
    for name in ("b", "a"):
        truth_and_masks([strip(1, 2)] * 4, [strip(1, 2)] * 4, name)
    frames, _ = scored()
    keys = list(frames[["sequence", "object", "frame"]].itertuples(index=False, name=None))
    assert keys == sorted(keys)
    assert len(keys) == 2 * 2 * 2


def test_a_gap_in_the_ids_is_an_object_that_is_never_there(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1, 3)] * 4, [None, strip(1, 3), strip(1, 2, 3), None])
    frames, _ = scored()
    assert j_by_object(frames)[2] == {"00001": 1.0, "00002": 0.0}


def test_void_is_background(truth_and_masks, scored) -> None:
    truth = strip(1)
    truth[2:10, 16:24] = 255
    painted = np.where(truth == 255, 1, truth).astype(np.uint8)
    truth_and_masks([truth] * 3, [None, painted, None])
    assert j_by_object(scored()[0]) == {1: {"00001": 0.5}}


def test_late_objects_are_left_out_with_a_note(truth_and_masks, scored) -> None:
    late = [strip(1), strip(1, 4), strip(1, 4), strip(1)]
    truth_and_masks(late, late)
    frames, notes = scored("davis")
    assert frames["object"].unique().tolist() == [1]
    assert notes == ["Sequence 'clip': object 4 appears too late to be scored by protocol 'davis'."]


def test_a_late_object_with_a_low_id_counts_from_the_start(truth_and_masks, scored) -> None:
    truth_and_masks(
        [strip(2), strip(2), strip(1, 2), strip(1, 2)], [None, strip(1, 2), strip(1, 2), None]
    )
    assert j_by_object(scored()[0])[1] == {"00001": 0.0, "00002": 1.0}


@pytest.mark.parametrize("frames", [1, 2])
def test_fewer_than_three_frames(truth_and_masks, scored, frames: int) -> None:
    truth_and_masks([strip(1)] * frames, [strip(1)] * frames)
    with pytest.raises(DatasetError, match=f"'clip' has masks of {frames} of .*Leave the seq"):
        scored()


def test_no_object_in_the_first_frame(truth_and_masks, scored) -> None:
    truth_and_masks([strip()] + [strip(1)] * 3, [strip(1)] * 4)
    with pytest.raises(DatasetError, match="has no object"):
        scored()


def test_binary_truth_in_a_folder_is_one_object(truth_and_masks, scored) -> None:
    """As in DAVIS 2016; predictions may be binary, too, or hold ids."""
    truth_and_masks([strip(255)] * 4, [None, strip(255, part=0.5), strip(5), None], mode="L")
    assert j_by_object(scored()[0]) == {1: {"00001": 0.5, "00002": 1.0}}


# --- protocol after_first ---


def test_after_first_counts_the_last_frame(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 3, [None, strip(1), strip(1, part=0.25)])
    assert j_by_object(scored("after_first")[0]) == {1: {"00001": 1.0, "00002": 0.25}}


def test_after_first_scores_a_late_object_from_its_next_frame(truth_and_masks, scored) -> None:
    truth = [strip(1), strip(1), strip(1, 4), strip(1, 4), strip(1, 4)]
    masks = [None, strip(1), strip(1), strip(1, 4, part=0.5), strip(1)]
    truth_and_masks(truth, masks)
    frames, notes = scored("after_first")
    assert j_by_object(frames) == {
        1: {"00001": 1.0, "00002": 1.0, "00003": 0.5, "00004": 1.0},
        4: {"00003": 0.5, "00004": 0.0},
    }
    assert notes == []


def test_after_first_counts_the_frames_where_an_object_has_gone(truth_and_masks, scored) -> None:
    truth = [strip(1, 2), strip(1, 2), strip(1), strip(1), strip(1, 2)]
    masks = [None, strip(1, 2), strip(1), strip(1, 2), strip(1, 2)]
    truth_and_masks(truth, masks)
    gone = j_by_object(scored("after_first")[0])[2]
    assert gone == {"00001": 1.0, "00002": 1.0, "00003": 0.0, "00004": 1.0}


def test_painting_an_object_before_it_exists_is_no_error(truth_and_masks, scored) -> None:
    truth = [strip(1), strip(1), strip(1, 4), strip(1, 4)]
    truth_and_masks(truth, [strip(1, 4)] * 4)
    assert j_by_object(scored("after_first")[0])[4] == {"00003": 1.0}


def test_after_first_has_no_ghosts(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1, 3)] * 3, [strip(1, 3)] * 3)
    assert sorted(j_by_object(scored("after_first")[0])) == [1, 3]


def test_after_first_needs_only_two_frames(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 2, [strip(1)] * 2)
    assert j_by_object(scored("after_first")[0]) == {1: {"00001": 1.0}}


def test_sparse_annotations_count_where_they_are() -> None:
    video = Video("v", tuple(Path(f"{i}.jpg") for i in range(9)), {0: Path(), 4: Path(), 8: Path()})
    assert evaluated_frames(video, PROTOCOLS["davis"]) == [4]
    assert evaluated_frames(video, PROTOCOLS["after_first"]) == [4, 8]


# --- which frames of a late object count, by the other protocols ---


@pytest.mark.parametrize(
    ("protocol", "first", "late"),
    [
        ("after_first", [1, 2, 3], [3]),
        ("after_first_skip_last", [1, 2], []),
        ("from_first", [0, 1, 2, 3], [2, 3]),
        ("all_frames", [0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_frames_of_a_late_object(
    truth_and_masks, scored, protocol: str, first: list[int], late: list[int]
) -> None:
    truth = [strip(1), strip(1), strip(1, 4), strip(1, 4)]
    truth_and_masks(truth, truth)
    frames, _ = scored(protocol)
    found = {i: [int(name) for name in rows] for i, rows in j_by_object(frames).items()}
    assert found == {1: first} | ({4: late} if late else {})


def test_all_frames_counts_what_is_painted_too_early(truth_and_masks, scored) -> None:
    truth = [strip(1), strip(1), strip(1, 4)]
    truth_and_masks(truth, [strip(1), strip(1, 4), strip(1, 4)])
    late = j_by_object(scored("all_frames")[0])[4]
    assert late == {"00000": 1.0, "00001": 0.0, "00002": 1.0}


def test_listed_frames_need_a_list(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3)
    with pytest.raises(DatasetError, match=r"no meta.json .*'clip'.*another --protocol"):
        scored("meta_frames_after_first")


# --- protocol davis-unsupervised ---


def test_proposals_are_given_to_the_objects_they_fit(truth_and_masks, scored) -> None:
    """The ids 9 and 4 stand for the objects 1 and 2; every frame counts."""
    truth_and_masks([strip(1, 2)] * 2, [renumbered(strip(1, 2, part=0.5), {1: 9, 2: 4})] * 2)
    frames, _ = scored("davis-unsupervised")
    half = {"00000": 0.5, "00001": 0.5}
    assert j_by_object(frames) == {1: half, 2: half}


def test_a_proposal_serves_one_object(truth_and_masks, scored) -> None:
    """Object 2 is left without one: 0 where it is, 1 where it is not."""
    one = renumbered(strip(1, 2), {1: 7, 2: 7})
    truth_and_masks([strip(1, 2), strip(1, 2), strip(1)], [one, one, strip(7)[:, ::-1]])
    frames, _ = scored("davis-unsupervised")
    assert j_by_object(frames) == {
        1: {"00000": 0.5, "00001": 0.5, "00002": 0.0},
        2: {"00000": 0.0, "00001": 0.0, "00002": 1.0},
    }


def test_void_is_taken_out_of_both_masks(truth_and_masks, scored) -> None:
    truth = strip(1)
    truth[:, 12:] = 255
    painted = strip(1)
    painted[2:10, 12:30] = 1
    truth_and_masks([truth], [painted])
    frames, _ = scored("davis-unsupervised")
    assert frames[["J", "F"]].to_numpy().tolist() == [[1.0, 1.0]]


def test_twenty_proposals_at_most(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)], [renumbered(strip(1), {1: 20})])
    assert j_by_object(scored("davis-unsupervised")[0]) == {1: {"00000": 1.0}}


@pytest.mark.parametrize("proposal", [21, 255])
def test_more_than_twenty_proposals(truth_and_masks, scored, proposal: int) -> None:
    truth_and_masks([strip(1)], [renumbered(strip(1), {1: proposal})])
    message = rf"00000\.png holds the id {proposal}, .* at most 20 proposals.*Renumber"
    with pytest.raises(ResultError, match=message):
        scored("davis-unsupervised")


def test_without_its_own_ground_truth_a_note_says_so(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)], [strip(1)])
    (note,) = scored("davis-unsupervised")[1]
    assert re.search("Annotations_unsupervised is not there.*not comparable", note)


def test_its_own_ground_truth_goes_first(truth_and_masks, scored, save_mask, tmp_path) -> None:
    truth_and_masks([strip(1)], [strip(2)])
    save_mask(tmp_path / "data/Annotations_unsupervised/clip/00000.png", strip(2))
    frames, notes = scored("davis-unsupervised")
    assert j_by_object(frames)[2] == {"00000": 1.0}
    (note,) = notes
    assert "1 of the ids 1 to 2" in note  # nothing about the ground truth


def test_its_own_ground_truth_must_be_whole(truth_and_masks, scored, tmp_path: Path) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3)
    (tmp_path / "data/Annotations_unsupervised/clip").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"3 of 3 masks missing.*_unsupervised.*Unpack"):
        scored("davis-unsupervised")


# --- protocol pooled ---


def test_pooled_merges_objects_and_counts_every_frame(truth_and_masks, scored) -> None:
    """Whatever the ids are; frames with nothing in either mask are 1."""
    truth = [strip(1, 2), strip(1), strip(), strip(1, 2)]
    masks = [strip(1, 2), strip(3), strip(), strip(1)]
    truth_and_masks(truth, [masks[0], renumbered(strip(1), {1: 9}), *masks[2:]])
    frames, notes = scored("pooled")
    assert j_by_object(frames) == {1: {"00000": 1.0, "00001": 1.0, "00002": 1.0, "00003": 0.5}}
    assert notes == []


# --- cropping to the objects changes nothing ---


@st.composite
def label_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(npst.array_shapes(min_dims=2, max_dims=2, max_side=14))
    maps = npst.arrays(np.uint8, shape, elements=st.integers(0, 2), fill=st.just(0))
    return draw(maps), draw(maps)


@settings(deadline=None)
@given(label_pairs())
def test_scores_equal_those_of_the_whole_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, truth = pair
    for object_id, j, f in frame_scores(prediction, truth, [1, 2, 3]):
        ours, theirs = prediction == object_id, truth == object_id
        assert j == region_similarity(ours, theirs)
        assert f == contour_accuracy(ours, theirs, 1)


def test_the_tolerance_is_that_of_the_whole_image() -> None:
    """A small object in a frame of 480p is matched within 8 pixels."""
    truth, prediction = np.zeros((2, 480, 854), np.uint8)
    truth[100:110, 100:110] = 1
    prediction[108:118, 100:110] = 1
    ((_, _, near),) = frame_scores(prediction, truth, [1])
    prediction = np.roll(prediction, 20, axis=0)
    ((_, _, far),) = frame_scores(prediction, truth, [1])
    assert near == 1
    assert far == 0


# --- several processes ---


@pytest.fixture
def three(plain_folder) -> tuple[Dataset, Path]:
    """Return a ground truth of three sequences, and predictions of it."""
    truth = open_dataset(f"folder:{plain_folder(('a', 'b', 'c'))}")
    return truth, plain_folder(("a", "b", "c"), folder="masks", seed=5) / "Annotations"


def test_two_workers_score_like_one(three) -> None:
    alone = score(*three, PROTOCOLS["davis"], workers=1)
    shared_out = score(*three, PROTOCOLS["davis"], workers=2)
    pd.testing.assert_frame_equal(alone[0], shared_out[0])
    assert 0 < alone[0]["J"].mean() < 1


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kept", [0, 40, -5])
def test_a_damaged_mask_in_the_middle(three, workers: int, kept: int) -> None:
    truth, masks = three
    path = masks / "b/00003.png"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(MaskError, match=r"b/00003\.png cannot be read"):
        score(truth, masks, PROTOCOLS["davis"], workers=workers)


class Deadly(Dataset):
    """A dataset whose sequence b kills the process that scores it, as the system may."""

    def check_truth(self, sequence: Video) -> None:
        if sequence.name == "b":
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_worker_that_dies_at_work(three) -> None:
    truth, masks = three
    deadly = Deadly(**{field.name: getattr(truth, field.name) for field in fields(truth)})
    with pytest.raises(ResourceError, match=r"A worker process died while scoring.*--workers"):
        score(deadly, masks, PROTOCOLS["davis"], workers=2)


# --- what is refused ---


def test_the_folder_does_not_exist(truth_and_masks, tmp_path: Path) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3)
    dataset = open_dataset(f"folder:{tmp_path / 'data'}", need_frames=False)
    with pytest.raises(ResultError, match="nowhere does not exist"):
        score(dataset, tmp_path / "nowhere", PROTOCOLS["davis"])


def test_a_missing_sequence(truth_and_masks, scored, tmp_path: Path) -> None:
    for name in ("a", "b"):
        truth_and_masks([strip(1)] * 3, [strip(1)] * 3, name)
    (tmp_path / "masks/b").rename(tmp_path / "masks/beta")
    with pytest.raises(ResultError, match=r"lacks 1 of 2 sequences: b.*--sequences"):
        scored()


def test_another_folder_altogether(truth_and_masks, scored, tmp_path: Path) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3)
    (tmp_path / "masks/clip").rename(tmp_path / "masks/480p")
    with pytest.raises(ResultError, match=r"no folder for any of the 1 sequences.*It has 480p"):
        scored()


def test_missing_frames(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 6, [strip(1), None, strip(1), None, strip(1), strip(1)])
    with pytest.raises(ResultError, match=r"lacks 2 of 4 masks .00001\.png, 00003\.png"):
        scored()


def test_extra_frames_are_ignored(truth_and_masks, scored, save_mask, tmp_path: Path) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3)
    save_mask(tmp_path / "masks/clip/00099.png", strip(7))
    assert len(scored()[0]) == 1


@pytest.mark.parametrize("size", [(40, 12), (12, 39), (24, 80)])
def test_another_size(truth_and_masks, scored, size: tuple[int, int]) -> None:
    truth_and_masks([strip(1)] * 3, [None, np.zeros(size, np.uint8), None])
    with pytest.raises(ResultError, match=f"is {size[1]}x{size[0]}, the ground truth is 40x12"):
        scored()


WITH_IDS = [
    p.name
    for p in PROTOCOLS.values()
    if not (p.proposals or p.listed_only or p.objects == "foreground")
]


@pytest.mark.parametrize("protocol", WITH_IDS)
def test_an_id_the_ground_truth_lacks(truth_and_masks, scored, protocol: str) -> None:
    truth_and_masks([strip(1, 2)] * 4, [strip(1), strip(1), strip(1, 9), strip(1)])
    with pytest.raises(ResultError, match=r"00002\.png holds the ids \[9\].*Renumber"):
        scored(protocol)


def test_a_binary_prediction_of_ids(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 3, [None, strip(255), None])
    with pytest.raises(ResultError, match=r"\[255\].*--dataset DAVIS2016"):
        scored()


def test_a_strange_id_in_a_frame_that_does_not_count(truth_and_masks, scored) -> None:
    truth_and_masks([strip(1)] * 3, [strip(9), strip(1), strip(9)])
    assert j_by_object(scored()[0]) == {1: {"00001": 1.0}}


def test_smoothed_ground_truth_is_refused(truth_and_masks, scored) -> None:
    """Greys between 0 and 255 must not become hundreds of objects that nobody predicts."""
    smooth = strip(255)
    smooth[1], smooth[10] = smooth[2] // 3, smooth[9] // 2
    truth_and_masks([smooth] * 4, [strip()] * 4, mode="L")
    with pytest.raises(VostoolError):
        scored()


def test_255_means_the_same_on_every_frame(truth_and_masks, scored) -> None:
    """Binary masks that have a rim of 1 from the second frame on, in the truth or the result."""
    rimmed = strip(255)
    rimmed[1], rimmed[10] = 1, 1
    truth_and_masks([strip(255), *[rimmed] * 3], [strip(255)] * 4, mode="L")
    frames, notes = scored(allow_trivial=True)
    assert frames["J"].tolist() == pytest.approx([64 / (64 + 2 * 40)] * 2)
    assert any("255" in note and "foreground" in note for note in notes)


def test_unknown_sequence(truth_and_masks, tmp_path: Path) -> None:
    truth_and_masks([strip(1)] * 3, [strip(1)] * 3, "blackswan")
    with pytest.raises(UnknownNameError, match="Did you mean 'blackswan'"):
        open_dataset(f"folder:{tmp_path / 'data'}", sequences=["blakswan"], need_frames=False)


def test_an_object_seen_only_on_the_last_frame_is_noted(truth_and_masks, scored) -> None:
    truth = [strip(1)] * 3
    truth_and_masks([*truth, strip(1, 2)], [*truth, strip(1, 2)])
    frames, notes = scored("after_first")
    assert set(frames["object"]) == {1}
    assert "object 2 appears too late" in notes[0]


# --- memory ---


def test_memory_does_not_grow_with_the_number_of_frames(plain_folder) -> None:
    """Thirty more pairs of label maps, of 60 kB each, must not be held at the same time."""
    truth = open_dataset(f"folder:{plain_folder(('a',), 45, size=(200, 300), objects=6)}")
    masks = plain_folder(("a",), 45, size=(200, 300), objects=6, folder="masks", seed=5)
    (whole,) = truth.sequences
    peaks = []
    for frames in (40, 10, 40):  # the first time modules, caches and buffers are filled
        part = {index: whole.annotations[index] for index in range(frames)}
        tracemalloc.start()
        score_sequence(
            truth, replace(whole, annotations=part), masks / "Annotations/a", PROTOCOLS["davis"]
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 200_000, peaks


def test_ids_that_are_scored_without_an_object_are_named(truth_and_masks, scored) -> None:
    truth_and_masks([strip(2)] * 3, [strip(2)] * 3)
    frames, notes = scored("davis")
    assert j_by_object(frames) == {1: {"00001": 1.0}, 2: {"00001": 1.0}}
    (note,) = notes
    assert "its first frame has 1 of the ids 1 to 2" in note
    assert "(1)" in note
