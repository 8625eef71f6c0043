"""CopyFirst: the first mask never moves."""
