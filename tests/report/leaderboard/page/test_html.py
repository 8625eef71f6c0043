"""The page holds the numbers of the csv files, only text where there should be text, and no more
bytes than it may."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.conftest import ODD_NAME, draw_run
from vostool.environment import sha256_of
from vostool.errors import UsageError
from vostool.report.format import SCORES, percent, rate
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.page.budget import Filled, Frames, filled_page, safe_name, shown
from vostool.report.leaderboard.page.clips import pack_labels
from vostool.report.leaderboard.page.data import NONE, digits
from vostool.runs.folder import RunFolder
from vostool.workspace import Workspace

MB = 1_000_000


class Page(HTMLParser):
    """What a browser makes of the file: its elements, and the text of its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.blocks: dict[str, Any] = {}
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append(tag)
        self.links += [str(found[key]) for key in ("src", "href") if key in found]
        self._inside = str(found.get("id")) if tag == "script" else ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("", "None"):
            self.blocks[self._inside] = json.loads(data)
            self._inside = ""


def page_of(home: Path, frames: Frames = "none", budget: int = 15 * MB) -> Filled:
    sections = [section for section in collect(home / "results") if section.own]
    return filled_page([shown(each, Workspace(home)) for each in sections], frames, budget)


def unpacked(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """Unpack label maps as the page's script does."""
    packed = zlib.decompress(base64.b64decode(text))
    runs = int.from_bytes(packed[:4], "little")
    lengths, length, shift = [], 0, 0
    for byte in packed[4 + runs :]:
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            lengths.append(length)
            length = shift = 0
    return np.repeat(np.frombuffer(packed[4 : 4 + runs], np.uint8), lengths).reshape(shape)


def test_scores_are_those_of_the_summary(tmp_path: Path) -> None:
    paths = {n: draw_run(tmp_path / "results", n, level=v) for n, v in (("a", 0.4), ("b", 0.7))}
    (section,) = Page(page_of(tmp_path).html).blocks["data"]["sections"]
    rows = {row["run"]: row for row in section["rows"] if row["own"]}
    for name, path in paths.items():
        summary = pd.read_csv(path / "summary.csv").iloc[0]
        printed = [f"{value:.1f}" for value in rows[name]["scores"]]
        assert printed == [percent(summary[column]) for column, _ in SCORES]
        assert rows[name]["fps"] == rate(summary["fps"])
        intervals = pd.read_csv(path / "intervals.csv").set_index("statistic").loc["JF_mean"]
        assert rows[name]["interval"] == [digits(intervals["low"]), digits(intervals["high"])]
        sequences = pd.read_csv(path / "sequences.csv")
        shown_values = [values[1] for values in rows[name]["sequences"]]
        assert shown_values == [digits(v) for v in sequences.sort_values("sequence")["J_mean"]]


def test_values_per_frame_are_those_of_the_table(tmp_path: Path) -> None:
    path = draw_run(tmp_path / "results", "a", objects=2)
    page = Page(page_of(tmp_path).html)
    keys = page.blocks["values-0"]["keys"]["libby"]
    assert keys["objects"] == [1, 2]
    (packed,) = page.blocks["values-0"]["rows"].values()
    stored = np.frombuffer(base64.b64decode(packed["libby"]), "<u2").reshape(2, 2, -1)
    frames = pd.read_csv(path / "frames.csv", dtype={"frame": str})
    table = frames[(frames["sequence"] == "libby") & (frames["object"] == 2)]
    assert keys["frames"] == table["frame"].tolist()
    assert [f"{v / 10:.1f}" for v in stored[1, 1]] == [percent(v) for v in table["F"]]
    assert (stored != NONE).all()


def test_published_methods_have_their_sequences(tmp_path: Path) -> None:
    draw_run(tmp_path / "results", "a")
    (section,) = Page(page_of(tmp_path).html).blocks["data"]["sections"]
    osvos = next(row for row in section["rows"] if row["run"] == "OSVOS")
    # Means of raw_eval/2016/osvos_davis.json of davischallenge.org's repository.
    assert osvos["sequences"] == [[95.9, 94.2, 97.5], [85.5, 80.8, 90.3]]
    assert osvos["fpsRank"] == ""
    assert any("davisvideochallenge" in value for _, value in osvos["about"])


def test_weights_say_what_they_were_trained_on(tmp_path: Path) -> None:
    path = draw_run(tmp_path / "results", "a")
    run = RunFolder(path.parent.parent)
    file = tmp_path / "train" / "best.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    manifest = run.manifest()
    manifest.weights = {"path": str(file), "sha256": sha256_of(file)}
    run.write_manifest(manifest)

    def stated() -> str:
        (section,) = Page(page_of(tmp_path).html).blocks["data"]["sections"]
        return next(row["trained"] for row in section["rows"] if row["own"])

    assert stated() == "not stated"
    about = {"data": {"DAVIS2016:train": {"sequences": ["bear", "boat"]}}}
    (file.parent / "train.json").write_text(json.dumps(about))
    assert stated() == "DAVIS2016:train (2 sequences)"
    file.write_bytes(b"others")
    assert stated() == "not stated"


def test_names_stay_text(real_board: Path) -> None:
    page = Page(page_of(real_board).html)
    assert "img" not in page.tags
    assert page.tags.count("script") == len(page.blocks) + 1
    rows = page.blocks["data"]["sections"][0]["rows"]
    assert ODD_NAME in [row["run"] for row in rows]


def test_nothing_is_asked_of_anybody(real_board: Path) -> None:
    html = page_of(real_board, "embed").html
    page = Page(html)
    assert page.links == ["data:,", "#table"]
    assert not re.search(r"https?://(?!www\.w3\.org/)", html)
    assert "default-src 'none'" in html
    assert "unsafe" not in html


def test_clips_hold_the_masks(real_board: Path) -> None:
    from PIL import Image

    page = Page(page_of(real_board, "embed").html)
    clips = page.blocks["data"]["about"]["clips"]
    assert len(clips) == 12
    key, block = next(iter(clips.items()))
    clip = page.blocks[block]
    width, height = clip["size"]
    assert set(clip["masks"]) == {"copy_first", "box_fill", ODD_NAME}
    assert all(image.startswith("data:image/webp;base64,") for image in clip["images"])
    maps = unpacked(clip["masks"]["box_fill"], (12, height, width))
    sequence = key.partition("/")[2]
    file = real_board / "results/synthetic/box_fill/masks" / sequence / f"{clip['names'][5]}.png"
    ids = np.asarray(Image.open(file))
    assert set(np.unique(maps[5])) <= set(np.unique(ids))
    assert (maps[5] > 0).mean() == pytest.approx((ids > 0).mean(), abs=0.01)


def test_frames_in_a_folder(real_board: Path) -> None:
    filled = page_of(real_board, "folder")
    page = Page(filled.html)
    names = [name for k, clip in page.blocks.items() if k[:5] == "clip-" for name in clip["images"]]
    assert sorted(names) == sorted(filled.images)
    assert len(names) == 12 * 12
    assert all(data[8:12] == b"WEBP" for data in filled.images.values())


@pytest.mark.parametrize("budget", [0.12, 0.3, 0.6])
def test_the_budget_is_kept(real_board: Path, budget: float) -> None:
    filled = page_of(real_board, "embed", int(budget * MB))
    assert len(filled.html.encode()) <= budget * MB
    assert bool(filled.notes) == (filled.clips < 12)
    assert filled.notes == tuple(Page(filled.html).blocks["data"]["about"]["notes"])


def test_a_budget_too_small_for_tables(real_board: Path) -> None:
    with pytest.raises(UsageError, match=r"tables of the page alone take .* --budget"):
        page_of(real_board, "none", 20_000)


def test_packed_label_maps() -> None:
    rng = np.random.default_rng(0)
    stack = np.repeat(rng.integers(0, 5, (3, 10, 4), np.uint8), 50, axis=2)
    assert (unpacked(pack_labels(stack), stack.shape) == stack).all()
    blank = np.zeros((2, 300, 300), np.uint8)
    assert (unpacked(pack_labels(blank), blank.shape) == blank).all()


@pytest.mark.parametrize("key", ["../../etc", "a/b c", "a/b_c", "ä/ö", "a//b", "con/.."])
def test_pictures_stay_in_their_folder(key: str) -> None:
    name = safe_name(key)
    assert re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", name)


def test_keys_that_look_alike_have_folders_of_their_own() -> None:
    assert safe_name("a/b c") != safe_name("a/b_c")
