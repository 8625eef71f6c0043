"""From label maps or boxes to tables: J, F, T, EAO, intervals, comparison, cache."""
