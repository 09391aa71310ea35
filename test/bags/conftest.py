"""Bags of a small scene: pictures, skeletons, actions at 10 Hz for 2 seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from bharnet_ros.bags.write import BagWriter

START_NS = 1_700_000_000 * 10**9
STEP_NS = 100_000_000
FRAMES = 20
TOPICS = ("/robot/image_raw", "/robot/skeletons", "/robot/actions")


def stamp(frame: int) -> int:
    return START_NS + frame * STEP_NS


def picture(frame: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(frame).integers(0, 256, (height, width, 3), np.uint8)


def skeletons(frame: int) -> SkeletonFrame:
    rng = np.random.default_rng(1000 + frame)
    person = Skeleton(
        frame % 3, rng.random(4).astype(np.float32), 0.5,
        rng.random((17, 2)).astype(np.float32), rng.random(17).astype(np.float32),
    )  # fmt: skip
    return SkeletonFrame(stamp(frame), (24, 32), "coco_17", (person,))


def actions(frame: int) -> ActionFrame:
    said = RecognizedAction(
        ActionState.ONGOING, 7, (Hypothesis(3, "wave", 0.75, "gestures"),), stamp(frame) - 5,
        stamp(frame), 9, 0.25, 0.5, np.arange(4, dtype=np.float32), "gestures",
    )  # fmt: skip
    return ActionFrame(stamp(frame), (said,))


def write_scene(
    path: Path, storage: str = "mcap", compression: str = "none", frames: int = FRAMES,
    size: tuple[int, int] = (24, 32),
) -> Path:  # fmt: skip
    with BagWriter(path, storage, compression) as writer:
        for frame in range(frames):
            writer.image(TOPICS[0], stamp(frame), picture(frame, *size))
            writer.skeletons(TOPICS[1], skeletons(frame), log_ns=stamp(frame) + 1)
            writer.actions(TOPICS[2], actions(frame), log_ns=stamp(frame) + 2)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Callable[..., Path]:
    """Writes the scene: storage, compression -> the bag's folder."""

    def make(storage: str = "mcap", compression: str = "none", **more: object) -> Path:
        path = tmp_path / f"{storage}_{compression}"
        return write_scene(path, storage, compression, **more)  # type: ignore[arg-type]

    return make


def storage_file(bag: Path) -> Path:
    """The one storage file of a bag."""
    return next(path for path in bag.iterdir() if path.name != "metadata.yaml")
