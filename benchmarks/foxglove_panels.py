"""Foxglove Studio in a browser: import a layout, play a recording, see which panels show data."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bharnet_ros.errors import BharnetError

MOVING = ("Image", "ImageViewPanel", "3D")
DRAWN = ("Plot", "StateTransitions")
_COLOURFUL = 60
"""Grey levels between a pixel's strongest and weakest channel; grids and axes have fewer."""
_MIN_PIXELS = 50
_LOG_LINE = re.compile(r"\[\s*(DEBUG|INFO|WARN|ERROR|FATAL)\s*\]\s*\[")
_SETTLE_MS = 500
_LOOK_MS = 2500
"""Looking costs as much as playing where the processor draws."""

# Rows that lie, or whose text lies, where the panel shows something else or nothing.
_HIDDEN_ROWS = """panel => [
  ...panel.querySelectorAll('[data-testid-diagnostic-row]')
].filter(row => {
  const box = row.getBoundingClientRect();
  const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return there == null || !row.contains(there);
}).map(row => row.innerText.split('\\n')[0])"""


class StudioError(BharnetError):
    """Studio did not do what was waited for; the sentence says what the page said."""


@dataclass(frozen=True)
class Panel:
    """name: as in the layout, `Plot!rates`. problem: empty, or why it does not show data."""

    name: str
    title: str
    problem: str = ""


def colourful_pixels(picture: NDArray[np.uint8]) -> int:
    """How many pixels of a (height, width, 3) picture are not grey."""
    spread = picture.max(axis=2).astype(int) - picture.min(axis=2)
    return int(np.count_nonzero(spread > _COLOURFUL))


def changed_pixels(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> int:
    """How many pixels differ; all, if the sizes do."""
    if before.shape != now.shape:
        return int(now.shape[0] * now.shape[1])
    difference = np.abs(now.astype(int) - before).max(axis=2)
    return int(np.count_nonzero(difference > _COLOURFUL))


def problem(
    kind: str,
    config: Mapping[str, Any],
    text: str,
    pictures: Sequence[NDArray[np.uint8]],
    hidden: Sequence[str] = (),
) -> str:
    """Why a panel does not show data, or nothing if it does.

    kind, config: of the layout. text: what can be read on the panel. pictures: of its drawing, in
    the order they were taken. hidden: rows of a list that are out of sight.
    """
    if "Waiting for" in text:
        return " ".join(text[text.index("Waiting for") :].split())
    if kind in DRAWN or kind in MOVING:
        if not pictures:
            return "it draws nothing"
        if colourful_pixels(pictures[-1]) < _MIN_PIXELS:
            return "nothing is drawn but its grid"
        if kind in MOVING and max(
            (changed_pixels(pictures[0], each) for each in pictures[1:]), default=0
        ) < _MIN_PIXELS:  # fmt: skip
            return "the picture does not change while the recording plays"
        return ""
    if kind == "RosOut":
        return "" if _LOG_LINE.search(text) else "no line of the log"
    if kind == "DiagnosticSummary":
        if f"{config['hardwareIdFilter']}:" not in text:
            return "no node is listed"
        return f"{', '.join(hidden)} out of sight" if hidden else ""
    if kind == "DiagnosticStatusPanel":
        wanted = f"{config['selectedHardwareId']}: {config['selectedName']}", "state"
        return "" if all(word in text for word in wanted) else f"nothing of {wanted[0]}"
    return f"this check does not know panels of the kind {kind}"


def _decode(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.uint8)


class Studio:
    """A page of Foxglove Studio, driven as a user would.

    page: of playwright. layout: that it will import.
    """

    def __init__(self, page: Any, layout: Mapping[str, Any]) -> None:
        self._page = page
        self._panels: Mapping[str, Any] = layout["configById"]
        self._pictures: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in self._panels}

    def open(self, address: str, topics: Sequence[str]) -> list[str]:
        """Wait until the recording is open; the topics of these that it lacks."""
        self._page.goto(address)
        self._appears("[title=Layouts]", "Studio", 120.0)
        self._appears("text=bharnet_ros/msg/", "the topics of the recording", 60.0)
        listed = self._page.locator("body").inner_text()
        return [topic for topic in topics if topic not in listed]

    def import_layout(self) -> None:
        """Layouts, Import layout; wait for every panel."""
        self._page.click("[title=Layouts]")
        self._page.click('[title="Import layout"]')
        for name in self._panels:
            self._appears(_selector(name), f"the panel {name}", 60.0)
        self._page.click("[title=Layouts]")
        hint = self._page.locator("[aria-label=Dismiss]")
        if hint.count():
            hint.first.click()

    def play(self, timeout_s: float) -> None:
        """Play the recording to its end, with a look at the panels now and then."""
        self._page.click("[title=Play]")
        self._appears("[title=Pause]", "playing", 20.0)
        deadline = time.monotonic() + timeout_s
        while self._page.locator("[title=Pause]").count():
            if time.monotonic() > deadline:
                raise StudioError(f"The recording did not end within {timeout_s:.0f} s.")
            self._look()
            self._page.wait_for_timeout(_LOOK_MS)
        self._look()

    def judge(self) -> list[Panel]:
        """Whether each panel shows data, in the order of the layout."""
        found = []
        for name, config in self._panels.items():
            panel = self._page.locator(_selector(name))
            text, kind = panel.inner_text(), name.partition("!")[0]
            why = problem(kind, config, text, self._pictures[name], panel.evaluate(_HIDDEN_ROWS))
            found.append(Panel(name, config.get("foxglovePanelTitle", ""), why))
        return found

    def settings_problems(self) -> list[str]:
        """What Studio itself marks as wrong in the settings of the panels."""
        found = []
        for name in self._panels:
            panel = self._page.locator(_selector(name))
            panel.hover()
            panel.locator("[title=Settings]").first.click()
            self._page.wait_for_timeout(_SETTLE_MS)
            marks = self._page.locator("[data-testid=ErrorIcon]").count()
            if marks:
                found.append(f"{name}: {marks} marked settings")
        self._page.click('[title="Panel settings"]')
        return found

    def save(self, path: Path) -> None:
        """A JPEG of the page."""
        self._page.mouse.move(0, 0)
        picture = _decode(self._page.screenshot())
        if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 85]):
            raise StudioError(f"The picture {path} cannot be written.")

    def _look(self) -> None:
        """Keep each panel's first picture that shows something, and the last one that differs."""
        for name in self._panels:
            canvas = self._page.locator(f"{_selector(name)} canvas")
            if not canvas.count():
                continue
            picture, kept = _decode(canvas.first.screenshot()), self._pictures[name]
            if not kept or colourful_pixels(kept[0]) < _MIN_PIXELS:
                self._pictures[name] = [picture]
            elif len(kept) == 1 or changed_pixels(kept[0], picture) >= _MIN_PIXELS:
                self._pictures[name] = [kept[0], picture]

    def _appears(self, selector: str, what: str, timeout_s: float) -> None:
        try:
            self._page.locator(selector).first.wait_for(timeout=1e3 * timeout_s)
        except Exception as error:  # playwright's, which is not imported here
            said = " ".join(self._page.locator("body").inner_text().split())[:500]
            raise StudioError(
                f"{what} did not appear within {timeout_s:.0f} s. The page says: {said}"
            ) from error


def _selector(name: str) -> str:
    return f'[data-testid="panel-mouseenter-container {name}"]'
