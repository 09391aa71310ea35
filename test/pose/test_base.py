from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, InvalidImageError
from bharnet_ros.pose import available_backends, base, check_image, create_pose_estimator


def test_an_unknown_backend_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigurationError, match=r"no pose backend 'openpose'.*mediapipe"):
        create_pose_estimator("openpose")


def test_an_unknown_option_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'threads'.*num_threads"):
        create_pose_estimator("mediapipe", threads=2)


@pytest.mark.parametrize("talks", [True, False])
def test_what_takes_long_is_told_by_backends_that_can(
    monkeypatch: pytest.MonkeyPatch, talks: bool
) -> None:
    class Talking:
        OPTIONS = ("model",)

        def __init__(self, model: str, report: Any = None) -> None:
            report(f"building {model}")

    class Silent:
        OPTIONS = ("model",)

        def __init__(self, model: str) -> None:
            pass

    module = types.SimpleNamespace(Made=Talking if talks else Silent)
    monkeypatch.setattr(base, "_BACKENDS", {"made": ("made", "Made", ())})
    monkeypatch.setitem(sys.modules, "made", module)  # type: ignore[misc]
    said: list[str] = []
    create_pose_estimator("made", report=said.append, model="m")
    assert said == (["building m"] if talks else [])
    with pytest.raises(ConfigurationError, match=r"no option 'thread'.*model"):
        create_pose_estimator("made", report=said.append, thread=1)


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
    assert available_backends() == {"mediapipe": True, "mmpose": True, "rtmpose": True}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "mediapipe" else object()
    )
    assert available_backends() == {"mediapipe": False, "mmpose": True, "rtmpose": True}


def test_a_backend_is_imported_only_when_it_is_chosen() -> None:
    program = (
        "import sys, bharnet_ros.pose as pose; pose.available_backends(); "
        "print([m for m in ('torch', 'mmpose', 'mediapipe', 'onnxruntime', 'ai_edge_litert') "
        "if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.strip() == "[]"


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
