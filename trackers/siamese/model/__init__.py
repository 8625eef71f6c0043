"""Networks: backbones, pyramids, correlation and region proposals."""
