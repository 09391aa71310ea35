"""Images handed from node to node inside one process, beside the messages. Free of ROS.

Who estimates skeletons still holds the image they were found in; who recognises actions in the
same process may look at it for the length of one call. Nothing is copied, kept or published here,
so nobody subscribes to the images twice, and pixels never leave the process.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from bharnet_ros.types import Image, SkeletonFrame

Sink = Callable[[Image, SkeletonFrame], None]
"""Takes an image, (H, W, 3) uint8 BGR, and the tracked skeletons found in it. Called in the thread
of whoever offers them; must not write into the image, nor keep it."""


class Listener:
    """One who looks at the images of a topic, and how that went.

    Made by `ImageExchange.listen`. sink: where they go.
    """

    def __init__(self, exchange: ImageExchange, topic: str, sink: Sink) -> None:
        self.topic = topic
        self.images = 0
        """Handed over so far, those included whose sink failed."""
        self.failures = 0
        self.last_failure = ""
        self._exchange = exchange
        self._sink = sink

    def take(self, image_bgr: Image, frame: SkeletonFrame) -> None:
        """Pass an image on; whatever the sink raises is counted and told, not raised."""
        self.images += 1
        try:
            self._sink(image_bgr, frame)
        except Exception as error:  # the one who offers has work of its own to finish
            self.failures += 1
            self.last_failure = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Take no further image; a call that has begun may still end."""
        self._exchange.leave(self)


class ImageExchange:
    """Who in this process gives images, and who takes them, by the full name of their skeletons'
    topic. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._givers: Counter[str] = Counter()
        self._listeners: dict[str, tuple[Listener, ...]] = {}

    def announce(self, topic: str) -> None:
        """The skeletons on this topic come from this process, and their images will be offered."""
        with self._lock:
            self._givers[topic] += 1

    def withdraw(self, topic: str) -> None:
        """Undo `announce`, once."""
        with self._lock:
            self._givers[topic] -= 1
            if self._givers[topic] <= 0:
                del self._givers[topic]

    def is_announced(self, topic: str) -> bool:
        """Whether somebody in this process gives the images of this topic."""
        with self._lock:
            return topic in self._givers

    def listen(self, topic: str, sink: Sink) -> Listener:
        """From now on give the sink every image of this topic."""
        listener = Listener(self, topic, sink)
        with self._lock:
            self._listeners[topic] = (*self._listeners.get(topic, ()), listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """See `Listener.close`."""
        with self._lock:
            listeners = self._listeners.get(listener.topic, ())
            left = [each for each in listeners if each is not listener]
            if left:
                self._listeners[listener.topic] = tuple(left)
            else:
                self._listeners.pop(listener.topic, None)

    def offer(self, topic: str, image_bgr: Image, frame: SkeletonFrame) -> bool:
        """Give an image to all who listen, before its skeletons are published, so that it is there
        when they arrive. Whether anybody did; never raises what they raise."""
        with self._lock:  # held for the look-up alone: sinks take their time
            listeners = self._listeners.get(topic, ())
        for listener in listeners:
            listener.take(image_bgr, frame)
        return bool(listeners)


IMAGES = ImageExchange()
"""Of this process."""
