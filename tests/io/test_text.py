"""Text as people's editors write it is the same text; what is none is told as what it is."""

import os
from pathlib import Path

import pytest

from vostool.config import read_toml
from vostool.datasets.layout import read_names
from vostool.datasets.youtube_vos import read_categories
from vostool.errors import ConfigError, DatasetError, ResultError
from vostool.io.regions import parse_regions
from vostool.io.text import lines_of, read_json, read_outside

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
TEXT = "bear\nmy dog\nHündin 3\nnull\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_and_ends_of_lines(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert read_outside(path, DatasetError) == TEXT
    assert read_names(path) == ["bear", "my dog", "Hündin 3", "null"]
    assert read_categories(path) == {"bear", "my dog", "Hündin 3", "null"}


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_marks_of_utf_16(tmp_path: Path, mark: str) -> None:
    """With a mark, which `utf-16-le` does not write itself."""
    path = tmp_path / "a.txt"
    path.write_bytes(("" if mark == "utf-8-sig" else "\ufeff").encode(mark) + TEXT.encode(mark))
    assert read_outside(path, DatasetError) == TEXT


def test_files_that_were_joined_keep_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(2 * "bear\n".encode("utf-8-sig") + b"cow\x1a")
    assert read_names(path) == ["bear", "cow"]


def test_characters_of_names_end_no_line() -> None:
    """`str.splitlines` would split at each of these."""
    assert lines_of("a\x0bb\n c\u2028d \n\ne\x85f\n") == ["a\x0bb", "c\u2028d", "e\x85f"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_regions_and_toml(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('{"a": 1}\r\n'.encode(encoding))
    assert read_json(tmp_path / "a.json", DatasetError) == {"a": 1}
    (tmp_path / "a.txt").write_bytes("1,2,3,4\r\n5\t6\t7\t8\r\n1 2 3 5\r\n".encode(encoding))
    text = read_outside(tmp_path / "a.txt", ResultError)
    regions = parse_regions(text, tmp_path / "a.txt", ResultError)
    assert regions.values.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 5]]
    (tmp_path / "a.toml").write_bytes("b = 3\r\n".encode(encoding))
    assert read_toml(tmp_path / "a.toml") == {"b": 3}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 4\n", "git lfs pull"),
        (b"<html>\n", "web page"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"PK\x03\x04\xff\0\xfe", "a zip"),
        (b"bear\nH\xfcndin\n", "UTF-8.*byte 6"),
        (b"be\0ar\n", "zero bytes"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "val.txt"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=rf"val\.txt.*{words}"):
        read_names(path)
    with pytest.raises(ConfigError, match=rf"val\.txt.*{words}"):
        read_toml(path)


def test_no_more_than_a_bound_is_read(tmp_path: Path) -> None:
    path = tmp_path / "val.txt"
    with path.open("wb") as file:
        file.truncate(2**36)  # a hole, no pixels of disk
    with pytest.raises(DatasetError, match=r"65536 MB.* 64 MB"):
        read_names(path)
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(DatasetError, match="it is no file"):
        read_names(tmp_path / "pipe.txt")


def test_json_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for data, words in ((b"{", "no JSON"), (b"[" * 10**6, "nested"), (b"9" * 9999, "no JSON")):
        path.write_bytes(data)
        with pytest.raises(DatasetError, match=words):
            read_json(path, DatasetError)
