"""A bundle that knows a raised arm and a fist, and hands and people to ask it about."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic import person_keypoints, write_tiny_bundle
from bharnet_ros.inference import create_engine
from training.measuring.data import Hands
from training.measuring.judging import judge_of
from training.sequences import GestureSpan, KeypointSequence

S = 1_000_000_000


def hand(spread: float) -> np.ndarray:
    """(21, 2) a right hand, fingers up, in the middle of a picture of side 1."""
    points = person_keypoints(center=(0.0, 0.0), torso_px=1.0, spread=spread)[112:133]
    centred = points - points[:1]
    return (0.5 + 0.5 * centred).astype(np.float32)


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    """Classes idle, stop (a raised right arm) and fist (spread 0.3 in the right hand)."""
    bundle = write_tiny_bundle(
        tmp_path_factory.mktemp("bundle"), class_names=("idle", "stop", "fist"), name="tiny"
    )
    return judge_of(bundle, create_engine(bundle, threads=1))


@pytest.fixture(scope="session")
def fists() -> Hands:
    """Six fists of two recorders and two hands of another label."""
    points = np.stack([hand(0.3)] * 6 + [hand(1.0)] * 2)
    label = np.array(["fist"] * 6 + ["palm"] * 2)
    return Hands(points, label, np.array(["a", "b"] * 4))


@pytest.fixture(scope="session")
def raising() -> KeypointSequence:
    """Ten seconds at 15 frames a second; the right arm is up from 3 s to 6 s."""
    times = np.arange(0.0, 10.0, 1.0 / 15.0)
    up, down = (-0.5, -1.0), (-0.5, 0.05)
    frames = [person_keypoints(right_wrist=up if 3.0 <= t < 6.0 else down) for t in times]
    return KeypointSequence(
        "coco_wholebody_133",
        np.rint(times * S).astype(np.int64),
        np.stack(frames),
        np.full((len(times), 133), 0.9, np.float32),
        np.zeros((0, 133, 2), np.float32),
        (GestureSpan("stop", 3 * S, 6 * S),),
        {"image_size": [480, 640], "yaw_deg": 10.0},
    )
