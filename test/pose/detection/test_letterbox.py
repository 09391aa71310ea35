from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.detection.letterbox import Letterbox
from bharnet_ros.pose.normalization import Normalization

sides = st.integers(1, 5000)
sizes = st.sampled_from([(416, 416), (320, 320), (640, 384)])


@given(sides, sides, sizes, st.data())
def test_boxes_there_and_back(height: int, width: int, size: tuple[int, int], data) -> None:
    letterbox = Letterbox.fit(height, width, size)
    x = sorted(data.draw(st.tuples(st.floats(0, width), st.floats(0, width))))
    y = sorted(data.draw(st.tuples(st.floats(0, height), st.floats(0, height))))
    box = np.array([[x[0], y[0], x[1], y[1]]], np.float32)
    back = letterbox.to_image(letterbox.to_input(box))
    np.testing.assert_allclose(back, box, atol=1e-2, rtol=1e-4)


@given(sides, sides, sizes)
def test_the_image_fills_one_side_and_keeps_its_shape(
    height: int, width: int, size: tuple[int, int]
) -> None:
    found = Letterbox.fit(height, width, size)
    assert 1 <= found.inner_width <= size[0]
    assert 1 <= found.inner_height <= size[1]
    assert found.inner_width >= size[0] - 1 or found.inner_height >= size[1] - 1
    factor = min(size[0] / width, size[1] / height)
    assert abs(found.inner_width - width * factor) <= 1.0
    assert abs(found.inner_height - height * factor) <= 1.0


def test_the_input_shows_the_image_top_left_and_grey_beside_it() -> None:
    image = np.full((100, 200, 3), (10, 20, 30), np.uint8)
    letterbox = Letterbox.fit(100, 200, (64, 64))
    out = np.full((3, 64, 64), -1.0, np.float32)
    letterbox.fill(out, image, Normalization(), 114.0)
    assert out[:, 0, 0].tolist() == out[:, 31, 63].tolist() == [10.0, 20.0, 30.0]
    assert (out[:, 32:] == 114.0).all()


def test_pixels_are_normalised_in_the_order_of_the_network() -> None:
    image = np.full((64, 32, 3), (10, 20, 30), np.uint8)
    out = np.zeros((3, 64, 64), np.float32)
    pixels = Normalization((1.0, 2.0, 3.0), (2.0, 4.0, 8.0), "rgb")
    Letterbox.fit(64, 32, (64, 64)).fill(out, image, pixels, 100.0)
    np.testing.assert_allclose(out[:, 5, 5], [29 / 2, 18 / 4, 7 / 8], rtol=1e-6)
    np.testing.assert_allclose(out[:, 5, 40], [99 / 2, 98 / 4, 97 / 8], rtol=1e-6)


def test_boxes_are_cut_at_the_edges_of_the_image() -> None:
    letterbox = Letterbox.fit(50, 100, (100, 100))
    found = letterbox.to_image(np.array([[-5, -5, 300, 300]], np.float32))
    assert found.tolist() == [[0, 0, 100, 50]]
