"""A bundle asked about held poses: the robot's own windows, features and engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.experts import Experts
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import Window
from training.measuring.shapes import ShapeTable, shape_table
from training.openness import gesture_odds

SIDE = 640
"""A hand by itself is put into a square image of so many pixels."""
HAND_LAYOUT = "coco_wholebody_133"
SLOTS = ("left", "right")
OTHER_ACTION = "(other action)"
NOTHING = "(nothing)"
_BATCH = 200

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judge:
    """A bundle that can be asked.

    shapes: (C,) the hand shape of each class, None for other classes. known: (C,) classes that
    are actions (neither background nor "something else"). by_odds: what counts as evidence, see
    `evidence`.
    """

    bundle: Bundle
    engine: Engine
    experts: Experts
    shapes: tuple[str | None, ...]
    known: BoolArray
    by_odds: bool = True

    @property
    def name(self) -> str:
        """Of the bundle."""
        return self.bundle.manifest.name

    @property
    def sha256(self) -> str:
        """Of the bundle's graph."""
        return self.bundle.digest

    @property
    def threshold(self) -> float:
        """Probability an action needs to be reported, if its class has no start of its own."""
        given = self.bundle.manifest.thresholds
        return max(given.start, given.unknown)

    def needed(self, class_id: int) -> float:
        """Probability that this class needs to be reported."""
        given = self.bundle.manifest.thresholds
        name = self.bundle.manifest.class_names[class_id]
        if name in given.urgent:
            return given.urgent[name]
        return max(given.class_start.get(name, given.start), given.unknown)

    def held(
        self, keypoints: FloatArray, scores: FloatArray, sizes: Sequence[tuple[int, int]],
        layout: str = HAND_LAYOUT,
    ) -> FloatArray:  # fmt: skip
        """Probabilities of poses that are held for a whole window.

        keypoints: (N, K, 2) pixels; scores: (N, K); sizes: (height, width) of each one's image.
        Returns (N, C); a row of zeros where the bundle sees nothing it can judge.
        """
        manifest = self.bundle.manifest
        points, weights = to_layout(keypoints, scores, layout, manifest.layout)
        found = np.zeros((len(points), len(manifest.class_names)), np.float32)
        steps, length_ns = manifest.num_steps, round(manifest.window_s * 1e9)
        for begin in range(0, len(points), _BATCH):
            rows = range(begin, min(begin + _BATCH, len(points)))
            windows = {
                row: Window(
                    np.broadcast_to(points[row], (steps, *points[row].shape)),
                    np.broadcast_to(weights[row], (steps, *weights[row].shape)),
                    steps, 0, length_ns, sizes[row],
                )
                for row in rows
            }  # fmt: skip
            for row, opinion in self.experts.judge(windows).items():
                found[row] = opinion.probabilities
        return found

    def hands(self, points: FloatArray, slot: str) -> FloatArray:
        """Probabilities of hands by themselves, in the given slot ("left" or "right").

        points: (N, 21, 2) as shares of a square image (0..1). Returns (N, C).
        """
        keypoints, scores = alone(points * np.float32(SIDE), slot)
        return self.held(keypoints, scores, [(SIDE, SIDE)] * len(points))

    def either(self, points: FloatArray) -> FloatArray:
        """As `hands`; which hand it is is not known, so the slot with the stronger evidence."""
        return stronger([self.hands(points, slot) for slot in SLOTS], self.evidence)

    def evidence(self, probabilities: FloatArray) -> FloatArray:
        """(..., C) -> (...) that an action is meant at all (`gesture_odds`), or, not by odds, the
        largest probability of an action."""
        if self.by_odds:
            return gesture_odds(probabilities, self.known)
        strongest: FloatArray = probabilities[..., self.known].max(axis=-1)
        return strongest

    def answers(
        self, probabilities: FloatArray, at_threshold: bool = False, max_doubt: float = 1.0
    ) -> list[str]:
        """What is said of each row: a shape, another action, or nothing.

        at_threshold: what would not be reported is not said; else the most probable class is.
        max_doubt: the recogniser's option of this name.
        """
        said = []
        doubts = probabilities[:, ~self.known].sum(axis=1)
        for row, doubt in zip(probabilities, doubts, strict=True):
            best = int(row.argmax())
            needed = self.needed(best) if at_threshold else 0.0
            if not row.any() or not self.known[best] or row[best] < needed or doubt > max_doubt:
                said.append(NOTHING)
            else:
                said.append(self.shapes[best] or OTHER_ACTION)
        return said

    def closed_answers(self, probabilities: FloatArray, among: Sequence[str]) -> list[str]:
        """The most probable of the classes that are one of the shapes `among`."""
        columns = np.flatnonzero([shape in among for shape in self.shapes])
        if not len(columns):
            return [NOTHING] * len(probabilities)
        best = columns[probabilities[:, columns].argmax(axis=1)]
        return [str(self.shapes[i]) for i in best]

    def covers(self, names: Sequence[str]) -> list[str]:
        """Those of the shapes that the bundle has a class for."""
        return [name for name in names if name in self.shapes]


def open_judge(name_or_path: str | Path, threads: int = 1) -> Judge:
    """Load a bundle to be asked. Raises BundleError."""
    bundle = load_bundle(name_or_path)
    return judge_of(bundle, create_engine(bundle, threads=threads))


def judge_of(bundle: Bundle, engine: Engine, table: ShapeTable | None = None) -> Judge:
    """A judge of a bundle that is open already."""
    manifest = bundle.manifest
    idle = (manifest.background_class, manifest.unknown_class)
    known = np.array([name not in idle for name in manifest.class_names])
    shapes = (table or shape_table()).class_shapes(manifest.class_names)
    shapes = tuple(s if k else None for s, k in zip(shapes, known, strict=True))
    return Judge(bundle, engine, Experts(bundle, engine), shapes, known)


def stronger(
    candidates: Sequence[FloatArray], evidence: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Of several (N, C), row by row the one with the strongest evidence (that of a judge)."""
    stacked = np.stack(candidates)
    best = evidence(stacked).argmax(axis=0)
    chosen: FloatArray = stacked[best, np.arange(stacked.shape[1])]
    return chosen


def alone(points: FloatArray, slot: str) -> tuple[FloatArray, FloatArray]:
    """Hands (N, 21, 2) as people of whom nothing else is seen: (N, K, 2) and (N, K)."""
    spec = get_layout(HAND_LAYOUT)
    where = {"left": spec.left_hand_indices, "right": spec.right_hand_indices}[slot]
    keypoints = np.zeros((len(points), spec.num_keypoints, 2), np.float32)
    scores = np.zeros((len(points), spec.num_keypoints), np.float32)
    keypoints[:, where], scores[:, where] = points, 1.0
    return keypoints, scores


def to_layout(
    keypoints: FloatArray, scores: FloatArray, source: str, target: str
) -> tuple[FloatArray, FloatArray]:
    """(..., K, 2) and (..., K) of one layout in another, by the names of the keypoints."""
    if source == target:
        return keypoints, scores
    have, want = get_layout(source).keypoint_names, get_layout(target).keypoint_names
    pairs = np.array([(i, have.index(n)) for i, n in enumerate(want) if n in have], np.intp)
    points = np.zeros((*keypoints.shape[:-2], len(want), 2), np.float32)
    weights = np.zeros((*scores.shape[:-1], len(want)), np.float32)
    if len(pairs):
        points[..., pairs[:, 0], :] = keypoints[..., pairs[:, 1], :]
        weights[..., pairs[:, 0]] = scores[..., pairs[:, 1]]
    return points, weights
