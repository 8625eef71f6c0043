"""NanoBox: OpenCV's NanoTrack, its box drawn as a mask."""
