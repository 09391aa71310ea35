"""The pose backend `mmpose`: a person detector and any whole-body network of mmpose."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import Report
from bharnet_ros.pose.detection import MEDIAPIPE, open_detector
from bharnet_ros.pose.detection.suppression import share
from bharnet_ros.pose.image_graph import EngineSettings
from bharnet_ros.pose.mmpose.keypoints import HAND, WHOLE_BODY, MMPoseKeypoints
from bharnet_ros.pose.mmpose.network import AUTO
from bharnet_ros.pose.topdown import TopDownEstimator, TopDownOptions
from bharnet_ros.pose.topdown.options import whole


class MMPoseEstimator(TopDownEstimator):
    """`PoseEstimator` on an installation of mmpose, with PyTorch on CPU or GPU.

    config: of a top-down whole-body network (133 keypoints), a path or the name of a config that
    comes with mmpose. A config is a Python program and runs: use those of people you trust.
    checkpoint: path of its .pth file, of which only plain data is read. hand_config,
    hand_checkpoint: a network of 21 keypoints for a closer look at every hand, "" = none.
    device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1". flip_test: look at everybody
    mirrored too, twice the time. strict: False lets a checkpoint hold tensors the network lacks.
    max_batch: people in one run. num_threads: CPU threads of PyTorch in this process and of the
    detector, 0 = PyTorch's own choice.
    detector: as for `rtmpose`: "mediapipe", the path of a YOLOX or RTMDet graph, or a name in the
    model store. detector_engine, detector_engine_options: what runs its graph. min_detection:
    0..1, of the detector, None = its own. Further options as in `TopDownOptions`.
    Raises ConfigurationError, BackendUnavailable, WeightsError or EngineError.
    """

    OPTIONS = (
        "config", "checkpoint", "hand_config", "hand_checkpoint", "device", "flip_test", "strict",
        "max_batch", "num_threads", "detector", "detector_engine", "detector_engine_options",
        "min_detection", *TopDownOptions.NAMES,
    )  # fmt: skip

    def __init__(
        self,
        config: str | Path = "",
        checkpoint: str | Path = "",
        hand_config: str | Path = "",
        hand_checkpoint: str | Path = "",
        device: str = AUTO,
        flip_test: bool = False,
        strict: bool = True,
        max_batch: int = 16,
        num_threads: int = 0,
        detector: str | Path = MEDIAPIPE,
        detector_engine: str = "onnxruntime",
        detector_engine_options: EngineSettings = None,
        min_detection: float | None = None,
        report: Report | None = None,
        **following: Any,
    ) -> None:
        options = TopDownOptions(**following)
        # A name may look like a number to YAML, and an empty one comes as None.
        config, checkpoint = str(config or ""), str(checkpoint or "")
        hand_config, hand_checkpoint = str(hand_config or ""), str(hand_checkpoint or "")
        _check_given("", config, checkpoint)
        if hand_config or hand_checkpoint:
            _check_given("hand_", hand_config, hand_checkpoint)
        num_threads = whole("num_threads", num_threads, 0, 256)
        if min_detection is not None:
            min_detection = share("min_detection", min_detection)
        runs: dict[str, Any] = {
            "device": device, "flip_test": flip_test, "strict": strict, "max_batch": max_batch,
        }  # fmt: skip
        with ExitStack() as opened:
            keypoints = MMPoseKeypoints(config, checkpoint, WHOLE_BODY, **runs)
            opened.callback(keypoints.close)
            hands = None
            if hand_config:
                hands = MMPoseKeypoints(hand_config, hand_checkpoint, HAND, **runs)
                opened.callback(hands.close)
            people = open_detector(
                detector,
                engine=detector_engine,
                engine_options=detector_engine_options,
                min_score=min_detection,
                num_threads=num_threads or 2,
                report=report,
            )
            opened.callback(people.close)
            super().__init__(people, keypoints, hands, options)
            opened.pop_all()
        if num_threads:
            import torch

            torch.set_num_threads(num_threads)


def _check_given(prefix: str, config: str, checkpoint: str) -> None:
    """Raises ConfigurationError unless both are there: without weights a network sees ghosts."""
    for name, value in ((f"{prefix}config", config), (f"{prefix}checkpoint", checkpoint)):
        if not value:
            raise ConfigurationError(
                f"The pose backend 'mmpose' needs {name}; set both, for example config: "
                "rtmw-m_8xb1024-270e_cocktail14-256x192 and the path of its checkpoint "
                "(docs/mmpose.md)."
            )
