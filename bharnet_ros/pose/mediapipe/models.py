"""Opening the networks the estimator needs, from the mediapipe wheel or a folder."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from bharnet_ros.pose.detection import MEDIAPIPE, open_detector
from bharnet_ros.pose.mediapipe import body, detector, hands, palms
from bharnet_ros.pose.mediapipe.body import BodyNetwork
from bharnet_ros.pose.mediapipe.cutting import Cutter
from bharnet_ros.pose.mediapipe.detector import NUM_ANCHORS, PersonDetector
from bharnet_ros.pose.mediapipe.hands import HandNetworks
from bharnet_ros.pose.mediapipe.networks import Network, find_model, model_folder
from bharnet_ros.pose.mediapipe.palms import PalmDetector
from bharnet_ros.pose.topdown.types import PersonDetector as GeneralDetector

DETECTION_FILE = "pose_detection.tflite"
BODY_FILE = "pose_landmark_full.tflite"
RECROP_FILE = "hand_recrop.tflite"
PALM_FILE = "palm_detection_full.tflite"
HAND_FILES = {"full": "hand_landmark_full.tflite", "lite": "hand_landmark_lite.tflite"}


@dataclass(frozen=True)
class Models:
    """The networks, ready to run; hands and palms are None when hands are not wanted.

    boxes: a general person detector, None when MediaPipe's is enough.
    cutter: cuts the images for all but that one; show it each image first.
    turn: to be held while they run, for several cameras may share them.
    """

    detector: PersonDetector
    bodies: BodyNetwork
    hands: HandNetworks | None
    palms: PalmDetector | None
    boxes: GeneralDetector | None = None
    cutter: Cutter = field(default_factory=Cutter)
    turn: threading.Lock = field(default_factory=threading.Lock)


def open_models(
    model_dir: str | Path | None,
    num_threads: int,
    hand_model: str | None,
    min_detection: float,
    detector_spec: str = MEDIAPIPE,
) -> Models:
    """Open all networks; BackendUnavailable, ConfigurationError or WeightsError names what is in
    the way.

    hand_model: a key of HAND_FILES, or None for no hands. detector_spec: as
    `bharnet_ros.pose.detection.open_detector` takes it; min_detection is of MediaPipe's alone.
    All files are looked for before the first is opened, so that a missing one is named at once.
    """
    folder = model_folder(model_dir)
    hand_files = () if hand_model is None else (RECROP_FILE, HAND_FILES[hand_model], PALM_FILE)
    names = (DETECTION_FILE, BODY_FILE, *hand_files)
    paths = {name: find_model(folder, name) for name in names}
    detection = Network(
        paths[DETECTION_FILE],
        detector.SIDE,
        [(1, NUM_ANCHORS, 12), (1, NUM_ANCHORS, 1)],
        value_range=(-1.0, 1.0),
        num_threads=num_threads,
    )
    pose = Network(
        paths[BODY_FILE],
        body.SIDE,
        [(1, 195), (1, 1), None, (1, 64, 64, 39)],
        num_threads=num_threads,
    )
    cutter = Cutter()
    pair = palm_detector = None
    if hand_model is not None:
        points = [(1, 63), (1, 1), (1, 1)]
        pair = HandNetworks(
            Network(paths[RECROP_FILE], hands.RECROP_SIDE, [(1, 1, 1, 4)], num_threads=num_threads),
            Network(paths[HAND_FILES[hand_model]], hands.SIDE, points, num_threads=num_threads),
            cutter.cut,
        )
        palm_outputs = [(1, palms.NUM_ANCHORS, palms.NUM_VALUES), (1, palms.NUM_ANCHORS, 1)]
        palm_detector = PalmDetector(
            Network(paths[PALM_FILE], palms.SIDE, palm_outputs, num_threads=num_threads),
            cut=cutter.cut,
        )
    people = PersonDetector(detection, min_detection, cutter.cut)
    boxes = None
    if detector_spec != MEDIAPIPE:
        boxes = open_detector(detector_spec, num_threads=num_threads)
    return Models(people, BodyNetwork(pose, cut=cutter.cut), pair, palm_detector, boxes, cutter)
