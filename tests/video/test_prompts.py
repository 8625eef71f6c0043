"""Prompts as a user writes them, on the command line and in files."""

import json
from pathlib import Path

import numpy as np
import pytest

from vostool.errors import MaskError, UsageError
from vostool.types import Box
from vostool.video.prompt_files import PromptFile
from vostool.video.prompts import Given, Prompts, When, parse_box, parse_mask

SIZE = (100, 200)


@pytest.mark.parametrize(
    ("text", "box", "when", "number"),
    [
        ("10,20,30,40", (10, 20, 30, 40), When(0), None),
        (" 10, 20.5 ,30,40@120", (10, 20.5, 30, 40), When(120), None),
        ("10,20,30,40@12.5s", (10, 20, 30, 40), When(None, 12.5), None),
        ("10%,20%,30%,40%@0s", (20, 20, 60, 40), When(None, 0), None),
        ("50%,10,25%,20", (100, 10, 50, 20), When(0), None),
        ("7:10,20,30,40@3", (10, 20, 30, 40), When(3), 7),
        ("-10,-10,30,40", (0, 0, 20, 30), When(0), None),
        ("180,90,100,100", (180, 90, 20, 10), When(0), None),
    ],
)
def test_boxes(text: str, box: tuple, when: When, number: int | None) -> None:
    given = parse_box(text)
    assert (given.when, given.object_id) == (when, number)
    (prompt,) = Prompts([given], SIZE)
    assert prompt.box == Box(*box)
    assert prompt.object_id == (number or 1)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("1,2,3", "X,Y,W,H"),
        ("a,b,c,d", "X,Y,W,H"),
        ("1,2,3,4,5", "X,Y,W,H"),
        ("1,2,0,4", "empty"),
        ("1,2,3,-4", "empty"),
        ("1,2,3,4@x", "@120"),
        ("1,2,3,4@-1", "@120"),
        ("0:1,2,3,4", "1 to 254"),
        ("255:1,2,3,4", "1 to 254"),
    ],
)
def test_boxes_that_are_none(text: str, fact: str) -> None:
    with pytest.raises(UsageError, match=fact) as raised:
        parse_box(text)
    assert text in str(raised.value)


@pytest.mark.parametrize("text", ["200,10,20,20", "10,100,5,5", "-30,0,30,10", "199.5,0,20,20"])
def test_boxes_outside_of_the_frame(text: str) -> None:
    with pytest.raises(UsageError, match=r"outside .* 200x100"):
        Prompts([parse_box(text)], SIZE)


def test_ids_are_given_in_order_and_not_twice() -> None:
    texts = ("1,1,9,9", "2:2,2,9,9", "3,3,9,9", "4,4,9,9@5")
    prompts = Prompts(map(parse_box, texts), SIZE)
    assert [prompt.object_id for prompt in prompts] == [1, 2, 3, 4]
    assert prompts.ids == (1, 2, 3, 4)


def test_each_is_handed_out_once_when_its_frame_comes() -> None:
    texts = ("1,1,9,9", "2,2,9,9@2", "3,3,9,9@0.1s", "1:5,5,9,9@4")
    prompts = Prompts(map(parse_box, texts), SIZE)
    seen = [[(p.object_id, p.frame_index) for p in prompts.at(i, i * 0.04)] for i in range(6)]
    assert seen == [[(1, 0)], [], [(2, 2)], [(3, 3)], [(1, 4)], []]
    assert prompts.unused() == []


def test_of_two_on_one_frame_the_later_counts() -> None:
    prompts = Prompts(map(parse_box, ("1:1,1,9,9", "1:5,5,9,9")), SIZE)
    assert [prompt.box.x for prompt in prompts.at(0, 0)] == [5]


def test_frames_after_the_end() -> None:
    with pytest.raises(UsageError, match=r"@10.* 10 frames, 0 to 9"):
        Prompts([parse_box("1,1,9,9@10")], SIZE, 10)
    prompts = Prompts([parse_box("1,1,9,9@50s")], SIZE, 10)
    prompts.at(9, 0.36)
    assert prompts.unused() == ["--box 1,1,9,9@50s (50 s)"]


def test_no_object() -> None:
    with pytest.raises(UsageError, match=r"--box .* --mask"):
        Prompts([], SIZE)


def labels_of(values: dict[int, tuple[slice, slice]]) -> np.ndarray:
    labels = np.zeros(SIZE, np.uint8)
    for value, where in values.items():
        labels[where] = value
    return labels


def test_masks_of_several_objects(tmp_path: Path, save_mask) -> None:
    path = save_mask(tmp_path / "a@b.png", labels_of({2: np.s_[10:20, 30:50], 5: np.s_[50:60, :9]}))
    first, second = Prompts([parse_mask(f"{path}@7")], SIZE)
    assert (first.object_id, first.box) == (2, Box(30, 10, 20, 10))
    assert first.mask is not None
    assert first.mask.sum() == 200
    assert second.object_id == 5
    assert parse_mask(str(path)) == Given(f"--mask {path}", When(0), mask=path)


def test_a_mask_of_black_and_white(tmp_path: Path, save_mask) -> None:
    path = save_mask(tmp_path / "a.png", labels_of({255: np.s_[10:20, 30:50]}), mode="L")
    (prompt,) = Prompts([parse_mask(str(path))], SIZE)
    assert (prompt.object_id, prompt.box) == (1, Box(30, 10, 20, 10))


@pytest.mark.parametrize(
    ("labels", "fact"),
    [(np.zeros(SIZE, np.uint8), "no object"), (np.ones((50, 50), np.uint8), "50x50.* 200x100")],
)
def test_masks_that_do_not_fit(tmp_path: Path, save_mask, labels: np.ndarray, fact: str) -> None:
    path = save_mask(tmp_path / "a.png", labels)
    with pytest.raises(UsageError, match=fact):
        Prompts([parse_mask(str(path))], SIZE)


def test_a_mask_that_is_absent_or_colored(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="does not exist"):
        Prompts([parse_mask(str(tmp_path / "a.png"))], SIZE)


ROWS = [
    {"frame": 0, "id": 1, "box": [10, 20, 30, 40], "name": "dog"},
    {"time": 2.5, "id": 2, "mask": "cat.png"},
    {"frame": 4, "box": ["10%", "20%", "30%", "40%"]},
]
CSV = """video,frame,id,box,mask,name
clip.mp4,0,1,10 20 30 40,,dog
clip.mp4,2.5s,2,,cat.png,
clip.mp4,4,,"10%,20%,30%,40%",,
"""


@pytest.mark.parametrize("kind", ["json", "csv", "list"])
def test_files(tmp_path: Path, save_mask, kind: str) -> None:
    save_mask(tmp_path / "cat.png", labels_of({1: np.s_[10:20, 30:50]}))
    path = tmp_path / ("prompts.csv" if kind == "csv" else "prompts.json")
    path.write_text(
        CSV if kind == "csv" else json.dumps(ROWS if kind == "list" else {"clip": ROWS})
    )
    prompts = Prompts(PromptFile(path).of(Path("films/clip.mp4")), SIZE)
    dog, cat, other = prompts
    assert (dog.object_id, dog.box) == (1, Box(10, 20, 30, 40))
    assert (cat.object_id, cat.box) == (2, Box(30, 10, 20, 10))
    assert (other.object_id, other.box) == (3, Box(20, 20, 60, 40))
    assert prompts.names == {1: "dog"}
    assert [len(prompts.at(i, i)) for i in range(6)] == [1, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("a.json", "{", "no JSON"),
        ("a.json", "3", "must be"),
        ("a.json", "[]", "no entry"),
        ("a.json", '[{"frame": 0}]', "entry 1 needs a box or a mask"),
        ("a.json", '[{"box": [1, 2, 3, 4], "mask": "a.png"}]', "and not both"),
        ("a.json", '[{"box": [1, 2, 3]}]', r"entry 1.*four numbers.*\[1, 2, 3\]"),
        ("a.json", '[{"box": [1, 2, 3, "x"]}]', "four numbers"),
        ("a.json", '[{"box": [1, 2, 3, 4], "id": "x"}]', "id is a number"),
        ("a.json", '[{"box": [1, 2, 3, 4], "id": 300}]', "1 to 254"),
        ("a.json", '[{"box": [1, 2, 3, 4], "frame": "x"}]', "@120"),
        ("a.json", '[{"box": [1, 2, 3, 4], "time": "x"}]', "in seconds"),
        ("a.json", '[{"box": [1, 2, 3, 4], "foo": 1}]', "no key 'foo'"),
        ("a.csv", "frame,id\n0,1\n", "columns"),
        ("a.csv", "frame,box\n0,1,2,3,4\n", "line 2 has more cells"),
        ("a.csv", "video,box\nother.mp4,1 2 3 4\n", r"no prompts for clip\.mp4.*other\.mp4"),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, name: str, text: str, fact: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=fact) as raised:
        PromptFile(tmp_path / name).of("clip.mp4")
    assert name in str(raised.value)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.json cannot be read"):
        PromptFile(tmp_path / "a.json")
