"""Tiles: what is in them, which moments they show, what the network reads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, person_keypoints
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.roi import RoiConfig, Tiles, cut_person, cut_tiles, pick, tiles_input

NS = 1_000_000_000


def picture(height: int = 120, width: int = 160) -> np.ndarray:
    """Blue rises to the right, green downwards."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width), np.arange(height)[:, None]
    return image


def test_a_tile_is_its_square_made_small_by_averaging() -> None:
    image = picture()
    (tile,) = cut_tiles(image, np.array([[80.0, 60.0, 40.0]]), 10)
    expected = image[40:80, 60:100].reshape(10, 4, 10, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(tile, expected, atol=0.51)
    (same,) = cut_tiles(image, np.array([[80.0, 60.0, 20.0]]), 20)
    np.testing.assert_array_equal(same, image[50:70, 70:90])
    (grown,) = cut_tiles(image, np.array([[80.0, 60.0, 8.0]]), 32)
    assert grown[0, 0, 0] == 76 and grown[-1, -1, 0] == 83


def test_the_border_goes_on_outside_of_the_image() -> None:
    image = picture()
    (corner,) = cut_tiles(image, np.array([[0.0, 0.0, 40.0]]), 20)
    np.testing.assert_array_equal(corner[:10, :10], np.broadcast_to(corner[10, 10], (10, 10, 3)))
    np.testing.assert_array_equal(corner[:10, 15], np.broadcast_to(corner[10, 15], (10, 3)))
    for x, y, value in ((-900.0, 60.0, 0), (900.0, 60.0, 159)):
        (away,) = cut_tiles(image, np.array([[x, y, 30.0]]), 8)
        assert (away[..., 0] == value).all()


def test_a_square_without_a_side_is_black() -> None:
    tiles = cut_tiles(picture(), np.array([[80.0, 60.0, 0.0], [80.0, 60.0, 9.0]]), 8)
    assert not tiles[0].any() and tiles[1].any()


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(8, 20),
    st.floats(-100, 100), st.floats(-100, 100), st.floats(0.1, 500),
)  # fmt: skip
def test_any_square_of_any_image_can_be_cut(
    height: int, width: int, tile_px: int, x: float, y: float, side: float
) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    (tile,) = cut_tiles(image, np.array([[x, y, side]]), tile_px)
    assert tile.shape == (tile_px, tile_px, 3) and (tile == 200).all()


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8),
              np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)  # fmt: skip
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(InvalidImageError):
        cut_tiles(image, np.array([[1.0, 1.0, 2.0]]), 8)


def test_regions_that_cannot_be_in_the_image_are_not_seen() -> None:
    image, scores = np.full((480, 640, 3), 90, np.uint8), np.full(133, 0.9, np.float32)
    config = RoiConfig(tile_px=16)
    values, seen = cut_person(image, person_keypoints(), scores, LAYOUT, config)
    assert seen.all() and (values == 90).all()
    points = person_keypoints((320.0, 240.0), 100.0, right_wrist=(-5.0, 0.0))
    values, seen = cut_person(image, points, scores, LAYOUT, config)
    assert seen.tolist() == [True, True, True, False] and not values[3].any()
    for torso_px in (0.5, 9000.0):
        _, seen = cut_person(image, person_keypoints((320.0, 240.0), torso_px), scores, LAYOUT,
                             config)  # fmt: skip
        assert not seen.any()


def test_moments_are_evenly_spaced_and_take_the_nearest_stamp() -> None:
    stamps = np.arange(0, 2 * NS, NS // 10)
    assert pick(stamps, 0, 16 * NS // 10, 5).tolist() == [0, 4, 8, 12, 16]
    assert pick(stamps + NS // 25, 0, 16 * NS // 10, 5).tolist() == [0, 4, 8, 12, 15]
    assert pick(stamps, 0, NS, 1).tolist() == [10]
    assert pick(stamps[12:], 0, 16 * NS // 10, 5).tolist() == [-1, -1, -1, 0, 4]
    assert pick(stamps[:0], 0, NS, 3).tolist() == [-1, -1, -1]
    assert pick(stamps, 5 * NS, 6 * NS, 3).tolist() == [-1, -1, -1]


@given(
    st.lists(st.integers(0, 3 * NS), max_size=40), st.integers(0, NS), st.integers(1, 2 * NS),
    st.integers(1, 8),
)  # fmt: skip
def test_picked_stamps_are_near_their_moment_and_never_after_the_end(
    stamps: list[int], start: int, length: int, count: int
) -> None:
    array = np.array(sorted(stamps), np.int64)
    chosen = pick(array, start, start + length, count)
    half = length / (2 * max(count - 1, 1))
    moments = np.linspace(start, start + length, count) if count > 1 else [start + length]
    usable = array[array <= start + length]
    assert chosen.shape == (count,)
    for moment, index in zip(moments, chosen, strict=True):
        best = min(np.abs(usable - moment), default=np.inf)
        if index >= 0:
            assert array[index] <= start + length
            assert abs(int(array[index]) - moment) <= min(half, best) + 2
        else:
            assert best >= half - 2


def test_the_network_reads_rgb_planes_from_0_to_1() -> None:
    config = RoiConfig(("head", "torso"), 8, 3)
    tiles = Tiles.unseen(config)
    tiles.values[2, 1] = (0, 51, 255)  # blue, green, red
    tiles.seen[2, 1] = True
    values, seen = tiles_input([Tiles.unseen(config), tiles])
    assert values.shape == (2, 3, 2, 3, 8, 8) and values.dtype == np.float32
    assert values.flags.c_contiguous and not values[0].any()
    np.testing.assert_allclose(values[1, 2, 1, :, 3, 4], [1.0, 0.2, 0.0], atol=1e-6)
    assert seen.dtype == np.float32 and seen.sum() == 1.0 and seen[1, 2, 1] == 1.0
