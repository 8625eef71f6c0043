"""The folder layout all mask datasets share: one folder of frames and one of masks per sequence."""

from pathlib import Path

from vostool.errors import DatasetError
from vostool.sequence import Sequence

FRAME_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def files_in(folder: Path, suffixes: set[str]) -> list[Path]:
    """Return the files of a folder with one of the suffixes, by name; hidden files are left out."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def read_sequence(
    name: str,
    frames_dir: Path,
    masks_dir: Path,
    *,
    dense: bool,
    need_frames: bool,
    attributes: tuple[str, ...] = (),
) -> Sequence:
    """Pair the frames of one sequence with its masks.

    Args:
        name: name of the sequence.
        frames_dir: folder of its frames.
        masks_dir: folder of its PNG masks, named like the frames.
        dense: every frame must have a mask; otherwise the first one must.
        need_frames: to track; without, to score, the images are not looked at, and the masks
            stand for them.
        attributes: attribute codes.

    Raises:
        DatasetError: a frame or mask is missing or has no partner.
    """
    masks = {path.stem: path for path in files_in(masks_dir, {".png"})}
    if not masks:
        raise DatasetError(f"Sequence '{name}' has no masks: {masks_dir} is absent or empty.")
    frames = files_in(frames_dir, FRAME_SUFFIXES) if need_frames else list(masks.values())
    if not frames:
        raise DatasetError(f"Sequence '{name}' has no frames: {frames_dir} is absent or empty.")
    stems = [path.stem for path in frames]
    _check_pairs(name, stems, masks, masks_dir, dense=dense)
    annotations = {i: masks[stem] for i, stem in enumerate(stems) if stem in masks}
    return Sequence(name, tuple(frames), annotations, attributes)


def _check_pairs(
    name: str, stems: list[str], masks: dict[str, Path], masks_dir: Path, *, dense: bool
) -> None:
    if len(set(stems)) != len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise DatasetError(f"Sequence '{name}' has two images named '{twice}'. Remove one.")
    extra = sorted(set(masks) - set(stems))
    if extra:
        raise DatasetError(
            f"Sequence '{name}': {listed(extra)} in {masks_dir} {_has(extra)} no frame. Remove "
            "the extra masks or restore the missing frames."
        )
    if dense:
        missing = [stem for stem in stems if stem not in masks]
        if missing:
            raise DatasetError(
                f"Sequence '{name}': {len(missing)} of {len(stems)} masks missing from {masks_dir} "
                f"({listed(missing)}). Unpack the dataset again."
            )
    elif stems[0] not in masks:
        raise DatasetError(
            f"Sequence '{name}' has no mask for its first frame, {masks_dir / stems[0]}.png, "
            "which tells the trackers what to follow."
        )


def listed(stems: list[str], most: int = 3) -> str:
    """Return the first few names as text, e.g. `00001.png, 00002.png, 00003.png, ...`."""
    shown = ", ".join(f"{stem}.png" for stem in stems[:most])
    return shown + (", ..." if len(stems) > most else "")


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
