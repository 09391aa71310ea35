"""The quality of service a bag recorded, as a publisher offers it again."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

from bharnet_ros.bags import TopicQos

_DEPTH = 10
_NO_LIMIT_NS = 2**31 * 1_000_000_000
"""What is longer means infinite; versions of rosbag2 write that differently."""


def publisher_qos(recorded: Sequence[TopicQos]) -> tuple[QoSProfile, bool]:
    """What fits all subscribers the recorded publishers would have fitted; whether all of them
    offered the same.

    As in rosbag2 the history is the last 10, whatever was recorded. If publishers differed, the
    strongest reliability and durability are offered, and no deadlines.
    """
    if not recorded:
        return QoSProfile(depth=_DEPTH), True
    first = recorded[0]
    offers = {
        (q.reliability, q.durability, q.deadline_ns, q.lifespan_ns, q.liveliness) for q in recorded
    }
    same = len(offers) == 1
    profile = QoSProfile(
        depth=_DEPTH,
        reliability=ReliabilityPolicy.BEST_EFFORT
        if all(qos.reliability == "best_effort" for qos in recorded)
        else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL
        if any(qos.durability == "transient_local" for qos in recorded)
        else DurabilityPolicy.VOLATILE,
    )
    if same:
        _add_limits(profile, first)
    return profile, same


def overridden_qos(qos: TopicQos) -> QoSProfile:
    """As a file of overrides says; what it does not say is the default."""
    profile, _ = publisher_qos([qos])
    profile.depth = qos.depth or _DEPTH
    if qos.history == "keep_all":
        profile.history = HistoryPolicy.KEEP_ALL
    return profile


def _add_limits(profile: QoSProfile, qos: TopicQos) -> None:
    if 0 < qos.deadline_ns < _NO_LIMIT_NS:
        profile.deadline = Duration(nanoseconds=qos.deadline_ns)
    if 0 < qos.lifespan_ns < _NO_LIMIT_NS:
        profile.lifespan = Duration(nanoseconds=qos.lifespan_ns)
    if qos.liveliness == "manual_by_topic":
        profile.liveliness = LivelinessPolicy.MANUAL_BY_TOPIC
    if 0 < qos.liveliness_lease_ns < _NO_LIMIT_NS:
        profile.liveliness_lease_duration = Duration(nanoseconds=qos.liveliness_lease_ns)
