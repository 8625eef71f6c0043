"""What weights were trained on is stated for exactly those weights, or not at all."""

import json
from pathlib import Path

import pytest

from vostool.environment import sha256_of
from vostool.errors import WeightsError
from vostool.tracking.training_record import training_data, training_of, write_training_data

TRAINING = {
    "tracker": "t",
    "config_name": "default",
    "data": {"DAVIS2016": {"root": "/home/me", "fingerprint": "1", "sequences": ["a"]}},
    "validation": {},
    "settings": {"data": ["DAVIS2016:val"]},
    "init": None,
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"weights")
    return path


def beside(weights: Path, **changed: object) -> None:
    (weights.parent / "train.json").write_text(json.dumps(TRAINING | changed))


def test_nobody_says(weights: Path) -> None:
    assert training_data(weights, sha256_of(weights)) == []


def test_the_training_says_by_the_name_it_was_given(weights: Path) -> None:
    beside(weights)
    assert training_data(weights, sha256_of(weights)) == ["DAVIS2016:val (1 sequence)"]
    assert training_data(weights, "another") == []
    assert training_data(weights.with_name("gone"), sha256_of(weights)) == []


def test_two_names_of_one_dataset_are_not_mistaken(weights: Path) -> None:
    beside(weights, settings={"data": ["DAVIS2016:val", "DAVIS2016"]})
    assert training_data(weights, sha256_of(weights)) == ["DAVIS2016 (1 sequence)"]


def test_a_statement_of_other_weights_does_not_count(weights: Path, tmp_path: Path) -> None:
    beside(weights)
    copied = tmp_path / "package" / "net.safetensors"
    copied.parent.mkdir()
    copied.write_bytes(b"halved")
    written = write_training_data(copied, training_of(weights))
    assert written.name == "net.json"
    assert training_data(copied, sha256_of(copied)) == ["DAVIS2016:val (1 sequence)"]
    copied.write_bytes(b"changed")
    assert training_data(copied, sha256_of(copied)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"data": []}', '{"data": {"a": 1}}', "null"])
def test_a_damaged_file_says_nothing(weights: Path, text: str) -> None:
    for name in ("train.json", "best.json"):
        (weights.parent / name).write_text(text)
        assert training_data(weights, sha256_of(weights)) == []
    with pytest.raises(WeightsError, match=r"best\.safetensors was trained on is not known"):
        training_of(weights)
