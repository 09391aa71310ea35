"""Recorded hands from public projects that may be redistributed, as training data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bharnet_ros.skeleton import get_layout
from training.describing.recordings import MEANINGS, HandRecordings, load_recordings
from training.measuring.data import Photograph, digits, find
from training.measuring.extraction import Stills, stills

HAND_SHAPES = "hand_gestures/hand_shapes_7421x21x2.npz"
DIGIT_MEANINGS = {
    "1": "point_up", "2": "victory", "3": "three_thumb", "4": "four", "5": "stop", "6": "three",
}  # fmt: skip
"""0 and 7 to 9 are left out: they are kept to ask what the bundle says about unknown hands."""
MISLABELLED = {
    ("ASHISH74888/Real-Time-gesture-recognition", "fist"),
    ("ASHISH74888/Real-Time-gesture-recognition", "ok"),
    ("CharlesCai7/CASE_workshop", "ily"),
    ("AdiosSora/FOCUS", "rock"),
}
"""Groups of `hand_shapes` that show something else than their label says, found by looking at
them: an open hand, a thumb up, a middle finger, and rock with the thumb stretched, which is `ily`
here. Nothing is trained on them."""
TRAINING_SHARE = 0.5
"""Of the pupils, by number; the others are kept to measure with."""


def public_hands(data: Path, cache: Path) -> HandRecordings:
    """Hand shapes of nine projects, and digits shown by the first half of the pupils.

    data: folder that holds `hand_gestures`. cache: folder for the digits' keypoints, which the
    estimator reads from photographs once.
    """
    shapes = sound_shapes(load_recordings(find(data, HAND_SHAPES)))
    names = sorted(set(MEANINGS.values()))
    shown = stills("digits_first_half", lambda: first_pupils(data), cache)
    return HandRecordings.joined([shapes.renamed(MEANINGS, names), digit_hands(shown)])


def first_pupils(data: Path) -> Iterator[Photograph]:
    """The photographs of the first half of the pupils; they are numbered pupil by pupil, so the
    other half shows nobody of them."""
    for digit in DIGIT_MEANINGS:
        pictures = list(digits(data, (digit,)))
        yield from pictures[: round(TRAINING_SHARE * len(pictures))]


def sound_shapes(shapes: HandRecordings) -> HandRecordings:
    """Without the groups of MISLABELLED."""
    pairs = zip(shapes.source.tolist(), shapes.label.tolist(), strict=True)
    return shapes.only(np.array([pair not in MISLABELLED for pair in pairs], dtype=bool))


def digit_hands(shown: Stills) -> HandRecordings:
    """One hand of each photograph in which one was found; ten photographs make a source."""
    spec = get_layout(shown.layout)
    xy, label, source = [], [], []
    for row, number in enumerate(shown.picture):
        digit = str(shown.label[number])
        rank = int((shown.label[:number] == digit).sum())
        for side in (spec.left_hand_indices, spec.right_hand_indices):
            if (shown.scores[row, side] > 0.0).all():
                xy.append(shown.keypoints[row, side])
                label.append(DIGIT_MEANINGS[digit])
                source.append(f"digits {rank // 10}")
                break
    return HandRecordings(
        np.array(xy, np.float32).reshape(-1, 21, 2), np.array(label, str), np.array(source, str)
    )
