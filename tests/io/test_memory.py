"""What needs no server: datasets of boxes, and kinds of places, on fsspec's store in memory."""

import shutil
import uuid
from pathlib import Path

from vostool.io.listing import files_below
from vostool.io.storage import place, read_bytes, write_bytes


def results_of(run: Path) -> dict[str, bytes]:
    return {
        name: read_bytes(run / name)
        for name in files_below(run)
        if name.startswith(("baseline/", "boxes/", "scores/")) and "speed" not in name
    }


def test_vot_on_a_store_gives_the_same(does, upload, tmp_path) -> None:
    does("datasets", "make", "vot", tmp_path / "boxes", "--size", "96x64", "--frames", "12")
    store = f"memory://{uuid.uuid4().hex}"
    upload(tmp_path / "boxes", f"{store}/boxes")
    for root, results in ((tmp_path / "boxes", tmp_path / "r"), (f"{store}/boxes", f"{store}/r")):
        where = ("--dataset", f"vot:{root}", "--results", results)
        does("run", "box_fill", *where)
        assert "all tracked before" in does("run", "box_fill", *where)
        does("eval", *where)
    here = results_of(tmp_path / "r/vot-boxes/box_fill")
    there = results_of(place(f"{store}/r/vot-boxes/box_fill", listed=False))
    assert here.keys() == there.keys()
    written = [name for name in here if name.endswith(".txt")]
    assert written
    assert {name: here[name] for name in written} == {name: there[name] for name in written}
    frames = next(name for name in here if name.endswith("frames.csv"))
    assert here[frames] == there[frames]


def test_python_scores_masks_of_a_store(davis_folder, upload) -> None:
    import vostool

    root = davis_folder()
    store = f"memory://{uuid.uuid4().hex}"
    url = upload(root, f"{store}/DAVIS")
    masks = upload(root / "Annotations/480p", f"{store}/masks")
    scores = vostool.evaluate(
        "DAVIS2017", masks, root=url, cache=f"{store}/cache", allow_trivial=True
    )
    assert scores.summary["JF_mean"].iloc[0] == 1
    assert list(files_below(place(f"{store}/cache")))


def test_otb_on_a_store_gives_the_same(does, plain_folder, upload, tmp_path) -> None:
    frames = plain_folder(names=("Ball",), frames=8, objects=1) / "JPEGImages/Ball"
    (tmp_path / "otb/Ball/img").mkdir(parents=True)
    for path in frames.iterdir():
        path.rename(tmp_path / "otb/Ball/img" / path.name)
    (tmp_path / "otb/Ball/groundtruth_rect.txt").write_text("20,12,24,24\n" * 8)
    store = f"memory://{uuid.uuid4().hex}"
    upload(tmp_path / "otb", f"{store}/otb")
    for root, results in ((tmp_path / "otb", tmp_path / "r"), (f"{store}/otb", f"{store}/r")):
        where = ("--dataset", f"otb:{root}", "--results", results)
        does("run", "box_fill", *where)
        assert "all tracked before" in does("run", "box_fill", *where)
        does("eval", *where)
    here = results_of(tmp_path / "r/otb-otb/box_fill")
    there = results_of(place(f"{store}/r/otb-otb/box_fill", listed=False))
    assert here["boxes/Ball.txt"] == there["boxes/Ball.txt"]
    assert here.keys() == there.keys()


def test_a_zip_of_masks_is_imported_from_a_store(does, davis_folder, tmp_path) -> None:
    root = davis_folder()
    shutil.make_archive(str(tmp_path / "theirs"), "zip", root / "Annotations/480p")
    url = f"memory://{uuid.uuid4().hex}/theirs.zip"
    write_bytes(place(url), (tmp_path / "theirs.zip").read_bytes())
    where = ("--dataset", "DAVIS2017", "--root", root)
    assert "12 masks imported" in does("results", "import", url, "--name", "theirs", *where)


def test_a_zip_as_dataset(does, plain_folder, tmp_path) -> None:
    root = plain_folder()
    shutil.make_archive(str(tmp_path / "packed"), "zip", root.parent, root.name)
    does("run", "box_fill", "--dataset", f"folder:zip://clips::file://{tmp_path}/packed.zip")
    does("run", "box_fill", "--dataset", f"folder:{root}", "--results", tmp_path / "here")
    runs = [tmp_path / name / "folder-clips/box_fill/masks" for name in ("results", "here")]
    found = [{name: (run / name).read_bytes() for name in files_below(run)} for run in runs]
    assert found[0] == found[1] != {}
