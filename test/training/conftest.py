"""A tiny data set that needs neither drawing nor an estimator: stick people who raise hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.config import (
    AugmentConfig,
    DataConfig,
    ExpertConfig,
    FitConfig,
    ModelConfig,
    SplitConfig,
    TrainingConfig,
    WindowConfig,
)
from training.dataset import DatasetCard, write_card
from training.sequences import GestureSpan, KeypointSequence, save_sequence

CLASSES = ("idle", "open", "closed", "swipe_left", "swipe_right")
FPS = 15.0


def _split(first: int, scenes: int = 2) -> SplitConfig:
    return SplitConfig(
        scenes=scenes,
        actors=(first, first + scenes - 1),
        yaw_deg=((0.0, 20.0),),
        camera_height_m=(1.1, 1.4),
        distance_m=(1.9, 2.4),
        speed=((0.9, 1.1),),
    )


@pytest.fixture(scope="session")
def tiny_config() -> TrainingConfig:
    """Small enough to train in seconds."""
    expert = ExpertConfig(channels=(8, 16), strides=(2, 2), dropout=0.0)
    return TrainingConfig(
        name="tiny",
        seed=3,
        data=DataConfig(
            scene_s=4.0,
            gesture_s=(1.2, 1.6),
            idle_s=(0.5, 0.8),
            fps=(10.0,),
            stamp_jitter=0.1,
            image_size=(240, 240),
            focal_px=350.0,
            splits={"train": _split(0), "val": _split(100), "test_actors": _split(200)},
        ),
        windows=WindowConfig(num_steps=16),
        augment=AugmentConfig(hand_drop=0.0, hand_span_drop=0.05),
        model=ModelConfig(body=expert, hand=expert),
        fit=FitConfig(
            steps=90, batch_size=16, warmup_steps=5, validate_every=45, learning_rate=1e-2,
            ema_decay=0.9, bfloat16=False,
        ),
    )  # fmt: skip


def _hand(wrist: np.ndarray, opened: float, side: float) -> np.ndarray:
    """(21, 2) a hand that points up; `opened` 0..1 stretches the fingers."""
    points = [wrist]
    for finger in range(5):
        for joint in range(1, 5):
            reach = 12.0 + 8.0 * joint * (0.25 + 0.75 * opened)
            points.append(wrist + np.array([side * (finger - 2) * 4.0, -reach]))
    return np.array(points)


def _person(x: float, lift: float, shift: float, opened: float) -> tuple[np.ndarray, np.ndarray]:
    """(133, 2) and (133,): a person at x whose right hand is lifted 0..1 and moved sideways."""
    keypoints = np.zeros((133, 2))
    scores = np.zeros(133)
    body = {
        0: (0, -120), 1: (6, -126), 2: (-6, -126), 3: (12, -122), 4: (-12, -122),
        5: (40, -90), 6: (-40, -90), 7: (50, -40), 8: (-50, -40), 11: (25, 20), 12: (-25, 20),
        13: (25, 90), 14: (-25, 90), 15: (25, 150), 16: (-25, 150),
    }  # fmt: skip
    for index, (dx, dy) in body.items():
        keypoints[index] = (x + dx, 300 + dy)
    keypoints[9] = (x + 55, 310)
    keypoints[10] = (x - 60 + shift, 310 - 130 * lift)
    scores[:17] = 0.9
    keypoints[91:112] = _hand(keypoints[9], 0.5, -1.0)
    keypoints[112:133] = _hand(keypoints[10], opened, 1.0)
    scores[91:133] = 0.8
    return keypoints, scores


@pytest.fixture(scope="session")
def make_sequence():
    """A function seed -> KeypointSequence that shows every class of CLASSES in random order."""

    def make(seed: int, gestures: int = 8) -> KeypointSequence:
        rng = np.random.default_rng(seed)
        order = [CLASSES[1:][i % 4] for i in range(gestures)]
        order = [order[i] for i in rng.permutation(gestures)]
        spans, clock = [], 1.5
        for name in order:
            length = float(rng.uniform(1.8, 2.4))
            spans.append(GestureSpan(name, round(clock * 1e9), round((clock + length) * 1e9)))
            clock += length + float(rng.uniform(1.5, 2.0))
        times = np.arange(0.0, clock, 1.0 / FPS) + rng.uniform(-0.004, 0.004, 1)
        x = float(rng.uniform(250, 450))
        frames = []
        for t in times:
            lift = shift = 0.0
            opened = 0.5
            for name, start, end, *_ in spans:
                if start <= t * 1e9 <= end:
                    u = (t * 1e9 - start) / (end - start)
                    lift = float(np.clip(min(u, 1 - u) * 5, 0, 1))
                    opened = {"open": 1.0, "closed": 0.0}.get(name, 0.5)
                    direction = {"swipe_left": -1.0, "swipe_right": 1.0}.get(name, 0.0)
                    shift = direction * 80.0 * (2 * u - 1)
            frames.append(_person(x, lift, shift, opened))
        keypoints = np.stack([f[0] for f in frames]) + rng.normal(0, 0.5, (len(times), 133, 2))
        return KeypointSequence(
            layout="coco_wholebody_133",
            stamps_ns=np.rint(times * 1e9 + 1e9).astype(np.int64),
            keypoints=keypoints.astype(np.float32),
            scores=np.stack([f[1] for f in frames]).astype(np.float32),
            truth=np.zeros((0, 133, 2), np.float32),
            spans=tuple(
                GestureSpan(s.class_name, s.start_ns + 10**9, s.end_ns + 10**9) for s in spans
            ),
            info={"image_size": [480, 640]},
        )

    return make


@pytest.fixture(scope="session")
def card(tiny_config) -> DatasetCard:
    return DatasetCard(
        layout="coco_wholebody_133",
        class_names=CLASSES,
        background="idle",
        pairs=(("open", "closed"),),
        estimator="stick figures",
        seed=tiny_config.seed,
        digest=tiny_config.data_digest(),
    )


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory, tiny_config, card, make_sequence):
    """A folder as `generate` leaves it, made of stick people."""
    folder = tmp_path_factory.mktemp("films")
    write_card(folder, card)
    for first, split in enumerate(tiny_config.data.splits):
        for number in range(2):
            sequence = make_sequence(100 * first + number)
            info = {**sequence.info, "digest": card.digest}
            save_sequence(folder / split / f"{number:05d}.npz", replace(sequence, info=info))
    return folder
