"""A video tracked while it is decoded: `vostool.track`, what is written of it, and the page."""
