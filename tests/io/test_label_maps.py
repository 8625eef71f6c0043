"""Label maps: every PNG mode is read as the ids it holds or refused with a sentence."""

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from vostool.errors import MaskError
from vostool.io.label_maps import (
    box_of,
    davis_palette,
    holds_both,
    ids_in,
    merge_objects,
    read_labels,
    refuse_soft,
    write_labels,
)
from vostool.io.smoothing import is_smoothed

LABELS = np.array(
    [[0, 0, 1, 1, 2, 2, 3], [0, 1, 1, 2, 2, 3, 3], [3, 3, 0, 0, 1, 2, 0], [0, 0, 0, 0, 0, 1, 1]],
    np.uint8,
)

# The PASCAL VOC colours as the DAVIS-2017 annotations have them.
FIRST_COLOURS = [
    (0, 0, 0),
    (128, 0, 0),
    (0, 128, 0),
    (128, 128, 0),
    (0, 0, 128),
    (128, 0, 128),
    (0, 128, 128),
    (128, 128, 128),
    (64, 0, 0),
    (191, 0, 0),
    (64, 128, 0),
    (191, 128, 0),
    (64, 0, 128),
    (191, 0, 128),
    (64, 128, 128),
    (191, 128, 128),
    (0, 64, 0),
    (128, 64, 0),
    (0, 191, 0),
    (128, 191, 0),
    (0, 64, 128),
    (128, 64, 128),
]


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, format="PNG", **options)
    return path


def grey_rgb(labels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.stack([labels] * 3, axis=-1))


# --- an encoder by the PNG specification, for what Pillow does not write ---


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def filtered(rows: np.ndarray, kinds: Iterable[int]) -> bytes:
    """Apply one filter per row to 8-bit samples (PNG specification, section 9)."""
    padded = np.pad(rows.astype(int), ((1, 0), (1, 0)))
    out = bytearray()
    for y, kind in zip(range(1, len(padded)), kinds, strict=False):
        out.append(kind)
        for x in range(1, padded.shape[1]):
            left, up, corner = padded[y, x - 1], padded[y - 1, x], padded[y - 1, x - 1]
            guess = (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]
            out.append(int(padded[y, x] - guess) % 256)
    return bytes(out)


def interlaced(rows: np.ndarray) -> bytes:
    """Order 8-bit samples in the seven passes of Adam7 (section 8)."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    data = b""
    for top, left, down, across in [*passes, (1, 0, 2, 1)]:
        part = rows[top::down, left::across]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    return data


def palette_png(size: tuple[int, int], data: bytes, *, adam7: bool = False) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", size[1], size[0], 8, 3, 0, 0, int(adam7))
    chunks = [(b"IHDR", header), (b"PLTE", bytes(davis_palette()[:24]))]
    chunks += [(b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


# --- what is read ---


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_images_give_their_indices(tmp_path: Path, bits: int) -> None:
    labels = LABELS.clip(max=2**bits - 1)
    image = Image.fromarray(labels)
    image.putpalette(davis_palette()[: 3 * 2**bits])
    path = save(tmp_path / "a.png", image, bits=bits)
    assert path.read_bytes()[24] == bits
    np.testing.assert_array_equal(read_labels(path), labels)


@pytest.mark.parametrize("kind", range(5))
def test_filtered_rows(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(palette_png(LABELS.shape, filtered(LABELS, [kind] * len(LABELS))))
    np.testing.assert_array_equal(read_labels(path), LABELS)


def test_interlaced(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 6, (13, 19), np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(palette_png(labels.shape, interlaced(labels), adam7=True))
    np.testing.assert_array_equal(read_labels(path), labels)


def test_a_palette_of_other_colours_changes_nothing(tmp_path: Path) -> None:
    image = Image.fromarray(LABELS)
    image.putpalette(list(reversed(davis_palette())))
    np.testing.assert_array_equal(read_labels(save(tmp_path / "a.png", image)), LABELS)


def test_a_transparent_palette_entry_changes_nothing(tmp_path: Path) -> None:
    image = Image.fromarray(LABELS)
    image.putpalette(davis_palette())
    path = save(tmp_path / "a.png", image, transparency=0)
    np.testing.assert_array_equal(read_labels(path), LABELS)


def test_grey_gives_its_values(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 7, 254, 255]], np.uint8)
    np.testing.assert_array_equal(
        read_labels(save(tmp_path / "a.png", Image.fromarray(labels))), labels
    )


def test_one_bit_gives_zero_and_one(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(LABELS > 1))
    read = read_labels(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, LABELS > 1)


def test_opaque_alpha_is_dropped(tmp_path: Path) -> None:
    image = Image.merge("LA", (Image.fromarray(LABELS), Image.new("L", LABELS.shape[::-1], 255)))
    read = read_labels(save(tmp_path / "a.png", image))
    np.testing.assert_array_equal(read, LABELS)
    assert read.flags.c_contiguous


def test_sixteen_bit_with_small_ids(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(LABELS.astype(np.uint16)))
    assert path.read_bytes()[24] == 16
    read = read_labels(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colors_of_the_palette_give_its_indices(tmp_path: Path, mode: str) -> None:
    ids = np.arange(22, dtype=np.uint8)[None]
    colors = np.array(FIRST_COLOURS, np.uint8)[None]
    path = save(tmp_path / "a.png", Image.fromarray(colors).convert(mode))
    np.testing.assert_array_equal(read_labels(path), ids)


def test_the_colors_of_pascal_voc_are_known(tmp_path: Path) -> None:
    colors = np.array([[(192, 0, 0), (64, 128, 0), (0, 192, 0), (192, 128, 128)]], np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(colors))
    np.testing.assert_array_equal(read_labels(path), [[9, 10, 18, 15]])


def test_the_oddity_of_davis_2016(shared: Path) -> None:
    path = shared / "data/DAVIS/Annotations/480p/bear/00077.png"
    with Image.open(path) as image:
        assert image.mode == "LA"
    labels = read_labels(path)
    assert labels.shape == (480, 854)
    assert sorted(set(labels.ravel().tolist())) == [0, 255]


# --- what is refused ---


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_other_colors_are_refused(tmp_path: Path, mode: str) -> None:
    path = save(tmp_path / "a.png", grey_rgb(LABELS).convert(mode))
    with pytest.raises(
        MaskError, match=rf"a.png holds colors .mode {mode}.*\(1, 1, 1\) at x=2, y=0"
    ):
        read_labels(path)


def test_transparent_colors_are_refused(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4), (128, 0, 0, 120))
    with pytest.raises(MaskError, match="transparent"):
        read_labels(save(tmp_path / "a.png", image))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("format", ["JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_nothing_but_png_is_read(tmp_path: Path, mode: str, format: str) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, (16, 8)).save(path, format=format)
    with pytest.raises(MaskError, match=r"cannot be read as an image of ids: it is a .*PNG"):
        read_labels(path)


def test_a_program_is_never_run(tmp_path: Path) -> None:
    """Pillow hands PostScript to Ghostscript."""
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n")
    with pytest.raises(MaskError, match="PostScript"):
        read_labels(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "web page"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page"),
        (b"../../.git/annex/objects/Xv/0/SHA256E-s9--1.png/SHA256E-s9--1.png\n", "git annex get"),
        (b"", "empty"),
    ],
)
def test_what_was_never_fetched(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(MaskError, match=rf"a\.png.*{word}"):
        read_labels(path)


def test_an_orientation_flag_is_refused(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.png", Image.fromarray(LABELS), exif=exif)
    with pytest.raises(MaskError, match="orientation flag 6"):
        read_labels(path)
    exif[0x0112] = 1
    save(path, Image.fromarray(LABELS), exif=exif)
    np.testing.assert_array_equal(read_labels(path), LABELS)


def test_transparent_alpha_is_refused(tmp_path: Path) -> None:
    alpha = np.full(LABELS.shape, 255, np.uint8)
    alpha[1, 2] = 254
    image = Image.merge("LA", (Image.fromarray(LABELS), Image.fromarray(alpha)))
    with pytest.raises(MaskError, match="transparent"):
        read_labels(save(tmp_path / "a.png", image))


@pytest.mark.parametrize("big", [256, 300, 40000])
def test_sixteen_bit_with_big_ids_is_refused(tmp_path: Path, big: int) -> None:
    wide = LABELS.astype(np.uint16)
    wide[0, 0] = big
    path = save(tmp_path / "a.png", Image.fromarray(wide))
    with pytest.raises(MaskError, match=f"value {big}"):
        read_labels(path)


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"absent\.png does not exist"):
        read_labels(tmp_path / "absent.png")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(MaskError, match="cannot be read as an image"):
        read_labels(path)


def test_a_folder_is_not_an_image(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="cannot be read"):
        read_labels(tmp_path)


def test_cut_short_anywhere(tmp_path: Path) -> None:
    """Whatever is cut off, the ids are either all there or the file is refused."""
    labels = np.random.default_rng(1).integers(0, 5, (20, 30), np.uint8)
    whole = palette_png(labels.shape, filtered(labels, [0] * 20))
    path = tmp_path / "a.png"
    refused = 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            np.testing.assert_array_equal(read_labels(path), labels)
        except MaskError:
            refused += 1
    assert refused > len(whole) - 40  # only the end mark and checksums may be missing


def with_one_wrong_byte() -> Iterator[tuple[np.ndarray, bytes]]:
    labels = np.random.default_rng(2).integers(0, 5, (12, 16), np.uint8)
    whole = palette_png(labels.shape, filtered(labels, [0] * 12))
    for position in range(len(whole)):
        wrong = bytes([whole[position] ^ 0x55])
        yield labels, whole[:position] + wrong + whole[position + 1 :]


def test_one_wrong_byte_anywhere_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    messages = []
    for _, damaged in with_one_wrong_byte():
        path.write_bytes(damaged)
        try:
            read_labels(path)
        except MaskError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all("a.png" in message for message in messages)


def test_one_wrong_byte_anywhere_never_changes_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for labels, damaged in with_one_wrong_byte():
        path.write_bytes(damaged)
        with suppress(MaskError):
            np.testing.assert_array_equal(read_labels(path), labels)


# --- writing ---


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_written_maps_are_read_back(tmp_path: Path, labels: np.ndarray) -> None:
    path = tmp_path / "a.png"
    write_labels(path, labels)
    np.testing.assert_array_equal(read_labels(path), labels)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


def test_written_maps_are_palette_images_of_the_davis_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_labels(path, LABELS)
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.getpalette() == davis_palette()


def test_a_map_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    write_labels(path, LABELS)

    def full_disk(self: Image.Image, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_labels(path, np.zeros_like(LABELS))
    np.testing.assert_array_equal(read_labels(path), LABELS)


# --- the palette ---


def test_palette_by_the_known_colours() -> None:
    palette = [tuple(davis_palette()[3 * i : 3 * i + 3]) for i in range(256)]
    assert palette[:22] == FIRST_COLOURS
    assert palette[22:] == [(i, i, i) for i in range(22, 256)]


def test_palette_equals_that_of_davis_2017(shared: Path) -> None:
    masks = sorted((shared / "data/DAVIS2017-240p/Annotations").rglob("*.png"))
    assert masks
    with Image.open(masks[0]) as image:
        assert image.getpalette() == davis_palette()


# --- merging objects ---


def blocks(values: list[int]) -> np.ndarray:
    """Return a map with 3 x 3 pixels of each value: objects have an inside."""
    return np.kron(np.array([values], np.uint8), np.ones((3, 3), np.uint8))


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([0, 255, 255], [0, 1, 1]),  # a binary mask
        ([0, 1, 1], [0, 1, 1]),
        ([255, 255], [1, 1]),
        ([0, 0], [0, 0]),
        ([0, 1, 2, 7], [0, 1, 1, 1]),  # ids
        ([0, 1, 2, 255], [0, 1, 1, 1]),  # whatever else there is, 255 stays foreground
        ([0, 254], [0, 1]),
    ],
)
def test_merging(values: list[int], merged: list[int]) -> None:
    result = merge_objects(blocks(values))
    assert result.dtype == np.uint8
    assert result[1, 1::3].tolist() == merged


@pytest.mark.parametrize(
    ("values", "merged"),
    [([0, 255, 255], [0, 0, 0]), ([0, 1, 2, 255], [0, 1, 1, 0]), ([0, 7], [0, 1])],
)
def test_merging_with_void(values: list[int], merged: list[int]) -> None:
    """Void stays background, also in a map that holds nothing else."""
    assert merge_objects(blocks(values), void=True)[1, 1::3].tolist() == merged


@pytest.mark.parametrize("method", ["BILINEAR", "BICUBIC", "LANCZOS"])
def test_a_binary_mask_resized_with_smoothing_is_refused(method: str) -> None:
    square = np.zeros((40, 40), np.uint8)
    square[10:30, 8:33] = 255
    smooth = Image.fromarray(square).resize((57, 61), Image.Resampling[method])
    with pytest.raises(MaskError, match=r"a\.png has .*anti-aliased"):
        merge_objects(np.asarray(smooth), Path("a.png"))


def test_a_soft_mask_without_255_is_refused() -> None:
    ramp = np.tile(np.arange(255, dtype=np.uint8), (3, 1))
    with pytest.raises(MaskError, match="anti-aliased"):
        merge_objects(ramp)


@pytest.mark.parametrize("quality", [50, 80, 95])
def test_a_binary_mask_that_was_a_jpeg_is_refused(quality: int) -> None:
    y, x = np.mgrid[:90, :120]
    mask = ((y - 40) ** 2 + (x - 50) ** 2 < 900).astype(np.uint8) * 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, format="JPEG", quality=quality)
    with pytest.raises(MaskError, match="anti-aliased"):
        merge_objects(np.asarray(Image.open(file)))


@pytest.mark.parametrize("high", [1, 3, 12, 120, 254, 255])
def test_smoothing_is_told_at_any_height(high: int) -> None:
    y, x = np.mgrid[:400, :480]
    disk = ((y - 200) ** 2 + (x - 240) ** 2 < 22500).astype(np.float32) * high
    small = disk.reshape(100, 4, 120, 4).mean(axis=(1, 3)).round().astype(np.uint8)
    # Averages of 16 pixels: of low values too few lie between 0 and the value itself.
    assert is_smoothed(small) == (high > 3)


def test_many_and_scattered_ids_are_no_smoothing() -> None:
    cells = np.kron(np.arange(1, 255, dtype=np.uint8).reshape(2, 127), np.ones((6, 6), np.uint8))
    assert not is_smoothed(cells)  # they touch each other
    cells[::6] = cells[:, ::6] = 0
    cells[::6, ::2] = 255
    assert not is_smoothed(cells)
    refuse_soft(cells)
    few = np.zeros((40, 60), np.uint8)
    few[5:20, 5:20], few[25:35, 5:20], few[5:20, 30:50], few[:2] = 3, 120, 240, 255
    refuse_soft(few)
    dots = np.zeros((60, 60), np.uint8)
    dots[::5, ::5] = np.arange(1, 145).reshape(12, 12)
    refuse_soft(dots)


def test_a_binary_mask_with_a_rim_is_no_map_of_ids() -> None:
    y, x = np.mgrid[:60, :80]
    distance = (y - 30) ** 2 + (x - 40) ** 2
    rim = np.where(distance < 400, 255, np.where(distance < 441, 1, 0)).astype(np.uint8)
    with pytest.raises(MaskError, match="255 with an edge of 1"):
        refuse_soft(rim)
    assert merge_objects(rim).sum() == (rim != 0).sum()
    void = np.where(distance < 400, 1, np.where(distance < 441, 255, 0)).astype(np.uint8)
    refuse_soft(void)
    assert holds_both(rim)
    assert not holds_both(np.minimum(rim, 1))


def test_merging_leaves_its_input_alone() -> None:
    labels = blocks([0, 1, 2, 255])
    merge_objects(labels)
    assert labels.tolist() == blocks([0, 1, 2, 255]).tolist()


# --- boxes and ids ---


@pytest.mark.parametrize(
    ("rows", "columns", "box"),
    [
        (slice(2, 5), slice(1, 8), (1, 2, 7, 3)),
        (slice(0, 1), slice(0, 1), (0, 0, 1, 1)),
        (slice(5, 6), slice(8, 9), (8, 5, 1, 1)),
        (slice(None), slice(None), (0, 0, 9, 6)),
    ],
)
def test_box(rows: slice, columns: slice, box: tuple[float, ...]) -> None:
    mask = np.zeros((6, 9), bool)
    mask[rows, columns] = True
    assert box_of(mask) == box


def test_box_spans_separate_parts() -> None:
    mask = np.zeros((6, 9), bool)
    mask[1, 7] = mask[4, 2] = True
    assert box_of(mask) == (2, 1, 6, 4)


def test_box_of_nothing() -> None:
    assert box_of(np.zeros((3, 4), bool)) is None


@given(
    npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans())
)
def test_box_is_tight(mask: np.ndarray) -> None:
    box = box_of(mask)
    points = [(x, y) for (y, x), on in np.ndenumerate(mask) if on]
    if not points:
        assert box is None
        return
    assert box is not None
    xs, ys = zip(*points, strict=True)
    assert (box.x, box.y) == (min(xs), min(ys))
    assert (box.x + box.w, box.y + box.h) == (max(xs) + 1, max(ys) + 1)


def test_ids_leave_out_background_and_void() -> None:
    labels = np.array([[0, 9, 3], [255, 3, 254]], np.uint8)
    assert ids_in(labels).tolist() == [3, 9, 254]
    assert ids_in(np.zeros((2, 2), np.uint8)).tolist() == []


def test_the_encoder_of_this_file_agrees_with_pillow() -> None:
    data = palette_png(LABELS.shape, filtered(LABELS, [0, 1, 3, 4]))
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(np.asarray(image), LABELS)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user without all rights")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_labels(path, LABELS)
    path.chmod(0)
    with pytest.raises(MaskError, match="cannot be read"):
        read_labels(path)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_values_are_ids_at_every_depth(tmp_path: Path, depth: int) -> None:
    """Pillow spreads grey of 2 and 4 bits over 0 to 255; the file's own values are the ids."""
    ids = (np.arange(24) % 2**depth).astype(np.uint8).reshape(3, 8)
    bits = np.unpackbits(ids[..., None], axis=-1)[..., 8 - depth :].reshape(3, -1)
    rows = np.packbits(bits, axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    header = (8).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes([depth, 0, 0, 0, 0])
    path = tmp_path / "grey.png"
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert np.array_equal(read_labels(path), ids)


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(MaskError, match=r"bomb\.png claims to be larger"):
        read_labels(path)


def test_a_pipe_is_no_label_map(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(MaskError, match="it is no file"):
        read_labels(tmp_path / "pipe.png")
