"""Published checkpoints: files of pickled tensors, read without running what is in them.

A format is a table of prefixes: how the tensors of a published program are named, and how ours are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vostool.errors import WeightsError

_UNCOUNTED = "num_batches_tracked"  # files of old versions lack it, and nothing depends on it
_WRAPPERS = ("state_dict", "model", "net")  # keys under which programs store their tensors
_SHOWN = 3


@dataclass(frozen=True)
class Format:
    """How a published program names its tensors.

    Args:
        name: of the program, for the sentence that says what was recognised.
        prefixes: its prefix -> ours; the first that fits is taken. None leaves the tensors out.
    """

    name: str
    prefixes: Mapping[str, str | None]

    def renamed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Return the tensors under our names, None if one has no place."""
        found = {}
        for name, tensor in tensors.items():
            prefix = next((p for p in self.prefixes if name.startswith(p)), None)
            if prefix is None:
                return None
            ours = self.prefixes[prefix]
            if ours is not None:
                found[ours + name.removeprefix(prefix)] = tensor
        return found


OURS = Format("vostool", {"": ""})


def load_checkpoint(
    network: nn.Module,
    path: Path | None,
    formats: Sequence[Format] = (),
    optional: tuple[str, ...] = (),
) -> Format | None:
    """Fill a network from a safetensors file or a published checkpoint.

    Args:
        network: whose every tensor must be in the file with its shape, but for those of counters.
        path: file; nothing happens if it is None.
        formats: in which it may be, beside our own.
        optional: prefixes of our tensors that may be too many in the file: of heads that this
            network has no use for.

    Returns:
        The format that was recognised.

    Raises:
        WeightsError: it cannot be read without running code, or it is of another network.
    """
    if path is None:
        return None
    tensors = read_tensors(path)
    wanted = {n: t for n, t in network.state_dict().items() if not n.endswith(_UNCOUNTED)}
    closest: list[str] | None = None
    for form in (OURS, *formats):
        given = form.renamed(tensors)
        if given is None:
            continue
        given = {n: t for n, t in given.items() if n in wanted or not n.startswith(optional)}
        wrong = _wrong(wanted, given)
        if not wrong:
            network.load_state_dict(given, strict=False)
            return form
        if closest is None or len(wrong) < len(closest):
            closest = wrong
    shown = ", ".join((closest or sorted(tensors))[:_SHOWN])
    known = ", ".join(form.name for form in (OURS, *formats))
    raise WeightsError(
        f"{path} holds the weights of another network: {shown}"
        f"{', ...' if closest is None or len(closest) > _SHOWN else ''} do not fit. "
        f"Name the configuration that it was trained with; known are files of {known}."
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU, without `module.` and without counters.

    Raises:
        WeightsError: it is neither safetensors nor a checkpoint of plain tensors.
    """
    try:
        content = _read(path)
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} cannot be read as weights ({_brief(error)}).") from error
    except UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than tensors, and reading it would run code from it; it is refused "
            f"({_brief(error)}). Save its state_dict alone, or as safetensors."
        ) from error
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
        if not name.endswith(_UNCOUNTED)
    }


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":  # safetensors: the length of a JSON header, then the header
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _wrong(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Return the names that are missing, too many or of another shape."""
    names = sorted(set(wanted) ^ set(given))
    return names + [
        n for n in sorted(set(wanted) & set(given)) if wanted[n].shape != given[n].shape
    ]


def _brief(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]
