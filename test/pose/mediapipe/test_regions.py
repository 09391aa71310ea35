from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.regions import (
    Region,
    apart,
    box_around,
    distance,
    upright_angle,
    wrap_angle,
)

coordinates = st.floats(-2000.0, 4000.0)
angles = st.floats(-math.pi, math.pi)
regions = st.builds(Region, coordinates, coordinates, st.floats(2.0, 3000.0), angles)


@given(regions, st.lists(st.tuples(st.floats(-1.0, 2.0), st.floats(-1.0, 2.0)), min_size=1))
def test_unproject_is_the_inverse_of_project(
    region: Region, points: list[tuple[float, float]]
) -> None:
    local = np.array(points)
    np.testing.assert_allclose(region.unproject(region.project(local)), local, atol=1e-6)


@given(regions)
def test_corners_lie_half_a_diagonal_from_the_centre(region: Region) -> None:
    corners = region.project(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    distances = np.hypot(corners[:, 0] - region.x, corners[:, 1] - region.y)
    np.testing.assert_allclose(distances, region.size / math.sqrt(2.0), rtol=1e-6)
    np.testing.assert_allclose(corners.mean(axis=0), (region.x, region.y), atol=1e-6)


@given(regions, angles, st.floats(1.0, 500.0))
def test_upright_angle_makes_the_direction_point_up(
    region: Region, direction: float, length: float
) -> None:
    start = np.array([region.x, region.y])
    end = start + length * np.array([math.cos(direction), math.sin(direction)])
    turned = Region(region.x, region.y, region.size, upright_angle(start, end))
    local = turned.unproject(np.stack((start, end)))
    assert local[1, 0] == pytest.approx(local[0, 0], abs=1e-6)
    assert local[1, 1] < local[0, 1]


def test_upright_angle_of_a_point_is_zero() -> None:
    assert upright_angle(np.array([3.0, 4.0]), np.array([3.0, 4.0])) == 0.0


@given(st.floats(-50.0, 50.0))
def test_wrapped_angle_is_the_same_direction(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -math.pi < wrapped <= math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


@given(regions, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_moved_shifts_along_the_regions_own_axes(region: Region, dx: float, dy: float) -> None:
    moved = region.moved(dx, dy, 2.0)
    centre = region.unproject(np.array([moved.x, moved.y]))
    np.testing.assert_allclose(centre, (0.5 + dx, 0.5 + dy), atol=1e-6)
    assert moved.size == pytest.approx(2.0 * region.size)


@pytest.mark.parametrize(
    "region",
    [
        Region(math.nan, 0.0, 10.0, 0.0),
        Region(0.0, math.inf, 10.0, 0.0),
        Region(0.0, 0.0, 1.0, 0.0),
        Region(0.0, 0.0, 10.0, math.nan),
    ],
)
def test_unusable_regions_are_recognised(region: Region) -> None:
    assert not region.usable()
    assert Region(1.0, 2.0, 10.0, 0.3).usable()


spots = st.tuples(coordinates, coordinates)


@given(spots, spots)
def test_distance_is_that_of_numpy_to_the_last_bit(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    assert distance(a, b) == float(np.hypot(a[0] - b[0], a[1] - b[1]))
    assert distance(np.array(a), np.array(b)) == distance(a, b)


@given(
    st.lists(spots, min_size=1, max_size=9), st.lists(spots, min_size=1, max_size=9),
    st.floats(0.0, 3000.0),
)  # fmt: skip
def test_boxes_that_are_apart_hold_no_points_that_are_near(
    left: list[tuple[float, float]], right: list[tuple[float, float]], gap: float
) -> None:
    a, b = np.array(left), np.array(right)
    nearest = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)).min()
    if apart(box_around(a), box_around(b), gap):
        assert nearest > gap
    assert apart(box_around(a), box_around(b), gap) == apart(box_around(b), box_around(a), gap)


def test_boxes_beside_and_above_one_another_are_apart_and_unknown_ones_are_not() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    assert apart(box, (16.0, 0.0, 20.0, 10.0), 5.0)
    assert apart(box, (0.0, -20.0, 10.0, -6.0), 5.0)
    assert not apart(box, (14.0, 14.0, 20.0, 20.0), 5.0)
    assert not apart(box, (math.nan, 100.0, math.nan, math.nan), 500.0)
