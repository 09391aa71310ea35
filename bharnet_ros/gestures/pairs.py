"""Gestures that are told apart by one thing only: what a gesture file says about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bharnet_ros.gestures.description import GestureDescription
from bharnet_ros.gestures.yaml_reader import Node

Pairs = tuple[tuple[str, str], ...]


def read_finger_pairs(node: Node, gestures: Mapping[str, GestureDescription]) -> Pairs:
    """Names of gestures that differ in nothing but the fingers."""
    return _read(
        node, gestures, GestureDescription.arm_signature, "the fingers",
        "give both the same posture, motion, which and duration_s",
    )  # fmt: skip


def read_object_pairs(node: Node, gestures: Mapping[str, GestureDescription]) -> Pairs:
    """Names of gestures that differ in nothing but what is held. (That this does differ is seen
    to where gestures are read: no two may look the same.)"""
    return _read(
        node, gestures, GestureDescription.motion_signature, "what is held",
        "describe one of them by `same_as`",
    )  # fmt: skip


def _read(
    node: Node,
    gestures: Mapping[str, GestureDescription],
    rest: Callable[[GestureDescription], object],
    what: str,
    remedy: str,
) -> Pairs:
    """rest: all of a gesture but `what` the two of a pair may differ in."""
    pairs = []
    for entry in node.elements():
        names = [part.choice(list(gestures)) for part in entry.elements()]
        if len(names) != 2 or names[0] == names[1]:
            raise entry.error("a pair has two different gestures", "write [one, other]")
        first, second = (gestures[n] for n in names)
        if rest(first) != rest(second):
            raise entry.error(
                f"'{first.name}' and '{second.name}' differ in more than {what}", remedy
            )
        pairs.append((names[0], names[1]))
    return tuple(pairs)
