"""Checkpoints: published names; files that are damaged, foreign, dangerous or do not fit."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vostool.errors import WeightsError
from vostool_trackers.siamese.inference.checkpoints import (
    OURS,
    Format,
    load_checkpoint,
    read_tensors,
)

THEIRS = Format(
    "Theirs",
    {"body.": "0.", "body_norm.": "1.", "up.": "2.", "aside.": None},
    transposed=("up.",),
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))


def published(prefix: str = "") -> "OrderedDict[str, torch.Tensor]":
    """Return other weights of `network` as the program Theirs would keep them."""
    torch.manual_seed(1)
    names = {"0": "body", "1": "body_norm", "2": "up"}
    tensors = OrderedDict()
    for name, tensor in network().state_dict().items():
        layer, _, rest = name.partition(".")
        if rest == "num_batches_tracked":
            continue
        value = torch.rand_like(tensor.float())
        tensors[f"{prefix}{names[layer]}.{rest}"] = (
            value.transpose(0, 1).contiguous() if name == "2.weight" else value
        )
    return tensors


def wrapped(prefix: str = "") -> dict:
    """Return what pysot's programs save beside the weights."""
    return {"epoch": 20, "state_dict": published(prefix), "optimizer": {"state": {}, "lr": [0.1]}}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_published_files_are_taken_as_they_are(tmp_path, caplog, prefix, archive):
    """Files of torch before 1.6, which most published ones are, are no archives."""
    path = tmp_path / "published.pth"
    torch.save(wrapped(prefix), path, _use_new_zipfile_serialization=archive)
    net, tensors = network(), published()
    with caplog.at_level("INFO", logger="vostool"):
        assert load_checkpoint(net, path, (THEIRS,)) is THEIRS
    assert caplog.messages == [f"{path}: recognised as published weights of Theirs."]
    assert torch.equal(net[0].weight, tensors["body.weight"])
    assert torch.equal(net[1].running_var, tensors["body_norm.running_var"])
    assert torch.equal(net[2].weight, tensors["up.weight"].transpose(0, 1))
    assert torch.equal(net[2].bias, tensors["up.bias"])


def test_counters_may_be_there_and_parts_are_left_out(tmp_path):
    tensors = published() | {
        "body_norm.num_batches_tracked": torch.tensor(7),
        "aside.weight": torch.rand(2),
    }
    torch.save(tensors, tmp_path / "more.pth")
    assert load_checkpoint(network(), tmp_path / "more.pth", (THEIRS,)) is THEIRS


def test_own_files_are_taken_silently(tmp_path, caplog):
    net = network()
    tensors = {n: t for n, t in net.state_dict().items() if "num_batches" not in n}
    save_file(tensors, tmp_path / "own.safetensors")
    with caplog.at_level("INFO", logger="vostool"):
        assert load_checkpoint(network(), tmp_path / "own.safetensors", (THEIRS,)) is OURS
        assert load_checkpoint(network(), None) is None
    assert not caplog.messages


def refusal(path: Path) -> str:
    net = network()
    before = {n: t.clone() for n, t in net.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(net, path, (THEIRS,))
    assert all(torch.equal(t, before[n]) for n, t in net.state_dict().items())
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_called_damaged(tmp_path, kind, share):
    path = tmp_path / "cut.pth"
    if kind == "safetensors":
        save_file(dict(published()), path)
    else:
        torch.save(wrapped(), path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_files_with_broken_bytes_end_with_a_sentence(tmp_path, archive):
    """Or they are read all the same; only another class's name makes them one with code."""
    path = tmp_path / "broken.pth"
    torch.save(wrapped(), path, _use_new_zipfile_serialization=archive)
    whole = path.read_bytes()
    draw = np.random.default_rng(0)
    sentences = []
    for place in draw.choice(min(len(whole), 1500), 120, replace=False):
        changed = bytearray(whole)
        changed[place] ^= int(draw.integers(1, 256))
        path.write_bytes(changed)
        try:
            load_checkpoint(network(), path, (THEIRS,))
        except WeightsError as error:
            sentences.append(str(error))
    assert len(sentences) > 20
    assert not any("\n" in sentence for sentence in sentences)
    coded = [sentence for sentence in sentences if "run code" in sentence]
    assert all("global" in sentence for sentence in coded)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "damaged or of another kind"),
        (b"hello, these are no weights at all\n" * 50, "damaged or of another kind"),
        (b"<!DOCTYPE html><html><title>Google Drive</title>", "web page"),
        (b"\n\n  <html>", "web page"),
        (bytes(range(256)) * 40, "damaged or of another kind"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged or of another kind"),
        (b"PK\x03\x04" + bytes(100), "damaged or of another kind"),
        (b"\xff" * 8 + b"{" + b"}" * 20, "damaged or of another kind"),
    ],
)
def test_foreign_files_end_with_a_sentence(tmp_path, content, says):
    path = tmp_path / "foreign.pth"
    path.write_bytes(content)
    assert says in refusal(path)


def test_other_archives_and_folders_end_with_a_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("frames/00000.jpg", b"1234")
    assert "damaged or of another kind" in refusal(tmp_path / "other.zip")
    assert "cannot be read" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "absent.pth")


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, kind):
    path, sprung = tmp_path / "trap.pth", tmp_path / "sprung"
    content = wrapped() | {"extra": Trap(sprung)}
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"extra": Trap(sprung)}))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    text = refusal(path)
    assert "would run code" in text
    assert "Save its state_dict alone" in text
    assert not sprung.exists()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 8])
    assert "would run code" not in refusal(path)
    assert not sprung.exists()


def test_a_whole_network_is_refused(tmp_path):
    torch.save(network(), tmp_path / "network.pth")
    assert "would run code" in refusal(tmp_path / "network.pth")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("up.bias"), "2.bias"),
        (lambda t: t.update({"up.scale": torch.rand(4)}), "2.scale"),
        (lambda t: t.update({"body.weight": torch.rand(8, 3, 5, 5)}), "0.weight"),
        (lambda t: t.update({"stray": torch.rand(4)}), "0.bias"),
    ],
)
def test_other_networks_are_named_by_what_does_not_fit(tmp_path, change, says):
    tensors = published()
    change(tensors)
    torch.save({"state_dict": tensors}, tmp_path / "other.pth")
    text = refusal(tmp_path / "other.pth")
    assert "another network" in text
    assert "Theirs" in text
    if says != "0.bias":
        assert says in text


def test_nothing_named_is_nothing(tmp_path):
    for number, content in enumerate(([torch.rand(2)], torch.rand(3), {"epoch": 3}, {})):
        torch.save(content, tmp_path / f"{number}.pth")
        assert "no named tensors" in refusal(tmp_path / f"{number}.pth")


def test_read_tensors_strips_names(tmp_path):
    torch.save(wrapped("module."), tmp_path / "x.pth")
    assert sorted(read_tensors(tmp_path / "x.pth")) == sorted(published())
