"""What the terminal shows: tables, curves and progress."""
