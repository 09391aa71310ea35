from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.detector import (
    NUM_ANCHORS,
    SIDE,
    Detection,
    anchor_centres,
    decode,
    merge,
    squares,
)


def person(x: float, y: float, size: float, score: float) -> Detection:
    """Somebody standing upright: hips at (x, y), `size` pixels from hips to head."""
    points = np.array([[x, y], [x, y - size], [x, y - 0.5 * size], [x, y - size]])
    return Detection(points, score)


def test_anchors_are_those_of_the_network() -> None:
    anchors = anchor_centres()
    assert anchors.shape == (NUM_ANCHORS, 2)
    np.testing.assert_allclose(anchors[:4] * SIDE, [[4, 4], [4, 4], [12, 4], [12, 4]])
    np.testing.assert_allclose(anchors[28 * 28 * 2] * SIDE, [8, 8])
    np.testing.assert_allclose(anchors[-1] * SIDE, [208, 208])
    counts = np.unique(anchors, axis=0, return_counts=True)[1]
    assert set(counts.tolist()) == {2, 6}


@given(
    st.integers(0, NUM_ANCHORS - 1),
    st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8),
    st.floats(0.55, 0.99),
)
def test_decode_inverts_encoding(index: int, points: list[float], score: float) -> None:
    anchors = anchor_centres()
    raw = np.zeros((NUM_ANCHORS, 12), dtype=np.float32)
    wanted = np.array(points).reshape(4, 2)
    raw[index, 4:] = ((wanted - anchors[index]) * SIDE).ravel()
    logits = np.full(NUM_ANCHORS, -20.0, dtype=np.float32)
    logits[index] = math.log(score / (1.0 - score))
    found, scores = decode(raw, logits, anchors, 0.5)
    assert found.shape == (1, 4, 2)
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)
    assert scores[0] == pytest.approx(score, abs=1e-5)


def test_decode_survives_extreme_logits() -> None:
    logits = np.full(NUM_ANCHORS, -1e30, dtype=np.float32)
    logits[7] = 1e30
    raw = np.zeros((NUM_ANCHORS, 12), dtype=np.float32)
    _, scores = decode(raw, logits, anchor_centres(), 0.5)
    assert scores.tolist() == [pytest.approx(1.0)]


def test_merge_joins_looks_at_one_person_and_keeps_neighbours() -> None:
    looks = [person(100, 200, 80, 0.9), person(108, 204, 76, 0.6), person(220, 200, 80, 0.7)]
    merged = merge(looks)
    assert [d.score for d in merged] == [0.9, 0.7]
    np.testing.assert_allclose(merged[0].points[0], (100 + 8 * 0.4, 200 + 4 * 0.4))
    np.testing.assert_allclose(merged[1].points, looks[2].points)


def test_merge_keeps_a_small_person_before_a_large_one() -> None:
    assert len(merge([person(100, 200, 160, 0.9), person(100, 200, 60, 0.8)])) == 2


people = st.builds(
    person, st.floats(0, 1000), st.floats(0, 1000), st.floats(20, 300), st.floats(0.5, 1.0)
)


@given(st.lists(people, max_size=8), st.randoms(use_true_random=False))
def test_merge_does_not_depend_on_order(found: list[Detection], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    first, second = merge(found), merge(shuffled)
    assert len(first) == len(second) <= len(found)
    for a, b in zip(first, second, strict=True):
        assert a.score == b.score
        np.testing.assert_allclose(a.points, b.points)


@given(st.integers(8, 3000), st.integers(8, 3000))
def test_squares_lie_within_the_image_and_cover_it(height: int, width: int) -> None:
    whole, *others = squares(height, width)
    assert whole.size == max(height, width)
    assert len(others) == len(set(others)) <= 14 * 12
    for region in others:
        half = 0.5 * region.size
        assert region.x - half >= -1e-6 and region.x + half <= width + 1e-6
        assert region.y - half >= -1e-6 and region.y + half <= height + 1e-6
    if others and max(height, width) < 5 * min(height, width):
        side = min(r.size for r in others)
        for length, centres in (
            (width, sorted({r.x for r in others if r.size == side})),
            (height, sorted({r.y for r in others if r.size == side})),
        ):
            assert centres[0] - 0.5 * side <= 1.0 and centres[-1] + 0.5 * side >= length - 1.0
            assert (np.diff(centres) <= 2.0 / 3.0 * side + 1e-6).all()


def test_the_region_of_a_detection_holds_the_whole_body() -> None:
    region = person(320.0, 240.0, 100.0, 0.9).region()
    assert (region.x, region.y, region.angle) == (320.0, 240.0, 0.0)
    assert region.size == pytest.approx(250.0)
