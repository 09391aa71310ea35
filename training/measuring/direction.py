"""Labels that share a shape, told apart by where the hand points its palm and where it is.

HaGRID has labels whose fingers do the same: `peace` and `peace_inverted` differ in whether palm
or back of the hand is shown, `palm` and `stop` in the spread of the fingers, `one` and `mute` in
the place of the fingertip. A bundle names the shape; these rules, which follow from what the
labels mean and were fitted to nothing, name the label. They are the same for everybody.
"""

from __future__ import annotations

import numpy as np

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray

SPREAD_DEG = 8.0
"""Mean angle between neighbouring fingers above which a hand is spread (fingers side by side
are within about 5 degrees, a spread hand has 12 or more)."""
MUTE_REACH = 0.7
"""A pointing fingertip nearer to the mouth than this many palm lengths is on the lips."""
_WRIST, _INDEX_MCP, _INDEX_TIP, _MIDDLE_MCP, _PINKY_MCP = 0, 5, 8, 9, 17
_FINGERS = ((5, 8), (9, 12), (13, 16), (17, 20))
_INVERTED = {"peace": "peace_inverted", "two_up": "two_up_inverted"}
_FACE = ("nose", "left_eye", "right_eye")
_MOUTH_BELOW_NOSE = 0.7  # of the way from between the eyes to the nose


def fine_label(
    shape: str, keypoints: FloatArray, scores: FloatArray, slot: str, layout: str
) -> str:
    """The HaGRID label of a named shape.

    keypoints: (K, 2); scores: (K,) of the person; slot: which hand was judged.
    """
    spec = get_layout(layout)
    where = {"left": spec.left_hand_indices, "right": spec.right_hand_indices}[slot]
    hand = keypoints[where]
    if shape in _INVERTED:
        return _INVERTED[shape] if shows_back(hand, slot) else shape
    if shape == "palm":
        if spread_deg(hand) > SPREAD_DEG:
            return "palm"
        return "stop_inverted" if shows_back(hand, slot) else "stop"
    if shape == "one":
        mouth = mouth_of(keypoints, scores, layout)
        reach = MUTE_REACH * float(np.hypot(*(hand[_MIDDLE_MCP] - hand[_WRIST])))
        on_lips = mouth is not None and float(np.hypot(*(hand[_INDEX_TIP] - mouth))) < reach
        return "mute" if on_lips else "one"
    return shape


def shows_back(hand: FloatArray, slot: str) -> bool:
    """Whether the camera sees the back of a hand (21, 2) in pixels, y down."""
    index, pinky = hand[_INDEX_MCP] - hand[_WRIST], hand[_PINKY_MCP] - hand[_WRIST]
    turn = float(index[0] * pinky[1] - index[1] * pinky[0])
    # Palm to the camera, fingers up: a right hand's index finger is to the right of its little one.
    return turn > 0.0 if slot == "right" else turn < 0.0


def spread_deg(hand: FloatArray) -> float:
    """Mean angle between neighbouring fingers of a hand (21, 2), knuckle to tip."""
    vectors = [hand[tip] - hand[knuckle] for knuckle, tip in _FINGERS]
    angles = np.unwrap([float(np.arctan2(v[1], v[0])) for v in vectors])
    return float(np.degrees(np.abs(np.diff(angles)).mean()))


def mouth_of(keypoints: FloatArray, scores: FloatArray, layout: str) -> FloatArray | None:
    """About where the mouth is, below the nose; None where the face is not seen."""
    names = get_layout(layout).keypoint_names
    if any(name not in names for name in _FACE):
        return None
    nose, left, right = (names.index(name) for name in _FACE)
    if min(scores[[nose, left, right]]) <= 0.0:
        return None
    eyes = 0.5 * (keypoints[left] + keypoints[right])
    mouth: FloatArray = keypoints[nose] + np.float32(_MOUTH_BELOW_NOSE) * (keypoints[nose] - eyes)
    return mouth
