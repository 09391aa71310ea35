"""Quality of service as rosbag2 writes it into bags: YAML, with numbers or names by version."""

from __future__ import annotations

from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.bags.records import TopicQos
from bharnet_ros.errors import ConfigurationError

_NS = 1_000_000_000
_MAX_CHARACTERS = 1_000_000
_RELIABILITY = ("system_default", "reliable", "best_effort", "unknown", "best_available")
_DURABILITY = ("system_default", "transient_local", "volatile", "unknown", "best_available")
_HISTORY = ("system_default", "keep_last", "keep_all", "unknown")
_FIELDS = frozenset(
    ("reliability", "durability", "history", "depth", "deadline", "lifespan", "liveliness",
     "liveliness_lease_duration", "avoid_ros_namespace_conventions")
)  # fmt: skip
_LIVELINESS = ("system_default", "automatic", "manual_by_node", "manual_by_topic", "unknown")


def qos_of_text(text: str) -> tuple[TopicQos, ...]:
    """The profiles of a text; those that make no sense are left out."""
    if not text or len(text) > _MAX_CHARACTERS:
        return ()
    try:
        profiles = plain_yaml.load(text)
    except yaml.YAMLError:
        return ()
    if not isinstance(profiles, list):
        return ()
    found = []
    for profile in profiles:
        try:
            found.append(_profile(profile))
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
    return tuple(found)


def qos_overrides(text: str, source: str) -> dict[str, TopicQos]:
    """Profiles by topic, as the files for `--qos-profile-overrides-path` of rosbag2 say.

    source: where the text is from, for errors. Raises ConfigurationError.
    """
    try:
        profiles = plain_yaml.load(text)
        if not isinstance(profiles, dict):
            raise TypeError("it is no mapping from topics to profiles")
        found = {}
        for topic, profile in profiles.items():
            if unknown := sorted(set(profile) - _FIELDS):
                raise ValueError(f"{topic} has the unknown entry {unknown[0]!r}")
            qos = _profile(profile)
            for name in ("reliability", "durability", "history", "liveliness"):
                if name in profile and getattr(qos, name) == "unknown":
                    raise ValueError(f"{topic} has the unknown {name} {profile[name]!r}")
            found[str(topic)] = qos
    except (yaml.YAMLError, RecursionError, TypeError, ValueError, KeyError, AttributeError) as e:
        raise ConfigurationError(
            f"{source} cannot be read as quality of service by topic: {e}. Each topic needs a "
            "mapping with history, depth, reliability, durability ..."
        ) from e
    return found


def _profile(profile: dict[str, Any]) -> TopicQos:
    return TopicQos(
        reliability=_name(profile.get("reliability"), _RELIABILITY),
        durability=_name(profile.get("durability"), _DURABILITY),
        history=_name(profile.get("history"), _HISTORY),
        depth=int(profile.get("depth", 0)),
        deadline_ns=_time(profile.get("deadline")),
        lifespan_ns=_time(profile.get("lifespan")),
        liveliness=_name(profile.get("liveliness"), _LIVELINESS),
        liveliness_lease_ns=_time(profile.get("liveliness_lease_duration")),
    )


def _name(value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    return str(value).lower() if str(value).lower() in names else "unknown"


def _time(value: Any) -> int:
    return 0 if value is None else int(value["sec"]) * _NS + int(value["nsec"])
