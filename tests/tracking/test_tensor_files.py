"""Files of tensors that come from anyone."""

import zipfile

import pytest
import torch
from torch import nn

from vostool.errors import WeightsError
from vostool.tracking.tensor_files import Format, best_fit, read_tensors


def test_a_small_archive_that_unfolds_without_end_is_not_read(tmp_path):
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"\x80\x02}.")
        with archive.open("bomb/data/0", "w", force_zip64=True) as storage:
            for _ in range(200):
                storage.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(WeightsError, match=r"bomb\.pth has 0\.2 MB and would unfold to 210 MB"):
        read_tensors(bomb)


def test_weights_that_were_compressed_are_read(tmp_path):
    plain, packed = tmp_path / "plain.pth", tmp_path / "packed.pth"
    torch.save({"a": torch.arange(1000.0)}, plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            new.writestr(each, old.read(each))
    assert read_tensors(packed)["a"].equal(torch.arange(1000.0))


def test_a_pointer_of_lfs_is_told(tmp_path):
    file = tmp_path / "w.safetensors"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(WeightsError, match="git lfs pull"):
        read_tensors(file)


def test_the_format_that_fits_most_is_taken():
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    own = network.state_dict()
    theirs = {f"first.{k[2:]}" if k[0] == "0" else f"second.{k[2:]}": v for k, v in own.items()}
    half = Format("half", {"first.": "0.", "second.": None})
    whole = Format("whole", {"first.": "0.", "second.": "1."})
    assert best_fit(theirs, own) == {}
    assert best_fit(theirs, own, (half,)).keys() == {"0.weight", "0.bias"}
    assert best_fit(theirs, own, (half, whole)).keys() == own.keys()
    assert best_fit(own, own, (half, whole)).keys() == own.keys()
    assert best_fit(theirs | {"first.bias": torch.zeros(7)}, own, (whole,)).keys() == (
        own.keys() - {"0.bias"}
    )
