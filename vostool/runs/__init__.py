"""The run folder: written, resumed, gathered, found."""
