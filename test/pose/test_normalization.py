from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.normalization import IMAGENET_MEAN, IMAGENET_STD, Normalization

images = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(images, st.sampled_from(["rgb", "bgr"]), st.booleans())
def test_pixels_as_the_formula_has_them(image: np.ndarray, color: str, plain: bool) -> None:
    pixels = Normalization(color=color) if plain else Normalization(
        IMAGENET_MEAN, IMAGENET_STD, color
    )  # fmt: skip
    out = np.full((3, *image.shape[:2]), np.nan, np.float32)
    pixels.fill(out, image)
    ordered = image[..., ::-1] if color == "rgb" else image
    expected = (ordered.astype(np.float64) - pixels.mean) / pixels.std
    np.testing.assert_allclose(out, expected.transpose(2, 0, 1), atol=1e-5)


def test_views_of_images_and_of_inputs() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    whole = np.zeros((3, 40, 40), np.float32)
    for view in (image[2:12, 3:18], image[::2, ::2], image[::-1], image[..., ::-1]):
        out = whole[:, 5 : 5 + view.shape[0], 1 : 1 + view.shape[1]]
        Normalization().fill(out, view)
        np.testing.assert_array_equal(out, view.transpose(2, 0, 1))


def test_grey_around_is_a_pixel_like_any_other() -> None:
    pixels = Normalization((1.0, 2.0, 3.0), (2.0, 4.0, 8.0), "rgb")
    padded, filled = np.zeros((3, 2, 2), np.float32), np.zeros((3, 2, 2), np.float32)
    pixels.pad(padded, 114.0)
    pixels.fill(filled, np.full((2, 2, 3), 114, np.uint8))
    np.testing.assert_allclose(padded, filled, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": (1.0, 2.0)}, "mean is"),
        ({"mean": "123"}, "mean is '123'"),
        ({"std": (1.0, 1.0, 0.0)}, "must be above 0"),
        ({"std": (1.0, 1.0, float("inf"))}, "three finite numbers"),
        ({"color": "hsv"}, "color is 'hsv'"),
    ],
)
def test_impossible_values(values: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Normalization(**values)
