"""What the real estimator says of photographs and clips, kept so that it is asked only once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import bharnet_ros.pose
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.measuring.data import Photograph
from training.sequences import KeypointSequence, load_sequence, save_sequence

BACKEND = "mediapipe"
OPTIONS: Mapping[str, Any] = {"num_threads": 1, "max_people": 2}
SHOWN_FRAMES = 10
FPS = 15.0
Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Stills:
    """What was found in pictures that were each shown for a while.

    names, label: (N,) of the pictures. sizes: (N, 2) height and width. picture: (M,) which
    picture each found person is in. keypoints: (M, K, 2) pixels; scores: (M, K).
    """

    layout: str
    names: npt.NDArray[np.str_]
    label: npt.NDArray[np.str_]
    sizes: npt.NDArray[np.int64]
    picture: npt.NDArray[np.int64]
    keypoints: FloatArray
    scores: FloatArray

    def hand_found(self) -> npt.NDArray[np.bool_]:
        """(M, 2) whether each person's left and right hand was found."""
        spec = get_layout(self.layout)
        sides = (spec.left_hand_indices, spec.right_hand_indices)
        return np.stack([(self.scores[:, side] > 0.0).any(axis=1) for side in sides], axis=1)


def make_estimator(**options: Any) -> PoseEstimator:
    """The estimator that the robot runs out of the box, on one thread."""
    return create_pose_estimator(BACKEND, **{**OPTIONS, **options})


def estimator_digest(options: Mapping[str, Any] = OPTIONS) -> str:
    """Changes with the options and with every change of the estimator's own code."""
    total = hashlib.sha256(json.dumps([BACKEND, dict(options)], sort_keys=True).encode())
    total.update(_CODE)
    return total.hexdigest()[:12]


def _code() -> bytes:
    total = hashlib.sha256()
    folder = Path(bharnet_ros.pose.__file__).parent
    for path in (*sorted((folder / BACKEND).rglob("*.py")), folder / "filters.py"):
        total.update(path.read_bytes())
    return total.digest()


_CODE = _code()  # read when the estimator's own code is


def stills(
    name: str,
    pictures: Callable[[], Iterable[Photograph]],
    cache: Path,
    estimator: Callable[[], PoseEstimator] = make_estimator,
    report: Report = print,
    frames: int = SHOWN_FRAMES,
) -> Stills:
    """Show every picture for some frames to an estimator that has seen nothing yet.

    What the last frame gave is kept. name: of the set, for the file in the folder `cache`.
    """
    path = cache / f"{name}_{frames}_{estimator_digest()}.npz"
    if path.exists():
        return _load_stills(path)
    running = estimator()
    layout = running.layout
    names, labels, sizes, numbers, points, scores = [], [], [], [], [], []
    for number, picture in enumerate(pictures()):
        running.reset()
        skeletons: tuple[Any, ...] = ()
        for frame in range(frames):
            seen = running.estimate(picture.image, round(frame / FPS * 1e9))
            skeletons = seen.skeletons
        names.append(picture.name)
        labels.append(picture.label)
        sizes.append(picture.image.shape[:2])
        for skeleton in skeletons:
            numbers.append(number)
            points.append(skeleton.keypoints)
            scores.append(skeleton.scores)
        if number % 100 == 99:
            report(f"{name}: {number + 1} pictures shown")
    running.close()
    count = get_layout(layout).num_keypoints
    found = Stills(
        layout,
        np.array(names, np.str_),
        np.array(labels, np.str_),
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array(numbers, np.int64),
        np.array(points, np.float32).reshape(-1, count, 2),
        np.array(scores, np.float32).reshape(-1, count),
    )
    _save_stills(path, found)
    return found


def clip(
    path: Path, cache: Path, estimator: Callable[[], PoseEstimator] = make_estimator
) -> KeypointSequence:
    """The person of a clip, frame by frame at the clip's own rate: the one with the largest box."""
    kept = cache / "clips" / f"{path.stem}_{estimator_digest()}.npz"
    if kept.exists():
        return load_sequence(kept)
    import cv2

    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise ConfigurationError(f"{path} cannot be opened as a video; copy it again.")
    fps = float(video.get(cv2.CAP_PROP_FPS)) or 30.0
    running = estimator()
    count = get_layout(running.layout).num_keypoints
    stamps: list[int] = []
    points: list[FloatArray] = []
    scores: list[FloatArray] = []
    size = (0, 0)
    while True:
        more, image = video.read()
        if not more:
            break
        size = (int(image.shape[0]), int(image.shape[1]))
        stamp_ns = round(len(stamps) / fps * 1e9)
        seen = running.estimate(np.asarray(image, np.uint8), stamp_ns).skeletons
        largest = max(seen, key=lambda s: float(s.bbox[2] * s.bbox[3]), default=None)
        stamps.append(stamp_ns)
        points.append(np.zeros((count, 2), np.float32) if largest is None else largest.keypoints)
        scores.append(np.zeros(count, np.float32) if largest is None else largest.scores)
    video.release()
    layout = running.layout
    running.close()
    if len(stamps) < 2:
        raise ConfigurationError(f"{path} has {len(stamps)} frames; two or more are needed.")
    sequence = KeypointSequence(
        layout,
        np.array(stamps, np.int64),
        np.array(points, np.float32),
        np.array(scores, np.float32),
        np.zeros((0, count, 2), np.float32),
        (),
        {"image_size": list(size), "fps": fps, "clip": path.name},
    )
    save_sequence(kept, sequence)
    return sequence


def _save_stills(path: Path, found: Stills) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file, layout=np.array(found.layout), names=found.names, label=found.label,
            sizes=found.sizes, picture=found.picture, keypoints=found.keypoints,
            scores=found.scores,
        )  # fmt: skip
    part.replace(path)


def _load_stills(path: Path) -> Stills:
    try:
        with np.load(path, allow_pickle=False) as data:
            return Stills(
                str(data["layout"]), data["names"], data["label"], data["sizes"], data["picture"],
                data["keypoints"], data["scores"],
            )  # fmt: skip
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ConfigurationError(
            f"{path} is not a readable file of keypoints ({error}); delete it and measure again."
        ) from error
