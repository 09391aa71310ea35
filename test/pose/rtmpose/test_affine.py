from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.rtmpose.affine import crop, crop_matrix, crop_region, to_image, usable

boxes = st.tuples(
    st.floats(-200, 2000), st.floats(-200, 2000), st.floats(1, 2000), st.floats(1, 2000)
).map(lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]], np.float32))
sizes = st.sampled_from([(192, 256), (288, 384), (256, 256)])
paddings = st.sampled_from([1.0, 1.25])


@given(boxes, sizes, paddings)
def test_there_and_back(box: np.ndarray, size: tuple[int, int], padding: float) -> None:
    points = np.array([[0.0, 0.0], [size[0], size[1]], [10.0, 200.5]])
    matrix = crop_matrix(box, size, padding)
    there = to_image(points, box, size, padding)
    back = there @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(back, points, atol=0.05)


@given(boxes, sizes, paddings)
def test_a_box_fits_with_its_room_and_keeps_its_shape(
    box: np.ndarray, size: tuple[int, int], padding: float
) -> None:
    matrix = crop_matrix(box, size, padding)
    assert matrix[0, 0] == pytest.approx(matrix[1, 1], rel=1e-3)
    corners = box.reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(corners.mean(axis=0), np.array(size) / 2, atol=0.05)
    share = (corners[1] - corners[0]) / size
    assert share.max() == pytest.approx(1.0 / padding, rel=1e-3)
    _, scale = crop_region(box, size, padding)
    assert scale[0] / scale[1] == pytest.approx(size[0] / size[1], rel=1e-4)


def test_what_a_crop_shows() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 90:110] = (10, 20, 30)
    box = np.array([85.0, 30.0, 115.0, 70.0], np.float32)  # 3 : 4, in the middle of the patch
    size = (48, 64)
    shown = crop(image, crop_matrix(box, size, 1.0), size)
    assert shown.shape == (64, 48, 3)
    assert shown[32, 24].tolist() == [10, 20, 30]
    ys, xs = np.nonzero(shown[..., 2] > 15)
    assert (xs.min(), xs.max()) == pytest.approx((8, 39), abs=1)
    assert (ys.min(), ys.max()) == pytest.approx((16, 47), abs=1)


def test_beyond_the_image_is_black() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)
    size = (48, 64)
    shown = crop(image, crop_matrix(np.array([40, 40, 70, 80]), size, 1.0), size)
    assert shown[2, 2].tolist() == [200] * 3
    assert shown[-2, -2].tolist() == [0] * 3


@pytest.mark.parametrize(
    ("box", "good"),
    [
        ([0, 0, 10, 20], True),
        ([-50, -50, 1, 1], True),
        ([99, 49, 100, 50], True),
        ([100, 10, 120, 30], False),
        ([-20, 10, 0, 30], False),
        ([10, 60, 20, 70], False),
        ([10, 10, 10, 30], False),
        ([30, 10, 10, 30], False),
        ([np.nan, 0, 10, 20], False),
        ([0, 0, np.inf, 20], False),
        ([0, 0, 1e7, 20], False),
    ],
)
def test_which_boxes_can_be_looked_at(box: list[float], good: bool) -> None:
    assert usable(np.array(box, np.float32), 50, 100) is good
