"""Surfaces around a pixel: a finger before a wall, holes, edges of the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bharnet_ros.depth_patches import axial_noise_m, sample, surfaces


def around(depth: np.ndarray, x: float, y: float, radius: float = 4.0, gap: float = 0.05):
    return surfaces(
        depth.astype(np.float32), np.array([[x, y]]), np.array([radius]), np.array([gap])
    )


def test_a_finger_before_a_wall_is_two_surfaces_nearest_first() -> None:
    depth = np.full((40, 40), 3.0)
    depth[:, 18:21] = 1.0
    found = around(depth, 19.0, 20.0)
    np.testing.assert_allclose(found.depth_m[0], [1.0, 3.0])
    assert found.share[0].sum() == pytest.approx(1.0) and found.share[0, 0] > 0.5
    assert found.known[0] == pytest.approx(1.0)


def test_a_slope_is_one_surface_and_holes_are_nothing() -> None:
    slope = 1.0 + 0.01 * np.arange(40.0)[None, :] + np.zeros((40, 1))
    found = around(slope, 20.0, 20.0)
    assert found.depth_m.shape == (1, 1) and found.depth_m[0, 0] == pytest.approx(1.2, abs=0.011)
    slope[:, :20] = np.nan
    half = around(slope, 19.5, 20.0)
    assert 0.3 < half.known[0] < 0.7 and half.depth_m[0, 0] > 1.19
    nothing = around(np.full((9, 9), np.nan), 4.0, 4.0)
    assert nothing.known[0] == 0.0 and np.isnan(nothing.depth_m).all()


@pytest.mark.parametrize("x", [-1e9, -50.0, 60.0, 1e12, np.nan, np.inf])
def test_outside_of_the_image_there_is_nothing(x: float) -> None:
    found = around(np.ones((10, 12)), x, 5.0)
    assert found.known[0] == 0.0 and np.isnan(found.depth_m).all() and (found.share == 0).all()


def test_nobody_has_no_surfaces() -> None:
    found = surfaces(np.ones((4, 4), np.float32), np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    assert len(found.known) == 0


@given(
    arrays.arrays(
        np.float32, (12, 16),
        elements=st.one_of(st.just(np.float32(np.nan)), st.floats(0.125, 8.0, width=32)),
    ),
    st.floats(-3, 19), st.floats(-3, 15), st.floats(0.1, 9.0), st.floats(0.001, 1.0),
)  # fmt: skip
def test_surfaces_hold_for_any_picture(
    depth: np.ndarray, x: float, y: float, radius: float, gap: float
) -> None:
    found = around(depth, x, y, radius, gap)
    values, share = found.depth_m[0], found.share[0]
    there = ~np.isnan(values)
    assert (share[~there] == 0).all() and (share >= 0).all()
    assert 0.0 <= found.known[0] <= 1.0 + 1e-9
    if there.any():
        assert share.sum() == pytest.approx(1.0)
        assert (np.diff(values[there]) > gap).all()
        # Every surface is a depth that somewhere in the picture was measured.
        assert np.isin(values[there].astype(np.float32), depth).all()
    else:
        assert found.known[0] == 0.0


def test_the_nearest_pixel_is_taken() -> None:
    depth = np.arange(12, dtype=np.float32).reshape(3, 4)
    places = np.array([[0.4, 0.4], [2.6, 1.6], [3.4, 2.4], [3.6, 0.0], [0.0, -0.6]])
    np.testing.assert_array_equal(sample(depth, places), [0, 11, 11, np.nan, np.nan])


def test_noise_grows_with_the_distance() -> None:
    assert axial_noise_m(np.array([4.0]))[0] == pytest.approx(0.0258, abs=1e-3)
