from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.detection.suppression import MAX_CANDIDATES, best_boxes


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(width * height / (areas - width * height))


@given(
    hnp.arrays(np.float32, (12, 4), elements=st.integers(0, 20)),
    hnp.arrays(np.float32, 12, elements=st.sampled_from([0.125, 0.375, 0.5, 0.75, 0.875])),
)
def test_what_is_kept_is_sure_and_apart_and_what_is_dropped_has_a_reason(
    corners: np.ndarray, scores: np.ndarray
) -> None:
    kept, sure = best_boxes(corners, scores, 0.375, 0.45)
    assert (np.diff(sure) <= 0).all()
    for i, box in enumerate(kept):
        assert (box[2:] > box[:2]).all()
        assert all(overlap(box, other) <= 0.45 + 1e-6 for other in kept[:i])
    for box, score in zip(corners, scores, strict=True):
        if score >= 0.375 and (box[2:] > box[:2]).all():
            better = kept[sure >= score]
            assert any(overlap(box, b) > 0.45 - 1e-6 or (b == box).all() for b in better)


def test_values_that_are_no_numbers_are_dropped() -> None:
    boxes = np.array([[0, 0, 5, 5], [np.nan, 0, 5, 5], [0, 0, np.inf, 5], [20, 0, 25, 5]])
    scores = np.array([np.nan, 0.9, 0.9, 0.8], np.float32)
    found, sure = best_boxes(boxes.astype(np.float32), scores, 0.3, 0.45)
    assert found.tolist() == [[20, 0, 25, 5]]
    np.testing.assert_allclose(sure, [0.8])


def test_nobody() -> None:
    found, sure = best_boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.3, 0.45)
    assert found.shape == (0, 4)
    assert sure.shape == (0,)


def test_a_network_gone_wild_costs_no_more_than_so_much() -> None:
    corners = np.arange(20_000, dtype=np.float32)[:, None] * 10 + np.array([0, 0, 5, 5], np.float32)
    found, _ = best_boxes(corners, np.ones(20_000, np.float32), 0.3, 0.45)
    assert len(found) == MAX_CANDIDATES
