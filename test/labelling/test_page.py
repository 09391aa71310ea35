"""The page in a real browser: what the keyboard and the mouse do ends up on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.evaluation.truth import LabelledSegment, load_labels

from .conftest import until

ORIGIN_NS = 1_700_000_000_123_456_789
END_NS = ORIGIN_NS + 5_900_000_000
STEP_NS = 100_000_000


def on_disk(path: Path) -> list[tuple[float, float, str, int | None]]:
    """(start, end in seconds, label, person) of each saved segment."""
    return [
        ((s.start_ns - ORIGIN_NS) / 1e9, (s.end_ns - ORIGIN_NS) / 1e9, s.label, s.person)
        for s in segments(path)
    ]


def segments(path: Path) -> tuple[LabelledSegment, ...]:
    return load_labels(path, ORIGIN_NS, END_NS).segments if path.exists() else ()


class Tab:
    """A page that was opened, and what a person does with it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("body[data-ready]")
        until(lambda: "…" not in self.page.inner_text("#time"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def saved(self) -> None:
        self.page.wait_for_selector("#save.saved")

    def go(self, image: int) -> None:
        """To an image, by its index."""
        tens, ones = divmod(image, 10)
        self.press("Home", *["Shift+ArrowRight"] * tens, *["ArrowRight"] * ones)
        assert self.image == image

    @property
    def image(self) -> int:
        found = re.search(r"image (\d+)", self.page.inner_text("#time"))
        assert found
        return int(found[1]) - 1

    def mark(self, first: int, last: int, key: str) -> None:
        self.go(first)
        self.press("i", key, *["ArrowRight"] * (last - first), "o")

    @property
    def playing(self) -> bool:
        return "playing" in self.page.get_attribute("#play", "class")

    def view(self) -> Any:
        """Where the picture is, once there is one; before that the mouse does nothing there."""
        middle = "const c = document.querySelector('#view'); c.getContext('2d').getImageData("
        middle += "c.width / 2, c.height / 2, 1, 1).data[3]"
        until(lambda: self.page.evaluate(middle) > 0)
        return self.page.locator("#view").bounding_box()

    def click_image(self, x: float, y: float, height: float = 240, width: float = 320) -> None:
        """A click on a place in pixels of the recorded image."""
        box = self.view()
        factor = min(box["width"] / width, box["height"] / height)
        left = box["x"] + (box["width"] - width * factor) / 2
        top = box["y"] + (box["height"] - height * factor) / 2
        self.page.mouse.click(left + x * factor, top + y * factor)


@pytest.fixture
def open_tab(context: Any) -> Iterator[Callable[[str], Tab]]:
    tabs: list[Tab] = []

    def open_page(url: str) -> Tab:
        tabs.append(Tab(context.new_page(), url))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        assert tab.errors == []


def test_marking_with_the_keyboard(serve: Callable[..., Any], open_tab: Callable[..., Tab]) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.mark(2, 6, "1")
    tab.saved()
    assert on_disk(served.labels) == [(0.2, 0.6, "wave", None)]
    tab.press("3")  # another class for the selected segment
    tab.press("ArrowRight", "ArrowRight", "Shift+O")  # and a later end
    tab.saved()
    assert on_disk(served.labels) == [(0.2, 0.8, "thumbs_up", None)]
    tab.press("Control+z", "Control+z")
    tab.saved()
    assert on_disk(served.labels) == [(0.2, 0.6, "wave", None)]
    tab.press("Control+y", "Control+Shift+z")
    tab.saved()
    assert on_disk(served.labels) == [(0.2, 0.8, "thumbs_up", None)]
    tab.press("Escape", "[")
    assert tab.image == 2
    tab.press("Delete")
    tab.saved()
    assert on_disk(served.labels) == []


def test_a_person_is_chosen_by_clicking(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.go(30)
    until(lambda: tab.click_image(220, 60) or "person 7" in tab.page.inner_text("#now"))
    tab.mark(30, 34, "2")
    tab.click_image(60, 60)
    tab.mark(31, 36, "1")
    tab.saved()
    assert on_disk(served.labels) == [(3.0, 3.4, "stop", 7), (3.1, 3.6, "wave", 3)]
    # Where they were, for tracks that get other numbers.
    assert [s.region for s in segments(served.labels)] == [
        (215.0, 35.0, 55.0, 180.0), (55.0, 35.0, 55.0, 180.0),
    ]  # fmt: skip
    tab.press("Shift+P")  # person 3's segment to the next one who is free then: anybody
    tab.press("Shift+P")
    tab.saved()
    assert [person for *_, person in on_disk(served.labels)] in ([7, None], [7, 3])


def test_people_without_skeletons_get_a_box(
    serve: Callable[..., Any], open_tab: Callable[..., Tab], recording: Any
) -> None:
    served = serve(recording(has_skeletons=False))
    tab = open_tab(served.url)
    box = tab.view()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] / 2 + 120, box["y"] + 260, steps=4)
    tab.page.mouse.up()
    until(lambda: "person 1" in tab.page.inner_text("#now"))
    tab.mark(2, 8, "1")
    tab.saved()
    [only] = segments(served.labels)
    assert only.person == 1
    assert only.region is not None
    assert only.region[2] / only.region[3] == pytest.approx(120 / 200, rel=0.02)


def test_a_reload_loses_nothing(serve: Callable[..., Any], open_tab: Callable[..., Tab]) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.mark(2, 6, "1")
    tab.saved()
    tab.go(10)
    tab.press("2", "i")
    tab.go(12)
    until(lambda: "1200000000" in tab.page.evaluate("JSON.stringify(localStorage)"))
    tab.page.reload()
    tab.ready()
    assert tab.page.locator("#list .row").count() == 1
    until(lambda: tab.image == 12)
    tab.press("o")  # the start was marked before the reload
    tab.saved()
    assert on_disk(served.labels) == [(0.2, 0.6, "wave", None), (1.0, 1.2, "stop", None)]


def test_classes_are_found_and_added(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.press("i", "/")
    tab.page.keyboard.type("thum")
    tab.press("Enter", "ArrowRight", "o")
    tab.press("ArrowRight", "i", "/")
    nasty = "<img src=x onerror=alert(1)>"
    tab.page.keyboard.type(nasty)
    tab.press("Enter", "ArrowRight", "o")
    tab.saved()
    assert [label for _, _, label, _ in on_disk(served.labels)] == ["thumbs_up", nasty]
    assert tab.page.locator("#palette .name").all_inner_texts()[-1] == nasty
    assert tab.page.locator("img").count() == 0
    tab.press("/")
    tab.page.locator("#find").fill("line\u2028end")
    tab.press("Enter")
    assert tab.page.locator("#complaint").is_visible()


def test_one_person_does_one_thing_at_a_time(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.mark(10, 20, "1")
    tab.mark(15, 25, "2")  # begins where the other ends
    tab.mark(12, 14, "3")  # inside: refused
    assert "labelled wave" in tab.page.inner_text("#toast")
    tab.saved()
    assert on_disk(served.labels) == [(1.0, 2.0, "wave", None), (2.0, 2.5, "stop", None)]


def test_an_edge_moves_beside_somebody_else_s(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    """Two people whom nobody numbered, in two places at once."""
    served = serve()
    table = "start,end,label,region\n1,3,wave,10 10 50 90\n2,4,stop,200 10 50 90\n"
    served.labels.write_text(table, "utf-8")
    tab = open_tab(served.url)
    tab.press("]")
    tab.go(32)
    tab.press("Shift+O")
    until(lambda: on_disk(served.labels)[0] == (1.0, 3.2, "wave", None))
    tab.press("]")
    tab.go(15)
    tab.press("Shift+I")
    until(lambda: on_disk(served.labels)[1] == (1.5, 4.0, "stop", None))


def test_an_edge_is_dragged_on_the_timeline(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    served = serve()
    tab = open_tab(served.url)
    tab.mark(10, 20, "1")
    tab.saved()
    box = tab.page.locator("#timeline").bounding_box()
    scale = (box["width"] - 104) / (5.9 * 1.02)  # px a second

    def x(seconds: float) -> float:
        return float(box["x"] + 104 + seconds * scale)

    y = box["y"] + 24 + 10
    tab.page.mouse.move(x(2.0) - 1, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x(2.6), y, steps=5)
    tab.page.mouse.move(x(3.32), y, steps=5)
    assert tab.image == 33  # shows what the edge cuts
    tab.page.mouse.up()
    tab.saved()
    assert on_disk(served.labels) == [(1.0, 3.3, "wave", None)]
    tab.page.mouse.dblclick(x(1.5), y)
    until(lambda: not tab.playing)
    assert tab.image == 33  # played to the segment's end


def test_it_plays_and_stops_at_the_end(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(serve().url)
    tab.press(">", ">", ">", " ")
    until(lambda: tab.playing)
    assert tab.page.input_value("#speed") == "4"
    until(lambda: not tab.playing)
    assert tab.image == 59


def test_times_are_rounded_before_they_are_divided(
    serve: Callable[..., Any], open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(serve().url)
    shown = "(ns) => import('/time.js').then((time) => time.formatTime(ns))"
    for ns, text in (
        (59_990_000_000, "0:59.99"), (59_997_000_000, "1:00.00"),
        (3_599_999_000_000, "1:00:00.00"), (3_661_500_000_000, "1:01:01.50"),
    ):  # fmt: skip
        assert tab.page.evaluate(shown, ns) == text


def test_a_recording_that_is_still_read_grows(
    serve: Callable[..., Any], context: Any, recording: Any
) -> None:
    source = recording(count=10, complete=False)
    page = context.new_page()
    page.goto(serve(source).url)
    page.wait_for_selector("body[data-ready]")
    until(lambda: "16 %" in page.inner_text("#reading"))
    source.count, source.complete = 60, True
    source.problems = ("The bag is truncated.",)
    until(lambda: page.inner_text("#reading") == "")
    page.keyboard.press("End")
    assert "image 60" in page.inner_text("#time")
    assert "truncated" in page.inner_text("#banner")
    page.click("#banner button")
    assert not page.locator("#banner").is_visible()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640), (800, 600), (480, 800)])
def test_it_fits_any_window(
    serve: Callable[..., Any], open_tab: Callable[..., Tab], size: tuple[int, int]
) -> None:
    tab = open_tab(serve().url)
    tab.page.set_viewport_size({"width": size[0], "height": size[1]})
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for name in ("#view", "#timeline", "#list", "#save"):
        box = tab.page.locator(name).bounding_box()
        assert box["width"] > 40 and box["height"] > 8, name
        assert box["x"] + box["width"] <= size[0] + 1, name
        assert box["y"] + box["height"] <= size[1] + 1, name


@pytest.mark.parametrize("size", [(1024, 640), (360, 740), (740, 360)])
def test_long_names_fit_a_phone(
    serve: Callable[..., Any], open_tab: Callable[..., Tab], size: tuple[int, int]
) -> None:
    tab = open_tab(serve().url)
    tab.page.set_viewport_size({"width": size[0], "height": size[1]})
    tab.press("/", *"wash_the_dishes_" * 6, "Enter")
    tab.press("Home", "i", "ArrowRight", "o")
    tab.saved()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for name in ("#view", "#transport", "#find", "#palette .chosen", "#list .chosen"):
        box = tab.page.locator(name).bounding_box()
        assert box["width"] > 40 and box["height"] > 8, name
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] + 1, name
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1] + 1, name


def test_the_documentation_lists_every_shortcut(
    serve: Callable[..., Any], open_tab: Callable[..., Tab], repository: Path
) -> None:
    tab = open_tab(serve().url)
    tab.press("?")
    text = (repository / "docs" / "labelling.md").read_text("utf-8")
    rows = tab.page.locator("#keys div").evaluate_all(
        "rows => rows.map(row => [[...row.querySelectorAll('kbd')].map(key => key.textContent),"
        " row.lastChild.textContent])"
    )
    assert len(rows) > 15
    for keys, meaning in rows:
        assert f"| {' '.join(f'`{key}`' for key in keys)} | {meaning} |" in text
