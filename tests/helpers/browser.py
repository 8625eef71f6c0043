"""Chromium for tests of pages; where `VOSTOOL_BROWSER=required` its absence is a failure."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start Chromium, or skip, saying what is absent."""
    give_up = pytest.fail if os.environ.get("VOSTOOL_BROWSER") == "required" else pytest.skip
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        give_up("playwright is not installed: `make test-browser` does that")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        try:
            # Chromium has no sandbox for root, as whom containers run.
            started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            give_up(f"Chromium does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()
