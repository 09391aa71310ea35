"""The steps of the backend rtmpose against those of mmpose."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.rtmpose.affine import crop, crop_matrix, crop_region, to_image
from bharnet_ros.pose.rtmpose.simcc import decode
from bharnet_ros.types import Image

SIZE = (192, 256)


@given(
    seed=st.integers(0, 2**32 - 1),
    people=st.integers(1, 4),
    keypoints=st.sampled_from([1, 21, 133]),
    size=st.sampled_from([(192, 256), (288, 384), (256, 256)]),
    ratio=st.sampled_from([1.0, 2.0, 2.5]),
    scale=st.sampled_from([1e-3, 1.0, 100.0]),
    shift=st.sampled_from([-3.0, 0.0, 1.0]),
)
def test_decoding_is_that_of_the_codec(
    seed: int, people: int, keypoints: int, size: tuple[int, int], ratio: float, scale: float,
    shift: float,
) -> None:  # fmt: skip
    from mmpose.codecs import SimCCLabel

    rng = np.random.default_rng(seed)
    x, y = (
        ((rng.normal(size=(people, keypoints, round(side * ratio))) + shift) * scale).astype("f4")
        for side in size
    )
    x[0, 0], y[-1, -1] = -1.0, 0.0  # never seen
    codec = SimCCLabel(size, sigma=(4.9, 5.66), simcc_split_ratio=ratio, normalize=False)
    expected, raw = codec.decode(x, y)
    points, scores = decode(x, y, ratio)
    np.testing.assert_allclose(points, expected, atol=1e-4)
    np.testing.assert_allclose(scores, raw, atol=1e-4)


@given(
    corner=st.tuples(st.floats(-200, 500), st.floats(-200, 500)),
    side=st.tuples(st.floats(2, 600), st.floats(2, 600)),
    padding=st.sampled_from([1.0, 1.25]),
)
def test_people_are_cut_out_as_mmpose_does(
    image: Image, corner: tuple[float, float], side: tuple[float, float], padding: float
) -> None:
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

    box = np.array([*corner, corner[0] + side[0], corner[1] + side[1]], np.float32)
    person = GetBBoxCenterScale(padding)({"img": image, "bbox": box[None]})
    person = TopdownAffine(SIZE)(person)
    centre, scale = crop_region(box, SIZE, padding)
    np.testing.assert_allclose(centre, person["input_center"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scale, person["input_scale"], rtol=1e-5, atol=1e-4)
    found = crop(image, crop_matrix(box, SIZE, padding), SIZE)
    apart = np.abs(found.astype(int) - person["img"].astype(int))
    # OpenCV counts in 1/32 pixels; of a box of a few pixels each makes many of the cut-out.
    few = 1e-3 if min(side) >= 16.0 else 1e-2
    assert apart.max() <= 3 and (apart > 0).mean() < few

    points = np.array([[0.0, 0.0], [96.0, 128.0], [191.5, 255.5]], np.float32)
    back = points / np.array(SIZE) * person["input_scale"] + person["input_center"]
    back -= 0.5 * person["input_scale"]
    np.testing.assert_allclose(to_image(points, box, SIZE, padding), back, rtol=1e-5, atol=1e-2)
