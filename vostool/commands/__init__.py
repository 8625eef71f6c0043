"""The verbs of the command line: thin, and without heavy imports at the top of a module."""
