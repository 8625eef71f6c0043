"""COCO-style JSON: annotations of videos, run-length encoding, readers and writers."""
