"""Where in a bag each image and each skeleton message is: found once, in the background.

The page opens at once and learns of the images as they are found; it never waits for a pass over
gigabytes.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from pathlib import Path
from typing import Any

from bharnet_ros.bags import open_bag
from bharnet_ros.bags.messages import stamp_to_ns
from bharnet_ros.errors import BharnetError
from bharnet_ros.labelling.recording import Presence

_GAP_NS = 1_000_000_000
"""Somebody who was away for less was there all the time, as far as a timeline shows."""


class StampIndex:
    """Stamps of messages and when each was recorded (log times), in the order of the stamps."""

    def __init__(self) -> None:
        self.stamps = array("q")
        self._logs = array("q")
        self.skipped = 0

    def add(self, stamp_ns: int, log_ns: int) -> None:
        """A message; one that is not newer than the newest is a repetition and left out."""
        if self.stamps and stamp_ns <= self.stamps[-1]:
            self.skipped += 1
            return
        self._logs.append(log_ns)  # first, so that whoever sees the stamp finds it
        self.stamps.append(stamp_ns)

    def place(self, index: int) -> tuple[int, int]:
        """(log time, stamp). IndexError."""
        if index < 0:
            raise IndexError(index)
        return self._logs[index], self.stamps[index]

    def nearest(self, stamp_ns: int, tolerance_ns: int) -> tuple[int, int] | None:
        """(log time, stamp) of the message closest to a stamp; None if none is close enough."""
        at = bisect_left(self.stamps, stamp_ns)
        best: tuple[int, int] | None = None
        for index in (at - 1, at):
            if 0 <= index < len(self.stamps):
                distance = abs(self.stamps[index] - stamp_ns)
                if distance <= tolerance_ns and (
                    best is None or distance < abs(best[1] - stamp_ns)
                ):
                    best = self.place(index)
        return best


class BagIndex:
    """Reads a bag once, in a thread of its own.

    images, skeletons: what was found so far. progress: 0..1. complete: read to the end.
    problems: sentences.
    """

    def __init__(self, path: Path, image_topic: str, skeleton_topic: str) -> None:
        self.images = StampIndex()
        self.skeletons = StampIndex()
        self.progress = 0.0
        self.complete = False
        self._path = path
        self._image_topic = image_topic
        self._skeleton_topic = skeleton_topic
        self._problems: list[str] = []
        self._presence: Presence = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bag index", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read or used, so far."""
        with self._lock:
            return tuple(self._problems)

    def presence(self) -> Presence:
        """Of each track the stretches in which it was seen, so far."""
        with self._lock:
            return {track: list(stretches) for track, stretches in self._presence.items()}

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until the bag was read to its end; whether it was."""
        self._thread.join(timeout_s)
        return self.complete

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._read()
        except BharnetError as error:
            self._tell([str(error)])
        except Exception as error:  # a reader's own fault must not look like an endless bag
            self._tell([f"Reading the bag broke off: {type(error).__name__}: {error}"])
        finally:
            self.progress = 1.0
            self.complete = True

    def _read(self) -> None:
        topics = [topic for topic in (self._image_topic, self._skeleton_topic) if topic]
        with open_bag(self._path) as bag:
            span = max(1, bag.end_ns - bag.start_ns)
            for message in bag.messages(topics):
                if self._stop.is_set():
                    return
                self._take(message.topic, message.message, message.log_ns)
                self.progress = min(0.999, max(0.0, (message.log_ns - bag.start_ns) / span))
            self._tell(bag.problems)
        if self.images.skipped:
            count = self.images.skipped
            self._tell([f"{count} images whose stamps go back, repeat or are 0 are left out."])

    def _take(self, topic: str, message: Any, log_ns: int) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if topic == self._image_topic:
            if stamp_ns == 0:  # nobody set it
                self.images.skipped += 1
            else:
                self.images.add(stamp_ns, log_ns)
            return
        self.skeletons.add(stamp_ns, log_ns)
        with self._lock:
            for person in message.skeletons:
                note_presence(self._presence, int(person.track_id), stamp_ns)

    def _tell(self, sentences: list[str]) -> None:
        with self._lock:
            self._problems += [each for each in sentences if each not in self._problems]


def note_presence(presence: Presence, track_id: int, stamp_ns: int) -> None:
    """Somebody was seen at that time. Times rise; -1 is nobody in particular."""
    if track_id < 0:
        return
    stretches = presence.setdefault(track_id, [])
    if stretches and 0 <= stamp_ns - stretches[-1][1] <= _GAP_NS:
        stretches[-1] = (stretches[-1][0], stamp_ns)
    elif not stretches or stamp_ns > stretches[-1][1]:
        stretches.append((stamp_ns, stamp_ns))
