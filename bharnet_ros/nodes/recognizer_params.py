"""The parameters of the node action_recognizer."""

from __future__ import annotations

from bharnet_ros.bundle import DEFAULT_BUNDLE
from bharnet_ros.conflicts import CONFLICTS
from bharnet_ros.inference import ENGINES
from bharnet_ros.nodes.input_watch import INPUT_PARAMS
from bharnet_ros.nodes.parameters import Param

_LOADED = (
    Param(
        "bundles", [DEFAULT_BUNDLE],
        "Model bundles, each a folder or the name of a shipped one; several run at once.",
    ),
    Param("engine", "onnxruntime", "What runs the networks.", choices=tuple(ENGINES)),
    Param(
        "engine_options", [""],
        "Options of the engine, each as name=value, for example precision=fp16.",
    ),
    Param(
        "continual", "auto",
        "Whether bundles that can do so judge frame by frame instead of whole windows: those that "
        "have a step graph (auto), or none (off).", choices=("auto", "off"),
    ),
    Param(
        "rgb", False,
        "Look at the pixels of hands and head too, with the bundles that have an RGB expert; needs "
        "the pose_estimator in the same process.",
    ),
    Param(
        "num_threads",
        1,
        "Cores of an engine that runs on the CPU; people and experts share them out.",
        1,
        64,
    ),
    Param(
        "build_only", False, "Build the engine's files for these bundles, then end the process.",
        fixed=True,
    ),
    Param("fusion", "fused", "Which experts decide.", choices=("fused", "body", "hand")),
)  # fmt: skip

_JUDGING = (
    Param(
        "conflict", "all",
        "What several bundles may say of one person: all of them an action of their own, only the "
        "one that is surest (best), or the first in the list that has something to say (priority).",
        choices=CONFLICTS, dynamic=True,
    ),
    Param("rate_hz", 15.0, "Judgements per second of stamp time.", 0.5, 120.0, dynamic=True),
    Param("top_k", 3, "Hypotheses per person.", 1, 20, dynamic=True),
    Param(
        "smoothing_s", -1.0,
        "Time constant of the average over judgements; 0 = off, below 0 = the bundle's.",
        -1.0, 5.0, dynamic=True,
    ),
    Param(
        "confirm_s", -1.0,
        "How long a class must stay above the start threshold before it is reported; below 0 = the "
        "bundle's.", -1.0, 5.0, dynamic=True,
    ),
    Param(
        "end_hold_s", 0.2, "How long it must stay below the end threshold to be over.",
        0.0, 10.0, dynamic=True,
    ),
    Param(
        "min_duration_s", 0.3, "An action that started lasts at least this long.",
        0.0, 10.0, dynamic=True,
    ),
    Param(
        "start_threshold", -1.0,
        "Probability at which an action starts, of every class; below 0 = the bundle's, which may "
        "differ from class to class.", -1.0, 1.0, dynamic=True,
    ),
    Param(
        "end_threshold", -1.0,
        "Probability under which an action ends; below 0 = the bundle's.", -1.0, 1.0, dynamic=True,
    ),
    Param(
        "unknown_threshold", -1.0,
        "Probability under which nothing is named; below 0 = the bundle's.", -1.0, 1.0,
        dynamic=True,
    ),
    Param(
        "urgent_threshold", -1.0,
        "Probability of a single judgement at which actions that the bundle calls urgent (a stop) "
        "start at once; 1 = none is urgent, below 0 = the bundle's.", -1.0, 1.0, dynamic=True,
    ),
    Param(
        "max_doubt", 1.0,
        "Largest probability of the classes for no action and for something else, together, with "
        "which an action still starts (urgent ones start with any); 1 = no limit. Lower = fewer "
        "reports of what no gesture is, and more misses.", 0.0, 1.0, dynamic=True,
    ),
)  # fmt: skip

_PEOPLE = (
    Param(
        "lost_after_s", 0.5, "A person not seen in the images of this long has left.", 0.05, 10.0
    ),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons topic after which actions end and the node warns; they also end "
        "when for so long no skeletons could be used, or nobody be judged.",
        0.1, 3600.0, dynamic=True,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

PARAMS = (*_LOADED, *_JUDGING, *_PEOPLE)
