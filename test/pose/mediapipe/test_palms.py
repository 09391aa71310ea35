from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.palms import (
    NUM_ANCHORS,
    SIDE,
    Palm,
    PalmDetector,
    anchor_centres,
    decode,
    merge,
    overlap,
)
from bharnet_ros.pose.mediapipe.regions import Region


def palm(x: float, y: float, size: float = 40.0, score: float = 0.9, angle: float = 0.0) -> Palm:
    """A palm around (x, y), fingers up at angle 0, clockwise."""
    middle, half = np.array([x, y]), 0.5 * size
    up = half * np.array([math.sin(angle), -math.cos(angle)])
    points = np.repeat(middle[None], 7, axis=0)
    points[0], points[2] = middle - up, middle + up
    return Palm(np.array([x - half, y - half, x + half, y + half]), points, score)


def outputs(index: int, value: np.ndarray, score: float) -> tuple[np.ndarray, np.ndarray]:
    """What the network gives when anchor `index` alone sees something."""
    raw = np.zeros((NUM_ANCHORS, 18), dtype=np.float32)
    raw[index] = value
    logits = np.full(NUM_ANCHORS, -30.0, dtype=np.float32)
    logits[index] = math.log(score / (1.0 - score))
    return raw, logits


def test_anchors_are_those_of_the_network() -> None:
    anchors = anchor_centres()
    assert anchors.shape == (NUM_ANCHORS, 2)
    np.testing.assert_allclose(anchors[:4] * SIDE, [[4, 4], [4, 4], [12, 4], [12, 4]])
    np.testing.assert_allclose(anchors[48] * SIDE, [4, 12])
    np.testing.assert_allclose(
        anchors[24 * 24 * 2 : 24 * 24 * 2 + 7] * SIDE, [[8, 8]] * 6 + [[24, 8]]
    )
    np.testing.assert_allclose(anchors[-1] * SIDE, [184, 184])


def test_decode_of_one_palm_by_hand() -> None:
    # Anchor 3 lies at (12, 4) pixels: box centre 36, 52; 48 wide, 24 high; wrist at 36, 64.
    value = np.zeros(18)
    value[:6] = 24.0, 48.0, 48.0, 24.0, 24.0, 60.0
    decoded, scores = decode(*outputs(3, value, 0.8), anchor_centres(), 0.5)
    assert decoded.shape == (1, 18)
    np.testing.assert_allclose(decoded[0, :6] * SIDE, [12, 40, 60, 64, 36, 64], atol=1e-4)
    np.testing.assert_allclose(decoded[0, 6:8] * SIDE, [12, 4], atol=1e-4)
    assert scores.tolist() == [pytest.approx(0.8, abs=1e-5)]


@given(
    st.integers(0, NUM_ANCHORS - 1),
    st.lists(st.floats(0.0, 1.0), min_size=14, max_size=14),
    st.floats(0.55, 0.99),
)
def test_decode_inverts_encoding(index: int, points: list[float], score: float) -> None:
    anchors = anchor_centres()
    wanted = np.array(points).reshape(7, 2)
    value = np.zeros(18)
    value[4:] = ((wanted - anchors[index]) * SIDE).ravel()
    decoded, scores = decode(*outputs(index, value, score), anchors, 0.5)
    np.testing.assert_allclose(decoded[0, 4:].reshape(7, 2), wanted, atol=1e-5)
    assert scores[0] == pytest.approx(score, abs=1e-5)


def test_decode_survives_extreme_and_broken_values() -> None:
    raw, logits = outputs(7, np.full(18, np.nan), 0.9)
    logits[8] = 1e30
    decoded, scores = decode(raw, logits, anchor_centres(), 0.5)
    assert decoded.shape == (1, 18) and scores.tolist() == [pytest.approx(1.0)]


def test_overlap_of_boxes_by_hand() -> None:
    box = np.array([0.0, 0.0, 10.0, 10.0])
    assert overlap(box, box) == 1.0
    assert overlap(box, box + 20.0) == 0.0
    assert overlap(box, np.array([5.0, 0.0, 15.0, 10.0])) == pytest.approx(50.0 / 150.0)
    assert overlap(box * 0.0, box * 0.0) == 0.0


def test_merge_joins_looks_at_one_palm_and_keeps_several_hands() -> None:
    looks = [palm(100, 100, score=0.9), palm(104, 100, score=0.6), palm(160, 100, score=0.7)]
    merged = merge(looks)
    assert [p.score for p in merged] == [0.9, 0.7]
    np.testing.assert_allclose(merged[0].points[0], (100 + 4 * 0.4, 120))
    np.testing.assert_allclose(merged[1].box, looks[2].box)


palms = st.builds(
    palm, st.floats(0, 600), st.floats(0, 600), st.floats(10, 200), st.floats(0.5, 1.0)
)


@given(st.lists(palms, max_size=8), st.randoms(use_true_random=False))
def test_merge_does_not_depend_on_order(found: list[Palm], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    first, second = merge(found), merge(shuffled)
    assert len(first) == len(second) <= len(found)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.box, b.box)
        np.testing.assert_allclose(a.points, b.points)


@given(st.floats(-3.1, 3.1), st.floats(10, 200))
def test_the_hands_square_points_along_the_fingers(angle: float, size: float) -> None:
    region = palm(300.0, 200.0, size, angle=angle).region()
    assert region.angle == pytest.approx(angle, abs=1e-6)
    assert region.size == pytest.approx(2.6 * size)
    # The palm's middle lies half a palm below the square's middle, towards the wrist.
    local = region.unproject(np.array([300.0, 200.0]))
    np.testing.assert_allclose(local, (0.5, 0.5 + 0.5 / 2.6), atol=1e-6)


class ScriptedNetwork:
    """Always gives the same palm in the middle of what it is shown."""

    def run(self, image: np.ndarray) -> list[np.ndarray]:
        assert image.shape == (SIDE, SIDE, 3)
        anchor = anchor_centres()[600]
        value = np.zeros(18)
        value[:2] = (0.5 - anchor) * SIDE
        value[2:4] = 0.25 * SIDE
        value[4:] = np.tile((0.5 - anchor) * SIDE, 7)
        raw, logits = outputs(600, value, 0.9)
        return [raw[None], logits[None, :, None]]


def test_palms_come_back_in_pixels_of_the_image() -> None:
    detector = PalmDetector(ScriptedNetwork())
    image = np.zeros((240, 320, 3), dtype=np.uint8)
    regions = [Region(160.0, 120.0, 320.0, 0.0), Region(60.0, 60.0, 80.0, 0.0)]
    large, small = sorted(detector.detect(image, regions), key=lambda p: -p.box[2])
    np.testing.assert_allclose(large.box, (120, 80, 200, 160), atol=1e-3)
    np.testing.assert_allclose(small.box, (50, 50, 70, 70), atol=1e-3)
    np.testing.assert_allclose(small.points, np.full((7, 2), 60.0), atol=1e-3)
    assert detector.detect(image, []) == []
