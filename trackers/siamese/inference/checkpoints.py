"""Published checkpoints, recognized by the names of their tensors.

A format is a table of prefixes: how the tensors of a published program are named, and how ours are.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from vostool.errors import WeightsError
from vostool.tracking.tensor_files import COUNTERS, OURS, Format, read_tensors

_SHOWN = 3
_LOG = logging.getLogger("vostool.tracking.weights")


def load_checkpoint(
    network: nn.Module,
    path: Path | None,
    formats: Sequence[Format] = (),
    optional: tuple[str, ...] = (),
) -> Format | None:
    """Fill a network from a safetensors file or a published checkpoint; say which it is, if so.

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
    wanted = {n: t for n, t in network.state_dict().items() if not n.endswith(COUNTERS)}
    closest: list[str] | None = None
    for form in (OURS, *formats):
        given = form.renamed(tensors)
        if given is None:
            continue
        given = {n: t for n, t in given.items() if n in wanted or not n.startswith(optional)}
        wrong = _wrong(wanted, given)
        if not wrong:
            network.load_state_dict(given, strict=False)
            if form is not OURS:
                _LOG.info("%s: recognised as published weights of %s.", path, form.name)
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


def _wrong(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Return the names that are missing, too many or of another shape."""
    names = sorted(set(wanted) ^ set(given))
    return names + [
        n for n in sorted(set(wanted) & set(given)) if wanted[n].shape != given[n].shape
    ]
