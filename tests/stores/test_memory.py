"""What needs no server: datasets of boxes, and kinds of places, on fsspec's store in memory."""

import uuid
from pathlib import Path

from vostool.listing import files_below
from vostool.storage import place, read_bytes


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


def test_a_zip_as_dataset(does, plain_folder, tmp_path) -> None:
    import shutil

    root = plain_folder()
    shutil.make_archive(str(tmp_path / "packed"), "zip", root.parent, root.name)
    does("run", "box_fill", "--dataset", f"folder:zip://clips::file://{tmp_path}/packed.zip")
    does("run", "box_fill", "--dataset", f"folder:{root}", "--results", tmp_path / "here")
    runs = [tmp_path / name / "folder-clips/box_fill/masks" for name in ("results", "here")]
    found = [{name: (run / name).read_bytes() for name in files_below(run)} for run in runs]
    assert found[0] == found[1] != {}
