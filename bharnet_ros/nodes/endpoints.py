"""Who is at the other end of a topic, and why nothing passes between them and us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from bharnet_ros.nodes.findings import Finding, Level
from bharnet_ros.nodes.qos import mismatch

_ENDLESS_NS = 1 << 62
_UNKNOWN = "_NODE_NAME_UNKNOWN_"
WRONG_TYPE = "its type is"
"""What `obstacle` begins with where not the quality of service is to blame."""
_BY_US = re.compile("(best effort|volatile) publisher")
"""What `obstacle` says where a publisher could give more."""


def endpoint_name(info: Any) -> str:
    """The full name of the node an endpoint belongs to."""
    if info.node_name == _UNKNOWN:  # found just now, or killed
        return "a node without a name"
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"


def type_name(kind: Any) -> str:
    """sensor_msgs.msg.Image (the class) -> "sensor_msgs/msg/Image"."""
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"


def obstacle(publisher_qos: Any, subscriber_qos: Any, their_type: str, kind: Any) -> str:
    """Why two endpoints of one topic do not come together; "" if they do.

    their_type: the type the other side has; kind: the message class this side has.
    """
    if their_type != type_name(kind):
        return f"{WRONG_TYPE} {their_type}, not {type_name(kind)}"
    why = mismatch(_comparable(publisher_qos), _comparable(subscriber_qos))
    return why.replace("ERROR: ", "").strip().rstrip(";").lower() if why else ""


def _comparable(profile: Any) -> QoSProfile:
    """The policies that must agree, with times without end as rclpy's own profiles have them.

    The graph reports an endpoint that has no deadline with one of three centuries.
    """
    times = {
        name: getattr(profile, name)
        for name in ("deadline", "liveliness_lease_duration")
        if 0 < getattr(profile, name).nanoseconds < _ENDLESS_NS
    }
    return QoSProfile(
        depth=1,
        reliability=profile.reliability,
        durability=profile.durability,
        liveliness=profile.liveliness,
        **times,
    )


def publishers_of(node: Node, subscription: Any) -> tuple[list[str], list[str]]:
    """Of a subscription: the nodes that match, and "node (why not)" for those that do not.

    Each is named once; one that was killed is known for some seconds more.
    """
    matching, others = [], []
    for info in node.get_publishers_info_by_topic(subscription.topic_name):
        why = obstacle(
            info.qos_profile, subscription.qos_profile, info.topic_type, subscription.msg_type
        )
        if why:
            others.append(f"{endpoint_name(info)} ({why})")
        else:
            matching.append(endpoint_name(info))
    return list(dict.fromkeys(matching)), list(dict.fromkeys(others))


def deaf_subscribers(node: Node, publishers: Sequence[Any]) -> list[Finding]:
    """WARN for everybody who subscribes to one of these publishers and cannot receive it.

    While as many are matched as there are, the endpoints are not even listed.
    """
    found = []
    for publisher in publishers:
        topic = publisher.topic_name
        if node.count_subscribers(topic) <= publisher.get_subscription_count():
            continue
        for info in node.get_subscriptions_info_by_topic(topic):
            why = obstacle(
                publisher.qos_profile, info.qos_profile, info.topic_type, publisher.msg_type
            )
            if why:
                here = f" or with qos_overrides.{topic}.publisher here" if _BY_US.match(why) else ""
                text = f"{endpoint_name(info)} cannot receive {topic}: {why}; change it there{here}"
                found.append(Finding(Level.WARN, text))
    return found
