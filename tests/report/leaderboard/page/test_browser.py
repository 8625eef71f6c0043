"""The page in Chromium: what people do with it works, from disk, asking nobody for anything.

`make test-browser` installs what this needs; elsewhere these tests skip, saying what is absent.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.browser import chromium
from tests.report.conftest import ODD_NAME, draw_box_run, draw_run
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.page.budget import Frames
from vostool.report.leaderboard.write import write_leaderboard
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
WIDTHS = (360, 768, 1600)
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium once."""
    with chromium() as started:
        yield started


def written(home: Path, out: Path, frames: Frames) -> Path:
    sections = collect(home / "results")
    write_leaderboard(sections, out, Workspace(home), frames=frames)
    return out / "leaderboard.html"


@pytest.fixture(scope="module")
def page_file(real_board: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of three real runs and some drawn ones, pictures embedded."""
    for number, name in enumerate(("boxed", "boxed-too")):
        draw_box_run(real_board / "results", name, scores=(0.4 + 0.1 * number, 0.6, 0.25 + number))
    for number, name in enumerate(("one", "two")):
        draw_run(real_board / "results", name, level=0.6 + 0.1 * number)
    return written(real_board, tmp_path_factory.mktemp("page"), "embed")


@pytest.fixture
def visit(browser: "Browser") -> Iterator[Open]:
    """Return a function that opens a file; afterwards nothing may have gone wrong or out."""
    trouble: list[str] = []
    contexts = []

    def go(path: Path, width: int = 1600, scheme: str = "light") -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: trouble.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        beside = path.parent.as_uri()

        def requested(url: str) -> None:
            if not url.startswith(("data:", "blob:", beside)):
                trouble.append(url)

        page.on("request", lambda request: requested(request.url))
        page.goto(path.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def names_shown(page: "Page", init: str = "mask") -> list[str]:
    return page.locator(f"#table tbody[data-init={init}] th.name").all_inner_texts()


def choose(page: "Page", title: str) -> None:
    texts = page.locator("#section option").all_inner_texts()
    page.locator("#section").select_option(index=[t.startswith(title) for t in texts].index(True))


def see_all(page: "Page", *, boxes: bool = False) -> None:
    """Scroll to the end, so that everything that waits to be seen is drawn."""
    for block in ("#maps",) if boxes else ("#maps", "#curves"):
        page.locator(block).evaluate("element => element.parentElement.scrollIntoView()")
        page.locator(f"{block} > *").first.wait_for()
    page.wait_for_timeout(300)  # pictures are decoded


def until(page: "Page", holds: Callable[[], bool]) -> None:
    """Wait for something; the page's own policy forbids Playwright to do it inside of it."""
    end = time.perf_counter() + 10
    while not holds():
        assert time.perf_counter() < end
        page.wait_for_timeout(50)  # events come in meanwhile


def test_it_sorts_within_each_initialisation(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    ranked = names_shown(page)
    page.get_by_role("button", name="method").click()
    assert names_shown(page) == sorted(ranked, key=str.lower)
    heading = page.locator("#table thead th.name")
    assert heading.get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="method").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert [t.split()[0] for t in page.locator("#table tr.group th").all_inner_texts()] == [
        "Mask-initialised",
        "Box-initialised",
        "Without",
    ]
    page.get_by_role("button", name="J&F", exact=True).click()
    cells = page.locator("#table tbody[data-init=mask] tr:not(.group) td:nth-child(4)")
    values = [float(text) for text in cells.all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert len(values) > 30


def test_it_filters(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    page.get_by_label("Search").fill("osvos")
    assert set(names_shown(page)) == {"OSVOS", "OSVOS-S"}
    page.get_by_label("Search").fill("")
    page.get_by_label("Rows").first.select_option("run")
    assert names_shown(page) == ["two", "one"]
    page.get_by_label("Rows").first.select_option("")
    page.get_by_role("combobox", name="Init").select_option("box")
    assert names_shown(page) == []
    assert len(names_shown(page, "box")) == 2
    page.get_by_label("Search").fill("nobody is called that")
    assert "nothing matches" in page.locator("#table [role=status]").inner_text()


def test_provenance_by_pointer_and_by_keyboard(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    button = page.get_by_role("button", name="OSVOS", exact=True).first
    button.hover()
    tip = page.get_by_role("tooltip")
    assert "davisvideochallenge" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.count() == 0
    page.mouse.move(1, 1)
    page.get_by_label("Search").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "link":
            break
    assert tip.inner_text()
    page.keyboard.press("Enter")
    card = page.get_by_role("dialog")
    assert "J recall" in card.inner_text()
    page.keyboard.press("Escape")
    assert card.count() == 0


def test_marks_of_the_plot_are_reached_by_keyboard(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "synthetic")
    marks = page.locator("#pareto .mark")
    assert marks.count() == 3
    marks.first.focus()
    seen = set()
    for _ in range(3):
        seen.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        page.keyboard.press("ArrowRight")
    assert len(seen) == 3
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").get_by_text("settings").count() == 1


def test_it_opens_a_sequence_and_scrubs(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "synthetic")
    see_all(page)
    page.locator("#run-a").select_option(label=option(page, "#run-a", "box_fill"))
    page.locator("#run-b").select_option(label=option(page, "#run-b", "copy_first"))
    page.locator("#sequence").select_option(index=4)
    assert page.locator("#curves svg .line").count() == 4
    assert page.locator("#viewer canvas").count() == 6
    pixels = "document.querySelector('#viewer canvas').toDataURL()"
    before = page.evaluate(pixels)
    slider = page.get_by_label("Frame", exact=True)
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert "(8/12)" in page.locator("#curves output").inner_text()
    until(page, lambda: page.evaluate(pixels) != before)
    assert page.locator("#curves .readout").inner_text().count("J ") == 2
    page.keyboard.press("Home")
    assert "not scored" in page.locator("#curves .readout").inner_text()
    page.get_by_role("button", name="Play").click()
    until(page, lambda: "(4/" in page.locator("#curves output").inner_text())
    page.get_by_role("button", name="Pause").click()


def option(page: "Page", select: str, start: str) -> str:
    texts = page.locator(f"{select} option").all_inner_texts()
    return next(text for text in texts if text.startswith(f"{start} ("))


def test_the_viewer_shows_the_masks(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "synthetic")
    see_all(page)
    page.wait_for_timeout(500)
    truth, difference = (page.locator("#viewer canvas").nth(i) for i in (1, 2))
    colours = "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, "
    colours += "canvas.width, canvas.height).data.buffer)).size"
    assert truth.evaluate(colours) > 50
    assert difference.evaluate(colours) > 50


def test_a_cell_of_the_map_opens_its_sequence(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "synthetic")
    see_all(page)
    heading = page.locator("#maps thead th.turned").nth(2).get_attribute("title")
    page.locator("#maps tr.own").last.locator("td").nth(2).click()
    assert page.locator("#sequence").input_value() == heading


def test_frames_beside_the_page(visit: Open, real_board: Path, tmp_path: Path) -> None:
    page = visit(written(real_board, tmp_path, "folder"))
    choose(page, "synthetic")
    see_all(page)
    pictures: list[str] = []
    page.on("requestfinished", lambda request: pictures.append(request.url))
    page.get_by_label("Frame", exact=True).focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: len(pictures) > 0)
    assert pictures[0].startswith((tmp_path / "leaderboard_frames").as_uri())


def test_names_stay_text(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "synthetic")
    see_all(page)
    assert ODD_NAME in names_shown(page)
    assert page.locator("img").count() == 0
    page.get_by_role("button", name=ODD_NAME, exact=True).first.click()
    assert page.get_by_role("dialog").get_by_role("heading", level=2).inner_text() == ODD_NAME


def test_a_board_of_boxes(visit: Open, page_file: Path) -> None:
    page = visit(page_file)
    choose(page, "VOT2018")
    see_all(page, boxes=True)
    headings = page.locator("#table thead th").all_inner_texts()
    assert headings[3:7] == ["EAO", "A", "R", "fps"]
    shown = ["boxed-too", "SiamMask-LD (repo)", "boxed", "SiamMask (repo)", "SiamMask-box (repo)"]
    assert names_shown(page, "box") == shown
    first = page.locator("#table tbody[data-init=box] tr").nth(1).locator("td").all_inner_texts()
    assert first[:5] == ["1", "box", "0.500", "0.600", "1.250"]
    page.get_by_role("button", name="R", exact=True).click()
    assert names_shown(page, "box")[0] == "SiamMask-LD (repo)"
    assert page.locator("#maps .own td").count() == 2 * 60
    page.get_by_label("Measure").select_option(label="R")
    assert "blank where no frame counts" in page.locator("#maps .hint").inner_text().lower()
    assert not page.locator("#curves").is_visible()
    page.get_by_role("button", name="boxed", exact=True).first.click()
    card = page.get_by_role("dialog").inner_text()
    assert "0.400" in card
    assert "failures: 12.0" in card
    page.keyboard.press("Escape")
    choose(page, "synthetic")
    see_all(page)
    assert page.locator("#curves").is_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_sideways(visit: Open, page_file: Path, width: int) -> None:
    page = visit(page_file, width)
    for title in (
        "DAVIS2016 val, protocol davis, 2 of 20",
        "synthetic",
        "YouTubeVOS2019",
        "VOT2018",
    ):
        choose(page, title)
        see_all(page, boxes=title == "VOT2018")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        plot = page.locator("#pareto").bounding_box()
        assert plot
        assert plot["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_accessibility(visit: Open, page_file: Path, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(page_file, width, scheme)
    choose(page, "synthetic")
    see_all(page)
    assert violations(Axe().run(page).response) == []
    choose(page, "DAVIS2016 val, protocol davis, 2 of 20")
    see_all(page)
    page.get_by_role("button", name="OSVOS", exact=True).first.click()
    assert violations(Axe().run(page).response) == []
    page.keyboard.press("Escape")
    choose(page, "VOT2018")
    see_all(page, boxes=True)
    assert violations(Axe().run(page).response) == []


def violations(found: dict) -> list[str]:  # type: ignore[type-arg]
    return [
        f"{each['id']}: {each['help']}: {node['html'][:150]} {node.get('failureSummary', '')}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


def test_the_theme_can_be_chosen(visit: Open, page_file: Path) -> None:
    page = visit(page_file, scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    assert page.evaluate(ground) != light
    assert visit(page_file, scheme="dark").evaluate(ground) == page.evaluate(ground)


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of 100 runs over 20 sequences of 70 frames."""
    home = tmp_path_factory.mktemp("large")
    frames = {f"sequence-{number:02d}": 70 for number in range(20)}
    for number in range(100):
        name, init = f"run-{number:03d}", "box" if number % 3 else "mask"
        level = 0.3 + number / 200
        draw_run(home / "results", name, level=level, init=init, frames=frames, seed=number)
    return written(home, home / "results", "none")


def test_a_large_leaderboard_opens_at_once(visit: Open, large_file: Path) -> None:
    assert large_file.stat().st_size < 15_000_000
    visit(large_file)  # the browser itself starts up
    times = []
    for _ in range(3):
        start = time.perf_counter()
        page = visit(large_file)
        page.locator("#table tbody tr").first.wait_for()
        times.append(time.perf_counter() - start)
    assert min(times) < 1
    assert page.locator("#table tbody th.name").count() == 100
    see_all(page)
    assert page.locator("#maps td.pick").count() == 2000
