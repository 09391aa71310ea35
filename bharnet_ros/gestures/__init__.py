"""Gestures as descriptions, and the kinematic person who plays them.

The body's frame is REP-103's: metres, x forward (where the person faces), y to the person's
left, z up, the origin on the floor between the feet.
"""

from __future__ import annotations

from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.description import GestureDescription, HeldObject, Vocabulary
from bharnet_ros.gestures.dumping import dump_vocabulary
from bharnet_ros.gestures.hri import HriGesture, hri_gesture, hri_gestures
from bharnet_ros.gestures.loading import (
    load_vocabulary,
    parse_vocabulary,
    shipped_vocabularies,
)
from bharnet_ros.gestures.performance import Performance, Segment
from bharnet_ros.gestures.player import GesturePlayer
from bharnet_ros.gestures.style import Style

__all__ = [
    "BodyShape",
    "GestureDescription",
    "GesturePlayer",
    "HeldObject",
    "HriGesture",
    "Performance",
    "Segment",
    "Style",
    "Vocabulary",
    "dump_vocabulary",
    "hri_gesture",
    "hri_gestures",
    "load_vocabulary",
    "parse_vocabulary",
    "shipped_vocabularies",
]
