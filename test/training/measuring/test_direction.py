"""Labels told apart by palm, spread and place."""

from __future__ import annotations

import numpy as np

from benchmarks.synthetic import person_keypoints
from training.measuring.direction import fine_label, mouth_of, shows_back, spread_deg

LAYOUT = "coco_wholebody_133"


def palm_hand() -> np.ndarray:
    """(21, 2) of a right hand that shows its palm, fingers up: the index is right of the little
    finger in the picture."""
    points = np.zeros((21, 2), np.float32)
    for finger, x in enumerate((30.0, 15.0, 5.0, -5.0, -15.0)):
        for joint in range(4):
            points[1 + 4 * finger + joint] = (x, -40.0 - 15.0 * joint)
    return points


def test_palm_and_back_of_both_hands():
    right = palm_hand()
    left = right * np.array([-1.0, 1.0], np.float32)
    assert not shows_back(right, "right")
    assert not shows_back(left, "left")
    assert shows_back(left, "right")
    assert shows_back(right, "left")


def test_the_turn_of_the_hand_in_the_picture_does_not_matter():
    upside_down = -palm_hand()
    assert not shows_back(upside_down, "right")


def test_spread_of_parallel_and_fanned_fingers():
    assert spread_deg(palm_hand()) < 1.0
    fanned = palm_hand()
    for finger, angle in zip((1, 2, 3, 4), (-15.0, 0.0, 15.0, 30.0), strict=True):
        knuckle = fanned[1 + 4 * finger]
        radians = np.radians(angle)
        fanned[4 + 4 * finger] = knuckle + 45.0 * np.array([-np.sin(radians), -np.cos(radians)])
    assert 14.0 < spread_deg(fanned) < 16.0


def test_labels_of_shapes_that_share_fingers():
    person = person_keypoints()
    scores = np.ones(133, np.float32)
    person[112:133] = palm_hand()
    assert fine_label("peace", person, scores, "right", LAYOUT) == "peace"
    assert fine_label("palm", person, scores, "right", LAYOUT) == "stop"
    assert fine_label("rock", person, scores, "right", LAYOUT) == "rock"
    person[112:133, 0] *= -1.0
    assert fine_label("two_up", person, scores, "right", LAYOUT) == "two_up_inverted"
    assert fine_label("palm", person, scores, "right", LAYOUT) == "stop_inverted"


def test_a_finger_on_the_lips_is_mute():
    person = person_keypoints(torso_px=400.0)
    scores = np.ones(133, np.float32)
    mouth = mouth_of(person, scores, LAYOUT)
    assert mouth is not None
    assert mouth[1] > person[0, 1]
    pointing = palm_hand()
    person[112:133] = pointing - pointing[8] + mouth
    assert fine_label("one", person, scores, "right", LAYOUT) == "mute"
    person[112:133, 0] += 200.0
    assert fine_label("one", person, scores, "right", LAYOUT) == "one"
    scores[0] = 0.0
    assert mouth_of(person, scores, LAYOUT) is None
