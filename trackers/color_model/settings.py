"""Settings of the color model."""

from dataclasses import dataclass

from vostool.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Settings, tuned on the 30 training sequences of DAVIS 2016.

    Lengths without a unit are fractions of the object's box; weights multiply log odds.

    Args:
        working_side: longest side of the crop that is segmented, in px; crops are only shrunk.
        margin: how far the crop reaches beyond the predicted box.
        color_weight: weight of the colors of the whole object.
        color_bins: bins per channel of those colors.
        color_rate: how fast they follow the object, 0 to 1 per frame.
        local_weight: weight of the colors of each place on the object.
        local_bins: bins per channel of those.
        local_cells: places along each side of the crop.
        local_rate: how fast they follow the object.
        local_anchor: how much the first frame still counts there.
        still_weight: weight of what a pixel was on the last frame, if it has kept its color and
            the camera's motion is taken out.
        still_sigma: what "kept its color" means; lightness runs from 0 to 1.
        shape_weight: weight of the distance to the outline of the last mask.
        shape_width: distance at which that weight counts once.
        smooth_weight: coupling of neighbouring pixels of equal color.
        smooth_steps: mean-field iterations.
        motion_side: longest side of the patch that is matched, in px.
        motion_radius: how far the object may move between two frames, beyond its velocity.
        motion_penalty: price of moving by the longest side of the box, in grey levels.
        lost_area: an object smaller than this fraction of its running area counts as lost.
        lost_speed: how fast the search for a lost object widens per frame.
    """

    working_side: int = 128
    margin: float = 0.4
    color_weight: float = 0.9
    color_bins: int = 40
    color_rate: float = 0.05
    local_weight: float = 0.75
    local_bins: int = 10
    local_cells: int = 20
    local_rate: float = 0.4
    local_anchor: float = 0.05
    still_weight: float = 1.0
    still_sigma: float = 0.04
    shape_weight: float = 1.5
    shape_width: float = 0.2
    smooth_weight: float = 0.8
    smooth_steps: int = 12
    motion_side: int = 40
    motion_radius: float = 0.6
    motion_penalty: float = 10.0
    lost_area: float = 0.3
    lost_speed: float = 0.3

    def __post_init__(self) -> None:
        bounds = {
            "working_side": (16, 1024), "margin": (0.1, 4), "color_bins": (2, 64),
            "color_rate": (0, 1), "local_bins": (2, 24), "local_cells": (2, 48),
            "local_rate": (0, 1), "local_anchor": (0, 10), "still_sigma": (1e-3, 1),
            "shape_width": (1e-3, 10), "smooth_weight": (0, 10), "smooth_steps": (0, 200),
            "motion_side": (4, 256), "motion_radius": (0, 4), "motion_penalty": (0, 1e4),
            "lost_area": (0, 1), "lost_speed": (0, 10),
        }  # fmt: skip
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"color_model: {name} is {value}; give a number from {low} to {high}."
                )
