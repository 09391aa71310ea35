"""What a pose estimator makes of exact keypoints: errors with a memory, gaps, cut pictures.

The sizes were measured between the shipped estimator and the exact keypoints of drawn people:
those of hands are stated in `training.projecting`, those of bodies here. Everything is vectorised
over windows; the costly random numbers are drawn once into a store from which windows take theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray
from training.describing.people import hand_indices
from training.projecting import HAND_ERROR, MEMORY_S, STEADY_SHARE

Windows = tuple[FloatArray, FloatArray]
_SAMPLINGS = 400
# Root mean square per coordinate, in lengths from a shoulder to the hip across: what stays the
# same for a whole film of a drawn person, and what wanders about it. Nose, eyes, ears; shoulders,
# elbows, wrists, hips, knees, ankles. `python -m benchmarks.drawn_bodies` measures them on films
# and prints these beside. One frame at 8 Hz and the next have a correlation of 0.8.
BODY_BIAS = np.array(
    [0.030, 0.016, 0.020, 0.026, 0.028, 0.026, 0.016, 0.012, 0.018, 0.012, 0.014, 0.032, 0.018,
     0.040, 0.035, 0.035, 0.035], np.float32,
)  # fmt: skip
BODY_WANDER = np.array(
    [0.017, 0.013, 0.014, 0.014, 0.010, 0.010, 0.011, 0.024, 0.024, 0.023, 0.021, 0.027, 0.025,
     0.019, 0.017, 0.017, 0.017], np.float32,
)  # fmt: skip
BODY_MEMORY_S = 0.5
BODY_STEADY_SHARE = 0.9


@dataclass(frozen=True)
class ObservationConfig:
    """How badly people are seen.

    error: factor on the measured error, from window to window. fps: frame rates of the cameras.
    frame_drop: largest share of frames that get lost. hand_gone: share of windows in which a
    hand is never found; hand_gaps: in which it is lost for a while; fingers_wrong: in which one
    finger is seen as another hand's; cut: in which the picture ends above the hips; no_body: in
    which nothing but hands is found; swapped: in which one hand is seen at both wrists.
    hand_cut: of hands held up to the camera that reach beyond the picture.
    """

    error: tuple[float, float] = (0.4, 1.4)
    fps: tuple[float, float] = (8.0, 30.0)
    frame_drop: float = 0.15
    hand_gone: float = 0.05
    hand_gaps: float = 0.12
    fingers_wrong: float = 0.05
    cut: float = 0.35
    no_body: float = 0.02
    swapped: float = 0.01
    joint_gone: float = 0.01
    hand_cut: float = 0.0


CLOSE = ObservationConfig(error=(0.05, 0.7), fingers_wrong=0.03, swapped=0.0, hand_cut=0.15)
"""Hands held up to a camera are seen better than those of people across a room."""


class Observer:
    """Spoils windows of exact keypoints.

    store: how many windows' worth of random errors are kept.
    """

    def __init__(
        self,
        num_steps: int,
        step_s: float,
        seed: int,
        config: ObservationConfig | None = None,
        store: int = 1500,
    ) -> None:
        self.config = config or ObservationConfig()
        rng = np.random.default_rng([seed, 3])
        body = BODY_WANDER[:, None] * wandering(
            store, num_steps, 17, step_s, rng, BODY_MEMORY_S, BODY_STEADY_SHARE
        )
        body += BODY_BIAS[:, None] * rng.standard_normal((store, 1, 17, 2), np.float32)
        hands = np.tile(HAND_ERROR.astype(np.float32), 2)[:, None] * wandering(
            store, num_steps, 42, step_s, rng, MEMORY_S, STEADY_SHARE
        )
        self._noise = np.concatenate([body, hands], axis=2)
        self._sampling = np.stack(
            [
                sampling_matrix(num_steps, step_s, self.config, rng)
                for _ in range(max(4, _SAMPLINGS * 32 // num_steps))
            ]
        )
        self._left, self._right = hand_indices()

    def __call__(self, pixels: FloatArray, rng: np.random.Generator) -> Windows:
        """(N, T, 59, 2) exact -> (N, T, 59, 2) as seen, and scores (N, T, 59), 0 = missing."""
        n, t, k, _ = pixels.shape
        size = np.empty((n, k), np.float32)
        middle = pixels[:, t // 2]
        # Shoulder to the hip across, and the longest view of the palm, are the units.
        torso = np.linalg.norm(middle[:, 5] - middle[:, 12], axis=-1)
        size[:, :17] = torso[:, None]
        for hand in (self._left, self._right):
            palm = np.linalg.norm(middle[:, hand[[5, 9, 17]]] - middle[:, hand[:1]], axis=-1)
            size[:, hand] = palm.max(axis=1)[:, None]
        # Errors do not shrink with a palm that is turned away.
        smallest = 0.12 * torso[:, None]
        size[:, 17:] = np.maximum(size[:, 17:], smallest)
        amount = rng.uniform(*self.config.error, (n, 1)).astype(np.float32)
        noise = self._noise[rng.integers(len(self._noise), size=n)]
        noise = noise * (size * amount)[:, None, :, None]
        seen = pixels + noise
        self._confuse(seen, rng)
        matrix = self._sampling[rng.integers(len(self._sampling), size=n)]
        seen = (matrix @ seen.reshape(n, t, k * 2)).reshape(n, t, k, 2)
        return seen, self._scores(seen, torso, rng)

    def _confuse(self, seen: FloatArray, rng: np.random.Generator) -> None:
        """Fingers and hands that are taken for others, in place."""
        n = len(seen)
        for hand, other in ((self._left, self._right), (self._right, self._left)):
            for row in np.flatnonzero(rng.random(n) < self.config.fingers_wrong):
                joints = 5 + 4 * int(rng.integers(4)) + np.arange(1, 4)
                donor = int(rng.integers(n))
                seen[row][:, hand[joints]] = _transplant(
                    seen[donor][:, hand], seen[row][:, hand], joints
                )
            for row in np.flatnonzero(rng.random(n) < self.config.swapped):
                seen[row][:, hand] = seen[row][:, other]

    def _scores(self, seen: FloatArray, torso: FloatArray, rng: np.random.Generator) -> FloatArray:
        n, t, k, _ = seen.shape
        config = self.config
        scores = np.ones((n, t, k), np.float32)
        level = rng.uniform(0.75, 1.0, (n, 1, k)).astype(np.float32)
        level[:, :, self._left] = level[:, :, self._left[:1]]
        level[:, :, self._right] = level[:, :, self._right[:1]]
        scores *= level
        # The picture ends somewhere between chest and hips: what lies below is not seen.
        cut = rng.random(n) < config.cut
        chest = seen[:, 0, 5:7, 1].mean(axis=1)
        border = chest + torso * rng.uniform(0.35, 1.0, n)
        border = np.where(cut, border, np.inf)[:, None, None]
        scores *= seen[..., 1] <= border
        scores *= rng.random((n, 1, k), np.float32) >= config.joint_gone
        for hand in (self._left, self._right):
            draw = rng.random((n,))
            for row in np.flatnonzero(draw < config.hand_gone + config.hand_gaps):
                begin, end = 0, t
                if draw[row] >= config.hand_gone:
                    begin, end = sorted(int(i) for i in rng.integers(0, t + 1, 2))
                scores[row][begin:end, hand] = 0.0
        scores[rng.random(n) < config.no_body, :, :17] = 0.0
        return scores


def _transplant(donor: FloatArray, hand: FloatArray, joints: npt.NDArray[np.intp]) -> FloatArray:
    """(T, 3, 2): the donor's finger (T, 21, 2) on this hand's knuckle, in its size."""

    def span(h: FloatArray) -> FloatArray:
        length: FloatArray = np.linalg.norm(h[:, 9] - h[:, 0], axis=-1)[:, None, None]
        longest: FloatArray = np.maximum(length, np.float32(1e-3))
        return longest

    knuckle = int(joints[0]) - 1
    offset = (donor[:, joints] - donor[:, knuckle : knuckle + 1]) / span(donor)
    moved: FloatArray = hand[:, knuckle : knuckle + 1] + offset * span(hand)
    return moved


def wandering(
    count: int,
    num_steps: int,
    joints: int,
    step_s: float,
    rng: np.random.Generator,
    memory_s: float,
    steady_share: float,
) -> FloatArray:
    """(N, T, K, 2) errors of variance 1: a part that drifts, a part that is new at every step."""
    kept = np.exp(-step_s / memory_s)
    fresh = np.sqrt(1.0 - kept * kept)
    slow = rng.standard_normal((count, num_steps, joints, 2), np.float32)
    for i in range(1, num_steps):
        slow[:, i] = kept * slow[:, i - 1] + fresh * slow[:, i]
    quick = rng.standard_normal(slow.shape, np.float32)
    noise: FloatArray = np.float32(np.sqrt(steady_share)) * slow
    noise += np.float32(np.sqrt(1.0 - steady_share)) * quick
    return noise


def sampling_matrix(
    num_steps: int, step_s: float, config: ObservationConfig, rng: np.random.Generator
) -> FloatArray:
    """(T, T): a window's steps from those at which a camera took a frame that arrived.

    Between two frames the recogniser's windows are straight lines; the last step is a frame.
    """
    spacing = max(1.0 / (rng.uniform(*config.fps) * step_s), 1.0)
    frames = np.arange(num_steps - 1, -spacing, -spacing)[::-1]
    kept = rng.random(len(frames)) >= rng.uniform(0, config.frame_drop)
    kept[-1] = True
    frames = np.unique(np.rint(frames[kept]).clip(0, num_steps - 1).astype(int))
    matrix = np.zeros((num_steps, num_steps), np.float32)
    steps = np.arange(num_steps)
    for column, frame in enumerate(frames):
        basis = np.zeros(len(frames))
        basis[column] = 1.0
        matrix[:, frame] += np.interp(steps, frames, basis)
    return matrix
