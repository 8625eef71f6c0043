"""The training engine; it knows no particular model, see `task.Task`."""
