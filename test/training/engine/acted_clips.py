"""A person who idles, waves or makes a fist, and a configuration that learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.skeleton import get_layout
from training.data import Person, Sample
from training.data.sample import nominal_stamps
from training.engine.config import StoreConfig
from training.engine.config_file import store_config

LAYOUT = "coco_body_hands_59"
CLASSES = ("idle", "wave", "fist")
PROTOCOL = """\
format: 1
name: acted
dataset: [acted]
meaning: person 2 tests
source: made up
train: {subject: [0, 1]}
test: {subject: [2]}
validation:
- {group: [a]}
"""


def acted(number: int) -> Sample:
    """A standing person. Body tells "wave" (the right wrist swings), fingers tell "fist"."""
    rng = np.random.default_rng(number)
    layout = get_layout(LAYOUT)
    label, frames = number % 3, 16
    points = np.zeros((frames, layout.num_keypoints, 2), np.float32)
    places = {
        "nose": (320, 100), "left_shoulder": (380, 160), "right_shoulder": (260, 160),
        "left_elbow": (400, 240), "right_elbow": (240, 240), "left_wrist": (400, 320),
        "right_wrist": (240, 320), "left_hip": (350, 330), "right_hip": (290, 330),
    }  # fmt: skip
    for name, place in places.items():
        points[:, layout.index(name)] = place
    if label == 1:
        swing = 60 * np.sin(np.arange(frames) / 2)
        points[:, layout.index("right_wrist"), 0] += swing
        points[:, layout.index("right_wrist"), 1] -= 200
    reach = 0.4 if label == 2 else 1.0
    for name, side in (("left", layout.left_hand_indices), ("right", layout.right_hand_indices)):
        finger, joint = np.divmod(np.arange(20), 4)
        shape = np.stack([(finger - 2) * 8, -(20 + joint * 12 * reach)], axis=1)
        points[:, side[1:]] = points[:, layout.index(f"{name}_wrist"), None] + shape
        points[:, side[0]] = points[:, layout.index(f"{name}_wrist")]
    scores = (points > 0).all(axis=2).astype(np.float32)
    points += rng.normal(0, 2, points.shape).astype(np.float32) * scores[..., None]
    subject = number // 3 % 3
    return Sample(
        f"clip{number}", nominal_stamps(frames, 15.0), (Person(points, scores),), CLASSES[label],
        {"subject": str(subject), "group": "a" if number % 2 else "b"}, image_size=(480, 640),
    )  # fmt: skip


def make_config(store: Path, **changes: Any) -> StoreConfig:
    """A configuration for the store; keyword arguments replace whole sections."""
    expert = {"block": "stgcnpp", "channels": [8, 16], "strides": [2, 2]}
    content: dict[str, Any] = {
        "name": "acted",
        "data": {"store": str(store), "protocol": str(store.parent / "protocol.yaml")},
        "clips": {"num_steps": 16, "crop": [0.8, 1.0]},
        "model": {"body": expert, "hand": expert},
        "fit": {"epochs": 2, "batch_size": 9, "warmup_epochs": 1, "validate_every": 1},
        "bundle": {"background": "idle", "window_s": 1.0, "license": "free"},
    }
    return store_config({**content, **changes}, "test")
