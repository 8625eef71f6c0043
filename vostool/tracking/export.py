"""What a tracker hands over to be exported: networks, with inputs made of real frames.

A tracker that can be exported implements `Tracker.exportable(scene)`. A Siamese one returns two
networks; names of tensors are chosen so that the outputs of one are inputs of the next:

    def exportable(self, scene):
        kernels = ...                                  # of the crops of scene.prompts
        return {
            "template": Exported(template_branch, {"template": crops}, ("kernels",)),
            "search": Exported(
                search_branch,
                {"kernels": kernels, "search": search_crops},
                ("score", "deltas", "mask_features"),
            ),
        }
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from vostool.types import Frame, Prompt

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Scene:
    """Two frames to make inputs of.

    Args:
        first: (H, W, 3) uint8 RGB, the frame of the prompts.
        prompts: as many as the batch is to hold, with ids of 1 and up.
        second: the frame after it, of the same size.
    """

    first: Frame
    prompts: tuple[Prompt, ...]
    second: Frame


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixels of an image become an input: (value - mean) / std, per channel.

    Args:
        order: of the channels.
        mean: of values of 0 to 255.
        std: likewise.
    """

    order: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Exported:
    """A network to be exported.

    Args:
        network: in evaluation mode, on the CPU, in fp32; it takes the inputs in their order, and
            returns a tensor, or a tuple of as many as there are outputs.
        inputs: name -> tensor as it would be in tracking the scene. All trackers call what goes
            from one network to another by the same name in both.
        outputs: names of what it returns.
        dynamic: input -> axis -> name of an axis of any length, the same name where lengths are the
            same; the other axes are fixed to those of the inputs. A convolution whose kernels are
            an input needs a fixed batch: ONNX fixes the number of groups.
        pixels: input -> how its pixels are normalised, for inputs that are images.
        about: input or output -> one line for those who use the file: what it is, its unit.
    """

    network: "nn.Module"
    inputs: "Mapping[str, Tensor]"
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    pixels: Mapping[str, Pixels] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
