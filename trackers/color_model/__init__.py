"""ColorModel: foreground and background color models carried from frame to frame."""
