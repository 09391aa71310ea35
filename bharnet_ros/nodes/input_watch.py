"""Notices that a topic is silent and says why: nobody publishes, or the QoS does not match."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node

from bharnet_ros.nodes.qos import mismatch


class InputWatch:
    """Watches one subscription.

    timeout_s: silence up to this long is normal.
    """

    def __init__(self, node: Node, subscription: Any, what: str, timeout_s: float) -> None:
        self._node = node
        self._subscription = subscription
        self._what = what
        self._timeout_s = timeout_s
        self._last = time.monotonic()
        self._warned: tuple[str, float] = ("", 0.0)

    def seen(self) -> None:
        """A message arrived."""
        self._last = time.monotonic()

    def problem(self) -> str:
        """A sentence when the topic has been silent too long, else an empty string.

        The sentence is also logged: when it appears, when its reason changes and every 10 s.
        """
        now = time.monotonic()
        silence_s = now - self._last
        if silence_s <= self._timeout_s:
            self._warned = ("", 0.0)
            return ""
        topic = self._subscription.topic_name
        reason = self._reason(topic)
        if reason != self._warned[0] or now - self._warned[1] > 10.0:
            self._warned = (reason, now)
            self._node.get_logger().warning(
                f"No {self._what} on {topic} for {silence_s:.0f} s: {reason}"
            )
        return f"no {self._what} on {topic} for {silence_s:.0f} s: {reason}"

    def _reason(self, topic: str) -> str:
        publishers = self._node.get_publishers_info_by_topic(topic)
        if not publishers:
            return (
                "nobody publishes there. Remap the topic or start the camera "
                "(and check ROS_DOMAIN_ID)."
            )
        wanted = self._subscription.msg_type
        told = []
        for publisher in publishers:
            name = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
            wanted_type = f"{wanted.__module__.split('.')[0]}/msg/{wanted.__name__}"
            why = mismatch(publisher.qos_profile, self._subscription.qos_profile)
            if publisher.topic_type != wanted_type:
                told.append(f"{name} publishes {publisher.topic_type}, not {wanted_type}")
            elif why:
                told.append(f"{name} does not match: {why.strip().rstrip(';')}")
            else:
                told.append(f"{name} matches but sends nothing that arrives")
        return "; ".join(told) + "."
