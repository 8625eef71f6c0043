"""What a tracker is, where it is found, and one sequence tracked and timed."""
