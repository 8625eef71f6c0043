"""Carrying out runs: in this process, in several, on a cluster, or as shards of an array job."""
