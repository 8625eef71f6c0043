"""The networks of SiamMask for other programs: templates, the search, and the masks of cells."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vostool.tracking.base import Runtime
from vostool.tracking.export import Exported, Pixels, Scene
from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siamese.inference.exporting import heard, plain
from vostool_trackers.siamese.model.backbone import MEAN, STD
from vostool_trackers.siamese.model.trunk import Levels
from vostool_trackers.siammask.network import Found, SiamMask
from vostool_trackers.siammask.search import Search
from vostool_trackers.siammask.settings import Config

_KERNELS = ("kernel_score", "kernel_box", "kernel_mask")
_ABOUT = {
    "template": "crop of 127 x 127 px around the box: side sqrt((w + p) (h + p)), p = (w + h) / 2",
    "search": "crop of 255 x 255 px in the scale of the template, where the object was last",
    "logits": "(2, 5, 25, 25) of background and object, per anchor and cell; cell (r, c) lies on "
    "pixel (31 + 8 c, 31 + 8 r)",
    "deltas": "(4, 5, 25, 25) shift over the anchor's size, logarithm of the size over it",
    "joint": "correlation of the mask branch",
    "cells": "row and column of each crop's cell",
    "masks": "logits of the 127 x 127 px of the search crop around the cell",
}


class _Template(nn.Module):
    """Crops of templates to the kernels of the correlations."""

    def __init__(self, network: SiamMask) -> None:
        super().__init__()
        self.network = network

    def forward(self, template: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.kernels(template))


class _Search(nn.Module):
    """Kernels and search crops to boxes, and to what masks are made of."""

    def __init__(self, network: SiamMask) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *kernels, search = inputs
        found = self.network.search(kernels, search)
        return (*found.proposals, *_parts(self.network, found))


class _Masks(nn.Module):
    """What masks are made of, and a cell of each crop, to the masks."""

    def __init__(self, network: SiamMask) -> None:
        super().__init__()
        self.network = network

    def forward(self, joint: Tensor, *rest: Tensor) -> Tensor:
        *fine, cells = rest
        batch = torch.arange(joint.shape[0])
        return self.network.masks(joint, Levels(tuple(fine), joint), batch, cells)


def exportable(network: SiamMask, config: Config, scene: Scene) -> Mapping[str, Exported]:
    """Return the networks, with what they are given in tracking."""
    search = Search(network, config, Runtime())
    own = search.network  # norms are merged into its convolutions
    with heard(own) as given:
        search.step(scene.first, scene.prompts)
        search.step(scene.second, ())
    with torch.inference_mode():
        found = own.search(given["search"][:-1], given["search"][-1])
        best = found.proposals.score.flatten(1).argmax(dim=1) % RESPONSE**2
    kernels = _KERNELS[: len(given["search"]) - 1]
    grids = own.trunk.grids if own.refine is not None else ()
    fine = tuple(f"fine_{grid.stride}" for grid in grids)
    parts = () if found.joint is None else ("joint", *fine)
    pixels = Pixels("BGR") if config.backbone == "atrous50" else Pixels("RGB", MEAN, STD)
    networks = {
        "template": Exported(
            _Template(own),
            {"template": given["kernels"][0]},
            kernels,
            dynamic={"template": {0: "batch"}},
            pixels={"template": pixels},
            about=_ABOUT,
        ),
        "search": Exported(
            _Search(own),
            dict(zip((*kernels, "search"), given["search"], strict=True)),
            ("logits", "deltas", *parts),
            pixels={"search": pixels},
            about=_ABOUT,
        ),
    }
    if parts:
        cells = plain(torch.stack((best // RESPONSE, best % RESPONSE), dim=1))
        inputs = dict(zip(parts, map(plain, _parts(own, found)), strict=True))
        networks["masks"] = Exported(
            _Masks(own), {**inputs, "cells": cells}, ("masks",), about=_ABOUT
        )
    return networks


def _parts(network: SiamMask, found: Found) -> tuple[Tensor, ...]:
    """Return what masks are made of."""
    if found.joint is None:
        return ()
    return (found.joint, *(found.levels.fine if network.refine is not None else ()))
