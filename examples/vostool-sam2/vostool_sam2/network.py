"""SAM 2 itself: built by the package `sam2`, filled with weights, fed with frames and prompts."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vostool.errors import WeightsError
from vostool.types import Box, Frame, Mask

from .settings import Config

# Of ImageNet, as in `sam2.utils.misc.load_video_frames`.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_FILES = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
_STRIDE = 16  # of the finest features that attention sees


def build(config: Config, weights: Path | None, device: str) -> Any:
    """Build a network in evaluation mode; without weights it keeps the random ones it is born with.

    Args:
        config: which of the four, and the side of the square it sees.
        weights: a released checkpoint, read as tensors only.
        device: where it goes.

    Raises:
        WeightsError: the file is no checkpoint, or one of another network.
    """
    folder = f"sam{'2' if config.version == '2' else '2.1'}"
    name = f"configs/{folder}/{folder}_hiera_{_FILES[config.model]}.yaml"
    side = config.image_size // _STRIDE
    attention = "++model.memory_attention.layer"
    changes = [
        f"++model.image_size={config.image_size}",
        f"{attention}.self_attention.feat_sizes=[{side},{side}]",
        f"{attention}.cross_attention.feat_sizes=[{side},{side}]",
        # As the video predictor of the package has it; only the filling of holes of up to 8
        # pixels, which needs a compiled extension, is left out.
        "++model.binarize_mask_from_pts_for_mem_enc=true",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hydra, about itself
        from sam2.build_sam import build_sam2  # it sets up hydra, which nobody else needs

        network = build_sam2(name, device="cpu", hydra_overrides_extra=changes)
    if weights is not None:
        _load(network, weights)
    return network.to(device).eval()


def _load(network: Any, path: Path) -> None:
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        tensors = stored["model"]
        network.load_state_dict(tensors)
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is no checkpoint of SAM 2: it has no table 'model'.") from error
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(
            f"{path} does not fit ({reason}). Name its configuration: sam2/tiny, sam2/small, "
            "sam2/base_plus or sam2/large, with -o version=2 for weights of SAM 2.0."
        ) from error
    except Exception as error:  # pickle's own errors are of many kinds
        raise WeightsError(f"{path} cannot be read as weights: {type(error).__name__}.") from error


def image_tensor(frame: Frame, side: int, device: str) -> Tensor:
    """Return a frame as (1, 3, side, side) float32, scaled and normalised like the package does."""
    resized = np.asarray(Image.fromarray(frame).resize((side, side)), np.float32) / 255.0
    image = (resized - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
    return torch.from_numpy(image).permute(2, 0, 1)[None].to(device)


def mask_tensor(mask: Mask, side: int, device: str) -> Tensor:
    """Return a mask as (1, 1, side, side) float32 of zeros and ones."""
    given = torch.from_numpy(np.array(mask, np.float32))[None, None].to(device)
    scaled = torch.nn.functional.interpolate(
        given, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    return (scaled >= 0.5).float()


def box_points(box: Box, size: tuple[int, int], side: int, device: str) -> dict[str, Tensor]:
    """Return a box as the two points, labelled 2 and 3, that SAM 2 is trained with.

    Args:
        box: in pixels of the frame.
        size: (H, W) of the frame.
        side: of the square that the network sees.
        device: where they go.
    """
    corners = np.array([[box.x, box.y], [box.x + box.w, box.y + box.h]], np.float32)
    scaled = corners / np.array([size[1], size[0]], np.float32) * side
    return {
        "point_coords": torch.from_numpy(scaled)[None].to(device),
        "point_labels": torch.tensor([[2, 3]], dtype=torch.int32, device=device),
    }
