"""The pose backend `rtmpose`: a person detector and RTMPose or RTMW in ONNX, for several people."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bharnet_ros.inference import Report
from bharnet_ros.inference.options import MAX_THREADS
from bharnet_ros.pose.detection import MEDIAPIPE, open_detector
from bharnet_ros.pose.detection.suppression import share
from bharnet_ros.pose.image_graph import EngineSettings
from bharnet_ros.pose.rtmpose.keypoints import HAND, WHOLE_BODY, RTMPoseKeypoints
from bharnet_ros.pose.topdown import TopDownEstimator, TopDownOptions
from bharnet_ros.pose.topdown.options import whole


class RTMPoseEstimator(TopDownEstimator):
    """`PoseEstimator` on ONNX networks, run by any engine of `bharnet_ros.inference`.

    model: a whole-body network (133 keypoints), the path of a graph or a name in the model store.
    detector: what finds people: "mediapipe" (in the mediapipe package, nothing to download), the
    path of a YOLOX or RTMDet graph, or a name in the store. hand_model: a network of 21 keypoints
    for a closer look at every hand, path or name, "" = none.
    engine, engine_options: what runs the graphs; options by name, or texts such as
    "precision=fp16" (several in one text with semicolons). detector_engine,
    detector_engine_options: of the detector's graph, "" = those above. num_threads: CPU threads
    of a run. min_detection: 0..1, of the detector, None = its own. Further options as in
    `TopDownOptions`. report: told about engines that are built.
    Raises ConfigurationError, BackendUnavailable, BundleError, EngineError, or WeightsError for
    a network that is not there, with the command that fetches it.
    """

    OPTIONS = (
        "model", "detector", "hand_model", "engine", "engine_options", "detector_engine",
        "detector_engine_options", "num_threads", "min_detection", *TopDownOptions.NAMES,
    )  # fmt: skip

    def __init__(
        self,
        model: str | Path = "rtmw_m",
        detector: str | Path = MEDIAPIPE,
        hand_model: str | Path = "",
        engine: str = "onnxruntime",
        engine_options: EngineSettings = None,
        detector_engine: str = "",
        detector_engine_options: EngineSettings = None,
        num_threads: int = 2,
        min_detection: float | None = None,
        report: Report | None = None,
        **following: Any,
    ) -> None:
        options = TopDownOptions(**following)
        # An empty name comes as None of YAML.
        model, detector, hand_model = str(model or ""), str(detector or ""), str(hand_model or "")
        num_threads = whole("num_threads", num_threads, 1, MAX_THREADS)
        if min_detection is not None:
            min_detection = share("min_detection", min_detection)
        runs: dict[str, Any] = {
            "engine": engine,
            "engine_options": engine_options,
            "num_threads": num_threads,
            "report": report,
        }
        finds = dict(runs)
        if detector_engine:
            finds.update(engine=detector_engine, engine_options=detector_engine_options)
        elif detector_engine_options:
            finds["engine_options"] = detector_engine_options
        with ExitStack() as opened:
            # The one most likely to be missing first: nothing is built before that is known.
            keypoints = RTMPoseKeypoints(model, WHOLE_BODY, **runs)
            opened.callback(keypoints.close)
            hands = None
            if hand_model:
                hands = RTMPoseKeypoints(hand_model, HAND, kind="hand", **runs)
                opened.callback(hands.close)
            people = open_detector(detector, min_score=min_detection, **finds)
            opened.callback(people.close)
            super().__init__(people, keypoints, hands, options)
            opened.pop_all()
