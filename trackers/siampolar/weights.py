"""Weights of the network in and out: safetensors, refused if they are of another network."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from vostool.errors import WeightsError


def load_weights(network: nn.Module, path: Path | None) -> None:
    """Fill a network from a safetensors file; nothing happens if there is none.

    Raises:
        WeightsError: the file is damaged, or it is of a network of another shape.
    """
    if path is None:
        return
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is no safetensors file that can be read ({error}).") from error
    wanted = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    wrong = sorted(set(wanted) ^ set(tensors))
    wrong += [n for n in sorted(set(wanted) & set(tensors)) if wanted[n].shape != tensors[n].shape]
    if wrong:
        raise WeightsError(
            f"{path} holds the weights of another network: {', '.join(wrong[:3])}"
            f"{', ...' if len(wrong) > 3 else ''} do not fit. Name the configuration that it was "
            "trained with."
        )
    network.load_state_dict(tensors, strict=False)
