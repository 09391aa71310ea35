"""Windows cut from keypoint sequences exactly as the robot cuts them from its camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.features import FeatureConfig, body_features, hand_features
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import resample, step_stamps
from training.config import WindowConfig
from training.labels import IGNORE, label_times
from training.sequences import KeypointSequence

IntArray = npt.NDArray[np.int64]


class WindowIndex(NamedTuple):
    """Which windows there are: (N,) sequence number, end stamp and label of each."""

    sequence: IntArray
    end_ns: IntArray
    label: IntArray


class ExpertInputs(NamedTuple):
    """body (N, 3, T, 19, 1), hand (N, 3, T, 21, 2), label (N,)."""

    body: FloatArray
    hand: FloatArray
    label: IntArray


def index_windows(
    sequences: Sequence[KeypointSequence],
    config: WindowConfig,
    class_ids: Mapping[str, int],
    background: int,
) -> WindowIndex:
    """All windows of the sequences, about every `stride_s`, but for those the rule ignores.

    Each ends at a frame, as the recogniser's do. The first one ends half a window after the
    first frame: a robot, too, must judge a person who has only just come.
    """
    numbers, ends, labels = [], [], []
    for number, sequence in enumerate(sequences):
        stamps = sequence.stamps_ns
        first = int(stamps[0]) + round(config.window_s * 0.5e9)
        grid = np.arange(first, int(stamps[-1]) + 1, round(config.stride_s * 1e9))
        times = stamps[np.unique(np.searchsorted(stamps, grid, side="right") - 1)]
        named = label_times(
            times, sequence.spans, class_ids, background,
            config.min_visible_s, config.ignore_after_s,
        )  # fmt: skip
        kept = named != IGNORE
        numbers.append(np.full(int(kept.sum()), number))
        ends.append(times[kept])
        labels.append(named[kept])
    return WindowIndex(np.concatenate(numbers), np.concatenate(ends), np.concatenate(labels))


def cut_window(
    sequence: KeypointSequence,
    end_ns: int,
    config: WindowConfig,
    speed: float = 1.0,
    keep: npt.NDArray[np.bool_] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Keypoints (T, K, 2) and scores (T, K) of the window that ends at `end_ns`.

    speed: play the sequence that much faster (a longer stretch fits into the window).
    keep: (F,) frames that were not dropped; all if None.
    """
    start_ns = end_ns - round(config.window_s * 1e9 * speed)
    gap_ns = round(config.max_gap_s * 1e9 * speed)
    stamps = sequence.stamps_ns
    # A gap's worth before the window, so that its first step lies between two observations.
    first = int(np.searchsorted(stamps, start_ns - gap_ns))
    last = int(np.searchsorted(stamps, end_ns, side="right"))
    chosen = np.arange(first, last)
    if keep is not None:
        chosen = chosen[keep[first:last]]
    return resample(
        stamps[chosen],
        sequence.keypoints[chosen],
        sequence.scores[chosen],
        step_stamps(start_ns, end_ns, config.num_steps),
        gap_ns,
    )


def expert_inputs(
    sequences: Sequence[KeypointSequence],
    index: WindowIndex,
    config: WindowConfig,
    features: FeatureConfig,
    batch: int = 256,
) -> ExpertInputs:
    """The inputs of every window of an index, for validation and test."""
    bodies, hands = [], []
    for begin in range(0, len(index.label), batch):
        part = slice(begin, begin + batch)
        windows = [
            cut_window(sequences[number], int(end_ns), config)
            for number, end_ns in zip(index.sequence[part], index.end_ns[part], strict=True)
        ]
        keypoints = np.stack([window[0] for window in windows])
        scores = np.stack([window[1] for window in windows])
        layout = sequences[0].layout
        bodies.append(body_features(keypoints, scores, layout, features))
        hands.append(hand_features(keypoints, scores, layout, features))
    return ExpertInputs(np.concatenate(bodies), np.concatenate(hands), index.label)
