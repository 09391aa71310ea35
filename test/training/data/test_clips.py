"""Whose frames a clip is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from training.data import BatchLoader, DataSheet, LoaderConfig, Person, Sample, Span, Store
from training.data.clips import all_clips, clip_frames

S = 1_000_000_000
SHEET = DataSheet("two", "coco_17", 2, "px", "nominal", ("wave",), "free", "made up", "test")


def person(track_id: int, first: int, frames: int) -> Person:
    """Recognised by the keypoints: 100 times the track, and the frame's number."""
    points = np.zeros((frames, 17, 2), np.float32)
    points += 100.0 * track_id + np.arange(first, first + frames)[:, None, None]
    return Person(points, np.ones((frames, 17), np.float32), first, track_id)


@pytest.fixture
def store(write_store: Callable[..., Store]) -> Store:
    """One clip of nobody in particular, three of somebody, in a recording of two."""
    stamps = np.arange(12) * (S // 10)
    people = (person(1, 5, 4), person(2, 0, 12))
    spans = tuple(Span("wave", int(stamps[2]), int(stamps[9]), track) for track in (2, 1, -1, 9))
    return write_store([Sample("a", stamps, people, spans=spans)], SHEET)


@pytest.mark.parametrize(("number", "track"), [(0, 2), (1, 1), (2, 1), (3, 1)])
def test_a_clip_is_of_the_person_it_is_about_and_of_the_first_without_one(
    store: Store, number: int, track: int
) -> None:
    stamps, keypoints, scores = clip_frames(store, all_clips(store), number)
    assert stamps.tolist() == (np.arange(2, 10) * (S // 10)).tolist()
    there = np.ones(8, bool) if track == 2 else (np.arange(2, 10) >= 5) & (np.arange(2, 10) < 9)
    expected = np.where(there, 100 * track + np.arange(2, 10), 0)
    np.testing.assert_array_equal(keypoints[:, 3, 1], expected)
    np.testing.assert_array_equal(scores[:, 3], there)


def test_they_are_the_frames_that_networks_are_given(store: Store) -> None:
    clips = all_clips(store)
    config = LoaderConfig(num_steps=8, centre_share=1.0)
    batch = BatchLoader(store, clips, config, training=False).batch(0)
    for number in range(len(clips)):
        _, keypoints, scores = clip_frames(store, clips, number)
        np.testing.assert_allclose(batch.keypoints[number, 0], keypoints, atol=1e-3)
        np.testing.assert_array_equal(batch.scores[number, 0], scores)
