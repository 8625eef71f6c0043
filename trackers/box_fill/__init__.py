"""BoxFill: OpenCV's MIL tracker, its box drawn as a mask."""
