"""Filmed people as training windows, called by the rule of acted ones."""

from __future__ import annotations

import numpy as np

from bharnet_ros.gestures import load_vocabulary
from training.config import WindowConfig
from training.describing.films import filmed_windows
from training.describing.transitions import transition_of
from training.sequences import GestureSpan, KeypointSequence

VOCABULARY = load_vocabulary("first_light")


def _film(*spans):
    stamps = (np.arange(80) * 1e8).astype(np.int64)
    rng = np.random.default_rng(0)
    return KeypointSequence(
        "coco_wholebody_133", stamps, rng.uniform(0, 500, (80, 133, 2)).astype(np.float32),
        np.ones((80, 133), np.float32), np.zeros((0, 133, 2), np.float32), spans, {},
    )  # fmt: skip


def test_windows_count_from_arrival_to_release():
    second = 1_000_000_000
    film = _film(GestureSpan("stop", 2 * second, 5 * second, 3 * second, 4 * second))
    windows = filmed_windows([film], VOCABULARY, WindowConfig())
    assert windows.keypoints.shape[1:] == (32, 59, 2)
    shown = windows.label == VOCABULARY.class_id("stop")
    # From 0.1 s after the arrival to the release, one window a frame.
    assert shown.sum() in (9, 10)
    # On the way there and back it is a transition: 1 s each, and 0.35 s longer at the end.
    passing = windows.label == transition_of(VOCABULARY.class_id("stop"))
    assert passing.sum() in range(21, 27)
    background = windows.label == 0
    assert background.sum() > 25 and (shown | passing | background).all()


def test_spans_of_older_films_count_from_end_to_end():
    film = _film(GestureSpan("stop", 2_000_000_000, 5_000_000_000))
    windows = filmed_windows([film], VOCABULARY, WindowConfig())
    assert (windows.label == VOCABULARY.class_id("stop")).sum() >= 28
