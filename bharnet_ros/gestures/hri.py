"""What our gestures are called in hri_msgs/msg/Gesture."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures.yaml_reader import read

TABLE = Path(__file__).with_name("hri_gestures.yaml")
_LARGEST = 255  # the field is a uint8


class HriGesture(NamedTuple):
    """A constant of hri_msgs/msg/Gesture: its name and its value."""

    name: str
    value: int


OTHER = HriGesture("OTHER", 0)


@cache
def hri_gestures(path: Path = TABLE) -> dict[str, HriGesture]:
    """Our class name -> the constant it stands for. Classes that are not listed are OTHER.

    Raises GestureError for a table that is malformed or names a class twice.
    """
    found: dict[str, HriGesture] = {}
    for constant, node in read(path).items():
        fields = node.fields(["value", "gestures"])
        value = int(fields["value"].number(0, _LARGEST))
        for entry in fields["gestures"].elements():
            name = entry.text()
            if name in found:
                raise entry.error(f"'{name}' stands for two constants", "keep one of the two")
            found[name] = HriGesture(constant, value)
    return found


def hri_gesture(class_name: str) -> HriGesture:
    """The constant a class of ours stands for."""
    if not class_name:
        raise GestureError("The class name is empty; give the name of a gesture.")
    return hri_gestures().get(class_name, OTHER)
