"""A small network of SiamMask."""

import pytest
import torch

from vostool_trackers.siammask.network import Shape, SiamMask

SMALL = {"backbone": "resnet10", "channels": 32}


@pytest.fixture(params=["base", "sharp"])
def small(request) -> SiamMask:
    """Return a network in evaluation mode."""
    torch.manual_seed(0)
    return SiamMask(Shape(variant=request.param, **SMALL)).eval()
