"""SiamPolarMask over whole frames, as it was published: `sym` and `asym`."""
