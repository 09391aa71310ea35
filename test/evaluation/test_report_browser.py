"""The report as a real browser shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.evaluation.compare import compare
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.report_html import write_report

HOSTILE = "</script><img src=x onerror=\"document.title='hit'\">"


@pytest.fixture(scope="module")
def report(acted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = acted(1, seconds=120.0, bags=("kitchen", HOSTILE, "third", "fourth, folded"))
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(run, measure(run), path, (), compare(replace(run), run, resamples=50))
    return path


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The page, which asked for nothing but itself and reported no error until the test ended."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {report.as_uri()}
    context.close()


def bars(page: Any) -> int:
    return int(page.locator(".timeline .view").first.locator(".bar").count())


def test_the_timeline_zooms_moves_and_finds_mistakes(page: Any) -> None:
    now = page.locator(".timeline .now").first
    assert now.inner_text() == "0:00.0 to 0:40.0 of 2:00.0"
    few = bars(page)
    page.get_by_role("button", name="All").first.click()
    assert now.inner_text().startswith("0:00.0 to 2:00.0") and bars(page) > few
    view = page.locator(".timeline .view").first
    view.focus()
    page.keyboard.press("+")
    assert now.inner_text().startswith("0:30.0 to 1:30.0")
    page.keyboard.press("ArrowRight")
    assert now.inner_text().startswith("0:42.0 to 1:42.0")
    page.keyboard.press("n")
    assert "mistake" in now.inner_text()
    assert view.locator(".bar.hit").count() == 1
    first = now.inner_text()
    page.keyboard.press("n")
    page.keyboard.press("p")
    assert now.inner_text() == first
    box = view.bounding_box()
    page.mouse.move(box["x"] + 600, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    page.mouse.up()
    assert now.inner_text() != first


def test_bars_tell_what_they_are(page: Any) -> None:
    # A bar that the person's own report below it does not cover.
    page.locator(".timeline .view .bar").first.hover()
    tip = page.locator(".tip")
    assert tip.is_visible() and tip.inner_text().startswith("true: ")


def test_tables_sort_by_any_column(page: Any) -> None:
    table = page.locator("#classes table")
    heads = table.locator("thead th").all_inner_texts()
    column = heads.index("True")

    def values() -> list[int]:
        cells = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        return [int(cell) for cell in cells]

    head = table.locator("thead th").nth(column)
    head.click()
    assert values() == sorted(values()) and head.get_attribute("aria-sort") == "ascending"
    head.press("Enter")
    assert values() == sorted(values(), reverse=True)


def test_light_and_dark(page: Any) -> None:
    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour[4:-1].split(","))

    assert brightness() > 600
    page.get_by_role("button", name="Dark or light").click()
    assert brightness() < 150
    page.reload()
    assert brightness() < 150  # kept
    page.get_by_role("button", name="Dark or light").click()
    page.emulate_media(color_scheme="dark")
    assert brightness() > 600  # chosen by hand


def test_names_are_only_names(page: Any) -> None:
    assert page.title() == "Evaluation of gestures"
    assert page.locator("img").count() == 0
    assert page.locator("summary bdi").nth(1).inner_text() == HOSTILE
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_small_screens_do_not_scroll_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert page.locator(".timeline .view").first.is_visible()


def test_long_names_of_classes_do_not_scroll_sideways(
    acted: Any, browser: Any, tmp_path: Path
) -> None:
    names = tuple(name + 8 * "_and_so_on" for name in ("idle", "unknown", "wave", "stop", "ok"))
    run = acted(1, seconds=60.0, names=names)
    write_report(run, measure(run), tmp_path / "report.html", (), None)
    context = browser.new_context(viewport={"width": 380, "height": 800})
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    context.close()


def test_paper_and_no_scripts_show_all_lines(page: Any, browser: Any, report: Path) -> None:
    lines = page.locator(".lines").first
    assert not lines.is_visible()
    page.emulate_media(media="print")
    assert lines.is_visible() and not page.locator(".timeline").first.is_visible()
    page.emulate_media(media="screen")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(report.as_uri())
    assert plain.locator(".lines svg").first.is_visible()
    assert not plain.locator(".timeline").first.is_visible()
    assert not plain.get_by_role("button").count()
    context.close()


def test_folded_recordings_draw_when_they_open(page: Any) -> None:
    last = page.locator(".recording").last
    assert last.get_attribute("open") is None
    last.locator("summary").first.click()
    last.locator(".view .bar").first.wait_for()
