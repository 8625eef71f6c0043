"""SiamCAR: a Siamese tracker that says for every cell how far its object's four sides are."""
