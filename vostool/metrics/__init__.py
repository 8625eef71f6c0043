"""Numbers from arrays; no module here reads a file."""
