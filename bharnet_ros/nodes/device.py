"""A camera device that may be unplugged, and is opened again when it is back. Free of ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2

from bharnet_ros.nodes.sources import device_number, is_device

RETRY_S = 3.0
"""Between two tries to open a device that is gone."""
_SILENT_S = 1.0
"""A device that gives nothing for so long, and several times, is taken for gone; a loose plug or a
busy bus costs an image or two."""
_SILENT_READS = 3
_LOGGING = threading.Lock()
_quiet, _level = 0, 0


class Device:
    """Reads images of an open device; where they stay away, it is opened again.

    source: the device's number or path. capture: as `opened` gives it. tell: gets a sentence when
    the device is gone, and one when it is back. Opening may take seconds and hang with a driver: it
    is done in a thread of its own, every RETRY_S.
    """

    def __init__(self, source: str, capture: cv2.VideoCapture, tell: Callable[[str], None]) -> None:
        self.source = source
        self._tell = tell
        self._capture: cv2.VideoCapture | None = capture
        self._seen_s = time.monotonic()
        self._failed = 0
        self._search: _Search | None = None

    @property
    def trouble(self) -> str:
        """That it is gone, and for how long, in words; "" while it is there."""
        if self._search is None:
            return ""
        return (
            f"the camera device {self.source} has given no images for "
            f"{time.monotonic() - self._seen_s:.0f} s; it is opened again when it is back "
            f"(tried every {RETRY_S:g} s)"
        )

    def read(self) -> Any | None:
        """The next image as OpenCV has it, (H, W, 3) or (H, W); None if there is none now.

        Waits for the device's next image, but never for a device that is gone.
        """
        if self._search is not None and (found := self._search.found()) is not None:
            away_s = time.monotonic() - self._seen_s
            self._capture, self._search = found, None
            self._tell(f"The camera device {self.source} is back after {away_s:.0f} s.")
            self._seen(time.monotonic())
        if self._capture is None:
            return None
        image = _read(self._capture)
        if image is not None:
            self._seen(time.monotonic())
            return image
        self._failed += 1
        if self._failed >= _SILENT_READS and time.monotonic() - self._seen_s >= _SILENT_S:
            gone, self._capture = self._capture, None
            self._search = _Search(self.source, gone)
            self._tell(
                f"The camera device {self.source} gives no images any more: plug it in again; it "
                f"is tried every {RETRY_S:g} s, images go on when it is back."
            )
        return None

    def wait(self, timeout_s: float) -> None:
        """While the device is gone: until it is back, or so long."""
        if self._search is not None:
            self._search.ready.wait(timeout_s)

    def close(self) -> None:
        """Let go of the device; also in the middle of a try to open it."""
        if self._search is not None:
            self._search.stop()
            self._search = None
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _seen(self, now_s: float) -> None:
        self._seen_s, self._failed = now_s, 0


class _Search:
    """Tries to open a device until it succeeds; gone: what is left of it, released first, because
    the system gives the number to nobody while it is held."""

    def __init__(self, source: str, gone: cv2.VideoCapture) -> None:
        self.ready = threading.Event()
        self._source = source
        self._gone: cv2.VideoCapture | None = gone
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._capture: cv2.VideoCapture | None = None
        # A driver that hangs must not hold up the end of the process.
        threading.Thread(target=self._run, name=f"camera {source}", daemon=True).start()

    def found(self) -> cv2.VideoCapture | None:
        """The open device, once; None while there is none."""
        if not self.ready.is_set():
            return None
        with self._lock:
            capture, self._capture = self._capture, None
        return capture

    def stop(self) -> None:
        """Give up; what is found yet is closed again."""
        self._stopped.set()
        capture = self.found()
        if capture is not None:
            capture.release()

    def _run(self) -> None:
        if self._gone is not None:
            self._gone.release()
            self._gone = None
        while not self._stopped.is_set():
            with _without_warnings():
                capture = opened(self._source)
            if capture is not None:
                with self._lock:
                    self._capture = capture
                self.ready.set()
                if self._stopped.is_set():  # perhaps before it could be seen
                    self.stop()
                return
            self._stopped.wait(RETRY_S)


def opened(source: str) -> cv2.VideoCapture | None:
    """A device (see `is_device`) or file that has given a first image; None if it gives none."""
    place: int | str | None = device_number(source) if is_device(source) else source
    if place is None:
        return None
    capture = cv2.VideoCapture(place)
    if capture.isOpened() and _read(capture) is not None:
        return capture
    capture.release()
    return None


def _read(capture: cv2.VideoCapture) -> Any | None:
    try:
        good, image = capture.read()
    except cv2.error:  # of a driver that gives what cannot be decoded
        return None
    return image if good else None


@contextmanager
def _without_warnings() -> Iterator[None]:
    """OpenCV, whose level of logging is one for the process, warns of each try that fails."""
    global _quiet, _level
    with _LOGGING:
        if not _quiet:
            _level = _set_level(0)
        _quiet += 1
    try:
        yield
    finally:
        with _LOGGING:
            _quiet -= 1
            if not _quiet:
                _set_level(_level)


def _set_level(level: int) -> int:
    """What OpenCV logs, 0 = nothing; the level before. Older ones (Ubuntu 24.04 has 4.6) have the
    function elsewhere."""
    namespace: Any = getattr(cv2.utils, "logging", cv2)
    return int(namespace.setLogLevel(level))
