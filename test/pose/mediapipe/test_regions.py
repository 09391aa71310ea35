from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.regions import Region, crop, upright_angle, wrap_angle

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


def test_crop_of_an_aligned_region_is_the_pixels_themselves() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    cut = crop(image, Region(26.0, 18.0, 16.0, 0.0), 16)
    np.testing.assert_array_equal(cut, image[10:26, 18:34])


def test_crop_turned_by_a_quarter_is_the_rotated_pixels() -> None:
    image = np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    turned = crop(image, Region(26.0, 18.0, 16.0, 0.5 * math.pi), 16)
    np.testing.assert_array_equal(turned, np.rot90(image[10:26, 18:34]))


def test_letterbox_pads_with_black_and_points_come_back() -> None:
    image = np.full((30, 60, 3), 200, dtype=np.uint8)
    image[14:16, 39:41] = 0
    region = Region(30.0, 15.0, 60.0, 0.0)
    cut = crop(image, region, 120)
    assert (cut[:29] == 0).all() and (cut[91:] == 0).all()
    dark = np.argwhere(cut[31:89, :, 0] < 100) + np.array([31, 0])
    centre = (dark.mean(axis=0)[::-1] + 0.5) / 120
    np.testing.assert_allclose(region.project(centre), (40.0, 15.0), atol=0.3)


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
