"""What a Siamese network is given in tracking, kept for exporting its halves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_HALVES = ("kernels", "search")


@contextmanager
def heard(network: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """Keep what the methods `kernels` and `search` of a network are last given.

    Args:
        network: as it is used in tracking; it answers as ever.

    Yields:
        Method -> tensors in their order, lists laid out, what is None left away.
    """
    kept: dict[str, list[Tensor]] = {}

    def listening(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*inputs: Any) -> Any:
            kept[name] = [plain(x) for x in _laid_out(inputs)]
            return method(*inputs)

        return answer

    for name in _HALVES:
        setattr(network, name, listening(name, getattr(network, name)))
    try:
        yield kept
    finally:
        for name in _HALVES:
            delattr(network, name)


def plain(x: Tensor) -> Tensor:
    """Return a copy that torch can export with: of no inference mode, in the usual layout."""
    with torch.inference_mode(False):
        return x.detach().clone(memory_format=torch.contiguous_format)


def _laid_out(inputs: tuple[Any, ...]) -> Iterator[Tensor]:
    for value in inputs:
        if isinstance(value, Tensor):
            yield value
        elif value is not None:
            yield from value
