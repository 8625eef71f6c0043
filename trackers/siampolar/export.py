"""The networks of SiamPolarMask for other programs: of templates, of the search, of contours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn

from vostool.errors import ConfigError
from vostool.tracking.base import Runtime
from vostool.tracking.export import Exported, Pixels, Scene
from vostool_trackers.siamese.inference.exporting import heard, plain
from vostool_trackers.siamese.model.backbone import MEAN, STD
from vostool_trackers.siampolar.network import SiamPolarCar
from vostool_trackers.siampolar.search import Search
from vostool_trackers.siampolar.settings import Config

_BATCH = {0: "batch"}
_ABOUT = {
    "template": "crop of 127 x 127 px around the box: side sqrt((w + p) (h + p)), p = (w + h) / 2",
    "search": "crop of 255 x 255 px in the scale of the template, where the object was last",
    "template_guide": "twice the mask of the object; 4 likelihood - 2 of the colors, 0 to 1",
    "search_guide": "the same of the search crop, with the mask of the last frame",
    "score": "logit of a cell being on the object; cell (r, c) lies on pixel (31 + 8 c, 31 + 8 r)",
    "centerness": "logit of a cell being in the middle of the object",
    "rays": "distance to the contour, pixels of the search crop; ray k of R at the angle "
    "2 pi k / R, from x to y",
    "dense": "logits of pixels being the object's, of the search crop from pixel 27 on",
    "unrolled": "the crop by angle and distance from the object's point: colors, guides, `dense` "
    "of -6 to 6 over 6, 4 (ray - distance) / reach of -1 to 1, and 1 on the first frame, else -1",
    "reached": "logits of the object reaching so far; the mean of their sigmoid is ray / reach",
}


class Template(nn.Module):
    """Crops of templates to the kernels of the correlation."""

    def __init__(self, network: SiamPolarCar) -> None:
        super().__init__()
        self.network = network

    def forward(self, template: Tensor, guide: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(self.network.kernels(template, guide))


class Map(nn.Module):
    """Kernels and search crops to the maps of the cells."""

    def __init__(self, network: SiamPolarCar, levels: int) -> None:
        super().__init__()
        self.network, self.levels = network, levels

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        maps = self.network.search(list(inputs[: self.levels]), *inputs[self.levels :])
        return tuple(of_a_map for of_a_map in maps if of_a_map is not None)


def exportable(network: nn.Module, config: Config, scene: Scene) -> Mapping[str, Exported]:
    """Return the network of `car` in its parts, with what they are given in tracking.

    Raises:
        ConfigError: it is one of the whole-frame forms.
    """
    if not isinstance(network, SiamPolarCar):
        raise ConfigError(
            f"Only the form `car` of siampolar can be exported, not `{config.variant}`: choose "
            "another configuration."
        )
    search = Search(network, config, Runtime())
    with heard(network) as given, _unrolled(network) as unrolled:
        search.step(scene.first, scene.prompts)
        search.step(scene.second, ())
    levels = len(config.stages)
    kernels = tuple(f"kernel_{stage}" for stage in config.stages)
    guided = ("guide",) if config.guided else ()
    about = _ABOUT | {
        f"kernel_{stage}": f"features of the template, {stage}" for stage in config.stages
    }
    pixels = Pixels("RGB", MEAN, STD)
    template = ("template", *(f"template_{name}" for name in guided))
    inputs = (*kernels, "search", *(f"search_{name}" for name in guided))
    found = {
        "template": Exported(
            Template(network),
            dict(zip(template, given["kernels"], strict=True)),
            kernels,
            dynamic=dict.fromkeys(template, _BATCH),
            pixels={"template": pixels},
            about=about,
        ),
        "search": Exported(
            Map(network, levels),
            dict(zip(inputs, given["search"], strict=True)),
            ("score", "centerness", "rays", *(("dense",) if network.refinement else ())),
            pixels={"search": pixels},
            about=about,
        ),
    }
    if network.refinement is not None:
        found["refinement"] = Exported(
            network.refinement,
            {"unrolled": unrolled[-1]},
            ("reached",),
            dynamic={"unrolled": _BATCH},
            about=about,
        )
    return found


@contextmanager
def _unrolled(network: SiamPolarCar) -> Iterator[list[Tensor]]:
    """Keep what the refinement of a network is given, if it has one."""
    kept: list[Tensor] = []
    if network.refinement is None:
        yield kept
        return

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        kept.append(plain(inputs[0]))

    listening = network.refinement.register_forward_pre_hook(keep)
    try:
        yield kept
    finally:
        listening.remove()
