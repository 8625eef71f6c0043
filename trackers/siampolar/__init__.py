"""SiamPolarMask: a Siamese tracker that draws its object as rays from a centre."""
