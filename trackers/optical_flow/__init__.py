"""The optical-flow baseline: the first mask carried along by dense flow and kept honest."""
