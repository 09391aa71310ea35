"""Streams made of clips: what the robot would see if somebody rested, acted and rested again."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.data.clips import clip_frames
from training.engine.data import StoreDataModule
from training.engine.layouts import into_layout
from training.sequences import GestureSpan, KeypointSequence

PER_CLASS = 12


def composed_streams(
    data: StoreDataModule, layout: str, background: str, part: str = "validation", seed: int = 0,
    without: Collection[str] = (),
) -> list[KeypointSequence]:  # fmt: skip
    """Up to 12 streams of each action of a part: an idle clip, one of the action, an idle clip.

    Idle clips are those of the same part, or of training if it has none. Between clips people
    jump, as no real stream does: what is measured on such streams is rather too bad. layout:
    the robot's. without: classes that are left out, unless there are no others.
    Raises ConfigurationError if there is no idle clip at all.
    """
    clips = data.clips(part)
    idle_id = data.split.class_names.index(background)
    rests = clips[clips.label == idle_id]
    if not len(rests):
        training = data.clips("train")
        rests = training[training.label == idle_id]
    if not len(rests):
        raise ConfigurationError(f"No clip of '{background}' is there to put between actions.")
    rng = np.random.default_rng(seed)
    streams = []
    wanted = sorted(set(clips.label.tolist()) - {idle_id})
    others = [label for label in wanted if data.split.class_names[label] not in without]
    for label in others or wanted:
        actions = np.flatnonzero(clips.label == label)
        for number in rng.permutation(actions)[:PER_CLASS]:
            pieces = [
                clip_frames(data.store, rests, int(rng.integers(len(rests)))),
                clip_frames(data.store, clips, int(number)),
                clip_frames(data.store, rests, int(rng.integers(len(rests)))),
            ]
            streams.append(_joined(data, pieces, data.split.class_names[label], layout))
    return streams


Piece = tuple[npt.NDArray[np.int64], FloatArray, FloatArray]
"""Stamps (F,), keypoints (F, K, 2), scores (F, K)."""


def _joined(
    data: StoreDataModule, pieces: list[Piece], class_name: str, layout: str
) -> KeypointSequence:
    stamps, now, spans = [], 0, []
    for number, (piece, _, _) in enumerate(pieces):
        step = int(np.median(np.diff(piece))) if len(piece) > 1 else 66_666_667
        own = piece - piece[0] + now
        if number == 1:
            spans.append(GestureSpan(class_name, int(own[0]), int(own[-1])))
        stamps.append(own)
        now = int(own[-1]) + step
    keypoints = np.concatenate([p[1] for p in pieces])
    scores = np.concatenate([p[2] for p in pieces])
    keypoints, scores = into_layout(keypoints, scores, data.store.sheet.layout, layout)
    size = data.store.samples[0]
    return KeypointSequence(
        layout, np.concatenate(stamps), keypoints, scores,
        np.zeros((0, keypoints.shape[1], 2), np.float32), tuple(spans),
        {"image_size": [int(size["image_height"]), int(size["image_width"])]},
    )  # fmt: skip
