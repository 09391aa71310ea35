"""Names of topics and namespaces, checked before any process is started with them. No ROS."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def camera_names(texts: Sequence[str]) -> tuple[str, ...]:
    """The cameras of a list of names, without empty ones. Raises ConfigurationError for a name that
    cannot begin a topic, or is there twice."""
    names = tuple(text.strip() for text in texts if text.strip())
    for name in names:
        if not _SPACE.fullmatch(name):
            raise ConfigurationError(
                f"A camera is named {name!r}; its topics begin with the name, which consists of "
                "letters, digits, _ and /, none of its parts is empty or begins with a digit, "
                "like left or head/front."
            )
        if names.count(name) > 1:
            raise ConfigurationError(
                f"Two cameras are named {name!r}; their skeletons would mix: give each a name of "
                "its own."
            )
    return names


def known_cameras(texts: Sequence[str]) -> tuple[str, ...]:
    """`camera_names`, or none of them where it refuses one."""
    try:
        return camera_names(texts)
    except ConfigurationError:
        return ()


def check_image_topics(cameras: Sequence[str], **topics: str) -> None:
    """Raise ConfigurationError unless these can be topics, relative to each camera if there are
    several. topics: by the argument they were given with; an optional one may be empty."""
    for what, topic in topics.items():
        if topic or what == "image_topic":
            check_topic(what, topic)
        if cameras and topic.startswith("/"):
            raise ConfigurationError(
                f"{what} is {topic!r}; with several cameras it is relative, like image_raw: that "
                f"of {cameras[0]} is then {cameras[0]}/image_raw."
            )


def joined_namespace(namespace: str, name: str) -> str:
    """robot, left -> robot/left; an absolute name stays as it is."""
    if not name or name.startswith("/"):
        return name or namespace
    return f"{namespace.rstrip('/')}/{name}" if namespace else name


def concerns(status: str, namespace: str) -> bool:
    """Whether a name on /diagnostics is that of a node in this namespace, or of the part of a node
    elsewhere that works for it: "pose_estimator: left" concerns left."""
    node, _, part = status.partition(": ")
    return joined_namespace(node.rpartition("/")[0], part).strip("/") == namespace.strip("/")


def sibling_topic(topic: str, name: str) -> str:
    """/camera/image_raw, camera_info -> /camera/camera_info."""
    head, separator, _ = topic.rpartition("/")
    return f"{head}{separator}{name}"
