"""Images of a bag to skeletons, once: what was estimated before comes from the checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bharnet_ros.bags.images import bag_image
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.evaluation.checkpoints import Estimate, Store, Stretch
from bharnet_ros.evaluation.stamp_order import JUMP_BACK, RESTARTED, unusable_stamp
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.types import Image

STRETCH_IMAGES = 600
"""At most so many images are in memory as skeletons, and lost to a power cut."""
WARM_UP_S = 5.0
"""An estimator that goes on in the middle first looks at the images of this time again: it
remembers people between images, and would else have to find them anew."""
_NS = 1_000_000_000


class Bag(Protocol):
    """What is needed of `bharnet_ros.bags.Bag`."""

    start_ns: int

    def messages(
        self, topics: Any = None, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[Any]:
        """Deserialised messages in the order of their log times."""


@dataclass
class Estimation:
    """Runs over a bag's images in order, through the checkpoints of `store`.

    make_estimator: called at the first image that is not in the checkpoints. stopped: asked
    before each image; when it says so, what is finished is saved and the run ends.

    images: seen so far; drops: those not estimated, by reason; problems: sentences. reused:
    images whose skeletons came from checkpoints. resumed_at_ns: log times at which the estimator
    had to go on in the middle. unsaved: why checkpoints could not be written, "" if they could.
    """

    bag: Bag
    topic: str
    store: Store
    make_estimator: Callable[[], PoseEstimator]
    stopped: Callable[[], bool] = lambda: False
    images: int = 0
    reused: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    resumed_at_ns: list[int] = field(default_factory=list)
    unsaved: str = ""
    _estimator: PoseEstimator | None = None
    _newest_ns: int | None = None

    def estimates(self) -> Iterator[Estimate]:
        """Every usable image's people, in the order of the images."""
        at, last = self.bag.start_ns, False
        begins = [begin for begin in self.store.begins() if begin >= at]
        try:
            for number, begin in enumerate(begins):
                if begin < at:
                    continue  # left over by a run that was broken off while it wrote
                if begin > at:
                    yield from self._estimated(at, begin)
                    at = begin
                if self.stopped():
                    return
                stretch = self.store.load(begin)
                if stretch is None:
                    until = begins[number + 1] if number + 1 < len(begins) else None
                    if until is not None:
                        yield from self._estimated(begin, until)
                        at = until
                    continue
                yield from self._stored(stretch)
                at, last = stretch.end_ns, stretch.last
            if not last and not self.stopped():
                yield from self._estimated(at, None)
        finally:
            if self._estimator is not None:
                self._estimator.close()

    def _stored(self, stretch: Stretch) -> Iterator[Estimate]:
        self.images += stretch.images
        self.reused += stretch.images
        self._drop(Counter(stretch.drops))
        for estimate in stretch.estimates:
            self._newest_ns = estimate.frame.stamp_ns
            yield estimate

    def _drop(self, drops: Counter[str]) -> None:
        self.drops.update(drops)
        if drops[RESTARTED] and JUMP_BACK not in self.problems:
            self.problems.append(JUMP_BACK)

    def _estimated(self, begin_ns: int, until_ns: int | None) -> Iterator[Estimate]:
        """Estimate the images with log times from begin to until, and keep them."""
        warm = begin_ns > self.bag.start_ns
        first = begin_ns - round(WARM_UP_S * _NS) if warm else begin_ns
        if warm:
            self.resumed_at_ns.append(begin_ns)
        if self._estimator is not None:
            self._estimator.reset()
        batch = _Batch(begin_ns)
        newest = self._newest_ns
        for message in self.bag.messages([self.topic], first, until_ns):
            if message.log_ns < begin_ns:
                self._warm_up(message.message)
                continue
            if self.stopped():
                self._keep(batch, last=False)
                return
            # A stretch ends between two log times, so that none is counted twice.
            if batch.images >= STRETCH_IMAGES and message.log_ns >= batch.end_ns:
                self._keep(batch, last=False)
                batch = _Batch(batch.end_ns)
            self.images += 1
            newest, estimate = self._look(message, newest, batch)
            if estimate is not None:
                self._newest_ns = newest
                yield estimate
        if until_ns is not None:
            batch.end_ns = until_ns
        self._keep(batch, last=until_ns is None)

    def _look(
        self, message: Any, newest: int | None, batch: _Batch
    ) -> tuple[int | None, Estimate | None]:
        batch.images += 1
        batch.end_ns = max(batch.end_ns, message.log_ns + 1)
        try:
            stamp_ns, image = bag_image(message.message)
            reason = unusable_stamp(stamp_ns, newest)
            estimate = None if reason else self._estimate(message.log_ns, stamp_ns, image)
        except InvalidImageError as error:
            reason, estimate = getattr(error, "reason", "invalid image"), None
            sentence = f"Image not used: {error}"
            if sentence not in self.problems and len(self.problems) < 20:
                self.problems.append(sentence)
        if estimate is None:
            batch.drops[reason] += 1
            self._drop(Counter([reason]))
            return newest, None
        batch.estimates.append(estimate)
        return stamp_ns, estimate

    def _estimate(self, log_ns: int, stamp_ns: int, image: Image) -> Estimate:
        estimator = self._ready()
        frame = estimator.estimate(image, stamp_ns)
        return Estimate(frame, log_ns, float(estimator.timings_ms.get("total", np.nan)))

    def _warm_up(self, message: Any) -> None:
        try:
            stamp_ns, image = bag_image(message)
            self._ready().estimate(image, stamp_ns)
        except InvalidImageError:
            return  # told when its stretch was made

    def _ready(self) -> PoseEstimator:
        if self._estimator is None:
            self._estimator = self.make_estimator()
        return self._estimator

    def _keep(self, batch: _Batch, last: bool) -> None:
        if not batch.images and not last:
            return
        stretch = Stretch(
            batch.begin_ns, batch.end_ns, last, batch.images, tuple(batch.estimates), batch.drops
        )
        try:
            self.store.save(stretch)
        except OSError as error:
            # The evaluation itself can still be finished.
            self.unsaved = f"Skeletons could not be kept for another run: {error}."


@dataclass
class _Batch:
    """A stretch in the making."""

    begin_ns: int
    end_ns: int = 0
    images: int = 0
    estimates: list[Estimate] = field(default_factory=list)
    drops: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.end_ns = max(self.end_ns, self.begin_ns)
