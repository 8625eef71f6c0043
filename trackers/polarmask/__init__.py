"""PolarMask: instances of a single image, each drawn as rays from a cell in its middle."""
