"""Where an extra of vostool is not installed, tests that need it are skipped, saying which.

With VOSTOOL_LIGHT=required, as `make test-light` sets it, the tests of what the base must do alone
fail instead.
"""

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from vostool.errors import EXTRAS

ABSENT = {package for package in EXTRAS if find_spec(package) is None}
# What the base alone must do: scoring, importing, packing, comparing, the leaderboard.
BASE = re.compile(
    r"tests/(scoring|datasets|campaign)/"
    r"|tests/runs/test_folder|tests/exchange/test_(imports|packing)|tests/commands/test_compare"
    r"|tests/report/leaderboard/(test_(collect|write|latex)|page/)"
)


def needed(text: str) -> str | None:
    """Return the extra that a failure's text asks for, None if it is a failure of its own."""
    found = re.search(r"pip install 'vostool\[(\w+)\]'", text)
    if found and found[1] in EXTRAS.values():
        return found[1]
    found = re.search(r"ModuleNotFoundError: No module named '(\w+)", text)
    return EXTRAS.get(found[1]) if found and found[1] in ABSENT else None


def skipped(report: Any) -> None:
    """Turn the report of a failure for want of an extra into one of a skipped test."""
    extra = needed(str(report.longrepr)) if ABSENT and report.failed else None
    light = os.environ.get("VOSTOOL_LIGHT") == "required" and BASE.match(report.nodeid)
    if extra and not light:
        report.outcome = "skipped"
        report.longrepr = (report.nodeid.partition("::")[0], 1, f"needs the extra '{extra}'")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report: Any = yield
    skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report: Any = yield
    skipped(report)
    return report
