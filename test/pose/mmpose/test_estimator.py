from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tiny_networks import random_state, save_checkpoint, tiny_hand_config

from bharnet_ros.errors import ConfigurationError, WeightsError
from bharnet_ros.pose import Job, available_backends, create_pose_estimator, estimate_together
from bharnet_ros.pose.base import PoseEstimator
from bharnet_ros.types import Image

SECOND = 10**9


def _create(config: Path, checkpoint: Path, **options: Any) -> PoseEstimator:
    return create_pose_estimator(
        "mmpose", config=str(config), checkpoint=str(checkpoint), device="cpu", **options
    )


@pytest.fixture(scope="module")
def street(shared_data: Path) -> tuple[Path, Image]:
    """A detector and a photograph of several people."""
    image = cv2.imread(str(shared_data / "coco_wholebody" / "000000197388.jpg"))
    return shared_data / "pose_weights" / "yolox_nano.onnx", image


def test_the_backend_is_known_as_installed() -> None:
    assert available_backends()["mmpose"] is True


def test_people_get_whole_body_skeletons(
    config: Path, checkpoint: Path, street: tuple[Path, Image]
) -> None:
    detector, image = street
    estimator = _create(config, checkpoint, detector=str(detector), min_score=0.01)
    frame = estimator.estimate(image, SECOND)
    assert frame.layout == estimator.layout == "coco_wholebody_133"
    assert 3 <= len(frame.skeletons) <= 8
    for skeleton in frame.skeletons:
        assert skeleton.keypoints.shape == (133, 2) and skeleton.scores.shape == (133,)
        assert np.isfinite(skeleton.keypoints).all() and (skeleton.scores > 0).any()
    assert {"detect", "keypoints", "total"} <= estimator.timings_ms.keys()
    estimator.close()


def test_two_cameras_share_one_network(
    config: Path, checkpoint: Path, street: tuple[Path, Image]
) -> None:
    detector, image = street
    left = _create(config, checkpoint, detector=str(detector), min_score=0.01)
    right = left.another()
    turned = np.ascontiguousarray(image[:, ::-1])
    jobs = [Job(left, image, SECOND), Job(right, turned, SECOND)]
    frames = estimate_together(jobs)
    alone = _create(config, checkpoint, detector=str(detector), min_score=0.01)
    assert all(not isinstance(frame, Exception) for frame in frames)
    expected = alone.estimate(image, SECOND)
    assert len(frames[0].skeletons) == len(expected.skeletons)
    for found, wanted in zip(frames[0].skeletons, expected.skeletons, strict=True):
        np.testing.assert_allclose(found.keypoints, wanted.keypoints, atol=1e-2)
    left.close()
    assert right.estimate(turned, 2 * SECOND).skeletons
    right.close()


def test_nobody_is_an_empty_frame(config: Path, checkpoint: Path) -> None:
    estimator = _create(config, checkpoint, num_threads=1)  # MediaPipe's detector
    frame = estimator.estimate(np.full((120, 160, 3), 90, np.uint8), SECOND)
    assert frame.skeletons == ()
    estimator.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "needs config"),
        ({"config": "rtmw-m_8xb1024-270e_cocktail14-256x192"}, "needs checkpoint"),
        ({"config": "c.py", "checkpoint": "c.pth", "hand_config": "h.py"}, "needs hand_checkpoint"),
        ({"config": "c.py", "checkpoint": "c.pth", "num_threads": -1}, "num_threads is -1"),
        ({"config": "c.py", "checkpoint": "c.pth", "max_people": 0}, "max_people is 0"),
        ({"config": "c.py", "checkpoint": "c.pth", "max_batch": 0}, "max_batch is 0"),
        ({"config": "c.py", "checkpoint": "c.pth", "threads": 3}, "has no option 'threads'"),
        ({"config": "absent", "checkpoint": "c.pth"}, "The config 'absent' is neither"),
        ({"config": "~nobody-here/c.py", "checkpoint": "c.pth"}, "~nobody-here/c.py' is neither"),
        ({"config": 5, "checkpoint": "c.pth"}, "The config '5' is neither"),
        ({"config": "c.py", "checkpoint": None}, "needs checkpoint"),
        ({"config": "c.py", "checkpoint": "c.pth", "num_threads": "two"}, "num_threads is 'two'"),
        ({"config": "c.py", "checkpoint": "c.pth", "num_threads": 2.5}, r"num_threads is 2\.5"),
        ({"config": "c.py", "checkpoint": "c.pth", "max_batch": "8"}, "max_batch is '8'"),
        ({"config": "c.py", "checkpoint": "c.pth", "flip_test": "no"}, "flip_test is 'no'"),
        ({"config": "c.py", "checkpoint": "c.pth", "strict": 0}, "strict is 0; .* true or false"),
        ({"config": "c.py", "checkpoint": "c.pth", "min_detection": 2}, "min_detection is 2"),
    ],
)
def test_options_that_are_wrong_are_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        create_pose_estimator("mmpose", **options)


def test_missing_parts_are_named(config: Path, checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.pth is not a file"):
        _create(config, Path("absent.pth"))
    with pytest.raises(WeightsError, match=r"~nobody-here/c\.pth is not a file"):
        _create(config, Path("~nobody-here/c.pth"))
    with pytest.raises(WeightsError, match=r"yolox_nano|absent"):
        _create(config, checkpoint, detector="absent/yolox_nano.onnx")


def test_hands_are_looked_at_more_closely(
    config: Path, checkpoint: Path, street: tuple[Path, Image], tmp_path: Path
) -> None:
    detector, image = street
    hand = tiny_hand_config(tmp_path)
    weights = save_checkpoint(tmp_path / "hand.pth", random_state(hand))
    estimator = _create(
        config, checkpoint, detector=str(detector), min_score=0.01,
        hand_config=str(hand), hand_checkpoint=str(weights),
    )  # fmt: skip
    assert "tiny_hand" in estimator.identity
    assert estimator.estimate(image, SECOND).skeletons
    assert estimator.timings_ms["hands"] > 0.0


def test_a_hand_network_of_another_kind_is_refused(config: Path, checkpoint: Path) -> None:
    with pytest.raises(ConfigurationError, match="133 keypoints, not 21"):
        _create(config, checkpoint, hand_config=str(config), hand_checkpoint=str(checkpoint))
