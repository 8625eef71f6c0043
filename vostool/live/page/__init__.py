"""The page on which objects are drawn, tracked, corrected and downloaded, for this machine only."""
