"""Pictures and videos of masks: overlays, contact sheets, layers."""
