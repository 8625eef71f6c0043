"""Files of tensors, from anyone: safetensors or `torch.save`, read without running code."""

import io
import pickletools
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from vostool.errors import WeightsError
from vostool.io.kinds import stand_in

COUNTERS = "num_batches_tracked"  # files of old versions lack it, and nothing depends on it
_WRAPPERS = ("state_dict", "model", "net")  # keys under which programs store their tensors
_BROKEN = "Unsupported operand"  # what torch says of bytes that are no instruction
_LEGACY = 4  # pickles at the start of a checkpoint that is no archive; the last holds the tensors
# An archive of torch is not compressed, and weights hardly can be: what unfolds further than this
# would fill the memory.
_UNFOLDS, _SMALL = 4, 16 << 20


@dataclass(frozen=True)
class Format:
    """How a published program names its tensors.

    Args:
        name: of the program, for the sentence that says what was recognised.
        prefixes: its prefix -> ours; the first that fits is taken. None leaves the tensors out.
        transposed: of its prefixes, those of 1 x 1 transposed convolutions; ours are convolutions,
            whose weights have the first two axes the other way round.
    """

    name: str
    prefixes: Mapping[str, str | None]
    transposed: tuple[str, ...] = ()

    def renamed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Return the tensors under our names, None if one has no place."""
        found = {}
        for name, tensor in tensors.items():
            prefix = next((p for p in self.prefixes if name.startswith(p)), None)
            if prefix is None:
                return None
            ours = self.prefixes[prefix]
            if prefix in self.transposed and tensor.ndim > 1:
                tensor = tensor.transpose(0, 1)
            if ours is not None:
                found[ours + name.removeprefix(prefix)] = tensor
        return found


OURS = Format("vostool", {"": ""})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU, without `module.` and without counters.

    Raises:
        WeightsError: it is neither safetensors nor a checkpoint of plain tensors.
    """
    content = _read(path)
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = (
        {str(n): t for n, t in content.items() if isinstance(t, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise WeightsError(f"{path} holds no named tensors.")
    return {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if not name.endswith(COUNTERS)
    }


def best_fit(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], formats: Sequence[Format] = ()
) -> dict[str, Tensor]:
    """Return the tensors that have a place in a network, under its names.

    Args:
        tensors: of a file.
        wanted: the network's, by name.
        formats: in which the file may be, besides our own; the one that fits most is taken.

    Returns:
        Those whose name and shape fit; counters are not among them.
    """
    best: dict[str, Tensor] = {}
    for form in (OURS, *formats):
        given = form.renamed(tensors) or {}
        fit = {n: t for n, t in given.items() if n in wanted and wanted[n].shape == t.shape}
        best = max(best, fit, key=len)
    return best


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            start = file.read(1024)
        if what := stand_in(start):
            raise WeightsError(f"{path} {what}.")
        if start[8:9] == b"{":  # safetensors: the length of a JSON header, then the header
            return load_file(path)
        _check_unfolded(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are not torch's: they are refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except (WeightsError, MemoryError):
        raise
    except Exception as error:  # whatever torch and pickle say of damaged files
        if isinstance(error, UnpicklingError) and _has_code(path, error):
            raise WeightsError(
                f"{path} holds more than tensors, and reading it would run code from it; it is "
                f"refused ({_reason(error)}). Save its state_dict alone, or as safetensors."
            ) from error
        raise WeightsError(
            f"{path} cannot be read as weights; it is damaged or of another kind "
            f"({_brief(error)}). Download or copy it again."
        ) from error


def _check_unfolded(path: Path) -> None:
    """Refuse an archive that is far larger inside than outside.

    Raises:
        WeightsError: it is.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        inside = sum(each.file_size for each in archive.infolist())
    outside = path.stat().st_size
    if inside > _UNFOLDS * outside + _SMALL:
        raise WeightsError(
            f"{path} has {outside / 1e6:.1f} MB and would unfold to {inside / 1e6:.0f} MB, as no "
            f"weights do (the limit is {_UNFOLDS} times its size); nothing was read. Download it "
            "again, or save its tensors with torch.save or as safetensors."
        )


def _has_code(path: Path, error: UnpicklingError) -> bool:
    """Return whether torch refused a file for what is in it, and not because it is damaged."""
    with path.open("rb") as file:
        torchs = file.read(2) in (b"PK", b"\x80\x02")  # as `torch.save` begins, then and now
    return _whole(path) and not (torchs and _BROKEN in str(error))


def _whole(path: Path) -> bool:
    """Return whether the pickles of a file are complete."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                (name,) = (n for n in archive.namelist() if n.endswith("/data.pkl"))
                return _pickles(io.BytesIO(archive.read(name))) == 1
        with path.open("rb") as file:
            return _pickles(file) > 0
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _pickles(file: IO[bytes]) -> int:
    """Count the pickles at the start of a file without running them, 0 if one is cut short."""
    for count in range(_LEGACY):
        if not file.read(1):
            return count
        file.seek(-1, io.SEEK_CUR)
        try:
            for _ in pickletools.genops(file):
                pass
        except Exception:  # of bytes that are no pickle, it raises whatever comes
            return 0
    return _LEGACY


def _brief(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]


def _reason(error: Exception) -> str:
    """Return the sentence of torch's message that says what it refused."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if "nsupported" in line), _brief(error))[:160]
