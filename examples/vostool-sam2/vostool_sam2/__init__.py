"""SAM 2 as a tracker of vostool."""
