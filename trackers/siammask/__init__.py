"""SiamMask: a Siamese tracker that says for its best cell where the object's pixels are."""
