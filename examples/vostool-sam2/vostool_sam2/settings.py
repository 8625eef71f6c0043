"""Settings of SAM 2."""

from dataclasses import dataclass
from typing import Literal

from vostool.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Which network, and how large it sees frames.

    Args:
        model: `tiny`, `small`, `base_plus` or `large`.
        version: of the release, `2` or `2.1`; networks and weights differ.
        image_size: side in pixels of the square that frames are scaled to; released weights are
            for 1024.

    Raises:
        ConfigError: an image size that the network cannot see.
    """

    model: Literal["tiny", "small", "base_plus", "large"] = "tiny"
    version: Literal["2", "2.1"] = "2.1"
    image_size: int = 1024

    def __post_init__(self) -> None:
        if self.image_size < 128 or self.image_size % 32:
            raise ConfigError(f"image_size is a multiple of 32 from 128, not {self.image_size}.")
