from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.pose.mediapipe.cutting import MAX_SHARE, Cutter, crop
from bharnet_ros.pose.mediapipe.regions import Region

HEIGHT, WIDTH, SIDE = 150, 210, 48


def picture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


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


regions = st.builds(
    Region,
    st.floats(-80.0, WIDTH + 80.0),
    st.floats(-80.0, HEIGHT + 80.0),
    st.floats(2.0, 300.0),
    st.one_of(st.just(0.0), st.floats(-math.pi, math.pi)),
)


@settings(deadline=None)
@given(st.integers(0, 1000), st.lists(regions, min_size=1, max_size=8))
def test_a_cutter_gives_the_pixels_of_crop(seed: int, cuts: list[Region]) -> None:
    cutter, image = Cutter(), picture(seed)
    cutter.show(image)
    for region in cuts:
        found = cutter.cut(image, region, SIDE)
        np.testing.assert_array_equal(found[..., :3], crop(image, region, SIDE))


@pytest.mark.parametrize("shape", [(90, 130), (200, 70), (150, 210)])
def test_the_next_image_is_cut_from_its_own_pixels(shape: tuple[int, int]) -> None:
    cutter, region = Cutter(), Region(60.0, 40.0, 50.0, 0.4)
    first = picture(1)
    cutter.show(first)
    cutter.cut(first, region, SIDE)
    second = picture(2, *shape)
    cutter.show(second)
    np.testing.assert_array_equal(
        cutter.cut(second, region, SIDE)[..., :3], crop(second, region, SIDE)
    )


def test_the_same_memory_with_another_image_is_cut_anew() -> None:
    cutter, region, image = Cutter(), Region(60.0, 40.0, 50.0, 0.4), picture(1)
    for seed in (1, 2):
        image[:] = picture(seed)
        cutter.show(image)
        np.testing.assert_array_equal(
            cutter.cut(image, region, SIDE)[..., :3], crop(picture(seed), region, SIDE)
        )
        cutter.forget()


def test_an_image_that_was_not_shown_is_cropped_as_it_is() -> None:
    cutter, region = Cutter(), Region(60.0, 40.0, 50.0, 0.0)
    cutter.show(picture(1))
    painted = picture(2)
    np.testing.assert_array_equal(cutter.cut(painted, region, SIDE), crop(painted, region, SIDE))


def test_small_regions_get_a_fourth_channel_and_large_ones_do_not() -> None:
    cutter, image = Cutter(), picture(3)
    cutter.show(image)
    small, large = Region(100.0, 75.0, 40.0, 0.0), Region(100.0, 75.0, 150.0, 0.0)
    assert MAX_SHARE * SIDE * SIDE < 150.0**2
    assert cutter.cut(image, small, SIDE).shape == (SIDE, SIDE, 4)
    assert cutter.cut(image, large, SIDE).shape == (SIDE, SIDE, 3)


def test_a_view_of_a_larger_image_can_be_shown() -> None:
    cutter, region = Cutter(), Region(30.0, 40.0, 50.0, -0.3)
    view = picture(4)[20:130, 40:180]
    cutter.show(view)
    np.testing.assert_array_equal(cutter.cut(view, region, SIDE)[..., :3], crop(view, region, SIDE))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_region_that_is_nowhere_is_cropped_as_opencv_will(value: float) -> None:
    cutter, image = Cutter(), picture(5)
    cutter.show(image)
    for region in (Region(value, 40.0, 50.0, 0.0), Region(60.0, 40.0, value, 0.0)):
        np.testing.assert_array_equal(cutter.cut(image, region, SIDE), crop(image, region, SIDE))
