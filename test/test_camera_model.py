"""Rays against projection, and every camera_info that tells too little."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.camera_model import CameraModel, same_aspect
from bharnet_ros.errors import ConfigurationError

SIZE = (480, 640)
CORNER = np.array([[5.0, 5.0]])
# Of a real RGB-D camera's colour lens, a wide lens with the rational model, and a fisheye lens.
LENSES = {
    "plumb_bob": (0.16, -0.49, -0.001, 0.0003, 0.43),
    "rational_polynomial": (0.51, -2.67, 0.0005, -0.0003, 1.52, 0.39, -2.49, 1.45),
    "equidistant": (-0.012, 0.03, -0.02, 0.004),
}


def camera(model: str = "plumb_bob", coefficients: tuple[float, ...] = ()) -> CameraModel:
    return CameraModel(610.0, 612.0, 320.5, 238.0, SIZE, model, coefficients)


def info(**changes: Any) -> Any:
    fields = {
        "height": 480, "width": 640, "distortion_model": "plumb_bob", "d": [0.0] * 5,
        "k": [610.0, 0, 320.5, 0, 612.0, 238.0, 0, 0, 1],
        "p": [600.0, 0, 310.0, 0, 0, 601.0, 230.0, 0, 0, 0, 1, 0],
        "binning_x": 0, "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0),
    }  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


@pytest.mark.parametrize("model", [*LENSES, ""])
@settings(max_examples=40)
@given(x=st.floats(0, 639), y=st.floats(0, 479))
def test_a_ray_projects_back_to_its_pixel(model: str, x: float, y: float) -> None:
    lens = camera(model, LENSES[model]) if model else camera()
    ray = lens.rays(np.array([[x, y]]))[0]
    back = lens.project(np.array([[2 * ray[0], 2 * ray[1], 2.0]]))
    np.testing.assert_allclose(back[0], (x, y), atol=1e-2)


def test_distortion_matters() -> None:
    plain, bent = camera().rays(CORNER), camera("plumb_bob", LENSES["plumb_bob"]).rays(CORNER)
    assert np.abs(plain - bent).max() * 610 > 3


def test_what_has_no_ray_is_nan() -> None:
    # r (1 - 0.3 r^2) never exceeds 0.71: nothing is seen further than that from the middle.
    lens = camera("plumb_bob", (-0.3, 0.0, 0.0, 0.0, 0.0))
    rays = lens.rays(np.array([[320.0, 240.0], [np.nan, 3.0], [np.inf, 3.0], [930.0, 238.0]]))
    assert np.isfinite(rays[0]).all() and np.isnan(rays[1:]).any(axis=1).all()
    assert np.isnan(camera().rays(np.array([[np.nan, 0.0]]))).any()


def test_camera_info_raw_and_rectified() -> None:
    raw = CameraModel.from_camera_info(info(d=list(LENSES["plumb_bob"])), SIZE)
    assert (raw.fx, raw.fy, raw.cx, raw.cy) == (610.0, 612.0, 320.5, 238.0)
    assert raw.coefficients == LENSES["plumb_bob"]
    flat = CameraModel.from_camera_info(info(d=list(LENSES["plumb_bob"])), SIZE, rectified=True)
    assert (flat.fx, flat.fy, flat.cx, flat.cy) == (600.0, 601.0, 310.0, 230.0)
    assert flat.coefficients == ()
    unnamed = CameraModel.from_camera_info(info(height=0, width=0, distortion_model=""), (48, 64))
    assert unnamed.size == (48, 64)


@pytest.mark.parametrize("model", LENSES)
def test_coefficients_that_are_all_zero_are_none(model: str) -> None:
    zero = [0.0] * len(LENSES[model])
    found = CameraModel.from_camera_info(info(distortion_model=model, d=zero), SIZE)
    np.testing.assert_array_equal(found.rays(CORNER), camera().rays(CORNER))


def test_a_part_of_the_sensor_and_several_pixels_as_one() -> None:
    part = SimpleNamespace(x_offset=100, y_offset=40, height=240, width=320)
    found = CameraModel.from_camera_info(info(roi=part), SIZE)
    assert found.size == (240, 320) and (found.cx, found.cy) == (220.5, 198.0)
    binned = CameraModel.from_camera_info(info(binning_x=2, binning_y=2), SIZE)
    assert binned.size == (240, 320) and binned.fx == 305.0
    # Pixel (0, 0) of the binned image is the block of (0, 0) to (1, 1).
    np.testing.assert_allclose(
        binned.rays(np.array([[0.0, 0.0]])), camera().rays(np.array([[0.5, 0.5]]))
    )


@given(st.floats(0, 639), st.floats(0, 479), st.sampled_from([(240, 320), (960, 1280)]))
def test_scaled_images_show_the_same(x: float, y: float, size: tuple[int, int]) -> None:
    factor = size[0] / SIZE[0]
    pixel = np.array([[(x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5]])
    np.testing.assert_allclose(
        camera().scaled_to(size).rays(pixel), camera().rays(np.array([[x, y]])), atol=1e-12
    )


def test_another_aspect_ratio_is_another_camera() -> None:
    assert same_aspect((480, 640), (240, 320)) and not same_aspect((480, 640), (720, 1280))
    with pytest.raises(ConfigurationError, match="1280 x 720"):
        camera().scaled_to((720, 1280))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"k": [0.0] * 9}, "calibrate"),
        ({"k": [float("nan")] * 9}, "calibrate"),
        ({"k": []}, "9"),
        ({"d": [0.1] * 3}, "3 coefficients"),
        ({"d": [0.1] * 5, "distortion_model": "thin_prism"}, "thin_prism"),
        ({"d": [float("inf")] + [0.0] * 4}, "calibrate"),
        ({"height": -1}, "width and height"),
    ],
)
def test_unusable_camera_info_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        CameraModel.from_camera_info(info(**changes), SIZE)


def test_rectified_without_projection_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="calibrate"):
        CameraModel.from_camera_info(info(p=[0.0] * 12), SIZE, rectified=True)
