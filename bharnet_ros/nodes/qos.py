"""Quality of service per kind of topic, the same in every node."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
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


OVERRIDES = "qos_overrides."
"""What the names of parameters begin with that change the quality of service of a topic."""
_SUBSCRIPTION = "subscription"
_KINDS = ("publisher", _SUBSCRIPTION)
_ALIKE = 0.9
"""Of one part of two topics, 0..1: `image_rw` and `image_raw` have 0.94."""
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
    if not name.startswith(OVERRIDES):
        return
    policy = name.rpartition(".")[2]
    if policy == "depth" and not (type(value) is int and 0 <= value < 2**31):
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number, like 10.")
    choices = [key for key in _CHOICES.get(policy, ()) if key != "unknown"]
    if choices and not (isinstance(value, str) and value.lower() in choices):
        raise ConfigurationError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")


def unused_overrides(
    given: Iterable[str],
    declared: Collection[str],
    topics: Mapping[str, Collection[str]],
    fixed: Collection[str] = (),
) -> dict[str, str]:
    """A sentence for each parameter that overrides nothing but is nearly one that does, or is for a
    topic whose quality nobody can change.

    given, declared: names of parameters, those that a node was given and those that it has. topics:
    by full name, what else each topic of the node may be called. fixed: those of them that it
    publishes with a quality that stays. Others are silent: a file may be for several nodes.
    """
    own = [name for name in declared if name.startswith(OVERRIDES)]
    told = {}
    for name in sorted(given):
        if not name.startswith(OVERRIDES) or name in declared:
            continue
        topic, kind, policy = _override_parts(name)
        meant = _meant_topic(topic, topics)
        ways = [each for each in own if _override_parts(each)[0] == meant]
        if kind in _KINDS:  # the other one is another node's, which shares the file
            ways = [each for each in ways if _override_parts(each)[1] == kind]
        exact = f"{OVERRIDES}{meant}.{kind}.{policy}"
        near = [exact] if exact in ways else get_close_matches(name, ways, n=1, cutoff=0.0)
        if near:
            told[name] = (
                f"This node has no parameter '{name}', so that is ignored; did you mean "
                f"'{near[0]}'?"
            )
        elif meant in fixed and kind != _SUBSCRIPTION:
            told[name] = (
                f"This node has no parameter '{name}', so that is ignored: the quality of service "
                f"of {meant} cannot be changed."
            )
    return told


def _override_parts(name: str) -> tuple[str, str, str]:
    """Topic, publisher or subscription, policy; what is missing is empty."""
    topic, _, rest = name.removeprefix(OVERRIDES).partition(".")
    kind, _, policy = rest.rpartition(".")
    return topic, kind, policy


def _meant_topic(written: str, topics: Mapping[str, Collection[str]]) -> str:
    """The topic itself, or the one that is called so, or nearly so; "" if there is none."""
    if written in topics:
        return written
    called = {alias.strip("/"): topic for topic in topics for alias in (topic, *topics[topic])}
    wanted = written.strip("/")
    if wanted in called:
        return called[wanted]
    return next(
        (topic for alias, topic in called.items() if _nearly(wanted.split("/"), alias.split("/"))),
        "",
    )


def _nearly(written: list[str], parts: list[str]) -> bool:
    """Whether the parts of a topic are alike but for the transport at the end, or for one that is
    nearly the same; two cameras or robots that differ in their number are not the same.

    Whoever wrote a transport meant it: another node's, where this one takes the images as they are.
    """
    if written == parts[:-1]:
        return True
    differing = [pair for pair in zip(written, parts, strict=False) if pair[0] != pair[1]]
    if len(written) != len(parts) or len(differing) != 1:
        return False
    one, other = differing[0]
    same_but_number = re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other)
    return not same_but_number and bool(get_close_matches(one, [other], cutoff=_ALIKE))


def mismatch(publisher: QoSProfile, subscriber: QoSProfile) -> str:
    """Why a publisher and a subscriber do not match; an empty string when they do."""
    compatibility, reason = qos_check_compatible(publisher, subscriber)
    return str(reason) if int(compatibility) == 2 else ""
