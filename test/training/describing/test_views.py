"""Cameras: geometry that does not depend on how it was written down."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.simulation import Camera
from training.describing.views import FOCAL_PX, ViewConfig, look


def _still(points, frames=4):
    return np.repeat(points[None, None].astype(np.float32), frames, axis=1)


def test_a_person_stands_upright_and_is_not_mirrored():
    head, foot, left, right = (0.0, 0.0, 1.7), (0.0, 0.0, 0.0), (0.0, 0.2, 1.4), (0.0, -0.2, 1.4)
    config = ViewConfig(yaw_deg=(10.0, 20.0), distance_m=(3.0, 4.0))
    for seed in range(20):
        points = _still(np.array([head, foot, left, right]))
        seen = look(points, np.random.default_rng(seed), config)
        top, bottom, own_left, own_right = seen[0, 0]
        assert top[1] < bottom[1]
        assert own_left[0] > own_right[0]  # facing the camera, their left is the picture's right


def test_it_agrees_with_the_pinhole_camera_of_the_drawn_scenes():
    config = ViewConfig(
        yaw_deg=(0.0, 0.0), far_yaw_share=0.0, height_m=(1.25, 1.25), distance_m=(3.0, 3.0),
        roll_deg=0.0, pitch_deg=0.0,
    )  # fmt: skip
    points = np.random.default_rng(0).uniform([-0.2, -0.6, 0.3], [0.4, 0.6, 1.8], (30, 3))
    rng = np.random.default_rng(1)
    seen = look(_still(points), rng, config)[0, 0]
    spread = seen - seen.mean(axis=0)
    # The same person 3 m before a level camera, wherever it looks: compare without the offset.
    best = np.inf
    for side in np.linspace(-1.5, 1.5, 601):
        world = np.stack([3.0 - points[:, 0], -(points[:, 1]) - side, points[:, 2]], axis=1)
        camera = Camera(width=1280, height=720, focal_px=FOCAL_PX, position=(0.0, 0.0, 1.25),
                        look_at=(3.0, 0.0, 1.25))  # fmt: skip
        # A person who faces the camera: their left is the camera's right.
        pixels, _ = camera.project(world)
        other = pixels - pixels.mean(axis=0)
        best = min(best, float(np.abs(other - spread).max()))
    assert best < 6.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_views_are_finite_and_people_keep_a_sensible_size(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.3, -0.5, 0.0], [0.5, 0.5, 1.9], (59, 3))
    seen = look(_still(points), rng, ViewConfig())
    assert seen.shape == (1, 4, 59, 2) and np.isfinite(seen).all()
    assert np.ptp(seen[0, 0, :, 1]) > 50.0
