"""A campaign: many trackers on many datasets, described in one file, planned, run and ranked."""
