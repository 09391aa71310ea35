"""Distances against the simulated camera, which knows them exactly."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import person_keypoints, skeleton
from bharnet_ros.camera_model import CameraModel
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.placing import Distances, Pinhole, distance_m, on_plane, optical_to_body
from bharnet_ros.simulation import Scene
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton

SECOND = 1_000_000_000
LAYOUT = get_layout("coco_wholebody_133")
CAMERA = Pinhole(1000.0, 1000.0, 639.5, 359.5)


def test_people_stand_about_as_far_away_as_the_drawn_actor() -> None:
    errors = []
    for seed in range(6):
        scene = Scene.random(seed, 2, 8.0)
        camera = scene.camera
        pinhole = Pinhole(
            camera.focal_px, camera.focal_px, (camera.width - 1) / 2, (camera.height - 1) / 2
        )
        for moment in np.arange(0.5, 8.0, 1.5):
            for actor in scene.present(float(moment)):
                pixels, depth = camera.project(scene.pose(actor, float(moment)))
                seen = np.where(camera.contains(pixels), 1.0, 0.0).astype(np.float32)
                box = np.zeros(4, np.float32)
                person = Skeleton(0, box, 1.0, pixels.astype(np.float32), seen)
                found = distance_m(person, LAYOUT, pinhole)
                if found is not None:
                    errors.append(found / float(np.mean(depth[[5, 6, 11, 12]])) - 1.0)
    assert len(errors) > 50
    # People differ in height by as much; what is asserted is that nothing is off as a whole.
    assert abs(np.median(errors)) < 0.05 and np.mean(np.abs(errors)) < 0.12


def test_twice_as_small_is_twice_as_far_and_arms_count_only_alone() -> None:
    near = distance_m(skeleton(1, person_keypoints(torso_px=200.0)), LAYOUT, CAMERA)
    far = distance_m(skeleton(1, person_keypoints(torso_px=100.0)), LAYOUT, CAMERA)
    assert near is not None and far is not None and far == pytest.approx(2 * near, rel=1e-3)
    stretched = person_keypoints(torso_px=100.0, right_wrist=(-2.5, -1.0))
    assert distance_m(skeleton(1, stretched), LAYOUT, CAMERA) == pytest.approx(far)
    only_arm = np.zeros(133, np.float32)
    only_arm[[6, 8, 10]] = 1.0
    assert distance_m(skeleton(1, stretched, only_arm), LAYOUT, CAMERA) is not None
    assert distance_m(skeleton(1, stretched, np.zeros(133, np.float32)), LAYOUT, CAMERA) is None


@given(
    st.floats(0.3, 20.0), st.floats(100.0, 3000.0),
    st.lists(st.tuples(st.floats(-500, 2000), st.floats(-500, 2000)), min_size=1, max_size=8),
)  # fmt: skip
def test_placed_points_project_back_to_their_pixels(
    depth: float, focal: float, points: list[tuple[float, float]]
) -> None:
    camera = Pinhole(focal, focal, 320.0, 240.0)
    pixels = np.asarray(points, np.float32)
    placed = on_plane(pixels, camera, depth)
    assert np.all(placed[:, 2] == depth)
    back = placed[:, :2] / depth * focal + (320.0, 240.0)
    np.testing.assert_allclose(back, pixels, rtol=1e-4, atol=1e-3)
    body = optical_to_body(placed)
    np.testing.assert_allclose(body, np.stack([placed[:, 2], -placed[:, 0], -placed[:, 1]], 1))


def test_cameras() -> None:
    wide = Pinhole.from_field_of_view((480, 640), 90.0)
    assert wide.fx == pytest.approx(320.0) and (wide.cx, wide.cy) == (319.5, 239.5)
    message = camera_info([500, 0, 310, 0, 505, 250, 0, 0, 1])
    assert Pinhole.from_camera_info(message, (480, 640)) == Pinhole(500, 505, 310, 250)
    for wrong in ([0.0] * 9, [1.0] * 4, [float("nan")] * 9):
        with pytest.raises(ConfigurationError, match="calibrate"):
            Pinhole.from_camera_info(camera_info(wrong), (480, 640))


def camera_info(matrix: list[float], **changes: object) -> SimpleNamespace:
    """For images of 640 x 480 pixels, by a lens that no model here describes."""
    whole = SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0)
    fields = {
        "k": matrix, "p": [0.0] * 12, "d": [0.1] * 3, "distortion_model": "of its own",
        "height": 480, "width": 640, "binning_x": 0, "binning_y": 0, "roi": whole,
    }  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


def test_a_calibration_of_another_resolution_is_scaled() -> None:
    message = camera_info([500, 0, 319.5, 0, 500, 239.5, 0, 0, 1])
    half = Pinhole.from_camera_info(message, (240, 320))
    assert half == Pinhole(250, 250, 159.5, 119.5)
    with pytest.raises(ConfigurationError, match="another aspect ratio"):
        Pinhole.from_camera_info(message, (720, 1280))


def test_where_nobody_says_how_large_the_images_are() -> None:
    message = camera_info([500, 0, 319.5, 0, 500, 239.5, 0, 0, 1])
    assert Pinhole.from_camera_info(message, (0, 0)) == Pinhole(500, 500, 319.5, 239.5)
    with pytest.raises(ConfigurationError, match="image_width"):
        Pinhole.from_field_of_view((0, 0), 60.0)


def test_distances_are_calmed_and_forgotten() -> None:
    distances = Distances(smoothing_s=0.5)
    assert distances.update(1, 0, None) is None
    assert distances.update(1, 0, 2.0) == 2.0
    step = distances.update(1, SECOND // 10, 3.0)
    assert step is not None and 2.0 < step < 2.5
    assert distances.update(1, SECOND // 5, None) == step
    assert distances.update(1, 10 * SECOND, 4.0) == 4.0, "after a gap nothing is averaged"
    assert distances.update(1, 5 * SECOND, 3.0) == 3.0, "nor after a jump back in time"
    distances.keep(set())
    assert distances.update(1, 5 * SECOND, None) is None


@given(
    binning=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    start=st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
def test_the_camera_of_the_images_sent_is_that_of_the_lifter(
    binning: tuple[int, int], start: tuple[int, int]
) -> None:
    part = SimpleNamespace(x_offset=start[0], y_offset=start[1], height=240, width=320)
    message = camera_info(
        [500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0], d=[], distortion_model="",
        binning_x=binning[0], binning_y=binning[1], roi=part,
    )  # fmt: skip
    known = CameraModel.from_camera_info(message, (480, 640))
    found = Pinhole.from_camera_info(message, known.size)
    assert (found.fx, found.fy, found.cx, found.cy) == (known.fx, known.fy, known.cx, known.cy)
