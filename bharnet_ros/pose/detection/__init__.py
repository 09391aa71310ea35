"""Finding people in images: boxes for networks that look at one person at a time."""

from __future__ import annotations

from pathlib import Path

from bharnet_ros.inference import Report
from bharnet_ros.pose.image_graph import EngineSettings, settings_of
from bharnet_ros.pose.topdown.types import PersonDetector

MEDIAPIPE = "mediapipe"


def open_detector(
    spec: str | Path,
    *,
    engine: str = "onnxruntime",
    engine_options: EngineSettings = None,
    min_score: float | None = None,
    num_threads: int = 2,
    report: Report | None = None,
) -> PersonDetector:
    """The person detector `spec`: "mediapipe", the path of an ONNX graph, or a name in the store.

    engine, engine_options: what runs a graph; checked for "mediapipe", too. min_score: 0..1, None
    = the detector's own.
    Raises ConfigurationError, BackendUnavailable, or WeightsError for a model that is not
    there, with the command that fetches it.
    """
    if str(spec) == MEDIAPIPE:
        settings_of(engine, engine_options, num_threads)  # has none, but a wrong one is no use
        from bharnet_ros.pose.detection.mediapipe import MediaPipePersonDetector

        return MediaPipePersonDetector(min_score=min_score, num_threads=num_threads)
    from bharnet_ros.models_store.weights import find_weights
    from bharnet_ros.pose.detection.onnx import OnnxPersonDetector

    return OnnxPersonDetector(
        find_weights(spec, "detector"),
        min_score=min_score,
        engine=engine,
        engine_options=engine_options,
        num_threads=num_threads,
        report=report,
    )
