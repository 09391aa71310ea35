"""Projection: what a pinhole camera must always do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation import Camera

coordinate = st.floats(-1.0, 1.0)
camera_strategy = st.builds(
    lambda x, y, z, pitch, focal: Camera(
        640, 480, focal, position=(x, y, z), look_at=(x + 2.0, y + 0.3, z + pitch)
    ),
    coordinate, coordinate, coordinate, st.floats(-0.8, 0.8), st.floats(200, 1500),
)  # fmt: skip


@given(camera_strategy)
def test_point_looked_at_is_in_the_middle(camera: Camera) -> None:
    pixel, depth = camera.project(np.array(camera.look_at))
    assert np.allclose(pixel, [319.5, 239.5], atol=1e-6)
    assert depth == pytest.approx(np.linalg.norm(np.subtract(camera.look_at, camera.position)))


@given(camera_strategy)
def test_rotation_is_a_rotation(camera: Camera) -> None:
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(camera.rotation) == pytest.approx(1.0)
    assert camera.rotation[0, 2] == pytest.approx(0.0)  # the horizon stays level
    assert camera.rotation[1, 2] < 0  # up in the world is up in the image


@given(camera_strategy, coordinate, coordinate, st.floats(1.0, 4.0), st.floats(1.1, 3.0))
def test_twice_as_far_is_half_as_large(
    camera: Camera, x: float, y: float, depth: float, times: float
) -> None:
    local = np.array([x, y, depth])
    middle = np.array([319.5, 239.5])
    near = camera.project_camera(local) - middle
    far = camera.project_camera(local * [1, 1, times]) - middle
    assert np.allclose(near, far * times, atol=1e-6)
    assert np.allclose(camera.project_camera(local * times) - middle, near, atol=1e-6)


def test_left_is_left_and_up_is_up() -> None:
    camera = Camera(position=(0, 0, 1), look_at=(1, 0, 1))
    pixels, _ = camera.project(np.array([[2.0, 0.5, 1.0], [2.0, 0.0, 1.5]]))
    assert pixels[0, 0] < 639.5 and pixels[1, 1] < 359.5


def test_behind_the_camera_has_negative_depth() -> None:
    _, depth = Camera().project(np.array([-1.0, 0.0, 1.0]))
    assert depth < 0


def test_contains_follows_the_pixel_grid() -> None:
    camera = Camera(64, 48)
    pixels = np.array([[-0.5, 0.0], [-0.51, 0.0], [63.49, 47.49], [63.5, 0.0], [0.0, 47.5]])
    assert camera.contains(pixels).tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(
    "values",
    [
        {"width": 4},
        {"focal_px": 0.0},
        {"focal_px": float("nan")},
        {"look_at": (0.0, 0.0, 5.0)},
        {"look_at": (float("inf"), 0.0, 0.0)},
    ],
)
def test_impossible_cameras_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Camera(**values)  # type: ignore[arg-type]
