"""Writes what topics carry into a bag, byte by byte, as `ros2 bag record` does."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.validate_full_topic_name import validate_full_topic_name

from bharnet_ros.bags.records import TopicQos
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.environment import without_source

NAME = "bag_recorder"
_DEPTH = 100
"""A disk may pause; images must not be lost meanwhile."""
_UNDER_WAY_S = 0.25
"""What was sent before the end may still be on its way to us."""


def check_topics(topics: Sequence[str], space: str = "/") -> None:
    """Raises ConfigurationError for a name that no topic can have. space: for relative names."""
    for topic in topics:
        try:
            validate_full_topic_name(expand_topic_name(topic, NAME, space))
        except (ValueError, InvalidTopicNameException) as error:
            raise ConfigurationError(
                f"{topic!r} cannot be recorded: {without_source(error)}."
            ) from None


class BagRecorder(Node):
    """Records topics into an open bag; those nobody publishes yet when they appear.

    topics: names, relative ones in the namespace; types are asked of the publishers. without: a
    namespace that topics have here and not in the bag. hold: keep messages back until `begin`, so
    that a bag does not start with the silence before the first image. counts: messages by topic of
    the bag.
    """

    def __init__(
        self, writer: BagWriter, topics: Sequence[str], without: str = "", hold: bool = False,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(NAME, **options)
        self._writer = writer
        self._without = without
        self._held: list[Callable[[], None]] | None = [] if hold else None
        # Once each, however often and by whatever names they are given.
        self._waiting = list(dict.fromkeys(self.resolve_topic_name(topic) for topic in topics))
        self.counts: dict[str, int] = {}
        self.heard_at = time.monotonic()
        self._until_ns: int | None = None

    def begin(self) -> None:
        """Write from now on, first what was kept back."""
        held, self._held = self._held or [], None
        for write in held:
            write()

    def end(self) -> None:
        """Write only what arrives until now, and what is under way; `ending` tells how long."""
        self.heard_at = time.monotonic()
        self._until_ns = time.time_ns() + round(_UNDER_WAY_S * 1e9)

    @property
    def ending(self) -> bool:
        """Whether messages from before the end may still wait to be taken."""
        return time.monotonic() - self.heard_at < _UNDER_WAY_S

    def look(self) -> Sequence[str]:
        """Subscribe to the topics that have publishers by now.

        A sentence on each that cannot be recorded (a type that is not installed or cannot be
        written); it is left out, and not looked at again.
        """
        types = dict(self.get_topic_names_and_types())
        refused = []
        for topic in list(self._waiting):
            publishers = self.get_publishers_info_by_topic(topic)
            if topic not in types or not publishers:
                continue
            self._waiting.remove(topic)
            try:
                self._subscribe(topic, types[topic][0], publishers)
            except ConfigurationError as error:
                refused.append(str(error))
        return refused

    @property
    def waiting(self) -> Sequence[str]:
        """Topics that nobody publishes yet."""
        return tuple(self._waiting)

    def _subscribe(self, topic: str, kind: str, publishers: Sequence[Any]) -> None:
        package, _, name = kind.split("/")
        try:
            message: Any = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            raise ConfigurationError(
                f"{topic} carries {kind}, which is not installed here; leave it out, or install "
                f"the package {package}."
            ) from None
        try:
            self._writer.learn(kind)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{topic} cannot be recorded: {error}; leave it out."
            ) from None
        offered = [info.qos_profile for info in publishers]
        reliable = all(q.reliability == ReliabilityPolicy.RELIABLE for q in offered)
        latched = all(q.durability == DurabilityPolicy.TRANSIENT_LOCAL for q in offered)
        quality = QoSProfile(
            depth=_DEPTH,
            history=HistoryPolicy.KEEP_LAST,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        stored = TopicQos(
            "reliable" if reliable else "best_effort",
            "transient_local" if latched else "volatile", "keep_last", 1 if latched else 10, 0, 0,
            "automatic", 0,
        )  # fmt: skip
        noted = topic.removeprefix(self._without)
        self.counts[noted] = 0

        def write(data: bytes, received_ns: int) -> None:
            self._writer.raw(noted, kind, received_ns, data, (stored,))
            self.counts[noted] += 1

        def hear(data: bytes, about: Mapping[str, int]) -> None:
            # Not every middleware says when a message was received.
            received_ns = about.get("received_timestamp") or time.time_ns()
            if self._until_ns is not None and received_ns > self._until_ns:
                return
            self.heard_at = time.monotonic()
            if self._held is None:
                write(data, received_ns)
            elif len(self._held) < _DEPTH:
                # The bag begins with these; it does not begin when they came.
                self._held.append(lambda: write(data, time.time_ns()))

        self.create_subscription(message, topic, hear, quality, raw=True)


def counted(counts: Mapping[str, int]) -> str:
    """The counts in a line."""
    return ", ".join(f"{topic} {count}" for topic, count in sorted(counts.items()))
