"""Everything that goes wrong for a user ends with a sentence, exit code 2, and nothing lost."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.errors import ContractError


@pytest.fixture
def root(davis_folder) -> Path:
    return davis_folder(year=2016, names=("blackswan", "camel"))


@pytest.fixture
def refused(cli):
    """Run a command that must fail; returns its output."""

    def run(*arguments: object) -> str:
        done = cli(*arguments)
        assert done.exit_code == 2, (done.exit_code, done.output, done.exception)
        assert "Traceback" not in done.output
        assert done.output.rstrip().endswith("."), done.output
        return " ".join(done.output.split())

    return run


def data(root: Path) -> list[object]:
    return ["--dataset", "DAVIS2016", "--root", root]


def first(root: Path, kind: str) -> Path:
    """Return the third file of the first sequence of `JPEGImages` or `Annotations`."""
    return sorted(sorted((root / kind / "480p").iterdir())[0].iterdir())[2]


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def predictions(root: Path, tmp_path: Path) -> Path:
    return shutil.copytree(root / "Annotations" / "480p", tmp_path / "masks")


def test_missing_frame(refused, root):
    first(root, "JPEGImages").unlink()
    output = refused("run", "copy_first", *data(root))
    assert "00002.png" in output
    assert "no frame" in output


def test_extra_frame(refused, root):
    frame = first(root, "JPEGImages")
    shutil.copy(frame, frame.with_name("00099.jpg"))
    output = refused("run", "copy_first", *data(root))
    assert "00099.png" in output
    assert "missing" in output


def test_missing_prediction(refused, root, tmp_path):
    masks = predictions(root, tmp_path)
    sorted(sorted(masks.iterdir())[0].iterdir())[2].unlink()
    output = refused("eval", *data(root), "--masks", masks)
    assert "lacks 1 of" in output
    assert "00002.png" in output


def test_missing_sequence_of_predictions(refused, root, tmp_path):
    masks = predictions(root, tmp_path)
    gone = sorted(masks.iterdir())[0]
    shutil.rmtree(gone)
    output = refused("eval", *data(root), "--masks", masks)
    assert gone.name in output
    assert "--sequences" in output


def test_wrong_folder_of_predictions(refused, root):
    assert "no folder for any" in refused("eval", *data(root), "--masks", root)


@pytest.mark.parametrize("of", ["truth", "prediction"])
def test_truncated_png(refused, root, tmp_path, of):
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    if of == "prediction":
        path = masks / path.parent.name / path.name
    cut(path)
    output = refused("eval", *data(root), "--masks", masks)
    assert str(path) in output
    assert "cut short" in output


def test_truncated_jpeg(refused, root):
    path = first(root, "JPEGImages")
    cut(path)
    output = refused("run", "copy_first", *data(root))
    assert path.name in output
    assert "cut short" in output


def test_jpeg_that_is_none(refused, root):
    path = first(root, "JPEGImages")
    path.write_text("not an image")
    assert "not an image" in refused("run", "copy_first", *data(root))


def test_mask_of_another_size(refused, root, tmp_path):
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    path = masks / path.parent.name / path.name
    Image.open(path).resize((20, 10), Image.Resampling.NEAREST).save(path)
    output = refused("eval", *data(root), "--masks", masks)
    assert "20x10" in output


def test_first_mask_of_another_size_than_its_frame(refused, root):
    path = first(root, "Annotations").with_name("00000.png")
    Image.open(path).resize((20, 10), Image.Resampling.NEAREST).save(path)
    assert "(10, 20)" in refused("run", "copy_first", *data(root))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_instead_of_ids(refused, root, tmp_path, mode):
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    path = masks / path.parent.name / path.name
    Image.open(path).convert(mode).save(path)
    output = refused("eval", *data(root), "--masks", masks)
    assert mode in output
    assert "palette" in output


def test_anti_aliased_mask(refused, root, tmp_path):
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    path = masks / path.parent.name / path.name
    image = Image.open(path).convert("L")
    small = image.resize((image.width // 3, image.height // 3), Image.Resampling.BILINEAR)
    small.resize(image.size, Image.Resampling.BILINEAR).save(path)
    assert "anti-aliased" in refused("eval", *data(root), "--masks", masks)


def test_transparent_la_mask_is_refused_and_an_opaque_one_read(refused, cli, root, tmp_path):
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    path = masks / path.parent.name / path.name
    grey = Image.open(path).convert("L")
    alpha = Image.new("L", grey.size, 255)
    Image.merge("LA", (grey, alpha)).save(path)
    assert cli("eval", *data(root), "--masks", masks, "--allow-trivial").exit_code == 0
    alpha.putpixel((3, 3), 0)
    Image.merge("LA", (grey, alpha)).save(path)
    assert "alpha" in refused("eval", *data(root), "--masks", masks)


def test_id_that_the_ground_truth_lacks(refused, davis_folder, tmp_path):
    root = davis_folder(year=2017, split="val")
    masks = predictions(root, tmp_path)
    path = first(root, "Annotations")
    path = masks / path.parent.name / path.name
    labels = np.asarray(Image.open(path)).copy()
    labels[:4, :4] = 77
    Image.fromarray(labels).save(path)
    options = ["--dataset", "DAVIS2017", "--root", root]
    output = refused("eval", *options, "--masks", masks)
    assert "[77]" in output
    assert path.name in output


def test_binary_masks_under_davis_2017(refused, davis_folder, root, tmp_path):
    (root / "ImageSets" / "2017").mkdir(parents=True)
    names = [path.name for path in (root / "Annotations" / "480p").iterdir()]
    (root / "ImageSets" / "2017" / "val.txt").write_text("\n".join(names))
    output = refused("run", "copy_first", "--dataset", "DAVIS2017", "--root", root)
    assert "use --dataset DAVIS2016" in output


def test_missing_split_file(refused, root):
    for path in (root / "ImageSets").rglob("val.txt"):
        path.unlink()
    output = refused("run", "copy_first", *data(root))
    assert "val.txt is missing" in output


def test_unknown_tracker_names_the_nearest(refused, root):
    assert "Did you mean 'copy_first'?" in refused("run", "copyfirst", *data(root))


def test_unknown_configuration_setting_dataset_protocol_sequence(refused, root):
    assert "no configuration" in refused("run", "copy_first/huge", *data(root))
    assert "There is no setting" in refused("run", "copy_first", *data(root), "-o", "speed=1")
    assert "Did you mean 'DAVIS2016'?" in refused("run", "copy_first", "--dataset", "davis16")
    assert "no protocol" in refused("eval", *data(root), "--protocol", "davs")
    assert "no sequence" in refused("run", "copy_first", *data(root), "--sequences", "nowhere")
    assert "no split" in refused("run", "copy_first", *data(root), "--split", "vall")


def test_wrong_root(refused, tmp_path):
    assert "no Annotations/" in refused("run", "copy_first", *data(tmp_path))
    assert "not a folder" in refused("run", "copy_first", *data(tmp_path / "nowhere"))


def test_weights_that_are_absent_missing_or_of_the_wrong_kind(refused, root, tmp_path):
    output = refused("run", "nano_box", *data(root))
    assert "nano_box needs weights" in output
    assert "give them with --weights PATH" in output
    nowhere = tmp_path / "nowhere.onnx"
    assert "do not exist" in refused("run", "nano_box", *data(root), "--weights", nowhere)
    assert "no weights" in refused("run", "copy_first", *data(root), "--weights", root)
    wrong = tmp_path / "weights"
    wrong.mkdir()
    for part in ("backbone", "head"):
        (wrong / f"{part}.onnx").write_bytes(b"not a network")
    assert "onnx" in refused("run", "nano_box", *data(root), "--weights", wrong)


def test_no_cuda_device(refused, root):
    assert "cuda" in refused("run", "copy_first", *data(root), "--device", "cuda")


class Interruption:
    """Make the n-th mask fail as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        from vostool.tracking import pipeline

        self.left = after
        self.write = pipeline.write_labels
        monkeypatch.setattr(pipeline, "write_labels", self)

    def __call__(self, path: Path, labels: np.ndarray) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        self.write(path, labels)


def test_full_disk_keeps_what_is_finished(refused, cli, root, tmp_path, monkeypatch):
    run = tmp_path / "results" / "DAVIS2016" / "copy_first"
    with monkeypatch.context() as patch:
        Interruption(patch, after=len(list((root / "JPEGImages").glob("480p/*/*"))) - 3)
        assert "disk is full" in refused("run", "copy_first", *data(root))
    finished = sorted(path.name for path in (run / "masks").iterdir() if path.name[0] != ".")
    assert len(finished) == len(list((root / "JPEGImages" / "480p").iterdir())) - 1
    assert cli("run", "copy_first", *data(root)).exit_code == 0
    assert not list(run.glob("masks/.*"))


def local_tracker(home: Path, name: str, body: str) -> None:
    folder = home / "trackers" / name
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(
        "import numpy as np\nimport torch\nfrom vostool import Tracker\n\n"
        "class Local(Tracker):\n"
        "    def reset(self):\n        pass\n"
        f"    def step(self, frame, prompts=()):\n        {body}\n"
    )


def test_out_of_device_memory(refused, root, tmp_path):
    local_tracker(tmp_path, "hungry", "raise torch.OutOfMemoryError('CUDA out of memory')")
    assert "Out of memory" in refused("run", "hungry", *data(root))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return np.zeros(frame.shape[:2], np.int64)", "int64 array"),
        ("return np.zeros((3, 3), np.uint8)", "(3, 3)"),
        ("return np.full(frame.shape[:2], 9, np.uint8)", "[9]"),
        ("return None", "NoneType"),
    ],
)
def test_tracker_that_breaks_the_contract(refused, root, tmp_path, body, says):
    local_tracker(tmp_path, "wrong", body)
    output = refused("run", "wrong", *data(root))
    assert says in output
    assert "step()" in output


def test_resuming_refuses_another_configuration_or_dataset(refused, cli, root, davis_folder):
    assert cli("run", "optical_flow", *data(root), "--sequences", "blackswan").exit_code == 0
    output = refused("run", "optical_flow", *data(root), "--seed", 5)
    assert "what differs: seed (0 -> 5)" in output
    assert "--name" in output
    path = root / "Annotations" / "480p" / "blackswan" / "00000.png"
    labels = 255 - np.asarray(Image.open(path).convert("L"))
    Image.fromarray(labels).save(path)
    assert "blackswan" in refused("run", "optical_flow", *data(root))


def test_unfinished_run_is_not_scored(refused, cli, root):
    assert cli("run", "copy_first", *data(root), "--sequences", "blackswan").exit_code == 0
    output = refused("eval", *data(root))
    assert "lacks" in output
    assert "vostool run" in output
    assert cli("eval", *data(root), "--sequences", "blackswan").exit_code == 0


def test_damaged_run_json(refused, cli, root, tmp_path):
    assert cli("run", "copy_first", *data(root)).exit_code == 0
    manifest = tmp_path / "results" / "DAVIS2016" / "copy_first" / "run.json"
    cut(manifest)
    assert "damaged" in refused("run", "copy_first", *data(root))
    assert "damaged" in refused("eval", *data(root))


def test_two_processes_do_not_write_one_run(refused, root, tmp_path):
    from vostool.runs.folder import RunFolder

    folder = RunFolder(tmp_path / "results" / "DAVIS2016" / "copy_first")
    with folder.locked():
        assert "Another vostool" in refused("run", "copy_first", *data(root))


def test_frame_of_another_size_than_the_first(refused, root):
    frame = first(root, "JPEGImages")
    Image.open(frame).resize((30, 20)).save(frame)
    output = refused("run", "copy_first", *data(root))
    assert f"{frame.name} is 30x20, the first one is 64x48" in output


def test_tracker_that_fails(refused, cli, root, tmp_path):
    body = "return labels[len(labels)]"
    local_tracker(tmp_path, "wrong", body)
    output = refused("run", "wrong", *data(root))
    assert "NameError" in output
    assert f"{tmp_path / 'trackers' / 'wrong' / 'tracker.py'}, line" in output
    assert "--traceback" in output
    with pytest.raises(ContractError) as caught:
        cli("--traceback", "run", "wrong", *data(root))
    assert isinstance(caught.value.__cause__, NameError)


def test_a_name_no_folder_can_have(refused, root):
    for name in ("../elsewhere", "a/b", "", "scores", ".hidden"):
        assert "--name is the name of a folder" in refused(
            "run", "copy_first", *data(root), "--name", name
        )


def test_masks_without_their_run_json(refused, cli, root, tmp_path):
    assert cli("run", "copy_first", *data(root)).exit_code == 0
    run = tmp_path / "results" / "DAVIS2016" / "copy_first"
    (run / "run.json").unlink()
    assert "no run.json that tells whose they are" in refused("run", "copy_first", *data(root))
    assert (run / "masks" / "camel" / "00000.png").is_file()


def test_data_that_changed_after_the_run(refused, cli, root):
    assert cli("run", "copy_first", *data(root)).exit_code == 0
    path = root / "Annotations" / "480p" / "camel" / "00000.png"
    labels = np.array(Image.open(path))
    labels[:5, :5] = 255
    Image.fromarray(labels).save(path)
    assert "'camel' was read from" in refused("eval", *data(root))


def test_damaged_table_of_a_run(refused, cli, root, tmp_path):
    assert cli("eval", *data(root), "--tracker", "copy_first").exit_code == 0
    table = tmp_path / "results" / "DAVIS2016" / "copy_first" / "scores" / "davis" / "summary.csv"
    table.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused("leaderboard")


def test_names_that_look_like_markup(cli, root, tmp_path):
    assert cli("run", "copy_first", *data(root), "--name", "a [bold]").exit_code == 2
    masks = tmp_path / "[bold]mine[red]"
    shutil.copytree(root / "Annotations" / "480p", masks)
    for path in masks.glob("*/00001.png"):
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(path)
    assert "[bold]mine[red]" in cli("eval", *data(root), "--masks", masks).output
