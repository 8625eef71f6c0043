"""Experiments on datasets of boxes and polygons: VOT with restarts, OTB without."""
