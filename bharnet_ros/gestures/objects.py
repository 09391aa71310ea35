"""Things held in a gesture: what a gesture file says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bharnet_ros.gestures.description import GestureDescription, HeldObject
from bharnet_ros.gestures.yaml_reader import Node

OBJECTS = ("apple", "ball", "book", "bottle", "card", "cup", "phone", "tablet")
"""What can be held; the drawn actor has each of them in many sizes, colours and patterns."""
HOLDING_HANDS = ("which", "both")


def read_holds(node: Node, which: str) -> HeldObject:
    """`holds: {object: cup}` of a gesture made with `which`; the object may be a list of
    alternatives, `hand: both` says that both hands hold the one thing."""
    fields = node.fields(["object"], ["hand"])
    given = fields["object"]
    entries = given.elements() if given.is_list() else [given]
    if not entries:
        raise given.error("there is nothing to hold", "name at least one object")
    names = tuple(entry.choice(OBJECTS) for entry in entries)
    if len(set(names)) != len(names):
        raise given.error("the same object is named twice", "keep one of the two")
    hand = fields["hand"].choice(HOLDING_HANDS) if "hand" in fields else "which"
    if which == "none":
        raise node.error("the gesture is made without hands", "leave `holds` away")
    if which == "both" and hand == "which":
        raise node.error(
            "the gesture is made with both hands, and one thing is held",
            "write `hand: both`, or `which: one`",
        )
    if which != "both" and hand == "both":
        raise node.error(
            "both hands hold something, but the gesture is not made with both",
            "add `which: both` to the gesture, or leave `hand` away",
        )
    return HeldObject(names, hand)


def read_same(
    name: str, node: Node, gestures: Mapping[str, GestureDescription]
) -> GestureDescription:
    """A gesture that is another one (`same_as`) with another thing in the hand."""
    fields = node.fields(["meaning", "same_as", "holds"])
    other = gestures[fields["same_as"].choice(list(gestures))]
    holds = read_holds(fields["holds"], other.which)
    return replace(other, name=name, meaning=fields["meaning"].text(), holds=holds)
