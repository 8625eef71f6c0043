"""Folders and zips of somebody's masks: what is taken from them, and which zips are refused."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.errors import MaskError, ResultError
from vostool.exchange.forms.source import FolderSource, opened_source, prefix_of


def png(value: int = 1) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 6), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that packs name -> bytes into a zip."""

    def pack(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "masks.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return path

    return pack


def refused(path: Path) -> str:
    with pytest.raises(ResultError) as caught, opened_source(path):
        pytest.fail("it was opened")
    return str(caught.value)


def test_a_zip_gives_what_was_packed(packed) -> None:
    path = packed({"a/bear/00000.png": png(1), "a/bear/00001.PNG": png(2), "a/notes.txt": b"x"})
    with opened_source(path) as source:
        assert source.files() == ["a/bear/00000.png", "a/bear/00001.PNG"]
        assert source.read("a/bear/00001.PNG") == png(2)


def test_a_folder_gives_what_is_in_it(tmp_path: Path) -> None:
    for name in ("bear/00000.png", "bear/notes.txt", ".hidden/a.png", "bear/._00000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png())
    source = FolderSource(tmp_path)
    assert source.files() == ["bear/00000.png"]
    assert source.read("bear/00000.png") == png()


def test_a_folder_is_not_searched_for_ever(tmp_path: Path) -> None:
    """A link to the folder itself would have no end."""
    (tmp_path / "bear").mkdir()
    (tmp_path / "bear/00000.png").write_bytes(png())
    (tmp_path / "bear/again").symlink_to(tmp_path, target_is_directory=True)
    assert len(FolderSource(tmp_path).files()) < 10


def test_what_macos_adds_is_no_mask(packed) -> None:
    path = packed({"bear/00000.png": png(), "__MACOSX/bear/._00000.png": b"x"})
    with opened_source(path) as source:
        assert source.files() == ["bear/00000.png"]


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "bear/../../evil.png",
        "/etc/evil.png",
        "..\\evil.png",
        "C:\\evil.png",
        "C:/evil.txt",
    ],
)
def test_entries_that_lead_outside(packed, name: str) -> None:
    message = refused(packed({"bear/00000.png": png(), name: png()}))
    assert "leads outside of its folder" in message


def test_a_link_in_a_zip(packed) -> None:
    path = packed({"bear/00000.png": png()})
    link = zipfile.ZipInfo("bear/00001.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "leads outside of its folder" in refused(path)


def test_windows_separators_are_separators(packed) -> None:
    with opened_source(packed({"masks\\bear\\00000.png": png()})) as source:
        assert source.files() == ["masks/bear/00000.png"]


def test_an_entry_that_unpacks_to_more_than_any_mask(packed) -> None:
    path = packed({"bear/00000.png": b"\0" * (65 * 2**20)})
    assert path.stat().st_size < 2**20
    with opened_source(path) as source, pytest.raises(MaskError, match="larger than 64 MB"):
        source.read("bear/00000.png")


def test_an_entry_that_lies_about_its_size(packed) -> None:
    """It says 100 bytes and holds 50 MB: no more than it says is unpacked."""
    data = b"\0" * (50 * 2**20)
    path = packed({"bear/00000.png": data})
    raw = path.read_bytes().replace(struct.pack("<I", len(data)), struct.pack("<I", 100))
    path.write_bytes(raw)
    with opened_source(path) as source, pytest.raises(MaskError, match="is damaged"):
        source.read("bear/00000.png")


def test_the_same_name_twice(packed, recwarn: pytest.WarningsRecorder) -> None:
    path = packed({"bear/00000.png": png()})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("bear/00000.png", png(2))
    assert "holds bear/00000.png twice" in refused(path)


def test_an_encrypted_zip(packed) -> None:
    path = packed({"bear/00000.png": png()})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with opened_source(path) as source, pytest.raises(MaskError, match="is encrypted"):
        source.read("bear/00000.png")


def test_a_flipped_bit(packed) -> None:
    data = zlib.compress(np.random.default_rng(0).bytes(4000))
    path = packed({"bear/00000.png": data}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[1000] ^= 1
    path.write_bytes(raw)
    with opened_source(path) as source, pytest.raises(MaskError, match=r"is damaged .*CRC"):
        source.read("bear/00000.png")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 but cut"])
def test_what_is_no_zip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert "no zip that can be read" in refused(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("files", "prefix"),
    [
        (["bear/0.png", "goat/0.png"], ""),
        (["Annotations/bear/0.png", "Annotations/other/0.png"], "Annotations/"),
        (["my run/masks/bear/0.png", "readme.png"], "my run/masks/"),
        (["a/polar-bear/0.png", "b/bear/0.png"], "b/"),
    ],
)
def test_where_sequences_are(tmp_path: Path, files: list[str], prefix: str) -> None:
    assert prefix_of(FolderSource(tmp_path), files, ["bear", "goat"]) == prefix


def test_names_of_a_video_and_an_object(tmp_path: Path) -> None:
    files = ["out/v1/000/0.png", "out/v1/001/0.png"]
    assert prefix_of(FolderSource(tmp_path), files, ["v1/000", "v1/001"]) == "out/"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["A/bear/0.png", "B/bear/0.png"], "several places, 'A/' and 'B/'"),
        (["x/0.png"], "any of the 2 sequences .*bear, goat.*It has PNG files in x"),
        ([], "no PNG files at all"),
    ],
)
def test_where_they_are_not(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(ResultError, match=message):
        prefix_of(FolderSource(tmp_path), files, ["bear", "goat"])


def test_the_folder_of_one_sequence(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"folder of one sequence: name .*--sequences bear"):
        prefix_of(FolderSource(tmp_path / "bear"), ["0.png"], ["bear"])
