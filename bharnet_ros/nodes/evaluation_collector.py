"""The node that listens while a bag is played to the graph. It only keeps what it hears: judging
it at once would take time from the nodes that are evaluated."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from bharnet_ros import msg
from bharnet_ros.bags.messages import action_frame, skeleton_frame
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.evaluation.heard import Heard
from bharnet_ros.nodes.qos import LATCHED, RESULTS

_MANY = QoSProfile(depth=1000)
_STAGES = {"estimate": "pose", "track": "tracking", "recognise": "recognition"}
_MEDIAN = re.compile(r"(\w+) \[ms\] p50")


class EvaluationCollector(Node):
    """Hears skeletons, actions, diagnostics and the clock of the playback.

    played: topic that the bag is played to; it and the others are relative to the namespace.
    clock: topic of the playback's clock.
    """

    def __init__(self, played: str, clock: str, **options: Any) -> None:
        super().__init__("evaluation_collector", **options)
        self._skeletons: list[tuple[int, bytes]] = []
        self._actions: list[tuple[int, bytes]] = []
        self._published: dict[int, int] = {}
        self._newest_ns = 0
        self.labels: Any = None
        self.played = self.resolve_topic_name(played)
        self.has_layout = False
        self.heard_ns = time.monotonic_ns()
        self._status: dict[str, Any] = {}
        self._medians: dict[str, list[float]] = defaultdict(list)
        hear = self.create_subscription
        hear(msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS, raw=True)
        hear(msg.RecognizedActionArray, "actions", self._on_actions, RESULTS, raw=True)
        hear(msg.SkeletonLayout, "skeleton_layout", self._on_layout, LATCHED)
        hear(msg.ActionLabels, "action_labels", self._on_labels, LATCHED)
        hear(Clock, clock, self._on_clock, _MANY)
        hear(DiagnosticArray, "/diagnostics", self._on_diagnostics, RESULTS)
        self._resume = self.create_client(Trigger, "replay/resume")

    # what the graph lacks, and what is wrong with it

    def missing(self, with_images: bool) -> str:
        """What the graph still lacks before the bag may be played; "" when it stands."""
        lacking = []
        if with_images and not self.has_layout:
            lacking.append("skeleton_layout of the pose estimator")
        if self.labels is None:
            lacking.append("action_labels of the recogniser")
        if self.count_subscribers(self.played) < self.listeners(with_images):
            lacking.append(f"a subscription to {self.played}")
        if with_images and self.count_subscribers(self.resolve_topic_name("skeletons")) < 2:
            lacking.append("the recogniser's subscription to skeletons")
        return ", ".join(lacking)

    @staticmethod
    def listeners(with_images: bool) -> int:
        """Who hears what is played: the estimator, or the recogniser and this node."""
        return 1 if with_images else 2

    def player_missing(self) -> bool:
        """Whether the playback is not there yet."""
        return not (self.count_publishers(self.played) and self._resume.service_is_ready())

    def others(self) -> list[str]:
        """Nodes that publish where the bag would be played to."""
        return sorted(
            {
                f"{info.node_namespace.rstrip('/')}/{info.node_name}"
                for info in self.get_publishers_info_by_topic(self.played)
            }
        )

    def resume(self) -> Any:
        """Let the playback begin; a future of its answer."""
        return self._resume.call_async(Trigger.Request())

    def trouble(self) -> str:
        """The sentence of a node of the graph that reports an error, if one does."""
        for name, status in self._status.items():
            if status.level == DiagnosticStatus.ERROR:
                return f"{name}: {status.message}"
        return ""

    # what was heard

    @property
    def played_until_ns(self) -> int:
        """The newest log time that was played; 0 before the first."""
        return self._newest_ns

    def heard(self, rate: float) -> Heard:
        """All of it. Stages have the median of each period of the nodes' diagnostics. Messages
        that contradict themselves are left out."""
        return Heard(
            list(_read(self._skeletons, msg.SkeletonArray, skeleton_frame)),
            list(_read(self._actions, msg.RecognizedActionArray, action_frame)),
            dict(self._published), dict(self._medians), self._drops(), rate,
        )  # fmt: skip

    def _drops(self) -> dict[str, int]:
        found = {}
        for name, status in self._status.items():
            for item in status.values:
                if item.key.startswith("dropped: "):
                    reason = f"{name.rsplit('/', 1)[-1]}: {item.key.removeprefix('dropped: ')}"
                    found[reason] = int(item.value)
        return found

    def _on_skeletons(self, data: bytes) -> None:
        self.heard_ns = time.monotonic_ns()
        self._skeletons.append((self.heard_ns, data))

    def _on_actions(self, data: bytes) -> None:
        self.heard_ns = time.monotonic_ns()
        self._actions.append((self.heard_ns, data))

    def _on_clock(self, message: Clock) -> None:
        log_ns = message.clock.sec * 1_000_000_000 + message.clock.nanosec
        self._published.setdefault(log_ns, time.monotonic_ns())
        self._newest_ns = max(self._newest_ns, log_ns)

    def _on_layout(self, message: Any) -> None:
        self.has_layout = True

    def _on_labels(self, message: Any) -> None:
        self.labels = message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        space = self.get_namespace().strip("/")
        for status in message.status:
            name = status.name.lstrip("/")
            if name.rpartition("/")[0] != space:
                continue  # another graph
            self._status[name] = status
            for item in status.values:
                found = _MEDIAN.fullmatch(item.key)
                if found and found[1] in _STAGES and self._published:
                    self._medians[_STAGES[found[1]]].append(float(item.value))


def _read(messages: Iterable[tuple[int, bytes]], kind: Any, convert: Any) -> Iterator[Any]:
    """(arrival, record) of serialised messages."""
    for at, data in messages:
        try:
            yield at, convert(deserialize_message(data, kind))
        except (InvalidSkeletonError, ValueError):
            continue
