"""Quality of service per kind of topic, the same in every node."""

from __future__ import annotations

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

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


def overridable() -> QoSOverridingOptions:
    """Lets users override history, depth and reliability of a topic with parameters."""
    return QoSOverridingOptions.with_default_policies()


def mismatch(publisher: QoSProfile, subscriber: QoSProfile) -> str:
    """Why a publisher and a subscriber do not match; an empty string when they do."""
    compatibility, reason = qos_check_compatible(publisher, subscriber)
    return str(reason) if int(compatibility) == 2 else ""
