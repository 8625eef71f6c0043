"""The built-in dataset: deterministic, procedurally drawn, with exact masks."""

from vostool.datasets.synthetic.film import ATTRIBUTES, SEQUENCES, VERSION, clip, make

__all__ = ["ATTRIBUTES", "SEQUENCES", "VERSION", "clip", "make"]
