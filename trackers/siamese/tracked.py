"""The state of several objects at once: rows of tensors that are taken away and added together."""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor


@dataclass
class Tracked:
    """What is known of N objects; subclasses add fields.

    A field is a tensor whose first dimension is N, a list of such, a dataclass of such, or None.

    Args:
        ids: their labels.
    """

    ids: list[int]

    def without(self, ids: set[int]) -> Self | None:
        """Return those that have other ids, None if none have."""
        kept = [i for i, own in enumerate(self.ids) if own not in ids]
        if not kept:
            return None
        rows = {f.name: _rows(getattr(self, f.name), kept) for f in fields(self) if f.name != "ids"}
        return replace(self, ids=[self.ids[i] for i in kept], **rows)

    def joined(self, other: Self) -> Self:
        """Return these objects, then the other ones."""
        both = {
            f.name: _both(getattr(self, f.name), getattr(other, f.name))
            for f in fields(self)
            if f.name != "ids"
        }
        return replace(self, ids=self.ids + other.ids, **both)


def _rows(value: Any, kept: list[int]) -> Any:
    if isinstance(value, Tensor):
        return value[kept]
    if isinstance(value, list):
        return [tensor[kept] for tensor in value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: getattr(value, f.name)[kept] for f in fields(value)})
    return None


def _both(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return torch.cat((a, b))
    if isinstance(a, list):
        return [torch.cat(pair) for pair in zip(a, b, strict=True)]
    if is_dataclass(a) and not isinstance(a, type):
        pairs = {f.name: (getattr(a, f.name), getattr(b, f.name)) for f in fields(a)}
        return replace(a, **{name: torch.cat(pair) for name, pair in pairs.items()})
    return None
