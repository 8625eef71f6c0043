"""Checkpoints: everything that is needed to go on, in folders that are whole or absent.

    checkpoints/step_00001000/
        network.safetensors     the network's tensors
        ema.safetensors         its moving average, if there is one
        state.pt                optimizer, gradient scaler, counters
        files.json              SHA-256 of the files above

A checkpoint is written under a hidden name and then renamed, so a training killed at any moment
leaves only whole ones. There is no random state to keep, see `counter_rng`.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from vostool.environment import sha256_of
from vostool.errors import WeightsError

Tensors = Mapping[str, Tensor]
_STATE = "state.pt"
_HASHES = "files.json"


def save(
    folder: Path, step: int, tensors: Mapping[str, Tensors], state: Mapping[str, Any], keep: int
) -> Path:
    """Write the checkpoint of a step, then remove all but the newest.

    Args:
        folder: of the checkpoints.
        step: steps that are done.
        tensors: file name without ending -> its tensors.
        state: plain values and tensors, as `torch.load` takes them with `weights_only=True`.
        keep: how many to keep.

    Returns:
        Its folder.
    """
    path = folder / f"step_{step:08d}"
    partial = folder / f".{path.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, values in tensors.items():
        write_tensors(partial / f"{name}.safetensors", values)
    torch.save(dict(state), partial / _STATE)
    hashes = {file.name: sha256_of(file) for file in sorted(partial.iterdir())}
    (partial / _HASHES).write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")
    for file in partial.iterdir():
        _flush_to_disk(file)
    os.replace(partial, path)
    _flush_to_disk(folder)
    for old in checkpoints_in(folder)[:-keep]:
        shutil.rmtree(old)
    return path


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, the oldest first."""
    return sorted(path for path in folder.glob("step_*") if path.is_dir())


def tidy(folder: Path) -> None:
    """Remove what a killed training left half written."""
    for path in folder.glob(".step_*.partial"):
        shutil.rmtree(path)


def load(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read a checkpoint.

    Returns:
        File name without ending -> its tensors, and the state; all on the CPU.

    Raises:
        WeightsError: a file is not what was written, or holds objects that would run code.
    """
    try:
        hashes = json.loads((path / _HASHES).read_text(encoding="utf-8"))
        bad = [name for name, digest in hashes.items() if sha256_of(path / name) != digest]
    except (OSError, ValueError, AttributeError):
        raise WeightsError(_damaged(path, _HASHES)) from None
    if bad:
        raise WeightsError(_damaged(path, bad[0]))
    names = [Path(name).stem for name in hashes if name.endswith(".safetensors")]
    tensors = {name: load_file(path / f"{name}.safetensors") for name in names}
    try:
        return tensors, torch.load(path / _STATE, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle have many for what they do not take
        raise WeightsError(
            f"{path / _STATE} holds more than numbers, texts and tensors, or is cut short "
            f"({type(error).__name__}), so nothing of it was loaded. {_remedy(path)}"
        ) from error


def write_tensors(path: Path, tensors: Tensors, about: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file with the user's default permissions.

    Args:
        path: of the file.
        tensors: on any device and of any layout; they may share memory.
        about: for the file's header.
    """
    apart = {
        name: tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    path.write_bytes(to_bytes(apart, dict(about) if about else None))


def _damaged(path: Path, file: str) -> str:
    return f"The checkpoint {path} is damaged: {file} is not what was written. {_remedy(path)}"


def _remedy(path: Path) -> str:
    others = [other for other in checkpoints_in(path.parent) if other < path]
    rest = f"goes on from {others[-1].name}" if others else "begins anew, as there is no other"
    return f"Remove that folder and run the same command again; training then {rest}."


def _flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
