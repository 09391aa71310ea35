"""People that nobody recorded: found in a bag's images while somebody labels them.

What is found is kept where `evaluate` keeps its skeletons, under the same identity, so that
neither does the other's work again.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bharnet_ros.bags import open_bag
from bharnet_ros.errors import BharnetError
from bharnet_ros.evaluation.checkpoints import Store
from bharnet_ros.evaluation.estimating import STRETCH_IMAGES, Estimation
from bharnet_ros.labelling.bag_index import note_presence
from bharnet_ros.labelling.cache import ByteCache
from bharnet_ros.labelling.recording import Presence
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame

_STRETCHES = 6
"""Stretches held in memory besides the newest frames; one is some megabytes."""

_Frames = dict[int, SkeletonFrame]


class EstimatedPeople:
    """Estimates and tracks the people of a bag's images, in a thread of its own, front to back.

    count: how many images the bag holds, for `progress` (0..1).
    """

    def __init__(
        self, path: Path, topic: str, count: int, store: Store,
        make_estimator: Callable[[], PoseEstimator],
    ) -> None:  # fmt: skip
        self.progress = 0.0
        self._path, self._topic, self._count, self._store = path, topic, count, store
        self._make_estimator = make_estimator
        self._ids: dict[int, tuple[int, ...]] = {}
        self._newest: OrderedDict[int, SkeletonFrame] = OrderedDict()
        self._older: ByteCache[_Frames] = ByteCache(_STRETCHES, lambda _: 1)
        self._presence: Presence = {}
        self._problems: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)
        self._thread.start()

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what did not work."""
        return tuple(self._problems)

    def presence(self) -> Presence:
        """Of each track the stretches in which it was seen, so far."""
        with self._lock:
            return {track: list(stretches) for track, stretches in self._presence.items()}

    def frame(self, log_ns: int, stamp_ns: int) -> SkeletonFrame | None:
        """The people of the image with that log time and stamp; None if not known (yet)."""
        with self._lock:
            ids, held = self._ids.get(stamp_ns), self._newest.get(stamp_ns)
        if held is not None or ids is None:
            return held
        frame = self._stored(log_ns).get(stamp_ns)
        if frame is None or len(frame.skeletons) != len(ids):
            return None
        named = zip(frame.skeletons, ids, strict=True)
        return replace(frame, skeletons=tuple(replace(p, track_id=i) for p, i in named))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until all images were looked at; whether they were."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop; what was found so far is kept."""
        self._stop.set()
        self._thread.join()

    def _stored(self, log_ns: int) -> _Frames:
        begins = self._store.begins()
        at = bisect_right(begins, log_ns) - 1
        if at < 0:
            return {}
        held = self._older.get(begins[at])
        if held is None:
            stretch = self._store.load(begins[at])
            held = {e.frame.stamp_ns: e.frame for e in stretch.estimates} if stretch else {}
            self._older.put(begins[at], held)
        return held

    def _run(self) -> None:
        try:
            self._estimate()
        except BharnetError as error:
            self._problems.append(f"People are not looked for: {error}")
        except Exception as error:  # labelling goes on without them
            self._problems.append(f"Looking for people broke off: {type(error).__name__}: {error}")
        finally:
            self.progress = 1.0

    def _estimate(self) -> None:
        tracker = Tracker()
        with open_bag(self._path) as bag:
            run = Estimation(
                bag, self._topic, self._store, self._make_estimator, self._stop.is_set
            )
            for estimate in run.estimates():
                self._take(tracker.update(estimate.frame))
                self.progress = min(0.999, run.images / max(1, self._count))
            self._problems += [text for text in (*run.problems, run.unsaved) if text]

    def _take(self, frame: SkeletonFrame) -> None:
        with self._lock:
            self._ids[frame.stamp_ns] = tuple(person.track_id for person in frame.skeletons)
            self._newest[frame.stamp_ns] = frame
            while len(self._newest) > 2 * STRETCH_IMAGES:  # the older half is in the store by now
                self._newest.popitem(last=False)
            for person in frame.skeletons:
                note_presence(self._presence, person.track_id, frame.stamp_ns)
