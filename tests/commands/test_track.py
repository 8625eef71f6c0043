"""`vostool track` as a user types it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import vostool
from tests.helpers.containers import SIZE, write
from vostool.errors import VostoolError
from vostool.exchange.coco import rle
from vostool.io.label_maps import read_labels
from vostool.video.reader import VideoFile

av = pytest.importorskip("av")
BOX = "8,48,24,24"  # the square of `picture` on the first frame


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mp4", 20, audio="aac")


@pytest.fixture
def slow(tmp_path: Path) -> str:
    """Write a tracker that draws its box and takes its time."""
    path = tmp_path / "trackers/slow/tracker.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import time\nfrom vostool import Tracker\nimport numpy as np\n\n\n"
        "class Slow(Tracker):\n    init = 'box'\n\n"
        "    def reset(self):\n        self.boxes = {}\n\n"
        "    def step(self, frame, prompts=()):\n        time.sleep(0.05)\n"
        "        labels = np.zeros(frame.shape[:2], np.uint8)\n"
        "        self.boxes.update((p.object_id, p.box) for p in prompts)\n"
        "        for i, (x, y, w, h) in self.boxes.items():\n"
        "            labels[round(y) : round(y + h), round(x) : round(x + w)] = i\n"
        "        return labels\n"
    )
    return "slow"


def test_a_video_beside_the_clip(cli, clip: Path) -> None:
    done = cli("track", clip, "--box", BOX, "--tracker", "optical_flow")
    assert done.exit_code == 0, done.output
    out = clip.with_name("clip.tracked.mp4")
    assert f"{out}: 20 frames, optical_flow" in done.output
    assert "begins with masks" in done.output
    with av.open(str(out)) as container:
        names = [stream.codec_context.name for stream in container.streams]
        assert names == ["h264", "aac"]
    drawn = VideoFile(out).frame(10).image.astype(int)
    plain = VideoFile(clip).frame(10).image.astype(int)
    changed = np.abs(drawn - plain).max(axis=2) > 90
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    # The square is at x 28 to 52 and y 48 to 72 by then; its id is above it.
    assert 20 <= columns[0] <= 30
    assert 49 <= columns[-1] <= 60
    assert 20 <= rows[0] < 48
    assert 69 <= rows[-1] <= 80


def test_everything_that_can_be_written(cli, clip: Path, tmp_path: Path) -> None:
    outs = ["o.mp4", "o.gif", "masks", "o.webm", "cutout:cut", "o.json", "o.csv", "o.txt"]
    given = []
    for name in outs:
        head, colon, tail = name.rpartition(":")
        given += ["--out", f"{head}{colon}{tmp_path / 'out' / tail}"]
    done = cli(
        *("track", clip, "--box", BOX, "--box", "2:96,0,20,20@5"),
        *("--tracker", "copy_first", "--overlay", "fill", *given),
    )
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    masks = [read_labels(out / f"masks/{i:05d}.png") for i in range(20)]
    assert set(np.unique(masks[4])) == {0, 1}
    assert set(np.unique(masks[5])) == {0, 1, 2}
    document = json.loads((out / "o.json").read_text())
    assert len(document["images"]) == 20
    assert len(document["annotations"]) == 20 + 15
    frames = {image["id"]: image["frame_index"] for image in document["images"]}
    for annotation in document["annotations"]:
        index, object_id = frames[annotation["image_id"]], annotation["track_id"]
        assert np.array_equal(rle.decode(annotation["segmentation"]), masks[index] == object_id)
    with (out / "o.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 35
    box = [int(rows[0][key]) for key in "xywh"]
    inside = np.flatnonzero((masks[0] == 1).any(0))
    assert box[0] == inside[0]
    assert box[2] == len(inside)
    assert rows[6]["id"] == "2"
    assert rows[6]["time"] == "0.200"
    mot = [line.split(",") for line in (out / "o.txt").read_text().splitlines()]
    assert [row[0] for row in mot[:2]] == ["1", "2"]
    assert mot[0][2:6] == [str(side) for side in box]
    with Image.open(out / "cut/00000.png") as image:
        alpha = np.asarray(image)[..., 3]
    assert (alpha[masks[0] > 0] > 120).all()
    assert VideoFile(out / "o.webm").length is not None
    with Image.open(out / "o.gif") as image:
        assert image.n_frames == 20


def test_side_by_side(cli, clip: Path, tmp_path: Path) -> None:
    done = cli(
        *("track", clip, "--box", BOX, "--tracker", "copy_first", "--tracker", "box_fill"),
        *("--out", tmp_path / "o.mp4", "--out", tmp_path / "masks"),
    )
    assert done.exit_code == 0, done.output
    height, width = VideoFile(tmp_path / "o.mp4").size
    assert width == 2 * SIZE[1] + 4
    assert height > SIZE[0]
    for name in ("copy_first", "box_fill"):
        assert len(list((tmp_path / "masks" / name).glob("*.png"))) == 20
        assert name in done.output


@pytest.mark.parametrize("what", ["folder", "glob", "gif", "webm"])
def test_other_videos(cli, tmp_path: Path, what: str) -> None:
    if what in ("folder", "glob"):
        for frame in VideoFile(write(tmp_path / "a.mp4", 12)).frames():
            path = tmp_path / "shots" / f"s{frame.index}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), frame.image[..., ::-1])
        video = tmp_path / "shots" / ("*.png" if what == "glob" else "")
        out = tmp_path / "shots.tracked.mp4"
    else:
        codec, form = ("gif", "rgb8") if what == "gif" else ("libvpx-vp9", "yuv420p")
        video = write(tmp_path / f"a.{what}", 12, codec=codec, pix_fmt=form)
        out = tmp_path / "a.tracked.mp4"
    done = cli("track", video, "--box", BOX, "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    assert len(list(VideoFile(out).frames())) == 12


def test_a_sequence_of_a_dataset(cli, plain_folder, tmp_path: Path) -> None:
    root = plain_folder()
    given = ("--dataset", f"folder:{root}", "--tracker", "copy_first")
    done = cli("track", "two", *given, "--out", tmp_path / "masks")
    assert done.exit_code == 0, done.output
    assert cli("run", "copy_first", "--dataset", f"folder:{root}").exit_code == 0
    for path in (tmp_path / "results/folder-clips/copy_first/masks/two").glob("*.png"):
        assert (tmp_path / "masks" / path.name).read_bytes() == path.read_bytes()
    done = cli("track", "tow", *given)
    assert done.exit_code == 2
    assert "Did you mean 'two'" in done.output


def test_many_videos_and_a_file(cli, tmp_path: Path) -> None:
    clips = [write(tmp_path / f"{name}.mp4", 6) for name in "ab"]
    rows = "video,frame,id,box,name\na.mp4,0,1,8 48 24 24,ball\nb.mp4,2,3,8 48 24 24,\n"
    (tmp_path / "p.csv").write_text(rows)
    done = cli("track", *clips, "--prompts", tmp_path / "p.csv", "--tracker", "box_fill")
    assert done.exit_code == 0, done.output
    assert done.output.count("6 frames, box_fill") == 2
    assert (tmp_path / "b.tracked.mp4").is_file()
    done = cli("track", *clips, "--box", BOX)
    assert done.exit_code == 2
    assert "--prompts" in done.output


def test_a_mask_for_a_tracker_of_boxes(cli, clip: Path, tmp_path: Path, save_mask) -> None:
    labels = np.zeros(SIZE, np.uint8)
    labels[48:72, 8:32] = 3
    path = save_mask(tmp_path / "m.png", labels)
    done = cli("track", clip, "--mask", path, "--tracker", "box_fill", "--out", tmp_path / "o.csv")
    assert done.exit_code == 0, done.output
    assert "begins with boxes" in done.output
    assert (tmp_path / "o.csv").read_text().splitlines()[1] == "0,0.000,3,,8,48,24,24"


def test_a_correction(cli, clip: Path, tmp_path: Path) -> None:
    boxes = ("--box", BOX, "--box", "1:60,10,20,20@10")
    done = cli("track", clip, *boxes, "--tracker", "slow_or_not", "--out", tmp_path / "o.csv")
    assert done.exit_code == 2
    done = cli("track", clip, *boxes, "--tracker", "box_fill", "--out", tmp_path / "o.csv")
    assert done.exit_code == 0, done.output
    rows = (tmp_path / "o.csv").read_text().splitlines()
    assert rows[11] == "10,0.400,1,,60,10,20,20"


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (("--box", "900,900,10,10"), "outside of the frame, which is 128x96"),
        (("--box", "1,2,0,3"), "empty"),
        (("--box", "1,2,3"), "X,Y,W,H"),
        (("--box", f"{BOX}@20"), "20 frames, 0 to 19"),
        (("--mask", "no.png"), "no.png does not exist"),
        (("--points", "3,4"), "No tracker here takes points"),
        (("--box", BOX, "--out", "a.avi"), ".mp4"),
        (("--box", BOX, "--tracker", "optical_flo"), "Did you mean 'optical_flow'"),
        (("--box", BOX, "--seconds", "3"), "--camera"),
        (("--box", BOX, "--camera", "0"), "name no other"),
        (("--box", BOX, "--out", "o.mp4", "--out", "o.mp4"), "twice"),
        (("--box", BOX, "--root", "x"), "--dataset"),
        (("--box", BOX, "--tracker", "siammask"), "needs weights"),
    ],
)
def test_bad_input(cli, clip: Path, arguments: tuple[str, ...], fact: str) -> None:
    done = cli("track", clip, *arguments)
    assert done.exit_code == 2
    assert fact in done.output
    assert not clip.with_name("clip.tracked.mp4").exists()


def test_it_does_not_write_over_the_video(cli, clip: Path) -> None:
    before = clip.read_bytes()
    done = cli("track", clip, "--box", BOX, "--tracker", "copy_first", "--out", clip)
    assert done.exit_code == 2
    assert clip.read_bytes() == before


def test_masks_of_two_videos_are_not_mixed(cli, clip: Path, tmp_path: Path) -> None:
    arguments = ("track", clip, "--box", BOX, "--tracker", "copy_first", "--out", tmp_path / "m")
    assert cli(*arguments).exit_code == 0
    done = cli(*arguments)
    assert done.exit_code == 2
    assert "has pictures already" in done.output


def test_a_time_after_the_end_keeps_what_there_is(cli, clip: Path) -> None:
    boxes = ("--box", BOX, "--box", f"{BOX}@90s")
    done = cli("track", clip, *boxes, "--tracker", "copy_first")
    assert done.exit_code == 2
    assert "ended after 20 frames, before --box" in done.output
    assert len(list(VideoFile(clip.with_name("clip.tracked.mp4")).frames())) == 20


def test_no_camera(cli) -> None:
    done = cli("track", "--camera", "97", "--box", BOX)
    assert done.exit_code == 2
    assert "no camera 97" in done.output


def test_a_camera(cli, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV reads the clip as it reads a camera; it is asked for number 1."""
    opened, asked = cv2.VideoCapture, []

    def capture(number: int) -> cv2.VideoCapture:
        asked.append(number)
        return opened(str(clip))

    monkeypatch.setattr(cv2, "VideoCapture", capture)
    out = tmp_path / "o.mp4"
    done = cli("track", "--camera", 1, "--box", BOX, "--tracker", "copy_first", "--out", out)
    assert done.exit_code == 0, done.output
    assert set(asked) == {1}
    frames = list(VideoFile(out).frames())
    assert len(frames) == 20
    assert frames[0].image[10, 5, 0] > 150  # red is red
    assert frames[0].image[10, 5, 2] < 100
    done = cli("track", "--camera", 1)
    assert done.exit_code == 2
    assert "--seconds 10" in done.output


@pytest.mark.parametrize("kind", ["mp4", "csv"])
def test_control_c_keeps_what_there_is(clip: Path, tmp_path: Path, slow: str, kind: str) -> None:
    long = write(tmp_path / "long.mp4", 400, audio="aac")
    out = tmp_path / f"o.{kind}"
    command = ["-m", "vostool", "--home", tmp_path, "track", long, "--box", BOX]
    process = subprocess.Popen(
        [sys.executable, *map(str, command), "--tracker", slow, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".o.*partial*")):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    count = int(output.split("Stopped after ")[1].split()[0])
    assert 1 < count < 400
    if kind == "mp4":
        assert len(list(VideoFile(out).frames())) == count
    else:
        assert len(out.read_text().splitlines()) == count + 1


def test_a_page_is_printed_and_ends_with_control_c(clip: Path, tmp_path: Path) -> None:
    """Without a display no browser is looked for; one in the terminal would take it over."""
    pytest.importorskip("uvicorn")
    command = [sys.executable, "-m", "vostool", "track", str(clip), "--tracker", "box_fill"]
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env={
            **environment,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUNBUFFERED": "1",
            "BROWSER": "false",
        },
    )
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{address}state", timeout=30) as answer:
        state = json.load(answer)
    assert (state["name"], state["length"], state["trackers"]) == ("clip.mp4", 20, ["box_fill"])
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_the_page_takes_one_video(cli, clip: Path) -> None:
    done = cli("track", clip, clip)
    assert done.exit_code == 2
    assert "one video" in done.output


def test_from_python(clip: Path) -> None:
    frames = list(vostool.track(clip, boxes=[(8, 48, 24, 24)], tracker="optical_flow"))
    assert len(frames) == 20
    for index, (frame, masks) in enumerate(frames):
        assert frame.shape == (*SIZE, 3)
        assert masks.shape == SIZE
        truth = np.zeros(SIZE, bool)
        truth[48:72, 8 + 2 * index : 32 + 2 * index] = True
        both, either = (truth & (masks == 1)).sum(), (truth | (masks == 1)).sum()
        assert both / either > 0.8, index


def test_from_python_what_is_wrong_is_said_at_once(clip: Path) -> None:
    with pytest.raises(VostoolError, match="outside"):
        vostool.track(clip, boxes=[(999, 0, 5, 5)])
    with pytest.raises(VostoolError, match="No object"):
        vostool.track(clip)
    with pytest.raises(VostoolError, match=r"\(x, y, w, h\)"):
        vostool.track(clip, boxes=[(1, 2, 3)])


MEMORY = """
import sys
from pathlib import Path
from vostool.live import outputs
from vostool.cli import cli

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

seen = []
put = outputs.Overlay.put
def counted(self, tracked, fps):
    put(self, tracked, fps)
    if tracked.frame.index in (500, 4999):
        seen.append(resident())
outputs.Overlay.put = counted
cli(sys.argv[1:], standalone_mode=False)
print("resident kB:", *seen)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_the_same_over_5000_frames(tmp_path: Path) -> None:
    """Held whole, the frames alone would take 184 MB."""
    path = write(tmp_path / "long.mp4", 5000, audio="aac", options={"preset": "ultrafast"})
    given = ("--box", BOX, "--tracker", "copy_first", "--out", tmp_path / "o.mp4")
    more = ("--out", tmp_path / "o.json", "--out", tmp_path / "o.csv")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *map(str, ("track", path, *given, *more))],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    early, late = map(int, done.stdout.split("resident kB:")[1].split())
    assert late - early < 20_000, (early, late)  # kB
    assert len(json.loads((tmp_path / "o.json").read_text())["images"]) == 5000
