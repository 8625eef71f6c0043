"""Datasets: adapters, the catalog, and the protocols by which a dataset is scored."""
