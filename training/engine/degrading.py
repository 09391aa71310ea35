"""Worse recordings than those there are: noise, hands that are lost, frames that are lost, other
frame rates. What happens to frames happens before windows are cut, as on the robot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import resample, step_stamps
from training.data import Clips
from training.data.clips import clip_frames
from training.engine.data import StoreDataModule
from training.engine.inputs import Inputs
from training.preprocessing import body_frame

Stamps = npt.NDArray[np.int64]
PARTS = ("body", "left_hand", "right_hand")


@dataclass(frozen=True)
class Degradation:
    """noise: standard deviation of every keypoint's coordinates, in torso lengths for the body
    and in palm lengths for a hand. hands_lost: share of the clip, a stretch at random, in which
    no hand was found. frames_lost: probability of each frame to be lost. fps: 0 = as recorded."""

    noise: float = 0.0
    hands_lost: float = 0.0
    frames_lost: float = 0.0
    fps: float = 0.0


DEGRADATIONS: Mapping[str, Degradation] = MappingProxyType(
    {
        "as recorded": Degradation(),
        **{f"noise {s:g}": Degradation(noise=s) for s in (0.02, 0.05, 0.1)},
        **{f"hands lost {s:.0%}": Degradation(hands_lost=s) for s in (0.25, 0.5, 0.75, 1.0)},
        **{f"frames lost {s:.0%}": Degradation(frames_lost=s) for s in (0.1, 0.3, 0.5)},
        **{f"{f:g} frames/s": Degradation(fps=f) for f in (10.0, 30.0)},
    }
)
"""The rows of the robustness table."""


def degraded_batches(
    data: StoreDataModule,
    clips: Clips,
    degradation: Degradation,
    seed: int = 0,
    size: int = 256,
) -> Iterator[Inputs]:
    """The windows of clips of the data, cut from worse recordings; in the order of the clips.

    Windows span the same time as in any evaluation; gaps longer than `bundle.max_gap_s` are
    missing, shorter ones are bridged, as the robot does it.
    """
    layout, config = data.store.sheet.layout, data.config
    gap_ns = round(config.bundle.max_gap_s * 1e9)
    for begin in range(0, len(clips), size):
        numbers = np.arange(begin, min(begin + size, len(clips)))
        windows = []
        for number in numbers:
            rng = np.random.default_rng([seed, int(number)])
            stamps, keypoints, scores = clip_frames(data.store, clips, int(number))
            start, end = _middle(stamps, config.clips.centre_share)
            stamps, keypoints, scores = degrade(
                stamps, keypoints, scores, layout, degradation, gap_ns, rng
            )
            steps = step_stamps(start, end, config.clips.num_steps)
            windows.append(resample(stamps, keypoints, scores, steps, gap_ns))
        yield data.preparation.features(
            np.stack([w[0] for w in windows]), np.stack([w[1] for w in windows]),
            clips.label[numbers], numbers,
        )  # fmt: skip


def degrade(
    stamps: Stamps,
    keypoints: FloatArray,
    scores: FloatArray,
    layout: str,
    how: Degradation,
    gap_ns: int,
    rng: np.random.Generator,
) -> tuple[Stamps, FloatArray, FloatArray]:
    """Stamps (F,), keypoints (F, K, 2) and scores (F, K) of a worse recording of the same."""
    if how.fps > 0.0:
        wanted = np.arange(stamps[0], stamps[-1] + 1, round(1e9 / how.fps), dtype=np.int64)
        keypoints, scores = resample(stamps, keypoints, scores, wanted, gap_ns)
        stamps = wanted
    spec = get_layout(layout)
    if how.noise > 0.0:
        sigma = np.zeros(scores.shape[1], np.float32)
        indices = (spec.body_indices, spec.left_hand_indices, spec.right_hand_indices)
        for part, joints in zip(PARTS, indices, strict=True):
            if len(joints):
                frame = body_frame(keypoints, scores, layout, part)
                sigma[joints] = how.noise * float(frame.length) * bool(frame.usable)
        noise = rng.standard_normal(keypoints.shape, np.float32) * sigma[:, None]
        keypoints = keypoints + noise * (scores > 0.0)[..., None]
    if how.hands_lost > 0.0:
        count = round(how.hands_lost * len(stamps))
        first = int(rng.integers(0, len(stamps) - count + 1))
        hands = np.concatenate([spec.left_hand_indices, spec.right_hand_indices])
        scores = scores.copy()
        scores[first : first + count, hands] = 0.0
    if how.frames_lost > 0.0:
        kept = rng.random(len(stamps)) >= how.frames_lost
        kept[rng.integers(0, len(stamps))] = True
        stamps, keypoints, scores = stamps[kept], keypoints[kept], scores[kept]
    return stamps, keypoints, scores


def _middle(stamps: Stamps, share: float) -> tuple[int, int]:
    rest = (int(stamps[-1]) - int(stamps[0])) * (1.0 - share) / 2
    return round(int(stamps[0]) + rest), round(int(stamps[-1]) - rest)
