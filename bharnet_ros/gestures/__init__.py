"""Gestures as descriptions, and the kinematic person who plays them.

The body's frame is REP-103's: metres, x forward (where the person faces), y to the person's
left, z up, the origin on the floor between the feet.
"""

from __future__ import annotations

from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.description import GestureDescription, Vocabulary
from bharnet_ros.gestures.loading import load_vocabulary
from bharnet_ros.gestures.performance import Performance, Segment
from bharnet_ros.gestures.player import GesturePlayer
from bharnet_ros.gestures.style import Style

__all__ = [
    "BodyShape",
    "GestureDescription",
    "GesturePlayer",
    "Performance",
    "Segment",
    "Style",
    "Vocabulary",
    "load_vocabulary",
]
