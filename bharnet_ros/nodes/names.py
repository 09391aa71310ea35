"""Names of topics and namespaces, checked before any process is started with them. No ROS."""

from __future__ import annotations

import re

from bharnet_ros.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z_~/{}][A-Za-z0-9_~/{}]*")
_SPACE = re.compile(r"/?(?:[A-Za-z_][A-Za-z0-9_]*)(?:/[A-Za-z_][A-Za-z0-9_]*)*")


def check_topic(what: str, topic: str) -> None:
    """Raise ConfigurationError unless this can be the name of a topic, relative or absolute."""
    if not _NAME.fullmatch(topic) or "//" in topic or topic.endswith("/"):
        raise ConfigurationError(
            f"{what} is {topic!r}; a topic consists of letters, digits, _ and single /, and none "
            "of its parts begins with a digit."
        )
    if re.search(r"/[0-9]", topic):
        raise ConfigurationError(
            f"{what} is {topic!r}; no part of a topic may begin with a digit: put a letter before "
            "it."
        )


def check_namespace(namespace: str) -> None:
    """Raise ConfigurationError unless this can be a namespace; "" and "/" are the root."""
    if namespace in ("", "/") or _SPACE.fullmatch(namespace):
        return
    raise ConfigurationError(
        f"namespace is {namespace!r}; it consists of letters, digits, _ and /, none of its parts "
        "is empty or begins with a digit, like robot_1 or /fleet/robot_1."
    )


def sibling_topic(topic: str, name: str) -> str:
    """/camera/image_raw, camera_info -> /camera/camera_info."""
    head, separator, _ = topic.rpartition("/")
    return f"{head}{separator}{name}"
