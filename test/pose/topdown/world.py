"""A world of stick people and networks that see exactly them, wherever they are asked to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import EngineError
from bharnet_ros.pose.topdown import TopDownEstimator, TopDownOptions
from bharnet_ros.pose.topdown.boxes import to_xywh
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import SkeletonFrame

LAYOUT = get_layout("coco_wholebody_133")
SIZE = (480, 640)
STEP_NS = 33_333_333

# Shares of the height from the middle of the body: nose, eyes, ears, shoulders, elbows, wrists,
# hips, knees, ankles.
_BODY = (
    (0.0, -0.42), (0.02, -0.44), (-0.02, -0.44), (0.04, -0.42), (-0.04, -0.42),
    (0.11, -0.31), (-0.11, -0.31), (0.15, -0.15), (-0.15, -0.15), (0.18, 0.0), (-0.18, 0.0),
    (0.07, 0.02), (-0.07, 0.02), (0.08, 0.24), (-0.08, 0.24), (0.08, 0.45), (-0.08, 0.45),
)  # fmt: skip


def hand_shape(wrist: np.ndarray, palm: float) -> np.ndarray:
    """(21, 2): an open hand hanging down from `wrist`, (2,) px."""
    points = np.zeros((21, 2))
    for finger in range(5):
        for joint in range(4):
            points[1 + 4 * finger + joint] = (0.2 * (finger - 2), 1.0 + 0.3 * joint)
    points[1:5, 1] *= 0.6
    return points * palm + wrist


def person(x: float, y: float = 240.0, height: float = 300.0) -> np.ndarray:
    """(133, 2) px: somebody upright, `height` px tall about (x, y)."""
    points = np.zeros((133, 2))
    points[:17] = _BODY
    points[17:20], points[20:23] = (0.09, 0.48), (-0.09, 0.48)
    angles = np.linspace(0.0, 2.0 * np.pi, 68, endpoint=False)
    points[23:91] = np.stack((0.03 * np.cos(angles), 0.04 * np.sin(angles) - 0.41), axis=1)
    points[91:112] = hand_shape(points[9], 0.06)
    points[112:133] = hand_shape(points[10], 0.06)
    return points * height + (x, y)


def outline(points: np.ndarray) -> np.ndarray:
    """(4,) x0, y0, x1, y1 as an annotator would draw it around (K, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.06 * (high - low).max()
    return np.concatenate((low - room, high + room)).astype(np.float32)


@dataclass
class World:
    """What there is to be seen; networks look things up by the image they are given.

    blind: the detector sees nobody. extra: boxes it sees beside. sure: the keypoint score of
    people. nobody: that of boxes with nobody in them. broken: numbers of scenes whose images make
    every network fail.
    """

    scenes: list[list[np.ndarray]] = field(default_factory=list)
    blind: bool = False
    extra: list[tuple[float, float, float, float]] = field(default_factory=list)
    sure: float = 0.9
    nobody: float = 0.05
    broken: set[int] = field(default_factory=set)

    def image(self, *people: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
        """An image (H, W, 3) of people (133, 2)."""
        self.scenes.append(list(people))
        image = np.zeros((*size, 3), dtype=np.uint8)
        image[0, 0] = (*divmod(len(self.scenes) - 1, 256), 0)
        return image

    def number(self, image: np.ndarray) -> int:
        return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])

    def seen(self, images: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        numbers = [self.number(image) for image in images]
        if self.broken & set(numbers):
            raise EngineError("The engine failed; restart it.")
        return [self.scenes[number] for number in numbers]


class Detector:
    """Sees everybody's outline. runs: how many images each run was for."""

    identity = "scripted detector"

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[int] = []
        self.closed = 0

    def detect(self, images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        self.runs.append(len(images))
        found = []
        for people in self.world.seen(images):
            boxes = [] if self.world.blind else [outline(points) for points in people]
            boxes += [np.array(box, dtype=np.float32) for box in self.world.extra]
            surety = np.linspace(0.9, 0.8, len(boxes), dtype=np.float32)
            found.append((np.array(boxes, dtype=np.float32).reshape(-1, 4), surety))
        return found

    def close(self) -> None:
        self.closed += 1


class Keypoints:
    """Sees the person who overlaps a box best. runs: how many boxes each run was for."""

    identity = "scripted keypoints"
    num_keypoints = 133

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[int] = []
        self.boxes: list[np.ndarray] = []
        self.closed = 0

    def estimate(
        self, crops: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        self.runs.append(len(crops))
        points, scores = [], []
        scenes = self.world.seen([image for image, _ in crops])
        for people, (_, box) in zip(scenes, crops, strict=True):
            self.boxes.append(box)
            found, sure = self.look(people, box)
            points.append(found)
            scores.append(sure)
        return np.stack(points).astype(np.float32), np.stack(scores).astype(np.float32)

    def look(self, people: list[np.ndarray], box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes = np.array([outline(points) for points in people]).reshape(-1, 4)
        overlap = box_overlap(to_xywh(boxes), to_xywh(box))
        if not len(people) or overlap.max() < 0.15:
            middle = 0.5 * (box[:2] + box[2:])
            return np.tile(middle, (133, 1)), np.full(133, self.world.nobody)
        chosen = people[int(np.argmax(overlap))]
        # A crop shows a quarter more than its box; what lies beyond cannot be seen.
        middle, reach = 0.5 * (box[:2] + box[2:]), 0.625 * (box[2:] - box[:2])
        inside = (np.abs(chosen - middle) <= reach).all(axis=1)
        return chosen, np.where(inside, self.world.sure, self.world.nobody)

    def close(self) -> None:
        self.closed += 1


class Hands:
    """A hand network that finds what `answer` says, for any box."""

    identity = "scripted hands"
    num_keypoints = 21

    def __init__(self, score: float = 0.95) -> None:
        self.score = score
        self.runs: list[int] = []
        self.boxes: list[np.ndarray] = []
        self.closed = 0

    def answer(self, box: np.ndarray) -> np.ndarray:
        side = float((box[2:] - box[:2]).max())
        wrist = np.array((0.5 * (box[0] + box[2]), box[1] + 0.05 * side))
        return hand_shape(wrist, side / 2.4)

    def estimate(
        self, crops: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        self.runs.append(len(crops))
        self.boxes += [box for _, box in crops]
        points = np.stack([self.answer(box) for _, box in crops]).astype(np.float32)
        return points, np.full(points.shape[:2], self.score, dtype=np.float32)

    def close(self) -> None:
        self.closed += 1


class Camera:
    """An estimator in a world, fed with images 33 ms apart."""

    def __init__(self, hands: Hands | None = None, **options: float) -> None:
        self.world = World()
        self.detector, self.keypoints = Detector(self.world), Keypoints(self.world)
        self.estimator = TopDownEstimator(
            self.detector,
            self.keypoints,
            hands,
            TopDownOptions(**options),  # type: ignore[arg-type]
        )
        self.stamp_ns = 0

    def show(self, *people: np.ndarray, after_ns: int = STEP_NS) -> SkeletonFrame:
        self.stamp_ns += after_ns
        return self.estimator.estimate(self.world.image(*people), self.stamp_ns)


def middles(frame: SkeletonFrame) -> list[int]:
    """Where people stand, px from the left."""
    return sorted(round(float(s.keypoints[:17, 0].mean())) for s in frame.skeletons)
