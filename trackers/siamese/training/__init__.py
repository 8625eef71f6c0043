"""Learning from pairs: samples, targets, losses and validation."""
