"""Files and folders, here or behind a URL: frames, label maps, region files, locks."""
