"""ColorModel: foreground and background colour models carried from frame to frame."""
