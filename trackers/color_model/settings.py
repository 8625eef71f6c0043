"""Settings of the colour model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    working_side: int = 128
    margin: float = 0.5
    color_bins: int = 24
    color_weight: float = 0.8
    color_rate: float = 0.05
    local_weight: float = 1.0
    local_rate: float = 0.4
    local_cells: int = 20
    local_bins: int = 10
    local_anchor: float = 0.05
    shape_weight: float = 1.5
    shape_width: float = 0.2
    smooth_weight: float = 0.6
    smooth_steps: int = 12
    motion_side: int = 40
    motion_radius: float = 0.6
    motion_penalty: float = 0.5
    still_weight: float = 1.5
    still_sigma: float = 0.04
    lost_area: float = 0.3
    redetect: float = 0.6
    redetect_slack: float = 0.3
