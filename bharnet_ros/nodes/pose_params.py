"""Parameters of the node pose_estimator."""

from __future__ import annotations

from bharnet_ros.nodes.input_watch import INPUT_PARAMS
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.pose import available_backends
from bharnet_ros.smoothing import MAX_STRENGTH

PARAMS = (
    Param(
        "cameras", [""],
        "Names of several cameras, each with topics of its own: left means left/image_raw in, "
        "left/skeletons and left/skeleton_layout out; empty = one camera without a name.",
    ),
    Param(
        "pose_backend", "mediapipe", "What estimates keypoints.",
        choices=tuple(sorted(available_backends())),
    ),
    Param(
        "pose_options", [""],
        "Options of the backend, each as name=value, for example num_threads=2.",
    ),
    Param(
        "build_only", False,
        "Load the backend once, which builds the files of its engine, then end the process.",
        fixed=True,
    ),
    Param(
        "image_transport", "raw",
        "How images come: raw, or compressed (JPEG, PNG) on the topic image_raw/compressed.",
        choices=("raw", "compressed"),
    ),
    Param(
        "max_rate_hz", 0.0,
        "Images estimated per second of stamp time at most, of each camera; 0 = all.",
        0.0, 240.0, dynamic=True,
    ),
    Param(
        "idle_rate_hz", 5.0,
        "The same while nobody was in view for a second; 0 = all. Somebody who comes is seen up to "
        "1 / idle_rate_hz later, and a robot that waits keeps its processor.",
        0.0, 120.0, dynamic=True,
    ),
    Param(
        "smoothing", 0.0,
        "Strength of the temporal filter on keypoints: 0 = off, 1 = steady points without visible "
        "lag, more = steadier and later.", 0.0, MAX_STRENGTH, dynamic=True,
    ),
    Param(
        "input_timeout_s", 2.0, "Silence on the image topic after which the node warns.",
        0.1, 3600.0, dynamic=True,
    ),
    *INPUT_PARAMS,
)  # fmt: skip
