"""The checkpoints that Meta has published; addresses of the README of facebookresearch/sam2."""

from vostool.tracking.base import Release

_PLACE = "https://dl.fbaipublicfiles.com/segment_anything_2/092824"

RELEASES = tuple(
    Release(
        name=f"sam2.1_hiera_{model}",
        url=f"{_PLACE}/sam2.1_hiera_{model}.pt",
        licence="Apache-2.0",
        about=f"SAM 2.1, {size} million parameters, trained on SA-V and others",
        config=model,
    )
    for model, size in (
        ("tiny", "38.9"),
        ("small", "46"),
        ("base_plus", "80.8"),
        ("large", "224.4"),
    )
)
