"""The page in a real browser, on a desk and on a phone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bharnet_ros.types import ActionState
from bharnet_ros.viewer.state import NodeHealth

from .conftest import TOKEN, Viewer, action, frame, plain

START, END = ActionState.STARTED, ActionState.ENDED
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True,
    "device_scale_factor": 2,
}  # fmt: skip
NASTY = '<img src=x onerror="document.title=1">'


def until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Camera:
    """Puts pictures until told to stop, as a graph does."""

    def __init__(self, page: Viewer) -> None:
        self._page = page
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        level = 0
        while not self._stop.wait(0.05):
            level = (level + 7) % 250
            self._page.pictures.put(plain(level, (180, 320)), age_s=0.05)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


class Tab:
    """The opened page. errors: of its scripts; wanted: every address that it asked for."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.wanted: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.wanted.append(request.url))
        self.page.goto(url)

    @property
    def pictures(self) -> int:
        return int(self.page.evaluate("Number(document.body.dataset.pictures ?? 0)"))

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Tab]]:
    tabs: list[Tab] = []

    def tab(url: str, **options: Any) -> Tab:
        tabs.append(Tab(browser, url, **options))
        return tabs[-1]

    yield tab
    for each in tabs:
        each.context.close()
        assert each.errors == []


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_what_is_seen_and_recognised_is_shown(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab], options: dict[str, Any]
) -> None:
    page = viewer(hold_s=2.0)
    camera = Camera(page)
    page.state.put_actions(frame(5.0, action(1, START), action(2, ActionState.NONE, "")))
    page.state.put_actions(frame(7.5, action(1, END), action(2, START, NASTY)))
    page.state.put_nodes([
        NodeHealth("pose_estimator", 0, "2 people", [("images in [Hz]", "12.0")]),
        NodeHealth("action_recognizer", 1, "results are late", []),
    ])  # fmt: skip
    tab = opened(page.url, **options)
    until(lambda: tab.pictures > 5 and "live" in tab.text("#link"))
    assert tab.page.evaluate("[view.width, view.height]") == [320, 180]
    assert "pictures/s" in tab.text("#figures")
    assert "wave ended" in tab.text("#people") and NASTY in tab.text("#people")
    widths = "[...document.querySelectorAll('.bar i')].map((each) => each.style.width)"
    assert tab.page.evaluate(widths) == ["90%", "90%"]
    assert "#1 wave ended" in tab.text("#events") and "2.5 s" in tab.text("#events")
    assert tab.page.locator("#nodes [data-level=warn]").count() == 1
    assert "results are late" in tab.text("#nodes")
    assert tab.page.title() == "What the robot sees"  # the class name was text, not a program
    # Nothing is wider than the screen, and nothing came from anywhere else.
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(url.startswith(f"http://127.0.0.1:{page.port}/") for url in tab.wanted)
    assert not any(TOKEN in url.partition("#")[0] for url in tab.wanted)
    camera.stop()
    if "is_mobile" in options:
        return
    page.state.notice("no pictures on /image_annotated for 3 s")
    until(lambda: tab.page.is_visible("#empty") and "no picture for" in tab.text("#empty"))
    assert "stale" in tab.page.get_attribute("#stage", "class")
    until(lambda: "/image_annotated" in tab.text("#banner"))


def test_a_page_opened_late_does_not_call_an_old_picture_live(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab]
) -> None:
    page = viewer()
    page.pictures.put(plain(9))
    newest = page.pictures.wait(0, 60.0)
    assert newest is not None
    page.pictures._encoded = replace(newest, came_s=newest.came_s - 60)
    tab = opened(page.url, **DESK)
    until(lambda: tab.pictures == 1)
    until(lambda: re.search(r"no picture for [6-9]\d s", tab.text("#empty")))
    assert tab.text("#link") == "waiting"


def test_the_way_to_the_browser_counts_as_age(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab]
) -> None:
    page = viewer()
    page.pictures.put(plain(9))
    tab = opened(page.url, **DESK)
    until(lambda: tab.pictures == 1)
    network = tab.context.new_cdp_session(tab.page)
    network.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", {**conditions, "downloadThroughput": 25_000})
    # Requests that have begun are not slowed down.
    asked = len(tab.wanted)
    until(lambda: tab.pictures and sum("picture" in url for url in tab.wanted[asked:]) > 1)
    noise = np.random.default_rng(0).integers(0, 256, (360, 480, 3)).astype(np.uint8)
    page.pictures.put(noise)  # more than 100 KB
    until(lambda: tab.pictures == 2)
    for _ in range(2):  # the words are made anew
        tab.page.click("#pause")
    said = re.search(r"no picture for (\d+) s", tab.text("#empty"))
    assert said is not None and int(said[1]) >= 4


def test_nodes_unfold_while_states_come(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab]
) -> None:
    """A click takes longer than a state; so does reading with the keyboard."""
    page = viewer()

    def tell(message: str) -> None:
        page.state.put_nodes([NodeHealth(name, 0, message, [("k", message)]) for name in "ab"])

    tell("before")
    tab = opened(page.url, **DESK)
    until(lambda: "before" in tab.text("#nodes"))
    tab.page.hover("#nodes summary >> nth=1")
    tab.page.mouse.down()
    tell("meanwhile")
    until(lambda: "meanwhile" in tab.text("#nodes"))
    tab.page.mouse.up()
    until(lambda: tab.page.locator("#nodes details[open]").count() == 1)
    assert "k" in tab.text("#nodes details[open] table")
    tab.page.focus("#nodes summary >> nth=0")
    tell("after")
    until(lambda: "after" in tab.text("#nodes"))
    tab.page.keyboard.press("Enter")
    until(lambda: tab.page.locator("#nodes details[open]").count() == 2)
    page.state.forget()
    until(lambda: "none heard" in tab.text("#nodes"))


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_the_picture_stays_in_view_beside_many_people(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab], options: dict[str, Any]
) -> None:
    page = viewer()
    page.pictures.put(plain(9, (180, 320)))
    page.state.put_actions(frame(1.0, *(action(track, name=70 * "w") for track in range(40))))
    tab = opened(page.url, **options)
    until(lambda: tab.pictures == 1 and "#39" in tab.text("#people"))
    if "is_mobile" not in options:  # the lists can be scrolled without a mouse
        tab.page.focus("aside")
        tab.page.keyboard.press("End")
        until(lambda: tab.page.evaluate("document.querySelector('aside').scrollTop > 500"))
    tab.page.locator(".person").last.scroll_into_view_if_needed()
    place = tab.page.evaluate("view.getBoundingClientRect().toJSON()")
    assert place["top"] >= 0 and place["height"] > 100
    assert place["bottom"] <= options["viewport"]["height"]
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_paused_page_asks_for_nothing(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.viewer.pictures.LINGER_S", 0.5)
    page = viewer(hold_s=0.2)
    camera = Camera(page)
    tab = opened(page.url, **DESK)
    until(lambda: tab.pictures > 2)
    tab.page.keyboard.press(" ")
    assert tab.text("#pause") == "Go on"
    until(lambda: not page.pictures._waiting)
    made = page.pictures.made
    until(lambda: not page.pictures.is_watched())
    assert page.pictures.made - made <= 1
    tab.page.click("#pause")
    shown = tab.pictures
    until(lambda: tab.pictures > shown)
    camera.stop()


@pytest.mark.parametrize("token", ["another", "the…", "the%zz", ""])
def test_a_wrong_token_is_explained(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab], token: str
) -> None:
    page = viewer()
    tab = opened(page.url.replace(TOKEN, token), **DESK)
    until(lambda: "token" in tab.text("#banner"))
    assert not page.pictures.is_watched()


def test_it_comes_back_when_the_robot_does(
    viewer: Callable[..., Viewer], opened: Callable[..., Tab]
) -> None:
    from bharnet_ros.viewer.api import ViewerApi
    from bharnet_ros.web.guard import Guard
    from bharnet_ros.web.server import WebServer

    page = viewer(hold_s=0.5)
    page.pictures.put(plain(9))
    tab = opened(page.url, **DESK)
    until(lambda: tab.pictures >= 1)
    page.server.stop()
    until(lambda: "does not answer" in tab.text("#banner"))
    api = ViewerApi(page.pictures, page.state, Guard(TOKEN), 0.5)
    page.server = WebServer(api, "127.0.0.1", [page.port])
    page.server.start()
    page.pictures.put(plain(19))
    until(lambda: tab.pictures >= 2 and tab.page.is_hidden("#banner"))
