"""Following an object: crops, the search, ranking, drawing, checkpoints and export."""
