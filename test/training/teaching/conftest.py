"""Invented recordings: a person who stands and now and then lifts a hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.sequences import GestureSpan, KeypointSequence
from training.teaching.examples import Take

S = 1_000_000_000
LAYOUT, COUNT = "coco_wholebody_133", 133


def sequence(spans=(), seconds=10.0, fps=10.0, seed=0):
    """spans: (label, start, end) in seconds."""
    frames = int(seconds * fps)
    rng = np.random.default_rng(seed)
    stamps = np.rint(np.arange(frames) / fps * S).astype(np.int64)
    points = rng.uniform(100, 600, (1, COUNT, 2)).repeat(frames, axis=0).astype(np.float32)
    return KeypointSequence(
        LAYOUT, stamps, points, np.ones((frames, COUNT), np.float32),
        np.zeros((0, COUNT, 2), np.float32),
        tuple(GestureSpan(name, round(a * S), round(b * S)) for name, a, b in spans),
        {"image_size": [720, 1280]},
    )  # fmt: skip


@pytest.fixture
def take():
    def make(recording, subject="", spans=(), **options):
        return Take(sequence(spans, **options), recording, subject)

    return make
