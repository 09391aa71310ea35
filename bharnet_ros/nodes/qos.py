"""Quality of service per kind of topic, the same in every node."""

from __future__ import annotations

from typing import Any

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import QoSOverridingOptions, QoSPolicyKind

from bharnet_ros.errors import ConfigurationError

IMAGE_PUBLISHER = QoSProfile(depth=10)
"""Reliable like every driver's default, so that any subscriber matches."""

IMAGE_SUBSCRIBER = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""Depth 1: a busy node finds the newest image when it comes back, never a queue."""

DEPTH_SUBSCRIBER = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""Each may be the one whose skeletons are still being estimated, so not only the newest counts."""

RESULTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
"""Skeletons and actions: small, and nobody likes to lose an ENDED."""

LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


_OVERRIDES = "qos_overrides."
_CHOICES = {
    "history": HistoryPolicy.short_keys(),
    "reliability": ReliabilityPolicy.short_keys(),
    "durability": DurabilityPolicy.short_keys(),
}


def overridable() -> QoSOverridingOptions:
    """Lets users override history, depth, reliability and durability of a topic with parameters.

    rclpy writes what they say into the profile it is given: ManagedNode gives it a copy.
    """
    kinds = QoSPolicyKind
    return QoSOverridingOptions((kinds.HISTORY, kinds.DEPTH, kinds.RELIABILITY, kinds.DURABILITY))


def check_override(name: str, value: Any) -> None:
    """Raise ConfigurationError for a parameter that overrides quality of service and whose value is
    none, with which rclpy would fail where the topic is made."""
    if not name.startswith(_OVERRIDES):
        return
    policy = name.rpartition(".")[2]
    if policy == "depth" and not (type(value) is int and 0 <= value < 2**31):
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number, like 10.")
    choices = [key for key in _CHOICES.get(policy, ()) if key != "unknown"]
    if choices and not (isinstance(value, str) and value.lower() in choices):
        raise ConfigurationError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")


def mismatch(publisher: QoSProfile, subscriber: QoSProfile) -> str:
    """Why a publisher and a subscriber do not match; an empty string when they do."""
    compatibility, reason = qos_check_compatible(publisher, subscriber)
    return str(reason) if int(compatibility) == 2 else ""
