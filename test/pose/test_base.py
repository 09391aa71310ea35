from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, InvalidImageError
from bharnet_ros.pose import available_backends, check_image, create_pose_estimator


def test_an_unknown_backend_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigurationError, match=r"no pose backend 'openpose'.*mediapipe"):
        create_pose_estimator("openpose")


def test_an_unknown_option_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'threads'.*num_threads"):
        create_pose_estimator("mediapipe", threads=2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_people", 0),
        ("num_threads", -1),
        ("detect_every_s", -0.1),
        ("detect_every_s", float("nan")),
        ("min_presence", 1.5),
        ("min_detection", 0.0),
        ("min_score", 2.0),
        ("max_tilt_deg", 0.0),
        ("max_people", True),
        ("hand_model", "huge"),
    ],
)
def test_options_out_of_range_are_named(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=option):
        create_pose_estimator("mediapipe", **{option: value})


def test_available_backends_depend_on_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert available_backends() == {"mediapipe": True}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "mediapipe" else object()
    )
    assert available_backends() == {"mediapipe": False}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (None, "NoneType"),
        (np.zeros((48, 64, 3), dtype=np.float32), "float32"),
        (np.zeros((48, 64), dtype=np.uint8), r"\(48, 64\)"),
        (np.zeros((48, 64, 4), dtype=np.uint8), r"\(48, 64, 4\)"),
        (np.zeros((0, 64, 3), dtype=np.uint8), "64 x 0"),
        (np.zeros((7, 64, 3), dtype=np.uint8), "64 x 7"),
    ],
)
def test_bad_images_are_refused(image: Any, words: str) -> None:
    with pytest.raises(InvalidImageError, match=words):
        check_image(image)


def test_a_good_image_passes() -> None:
    check_image(np.zeros((8, 8, 3), dtype=np.uint8))
