"""The page in Chromium: objects drawn with mouse, finger and keyboard, tracked, corrected, kept."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.helpers.browser import chromium
from vostool.io.label_maps import read_labels
from vostool.live.page.server import Page as Served
from vostool.video.reader import VideoFile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
WIDTHS = (360, 1600)
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: "Browser", served: Served) -> Iterator[Open]:
    """Return a function that opens the page; afterwards nothing may have gone wrong or out."""
    trouble: list[str] = []
    contexts = []

    def go(width: int = 1600, scheme: str = "light", touch: bool = False) -> "Page":
        size = {"width": width, "height": 900 if width > 600 else 740}
        options: Any = {"viewport": size, "color_scheme": scheme, "has_touch": touch}
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: trouble.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.on("request", lambda request: outside(request.url))
        page.goto(served.address)
        shown(page, 0)
        return page

    def outside(url: str) -> None:
        if not url.startswith((served.address, "blob:")):
            trouble.append(url)

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def until(page: "Page", holds: Callable[[], bool]) -> None:
    """Wait for something; the page's own policy forbids Playwright to do it inside of it."""
    end = time.perf_counter() + 40
    while not holds():
        assert time.perf_counter() < end
        page.wait_for_timeout(50)


def shown(page: "Page", frame: int) -> None:
    until(page, lambda: page.locator("#where").inner_text().startswith(f"{frame} of 39"))


def drag(page: "Page", box: tuple[int, int, int, int], pointer: str = "mouse") -> None:
    """Draw a box in pixels of the video, which is 320x240."""
    stage = page.locator("#stage")
    stage.scroll_into_view_if_needed()
    there = stage.bounding_box()
    assert there is not None
    scale = min(there["width"] / 320, there["height"] / 240)
    left = there["x"] + (there["width"] - 320 * scale) / 2
    top = there["y"] + (there["height"] - 240 * scale) / 2
    x, y, w, h = box
    points = [(left + a * scale, top + b * scale) for a, b in ((x, y), (x + w, y + h))]
    if pointer == "mouse":
        page.mouse.move(*points[0])
        page.mouse.down()
        page.mouse.move(*points[1], steps=4)
        page.mouse.up()
        return
    session = page.context.new_cdp_session(page)
    for kind, at in (("Start", points[0]), ("Move", points[1]), ("End", None)):
        touches = [] if at is None else [{"x": at[0], "y": at[1]}]
        event = {"type": f"touch{kind}", "touchPoints": touches}
        session.send("Input.dispatchTouchEvent", event)


def objects(page: "Page") -> int:
    return page.locator("#objects li").count()


def tracked(page: "Page") -> None:
    until(page, lambda: "40 of 40 frames have masks" in page.locator("#status").inner_text())


def press_track(page: "Page", tracker: str = "optical_flow") -> None:
    page.get_by_label("Tracker").select_option(tracker)
    page.get_by_role("button", name="Track", exact=True).click()


@pytest.mark.parametrize("width", WIDTHS)
def test_draw_track_correct_and_download(
    visit: Open, served: Served, width: int, tmp_path: Path
) -> None:
    page = visit(width)
    drag(page, (8, 120, 24, 24))
    until(page, lambda: objects(page) == 1)
    drag(page, (0, 0, 80, 60))
    until(page, lambda: objects(page) == 2)
    boxes = served.session.state()["boxes"]
    assert np.allclose(boxes[0]["box"], (8, 120, 24, 24), atol=1.5)
    assert np.allclose(boxes[1]["box"], (0, 0, 80, 60), atol=1.5)
    page.get_by_label("Name of object 1").fill("ball")
    page.get_by_label("Name of object 1").press("Enter")
    press_track(page)
    tracked(page)
    shown(page, 39)
    before = [read_labels(served.session.mask(i)).copy() for i in range(40)]
    assert set(np.unique(before[20])) == {0, 1, 2}

    page.get_by_label("Frame", exact=True).last.fill("20")
    shown(page, 20)
    page.get_by_role("button", name="Correct object 2").click()
    assert "corrects Object 2" in page.locator("#target").inner_text()
    drag(page, (200, 30, 60, 60))
    until(page, lambda: "20 of 40" in page.locator("#status").inner_text())
    press_track(page)
    tracked(page)
    after = read_labels(served.session.mask(20))
    assert (after == 2)[30:90, 200:260].sum() == (after == 2).sum() > 1000
    assert np.array_equal(read_labels(served.session.mask(19)), before[19])

    with page.expect_download() as waiting:
        page.get_by_role("button", name="Video", exact=True).click()
    download = waiting.value
    assert download.suggested_filename == "clip.tracked.mp4"
    download.save_as(tmp_path / "got.mp4")
    assert len(list(VideoFile(tmp_path / "got.mp4").frames())) == 40
    page.get_by_role("button", name="First frame").click()
    page.get_by_role("button", name="Play").click()
    until(page, lambda: int(page.locator("#slider").input_value()) > 5)
    page.get_by_role("button", name="Pause").click()


def test_with_a_finger(visit: Open, served: Served) -> None:
    page = visit(360, touch=True)
    drag(page, (8, 120, 24, 24), "touch")
    until(page, lambda: objects(page) == 1)
    assert np.allclose(served.session.state()["boxes"][0]["box"], (8, 120, 24, 24), atol=2)
    assert page.evaluate("window.scrollX") == 0


def test_with_the_keyboard_only(visit: Open, served: Served) -> None:
    page = visit()

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} is not reached")

    tab_to("#stage")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    shown(page, 2)
    page.keyboard.press("b")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    until(page, lambda: objects(page) == 1)
    (box,) = served.session.state()["boxes"]
    assert box == {"frame": 2, "id": 1, "box": [108, 96, 64, 28]}
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    tab_to("[data-key=name1]")
    page.keyboard.type("gray")
    tab_to("#tracker")
    page.keyboard.press("b")
    tab_to("#start")
    page.keyboard.press("Enter")
    tracked(page)
    assert served.session.names == {1: "gray"}
    assert served.session.tracker == "box_fill"
    with page.expect_download() as waiting:
        tab_to("[data-kind=boxes]")
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "clip.boxes.csv"


def test_masks_appear_while_it_tracks(visit: Open, served: Served) -> None:
    page = visit()
    drag(page, (8, 120, 24, 24))
    until(page, lambda: objects(page) == 1)
    seen: set[int] = set()

    def look() -> bool:
        found = re.match(r"(\d+) of", page.locator("#status").inner_text())
        seen.add(int(found[1]) if found else 0)
        return "have masks" in page.locator("#status").inner_text()

    press_track(page)
    until(page, look)
    assert len(seen) > 3


def test_what_is_wrong_is_said(visit: Open) -> None:
    page = visit()
    assert page.get_by_role("button", name="Track", exact=True).is_disabled()
    assert page.get_by_role("button", name="Video", exact=True).is_disabled()
    drag(page, (8, 120, 1, 1))  # a click is no box
    page.wait_for_timeout(300)
    assert objects(page) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_sticks_out(
    visit: Open, width: int, scheme: str, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width, scheme)
    drag(page, (8, 120, 24, 24))
    until(page, lambda: objects(page) == 1)
    press_track(page)
    tracked(page)
    drag(page, (200, 30, 60, 60))
    until(page, lambda: objects(page) == 2)
    page.get_by_role("button", name="Correct object 1").click()
    page.wait_for_timeout(300)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input')]"
        ".map(e => e.getBoundingClientRect()).filter(r => r.height < 24 || r.width < 24).length"
    )
    assert small == 0
    page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
