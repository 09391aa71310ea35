"""Windows drawn from few recordings, each time a little different.

Ten people show ten bodies, ten manners and ten views. What is known to differ between people and
says nothing about the gesture is varied: which hand makes it (the mirror image, with the label of
what is seen there), how fast, how long the arms are, how the camera stands, how sure the estimator
is, how many frames arrive, how much of the body is in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.augment import drop_hands, frames_kept, jitter, mirror, shift_shape, turn_hands
from training.config import AugmentConfig, WindowConfig
from training.describing.people import LAYOUT
from training.describing.transitions import FIRST, is_transition, transition_of
from training.labels import IGNORE, UNMIRRORED
from training.teaching.examples import IntArray, LabelRule, Take
from training.windowing import cut_window

STRIDE_S = 0.05
_ARMS = ((5, 7, 9), (6, 8, 10))  # shoulder, elbow, wrist: left, right


@dataclass(frozen=True)
class VariationConfig:
    """How much windows are varied.

    augment: see `training.config.AugmentConfig`. limbs: factor on upper arms and forearms. cut:
    share of windows whose picture ends above the hips.
    """

    augment: AugmentConfig = field(
        default_factory=lambda: AugmentConfig(
            mirror=0.5, rotate_deg=8.0, scale=(0.85, 1.15), shear=0.08, speed=(0.75, 1.35),
            body_noise=0.015, hand_noise=0.04, hand_rotate_deg=12.0, hand_scale=(0.88, 1.12),
            frame_drop=0.3, hand_drop=0.06, hand_span_drop=0.12, score_drop=0.01,
        )
    )  # fmt: skip
    limbs: tuple[float, float] = (0.9, 1.1)
    cut: float = 0.3


@dataclass(frozen=True, eq=False)
class RecordedWindows:
    """The windows that end in some takes, by what they are called and whose they are.

    ends: label -> unit (a person) -> (N, 2) number of the take and stamp of the end.
    """

    takes: tuple[Take, ...]
    windows: WindowConfig
    ends: Mapping[int, Sequence[IntArray]]

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels there are windows of, transitions included."""
        return tuple(sorted(self.ends))


def index_takes(
    takes: Sequence[Take], units: Sequence[str], ids: Mapping[str, int], background: int,
    windows: WindowConfig, rule: LabelRule | None = None, stride_s: float = STRIDE_S,
) -> RecordedWindows:  # fmt: skip
    """Every labelled window of the takes. units: (N,) whom each take is of, for the balance."""
    rule = rule or LabelRule()
    lean = tuple(Take(t.lean(), t.recording, t.subject) for t in takes)
    found: dict[int, dict[str, list[IntArray]]] = {}
    for number, (take, unit) in enumerate(zip(lean, units, strict=True)):
        ends = window_ends(take, windows, stride_s)
        labels = rule.labels(ends, take.sequence.spans, ids, background)
        for label in np.unique(labels[labels != IGNORE]):
            mine = ends[labels == label]
            rows = np.stack([np.full(len(mine), number), mine], axis=1)
            found.setdefault(int(label), {}).setdefault(unit, []).append(rows)
    return RecordedWindows(
        lean, windows,
        {label: [np.concatenate(v) for v in who.values()] for label, who in found.items()},
    )  # fmt: skip


def window_ends(take: Take, windows: WindowConfig, stride_s: float) -> IntArray:
    """(N,) stamps of frames about every stride_s, from half a window after the first one on,
    at which the person is in view."""
    stamps = take.sequence.stamps_ns
    first = int(stamps[0]) + round(windows.window_s * 0.5e9)
    grid = np.arange(first, int(stamps[-1]) + 1, round(stride_s * 1e9))
    rows = np.unique(np.searchsorted(stamps, grid, side="right") - 1)
    seen = take.sequence.scores[rows].any(axis=1)
    ends: IntArray = stamps[rows[seen]].astype(np.int64)
    return ends


class RecordedSampler:
    """Draws varied windows: of a label, then of a person, then of a moment, each as likely.

    mirrored: (C,) the class each class becomes in a mirror, UNMIRRORED for one that must not be
    seen in one.
    """

    def __init__(
        self, recorded: RecordedWindows, mirrored: IntArray, config: VariationConfig | None = None
    ) -> None:
        self._recorded = recorded
        self._mirrored = mirrored
        self._config = config or VariationConfig()

    def windows(
        self, labels: IntArray, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Keypoints (N, T, 59, 2), scores (N, T, 59) and labels (N,) after mirroring.

        labels: (N,) of those in `RecordedWindows.labels`.
        """
        config = self._config.augment
        cut = [self._cut(int(label), rng) for label in labels]
        keypoints = np.stack([points for points, _ in cut])
        scores = np.stack([weights for _, weights in cut])
        keypoints, scores, labels = self._mirror(keypoints, scores, labels, rng)
        spec = get_layout(LAYOUT)
        keypoints = stretch_arms(keypoints, scores, self._config.limbs, rng)
        keypoints = shift_shape(keypoints, config, rng)
        keypoints = turn_hands(keypoints, spec, config.hand_rotate_deg, config.hand_scale, rng)
        keypoints = jitter(keypoints, scores, spec, config.body_noise, config.hand_noise, rng)
        scores = drop_hands(scores, spec, config.hand_drop, config.hand_span_drop, rng)
        scores = scores * (rng.random(scores.shape, np.float32) >= config.score_drop)
        scores = scores * above_border(keypoints, scores, self._config.cut, rng)
        return keypoints, scores.astype(np.float32), labels

    def _cut(self, label: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        who = self._recorded.ends[label]
        rows = who[int(rng.integers(len(who)))]
        number, end_ns = (int(v) for v in rows[int(rng.integers(len(rows)))])
        sequence = self._recorded.takes[number].sequence
        end = int(np.searchsorted(sequence.stamps_ns, end_ns))
        keep = frames_kept(len(sequence.stamps_ns), self._config.augment.frame_drop, end, rng)
        speed = float(np.exp(rng.uniform(*np.log(self._config.augment.speed))))
        return cut_window(sequence, end_ns, self._recorded.windows, speed, keep)

    def _mirror(
        self, keypoints: FloatArray, scores: FloatArray, labels: IntArray, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        passing = is_transition(labels)
        own = np.where(passing, labels - FIRST, labels)
        chosen = rng.random(len(labels)) < self._config.augment.mirror
        chosen &= self._mirrored[own] != UNMIRRORED
        keypoints, scores, _ = mirror(
            keypoints, scores, np.zeros(len(labels), np.int64), LAYOUT, np.zeros(1, np.int64),
            chosen,
        )  # fmt: skip
        own = np.where(chosen, self._mirrored[own], own)
        return keypoints, scores, np.where(passing, transition_of(0) + own, own)


def stretch_arms(
    keypoints: FloatArray,
    scores: FloatArray,
    factors: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Longer or shorter upper arms and forearms (both sides alike); the hands go along.

    Where a joint of an arm is missing, the arm stays as it is.
    """
    result: FloatArray = keypoints.copy()
    spec = get_layout(LAYOUT)
    count = len(keypoints)
    upper, lower = rng.uniform(*factors, (2, count, 1, 1)).astype(np.float32)
    hands = (spec.left_hand_indices, spec.right_hand_indices)
    for (shoulder, elbow, wrist), hand in zip(_ARMS, hands, strict=True):
        joints: FloatArray = scores[:, :, (shoulder, elbow, wrist)]
        seen = joints.min(axis=2, keepdims=True) > 0
        first = (upper - 1.0) * (keypoints[:, :, elbow] - keypoints[:, :, shoulder]) * seen
        second = (lower - 1.0) * (keypoints[:, :, wrist] - keypoints[:, :, elbow]) * seen
        result[:, :, elbow] += first
        result[:, :, wrist] += first + second
        result[:, :, hand] += (first + second)[:, :, None]
    return result


def above_border(
    keypoints: FloatArray, scores: FloatArray, share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """(N, T, K) what is left in the picture if it ends somewhere between chest and hips, in
    `share` of the windows; everything where the trunk is not seen."""
    middle = keypoints.shape[1] // 2
    trunk = (scores[:, middle, (5, 6, 12)] > 0).all(axis=1)
    torso = np.linalg.norm(keypoints[:, middle, 5] - keypoints[:, middle, 12], axis=-1)
    chest = keypoints[:, middle, 5:7, 1].mean(axis=1)
    border = chest + torso * rng.uniform(0.35, 1.0, len(keypoints))
    border = np.where(trunk & (rng.random(len(keypoints)) < share), border, np.inf)
    inside: npt.NDArray[np.bool_] = keypoints[..., 1] <= border[:, None, None]
    return inside
