"""The whole backend on tiny networks: detector, people, hands, engines, what may be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, WeightsError
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.pose.together import Job, estimate_together

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import constant_graph, standing_pose, yolox_rows

PEOPLE = [(4.0, 8.0, 28.0, 60.0, 0.9, 0), (34.0, 10.0, 60.0, 62.0, 0.8, 0)]
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("networks")
    return {
        "model": str(standing_pose(folder / "body.onnx")),
        "detector": str(
            constant_graph(folder / "people.onnx", {"output": yolox_rows(PEOPLE, (64, 64))})
        ),
        "num_threads": 1,
    }


def image(size: int = 320) -> np.ndarray:
    return np.full((size, size, 3), 90, np.uint8)


def test_everybody_is_found(options: dict[str, Any]) -> None:
    estimator = create_pose_estimator("rtmpose", **options)
    assert isinstance(estimator, PoseEstimator)
    assert estimator.layout == "coco_wholebody_133"
    for step in range(3):
        frame = estimator.estimate(image(), step * SECOND // 30)
        assert len(frame.skeletons) == 2
        for skeleton, person in zip(
            sorted(frame.skeletons, key=lambda s: s.bbox[0]), PEOPLE, strict=True
        ):
            assert skeleton.keypoints.shape == (133, 2)
            inside = 5 * np.array(person[:4])  # 64 pixels of the network are 320 of the image
            centre = skeleton.keypoints.mean(axis=0)
            np.testing.assert_allclose(centre, (inside[:2] + inside[2:]) / 2, atol=25)
            sure = skeleton.scores > 0.0  # the others lie outside of the image
            assert sure.mean() > 0.9
            np.testing.assert_allclose(skeleton.scores[sure], 0.9, atol=1e-5)
    assert set(estimator.timings_ms) >= {"keypoints", "total"}
    estimator.close()


def test_cameras_share_the_networks_and_run_as_one_batch(options: dict[str, Any]) -> None:
    left = create_pose_estimator("rtmpose", **options)
    right = left.another()
    alone = create_pose_estimator("rtmpose", **options)
    frames = estimate_together([Job(left, image(), 0), Job(right, image(640), 0)])
    for frame, size in zip(frames, (320, 640), strict=True):
        assert not isinstance(frame, Exception)
        expected = alone.estimate(image(size), 0)
        for found, wanted in zip(frame.skeletons, expected.skeletons, strict=True):
            np.testing.assert_allclose(found.keypoints, wanted.keypoints, atol=1e-3)
    left.close()
    assert len(right.estimate(image(640), SECOND).skeletons) == 2
    right.close()
    alone.close()


def test_a_hand_network_takes_a_closer_look(options: dict[str, Any], tmp_path: Path) -> None:
    hands = standing_pose(tmp_path / "hand.onnx", keypoints=21)
    estimator = create_pose_estimator("rtmpose", hand_model=str(hands), **options)
    frame = estimator.estimate(image(), 0)
    assert len(frame.skeletons) == 2
    assert "hands" in estimator.timings_ms
    estimator.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "tflite"}, "'tflite' is not known"),
        ({"engine_options": ["precision=fp8"]}, "precision is 'fp8'"),
        ({"engine_options": "threads=1;device=0;nonsense=1"}, "no option 'nonsense'"),
        ({"engine_options": {"nonsense": 1}}, "no option 'nonsense'"),
        ({"detector_engine": "tflite"}, "'tflite' is not known"),
        ({"detector_engine_options": ["threads=0"]}, "threads is 0"),
        ({"num_threads": 0}, "threads is 0"),
        ({"num_threads": 10**10}, "num_threads is 10000000000"),
        ({"engine_options": "threads=10000000000"}, "threads is 10000000000"),
        ({"engine_options": "threads=1;threads=2"}, "threads is given twice, as 1 and as 2"),
        ({"min_detection": 2.0}, r"min_detection is 2\.0"),
        ({"min_detection": "high"}, "min_detection is 'high'"),
        ({"detector": "mediapipe", "num_threads": 2.5}, "num_threads is 2"),
        ({"detector": "mediapipe", "detector_engine": "tflite"}, "'tflite' is not known"),
        ({"detector": "mediapipe", "detector_engine_options": ["a=1"]}, "has no option 'a'"),
        ({"engine": 5}, "engine is 5"),
        ({"engine": ["onnxruntime"]}, "engine is "),
        ({"engine_options": 5}, "engine_options is 5"),
        ({"engine_options": [5]}, r"engine_options is \[5\]"),
        ({"max_people": 0}, "max_people is 0"),
        ({"nonsense": 1}, "no option 'nonsense'"),
    ],
)
def test_wrong_options_are_named(
    options: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        create_pose_estimator("rtmpose", **{**options, **changes})


def test_missing_networks(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BHARNET_ROS_MODELS", str(tmp_path))
    for changes in ({"model": "rtmw_m"}, {"detector": "yolox_s"}, {"hand_model": "rtmpose_m_hand"}):
        with pytest.raises(WeightsError, match="models fetch"):
            create_pose_estimator("rtmpose", **{**options, **changes})
    with pytest.raises(WeightsError, match="'5'"):
        create_pose_estimator("rtmpose", **{**options, "model": 5})


def test_networks_in_each_others_place(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="use a person detector"):
        create_pose_estimator("rtmpose", **{**options, "detector": options["model"]})
    with pytest.raises(ConfigurationError, match="two SimCC outputs"):
        create_pose_estimator("rtmpose", **{**options, "model": options["detector"]})
    with pytest.raises(ConfigurationError, match="gives 133 keypoints, not 21"):
        create_pose_estimator("rtmpose", **options, hand_model=options["model"])


def test_engines_of_their_own(options: dict[str, Any]) -> None:
    estimator = create_pose_estimator(
        "rtmpose", **options, engine_options="threads=2", detector_engine="onnxruntime",
        detector_engine_options={"threads": 1},
    )  # fmt: skip
    detector, keypoints = estimator.identity.split("; ")  # type: ignore[attr-defined]
    assert detector.endswith("1 thread")
    assert keypoints.endswith("2 threads")
    estimator.close()
