"""skeletons, actions -> /humans/bodies/...: people in the topics of ROS4HRI (REP-155)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from bharnet_ros import msg
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.interop.bodies import BodyIds
from bharnet_ros.interop.ros4hri import MESSAGES, gesture, ids_list, region, skeleton_2d
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons
from bharnet_ros.nodes.findings import summary
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, WatchedSubscription
from bharnet_ros.nodes.optional_messages import message_classes
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import RESULTS, overridable
from bharnet_ros.nodes.statistics import Period

PARAMS = (
    Param(
        "id_prefix", "",
        "Beginning of the ids of bodies, a letter first; empty = another one at every start, so "
        "that ids stay unique.",
    ),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons topic after which nobody is tracked any more and the node warns.",
        0.1, 3600.0,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

BODIES = "/humans/bodies"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}")
_MAX_BODIES = 64


class Ros4HriNode(ManagedNode):
    """Publishes tracked, and per body roi, skeleton2d and gesture. Needs hri_msgs 2.x."""

    def __init__(self, **options: Any) -> None:
        self._hri = SimpleNamespace()
        self._ids = BodyIds("")
        self._input: WatchedSubscription | None = None
        self._actions: Any = None
        self._tracked: Any = None
        self._publishers_of: dict[str, dict[str, Any]] = {}
        super().__init__("ros4hri", PARAMS, **options)

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """Ids are parts of topic names."""
        prefix = values["id_prefix"]
        if prefix and not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"id_prefix is {prefix!r}; it must be a letter and up to 19 letters, digits or "
                "underscores."
            )

    def configure(self) -> None:
        """Look for hri_msgs."""
        self.check_parameters(self.params.all())
        self._hri = message_classes("hri_msgs", MESSAGES)

    def activate(self) -> None:
        """Subscribe."""
        self._ids = BodyIds(self.params["id_prefix"] or f"b{secrets.token_hex(2)}")
        self._tracked = self.create_publisher(self._hri.IdsList, f"{BODIES}/tracked", RESULTS)
        self._input = WatchedSubscription(
            self, msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
            what="skeletons", timeout_s=self.params["input_timeout_s"],
        )  # fmt: skip
        self._actions = self.create_subscription(
            msg.RecognizedActionArray, "actions", self._on_actions, RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip

    def deactivate(self) -> None:
        """Nobody is tracked any more."""
        if self._input is not None:
            self._input.destroy()
            self._input = None
        if self._actions is not None:
            self.destroy_subscription(self._actions)
            self._actions = None
        if self._tracked is not None:
            self._nobody()
            self.destroy_publisher(self._tracked)
            self._tracked = None

    def _on_skeletons(self, message: Any) -> None:
        try:
            frame = msg_to_skeletons(message)
            people = {s.track_id: s for s in frame.skeletons[:_MAX_BODIES]}
            bodies, gone = self._ids.see(people)
            for body in gone:
                self._drop(body)
            self._tracked.publish(ids_list(self._hri, message.header, bodies.values()))
            for track, body in bodies.items():
                person = people[track]
                topics = self._topics(body)
                box = region(self._hri, message.header, person, frame.image_size)
                if box is not None:
                    topics["roi"].publish(box)
                topics["skeleton2d"].publish(
                    skeleton_2d(
                        self._hri, message.header, person, frame.layout, frame.image_size
                    )
                )
            self.stats.event("bodies out")
        except BharnetError as error:
            self.stats.drop("invalid skeleton")
            self.get_logger().warning(f"Skeletons dropped: {error}", throttle_duration_sec=10.0)

    def _on_actions(self, message: Any) -> None:
        try:
            frame = msg_to_actions(message)
        except ValueError:
            self.stats.drop("invalid actions")
            return
        for action in frame.actions:
            body = self._ids.body_of(action.track_id)
            found = gesture(self._hri, message.header, action)
            if body is not None and found is not None:
                self._topics(body)["gesture"].publish(found)

    def _topics(self, body: str) -> dict[str, Any]:
        """The publishers of a body, made when it appears."""
        if body not in self._publishers_of:
            self._publishers_of[body] = {
                name: self.create_publisher(kind, f"{BODIES}/{body}/{name}", RESULTS)
                for name, kind in (
                    ("roi", self._hri.NormalizedRegionOfInterest2D),
                    ("skeleton2d", self._hri.Skeleton2D),
                    ("gesture", self._hri.Gesture),
                )
            }
        return self._publishers_of[body]

    def _drop(self, body: str) -> None:
        for publisher in self._publishers_of.pop(body, {}).values():
            self.destroy_publisher(publisher)

    def _nobody(self) -> None:
        """Whoever listens must not believe that the last people are still there."""
        _, gone = self._ids.see(())
        for body in gone:
            self._drop(body)
        if gone:
            header = self._hri.IdsList().header
            header.stamp = self.get_clock().now().to_msg()
            self._tracked.publish(ids_list(self._hri, header, ()))

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Silence, and how many bodies are told of."""
        findings = []
        if self._input is not None:
            findings = self._input.findings(period)
            if self._input.is_silent:
                self._nobody()
        count = len(self._publishers_of)
        level, message = summary(findings, f"{count} bodies")
        return level, message, {"bodies": str(count)}


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros ros4hri"""
    return run([Ros4HriNode], args)
