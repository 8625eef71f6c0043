"""Videos in and out: files, folders and cameras as streams of frames, prompts, and encoding."""
