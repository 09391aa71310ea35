from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.body import MAP_SIDE, body_region, inside, refine, sigmoid


def heatmap(peaks: list[tuple[float, float]]) -> np.ndarray:
    """(64, 64, P) logits: a narrow blob at each (x, y), in cells."""
    y, x = np.mgrid[:MAP_SIDE, :MAP_SIDE]
    layers = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / 2.0) for px, py in peaks]
    shares = np.clip(np.stack(layers, axis=-1), 1e-6, 0.95)
    return np.log(shares / (1.0 - shares)).astype(np.float32)


@given(st.floats(8, 56), st.floats(8, 56), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_refine_moves_a_point_to_its_peak(x: float, y: float, dx: float, dy: float) -> None:
    start = np.array([[(x + dx) / MAP_SIDE, (y + dy) / MAP_SIDE]])
    found = refine(start, heatmap([(x, y)]))[0] * MAP_SIDE
    assert math.hypot(found[0] - x, found[1] - y) < max(0.9 * math.hypot(dx, dy), 0.75)


def test_refine_leaves_points_outside_and_points_without_a_peak() -> None:
    points = np.array([[1.2, 0.5], [-0.1, 0.5], [0.1, 0.1], [math.nan, 0.5]])
    maps = heatmap([(60.0, 32.0), (0.0, 32.0), (50.0, 50.0), (32.0, 32.0)])
    np.testing.assert_array_equal(refine(points, maps), points)


def test_refine_at_the_border_stays_in_the_map() -> None:
    found = refine(np.array([[0.0, 0.999]]), heatmap([(0.0, 63.0)]))
    assert ((found >= 0.0) & (found < 1.0)).all()


def test_body_region_is_upright_and_roomy() -> None:
    region = body_region(np.array([100.0, 200.0]), np.array([100.0, 120.0]))
    assert (region.x, region.y, region.angle) == (100.0, 200.0, 0.0)
    assert region.size == pytest.approx(2 * 80 * 1.25)


def test_inside_includes_the_origin_and_excludes_the_size() -> None:
    points = np.array([[0.0, 0.0], [10.0, 0.0], [9.9, 4.9], [0.0, 5.0], [math.nan, 1.0]])
    assert inside(points, height=5, width=10).tolist() == [True, False, True, False, False]


def test_sigmoid_is_safe_for_huge_logits() -> None:
    np.testing.assert_allclose(sigmoid(np.array([-1e9, 0.0, 1e9])), [0.0, 0.5, 1.0], atol=1e-9)
