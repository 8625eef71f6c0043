"""What the Siamese trackers share: backbones, correlation, crops, ranking, pairs and losses."""
