"""The drawn depth camera: exact where it says so, and wrong as a sensor is."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.simulation import Camera, Scene
from bharnet_ros.simulation.depth import DepthSensor, exact_depth, farthest_m

CAMERA = Camera(320, 240, 262.5, (0.0, 0.0, 1.25), (2.0, 0.0, 1.1))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.random(4, 1, 6.0, camera=CAMERA, jitter_camera=False, distance_range_m=(2, 2.2))


def test_people_stand_before_the_wall_and_on_the_floor(scene: Scene) -> None:
    far_m = farthest_m(scene)
    assert 1.8 < far_m < 2.5
    depth = exact_depth(scene, 2.0, far_m + 1.0)
    pixels, away = scene.camera.project(scene.pose(scene.actors[0], 2.0))
    for index in (5, 6, 11, 12):
        x, y = np.rint(pixels[index]).astype(int)
        # A joint lies inside: the surface is nearer, but not by more than a body is thick.
        assert 0.0 < away[index] - depth[y, x] < 0.25
    assert np.isfinite(depth).all() and depth[5, 5] == pytest.approx(far_m + 1.0, rel=0.15)
    # The floor comes nearer towards the bottom of the picture.
    assert (np.diff(exact_depth(scene, 2.0, 50.0)[200:, 3]) < 0).all()


def test_another_resolution_shows_the_same(scene: Scene) -> None:
    small = Camera(160, 120, 131.25, CAMERA.position, CAMERA.look_at)
    half = exact_depth(scene, 2.0, 4.0, small)
    whole = exact_depth(scene, 2.0, 4.0)
    assert half.shape == (120, 160)
    # All but the outlines agree.
    assert np.mean(np.abs(half - whole[::2, ::2]) > 0.05) < 0.03


def test_a_sensor_errs_as_much_as_it_says(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    flat = np.full((240, 320), 3.0, np.float32)
    seen = DepthSensor(holes=0.0).measure(flat, 262.5, rng).astype(np.float64) / 1000
    assert seen.std() == pytest.approx(0.0012 + 0.0019 * 2.6**2, rel=0.05)
    assert seen.mean() == pytest.approx(3.0, abs=1e-3)
    depth = exact_depth(scene, 2.0, 4.0)
    measured = DepthSensor().measure(depth, 262.5, rng)
    assert measured.dtype == np.uint16 and 0.005 < np.mean(measured == 0) < 0.2
    beside = DepthSensor(noise=0.0, lateral_px=0.0, holes=0.0).measure(depth, 262.5, rng)
    known = beside > 0
    np.testing.assert_allclose(beside[known] / 1000, depth[known], atol=6e-4)
    # What the second lens does not see lies to the left of the person, on the wall.
    assert not known.all() and (depth[~known] > 2.0).mean() > 0.9
    far = DepthSensor(range_m=(0.3, 2.5)).measure(depth, 262.5, rng)
    assert (far[depth > 2.6] == 0).mean() > 0.95
